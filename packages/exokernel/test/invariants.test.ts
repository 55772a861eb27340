import { MODERN_3GHZ, after, makeLoopback, makeSimulatedMachine } from "@exolith/hw-model";
import { RIGHTS } from "@exolith/secure-bind";
import fc from "fast-check";
import { expect, test } from "vitest";
import { capSlot, frame, must, rowOf, type Gate } from "../src/abi/index.ts";
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
  readonly passTime: (cycles: number) => void;
}

function makeWorld(): World {
  const { hertz } = MODERN_3GHZ;
  const nic = makeLoopback({ ends: [{ hertz }, { hertz }] });
  const machine = makeSimulatedMachine({
    frames: FRAMES,
    nics: [nic],
    disks: [{ blocks: FRAMES }],
    streams: 1,
  });
  const { kernel, root } = load(machine, { quantumSeconds: 1e-5 });
  const gates = Array.from({ length: ACTORS }, (_, i) =>
    placeEnvironment(root, [1, i + 1], { slices: [i * 7] }),
  );
  for (const gate of gates)
    for (const device of [2, 3, 5, 4])
      must(root.capabilityGrant(gate.self, { name: [device, 0], rights: RIGHTS.all }, own, own));
  for (const [i, name] of [[], [1]].entries())
    must(root.capabilityGrant(gates[i]?.self ?? root.self, { name, rights: RIGHTS.all }, own, own));
  const environments = [root.self, ...gates.map((gate) => gate.self)];
  const known: Known = {
    gates,
    environments,
    windows: [],
    rings: [],
    filters: [],
    transmits: [],
    extents: [],
    streams: [],
    owners: new Map(),
  };
  for (const [i, gate] of gates.entries()) {
    must(gate.framesAlloc(frame(i * 12), 6, own));
    const window = must(gate.windowBind(frame(i * 12), 2, true, own));
    known.windows.push(window);
    known.owners.set(window, gate.self);
  }
  for (let i = 0; i < 8; i++) machine.streams[0]?.world.open();
  const passTime = (cycles: number): void => machine.clock.advance(after(machine.clock.now(), cycles));
  return { kernel, root, known, passTime };
}

/** Calls made, and how often each was done and refused. */
const made = { total: 0, done: new Map<string, number>(), refused: new Map<string, number>() };

function note(name: string, wasDone: boolean): void {
  const counts = wasDone ? made.done : made.refused;
  made.total += 1;
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** One call of somebody who is alive; the rest of the world goes on now and then. */
function act(world: World, actor: number, call: number, numbers: readonly number[]): void {
  const { kernel, known } = world;
  if (call >= CALL_NAMES.length) {
    world.passTime((numbers[0] ?? 0) * 1000);
    step(kernel);
    return;
  }
  const gate = known.gates[actor < 12 ? actor % ACTORS : actor % known.gates.length];
  const name = CALL_NAMES[call];
  if (gate === undefined || name === undefined) return;
  const isAlive = kernel.environments.rows[rowOf(gate.self)]?.id === gate.self;
  if (!isAlive) {
    expect(() => gate.nullCall()).toThrow("dead");
    return;
  }
  try {
    note(name, callAtRandom(known, gate, name, numbers));
  } catch (error) {
    if (!(error instanceof Trap)) throw error;
  }
}

/** Ends everybody, waits for the devices, and finds nothing held but the frame where packets are staged. */
function endAll(world: World): void {
  const { kernel } = world;
  for (const environment of kernel.environments.rows) {
    if (environment === undefined) continue;
    environmentRelease(kernel, environment);
    checkKernel(kernel);
  }
  for (let i = 0; i < 1000 && kernel.transfers.size > 0; i++) {
    world.passTime(MODERN_3GHZ.hertz / 100);
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
  { minLength: 400, maxLength: 600, size: "max" },
);

test("after random calls of several environments the tables agree, and nothing is held when all are gone", () => {
  fc.assert(
    fc.property(steps, (sequence) => {
      const world = makeWorld();
      for (const [i, { actor, call, numbers }] of sequence.entries()) {
        act(world, actor, call, numbers);
        if (i % BATCH !== 0) continue;
        checkKernel(world.kernel);
        checkTables(world.root);
      }
      endAll(world);
    }),
    { numRuns: 50, interruptAfterTimeLimit: 40_000, markInterruptAsFailure: true },
  );
  expect(made.total).toBeGreaterThan(15_000);
  const names = new Set<string>(CALL_NAMES);
  expect([...names].filter((name) => !made.done.has(name))).toEqual([]);
  expect([...names].filter((name) => !made.refused.has(name))).toEqual(["nullCall", "sleep"]);
});
