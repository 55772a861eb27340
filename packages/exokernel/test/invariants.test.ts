import { MODERN_3GHZ, after, makeLoopback, makeSimulatedMachine } from "@exolith/hw-model";
import { RIGHTS } from "@exolith/secure-bind";
import fc from "fast-check";
import { expect, test } from "vitest";
import { capSlot, must, rowOf, type Gate } from "../src/abi/index.ts";
import { environmentRelease } from "../src/environment/destroy.ts";
import type { Kernel } from "../src/kernel.ts";
import { load } from "../src/load.ts";
import { step } from "../src/step.ts";
import { checkTables, placeEnvironment } from "../src/testing/index.ts";
import { checkKernel, tables } from "./check-kernel.ts";
import { CALL_NAMES, Trap, callAtRandom, type Known } from "./random-calls.ts";

const own = capSlot(0);
const FRAMES = 64;
const ACTORS = 4;

interface World {
  readonly kernel: Kernel;
  readonly root: Gate;
  readonly known: Known;
  readonly let: (cycles: number) => void;
  /** Calls done and refused. */
  done: number;
  refused: number;
}

function makeWorld(): World {
  const { hertz } = MODERN_3GHZ;
  const nic = makeLoopback({ ends: [{ hertz }, { hertz }] });
  const machine = makeSimulatedMachine({ frames: FRAMES, nics: [nic], disks: [{ blocks: FRAMES }], streams: 1 });
  const { kernel, root } = load(machine, { quantumSeconds: 1e-5 });
  const gates = Array.from({ length: ACTORS }, (_, i) => placeEnvironment(root, [1, i + 1], { slices: [i * 7] }));
  for (const gate of gates)
    for (const name of [[2, 0], [3, 0], [5, 0]]) // prettier-ignore
      must(root.capabilityGrant(gate.self, { name, rights: RIGHTS.all }, own, own));
  const [mighty] = gates;
  if (mighty !== undefined) must(root.capabilityGrant(mighty.self, { name: [], rights: RIGHTS.all }, own, own));
  const environments = [root.self, ...gates.map((gate) => gate.self)];
  const known: Known = { gates, environments, windows: [], rings: [], filters: [], transmits: [], extents: [], streams: [] };
  for (let i = 0; i < 3; i++) machine.streams[0]?.world.open();
  const let_ = (cycles: number): void => machine.clock.advance(after(machine.clock.now(), cycles));
  return { kernel, root, known, let: let_, done: 0, refused: 0 };
}

/** One call of somebody who is alive; the rest of the world goes on now and then. */
function act(world: World, actor: number, call: number, numbers: readonly number[]): void {
  const { kernel, known } = world;
  if (call >= CALL_NAMES.length) {
    world.let((numbers[0] ?? 0) * 1000);
    step(kernel);
    return;
  }
  const gate = known.gates[actor % known.gates.length];
  const name = CALL_NAMES[call];
  if (gate === undefined || name === undefined) return;
  const isAlive = kernel.environments.rows[rowOf(gate.self)]?.id === gate.self;
  if (!isAlive) {
    expect(() => gate.nullCall()).toThrow("dead");
    return;
  }
  try {
    if (callAtRandom(known, gate, name, numbers)) world.done += 1;
    else world.refused += 1;
  } catch (error) {
    if (!(error instanceof Trap)) throw error;
  }
}

/** Ends everybody, waits for the devices, and finds nothing held but the frame where packets are staged. */
function endAll(world: World): void {
  const { kernel } = world;
  for (const environment of kernel.environments.rows) if (environment !== undefined) environmentRelease(kernel, environment);
  checkKernel(kernel);
  for (let i = 0; i < 1000 && kernel.transfers.size > 0; i++) {
    world.let(MODERN_3GHZ.hertz / 100);
    step(kernel);
  }
  checkKernel(kernel);
  expect(kernel.transfers.size).toBe(0);
  expect(kernel.windows.size).toBe(0);
  expect(kernel.frames.free).toBe(FRAMES - 1);
  expect(tables(kernel).map(({ ids }) => ids.taken())).toEqual([0, 0, 0, 0, 0, 0]);
  expect(kernel.slices.owner.every((owner) => owner === 0)).toBe(true);
}

const BATCH = 10;

/** One step in eight lets time pass instead of calling. */
const steps = fc.array(
  fc.record({
    actor: fc.nat(15),
    call: fc.nat(Math.ceil(CALL_NAMES.length * 1.125)),
    numbers: fc.array(fc.nat(0xffff), { minLength: 5, maxLength: 5 }),
  }),
  { minLength: 150, maxLength: 250, size: "max" },
);

test("after random calls of several environments the tables agree, and nothing is held when all are gone", () => {
  let done = 0;
  let refused = 0;
  fc.assert(
    fc.property(steps, (sequence) => {
      const world = makeWorld();
      for (const [i, { actor, call, numbers }] of sequence.entries()) {
        act(world, actor, call, numbers);
        if (i % BATCH !== 0) continue;
        checkKernel(world.kernel);
        checkTables(world.root);
      }
      done += world.done;
      refused += world.refused;
      endAll(world);
    }),
    { numRuns: 120 },
  );
  expect(done).toBeGreaterThan(2000);
  expect(refused).toBeGreaterThan(2000);
});
