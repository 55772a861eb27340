import { NEVER, RESOURCE_KINDS, capSlot, frame, must, rowOf, type Gate } from "@exolith/exokernel/abi";
import { createEnvironment } from "@exolith/exokernel";
import { makeRig, type Rig } from "@exolith/exokernel/testing";
import { expect, test } from "vitest";
import type { Pollable } from "./event-loop.ts";
import { eventProgram } from "./event-program.ts";

const own = capSlot(0);
const { frame: FRAME, slice: SLICE } = RESOURCE_KINDS;

/** A part that holds frames, of which it can do without some. */
interface Holder extends Pollable {
  readonly held: number[];
  spare: number;
  readonly asked: number[];
}

function makeHolder(gate: Gate, first: number, count: number, spare: number): Holder {
  must(gate.framesAlloc(frame(first), count, own));
  const held = Array.from({ length: count }, (_, i) => first + i);
  const asked: number[] = [];
  const holder: Holder = {
    held,
    spare,
    asked,
    poll: () => false,
    wakeAt: () => NEVER,
    revoke: (kind, wanted) => {
      asked.push(wanted);
      if (kind !== FRAME) return 0;
      const given = Math.min(wanted, holder.spare);
      for (const f of held.splice(0, given)) must(gate.framesFree(frame(f), 1, own));
      holder.spare -= given;
      return given;
    },
  };
  return holder;
}

interface Placed {
  readonly rig: Rig;
  readonly gate: Gate;
  readonly parts: readonly [Holder, Pollable, Holder];
}

function place(spares: readonly [number, number]): Placed {
  const rig = makeRig(256, { reserveFrames: 0 });
  let placed: Placed | undefined;
  const program = eventProgram(1, (gate) => {
    const parts = [
      makeHolder(gate, 20, 8, spares[0]),
      { poll: () => false, wakeAt: () => NEVER },
      makeHolder(gate, 40, 8, spares[1]),
    ] as const;
    placed = { rig, gate, parts };
    return parts;
  });
  must(createEnvironment(rig.root, { name: [1, 1], grants: [], program }));
  rig.run();
  return placed as Placed;
}

const ask = ({ rig, gate }: Placed, kind: 1 | 2, count: number): void => {
  must(rig.root.revocationAsk(gate.self, kind, count, own));
  rig.run();
};

test("parts are asked in their order, each for what is still missing", () => {
  const placed = place([2, 8]);
  const [first, , last] = placed.parts;
  ask(placed, FRAME, 5);
  expect([first.asked, last.asked]).toEqual([
    [5, 0],
    [3, 0],
  ]);
  expect([first.held.length, last.held.length]).toEqual([6, 5]);
  expect(placed.gate.revocations.answered()).toBe(1);
  ask(placed, FRAME, 1);
  expect([first.asked, last.asked]).toEqual([
    [5, 0, 1, 0],
    [3, 0, 1, 0],
  ]);
});

test("what no part can do without yet is given as soon as one can, before the deadline", () => {
  const placed = place([1, 0]);
  const [first, , last] = placed.parts;
  const { rig, gate } = placed;
  ask(placed, FRAME, 4);
  expect(gate.revocations.wanted(rowOf(gate.self), FRAME)).toBe(3);
  last.spare = 2;
  must(rig.root.wake(gate.self, own));
  rig.run();
  expect(gate.revocations.wanted(rowOf(gate.self), FRAME)).toBe(1);
  first.spare = 1;
  must(rig.root.wake(gate.self, own));
  rig.run();
  expect([gate.revocations.answered(), gate.revocations.aborted()]).toEqual([1, 0]);
  const { length } = last.asked;
  must(rig.root.wake(gate.self, own));
  rig.run();
  expect(last.asked).toHaveLength(length);
});

test("a kind that no part knows is left to the deadline", () => {
  const placed = place([8, 8]);
  const { rig, gate } = placed;
  ask(placed, SLICE, 1);
  rig.machine.clock.advance(rig.kernel.wakeAt());
  rig.run();
  expect([gate.revocations.aborted(), gate.repossessions.kind(0)]).toEqual([1, SLICE]);
  expect(gate.environments.frames(rowOf(gate.self))).toBe(16);
});

test("before its parts are made, a program has nothing to give", () => {
  const rig = makeRig(256, { reserveFrames: 0 });
  const program = eventProgram(1, () => []);
  const id = must(createEnvironment(rig.root, { name: [1, 1], grants: [], program }));
  must(rig.root.revocationAsk(id, SLICE, 1, own));
  rig.run(1);
  expect(rig.root.environments.state(rowOf(id))).toBe(1);
});
