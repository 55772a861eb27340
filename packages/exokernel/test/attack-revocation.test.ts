import { RIGHTS } from "@exolith/secure-bind";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  FRAME_BYTES,
  KERNEL,
  NEVER,
  PREDICATE_FRAMES,
  RESOURCE_KINDS,
  frame,
  failed,
  must,
  rowOf,
  sliceIndex,
  type Cycles,
  type Gate,
} from "../src/abi/index.ts";
import { load } from "../src/load.ts";
import { revocationAt } from "../src/revocation/revocation.ts";
import { step } from "../src/step.ts";
import { TRACE_EVENTS, makeTrace } from "../src/trace.ts";
import { checkTables, makeRig, outcome, placeEnvironment } from "../src/testing/index.ts";
import { checkKernel } from "./check-kernel.ts";
import { HOLDINGS, ask, expire, makeAsked, own, placeAsked, vectorOf, type Asked } from "./revocation-rig.ts";

const { frame: FRAME } = RESOURCE_KINDS;

/** Lets an environment that holds eight frames be asked for three while it behaves as `answer` says. */
function whileAsked(answer: (asked: Asked) => void): Asked {
  const asked = makeAsked();
  must(asked.gate.framesAlloc(frame(20), 8, own));
  asked.answer = () => answer(asked);
  ask(asked, FRAME, 3);
  expire(asked, FRAME);
  checkTables(asked.rig.root);
  return asked;
}

const framesOf = ({ gate, row }: Asked): number => gate.environments.frames(row);

describe("a hostile answer", () => {
  test("to take more instead of giving back saves nothing", () => {
    const asked = whileAsked(({ gate }) => {
      for (let i = 0; i < 50; i++) must(gate.frameAllocAny(own));
    });
    expect([framesOf(asked), asked.losses]).toEqual([55, [3]]);
  });

  test("to give back and take again is no answer", () => {
    const asked = whileAsked(({ gate }) => {
      must(gate.framesFree(frame(20), 8, own));
      must(gate.framesAlloc(frame(20), 8, own));
    });
    expect([framesOf(asked), asked.losses, asked.gate.revocations.answered()]).toEqual([5, [3], 0]);
  });

  test("to throw is a fault of its own, and the deadline stands", () => {
    const asked = whileAsked(() => {
      throw new Error("no");
    });
    expect(asked.faults).toHaveLength(1);
    expect([framesOf(asked), asked.losses]).toEqual([5, [3]]);
  });

  test("to end itself, in the middle of the answer or of the repair, leaves nothing behind", () => {
    const end = ({ rig, gate }: Asked): void => void rig.root.environmentDestroy(gate.self, own);
    const inAnswer = whileAsked(end);
    expect([inAnswer.losses, inAnswer.gate.environments.state(inAnswer.row)]).toEqual([[], 0]);
    expect(inAnswer.rig.root.revocations.answered()).toBe(0);
    const asked = makeAsked();
    must(asked.gate.framesAlloc(frame(20), 8, own));
    asked.repair = () => end(asked);
    ask(asked, FRAME, 3);
    ask(asked, RESOURCE_KINDS.slice, 1);
    expire(asked, FRAME);
    expect(asked.losses).toHaveLength(1);
    const { answered, aborted } = asked.rig.root.revocations;
    expect([answered(), aborted()]).toEqual([0, 1]);
    for (const { rig } of [asked, inAnswer]) {
      expect(rig.root.frames.free()).toBe(rig.root.frames.count - 2);
      expect(rig.kernel.wakeAt()).toBe(NEVER);
      checkTables(rig.root);
    }
  });

  test("to end others that are being asked, and those that lost with it, disturbs nobody", () => {
    const rig = makeRig(256, { reserveFrames: 0 });
    const all = [0, 1, 2].map((i) => placeAsked(rig, [1, i + 1], i));
    for (const [i, asked] of all.entries()) {
      must(asked.gate.framesAlloc(frame(20 + 20 * i), 8, own));
      asked.answer = () => {
        for (const other of all) if (other !== asked) rig.root.environmentDestroy(other.gate.self, own);
      };
      ask(asked, FRAME, 2);
    }
    rig.run();
    expect(all.map(({ requests }) => requests.length)).toEqual([1, 0, 0]);
    expire(all[0] as Asked, FRAME);
    expect(all.map((asked) => framesOf(asked))).toEqual([6, 0, 0]);
    checkTables(rig.root);
  });

  test("to end, in the repair, another that lost something with it: the dead hear nothing", () => {
    const trace = makeTrace(64);
    const asked = makeAsked(256, { trace });
    const { rig, gate } = asked;
    const other = placeAsked(rig, [1, 1, 5], 1);
    must(gate.framesAlloc(frame(20), 1, own));
    const slot = rig.grant(other.gate, { name: [1, 1], rights: RIGHTS.write });
    must(other.gate.regionCreate(frame(20), 0, 64, slot));
    asked.repair = () => void rig.root.environmentDestroy(other.gate.self, own);
    other.repair = () => void rig.root.environmentDestroy(gate.self, own);
    ask(asked, FRAME, 1);
    expire(asked, FRAME);
    expect(asked.losses.length + other.losses.length).toBe(1);
    let told = 0;
    trace.read((_, event) => (told += event === TRACE_EVENTS.repossess ? 1 : 0));
    expect(told).toBe(1);
    checkTables(rig.root);
  });

  test("to ask oneself for everything, again and again, neither runs for ever nor gains anything", () => {
    const asked = makeAsked();
    const { gate, rig } = asked;
    must(gate.framesAlloc(frame(20), 8, own));
    asked.answer = ({ kind, count }) => {
      expect(outcome(gate.revocationAsk(gate.self, kind, count, own))).toBe("Busy");
    };
    asked.repair = () => void gate.revocationAsk(gate.self, FRAME, 1, own);
    must(gate.revocationAsk(gate.self, FRAME, 1, own));
    for (let i = 0; i < 12; i++) expire(asked, FRAME);
    expect([framesOf(asked), asked.requests.length]).toEqual([0, 8]);
    expect(rig.kernel.wakeAt()).toBe(NEVER);
  });

  test("to spend long in the answer costs slices, and past the threshold the environment", () => {
    const rig = makeRig(256, { reserveFrames: 0, excessTicksMax: 20 });
    const asked = placeAsked(rig, [1, 1], 0);
    const { clock } = rig.machine;
    must(asked.gate.framesAlloc(frame(20), 8, own));
    asked.answer = () => clock.spend(5.5 * asked.gate.slices.quantum());
    ask(asked, FRAME, 1);
    rig.kernel.step();
    const { environments } = asked.gate;
    expect(environments.cyclesUsed(asked.row)).toBeGreaterThan(5 * asked.gate.slices.quantum());
    expect(environments.excess(asked.row) + environments.forfeited(asked.row)).toBe(5);
    expire(asked, FRAME);
    asked.answer = () => clock.spend(100 * asked.gate.slices.quantum());
    ask(asked, FRAME, 1);
    rig.run();
    expect([environments.state(asked.row), rig.root.frames.free()]).toEqual([0, 254]);
    checkTables(rig.root);
  });
});

describe("frames that are to be kept at all costs", () => {
  /** Has everything taken that an environment holds, and checks that it went. */
  function takeAll(asked: Asked): void {
    ask(asked, FRAME, framesOf(asked));
    expire(asked, FRAME);
    for (let i = 0; i < 100 && asked.rig.kernel.wakeAt() < NEVER; i++) {
      asked.rig.machine.clock.advance(asked.rig.kernel.wakeAt());
      asked.rig.run();
    }
    expect(framesOf(asked)).toBe(0);
    expect(asked.rig.root.frames.free()).toBe(asked.rig.root.frames.count - 2);
    expect(asked.gate.environments.state(asked.row)).toBe(1);
    checkTables(asked.rig.root);
  }

  test("guards in a circle, each listed in the next one's frame, do not hold them", () => {
    const asked = makeAsked();
    const { gate } = asked;
    must(gate.framesAlloc(frame(20), 8, own));
    for (let i = 0; i < 8; i++) must(gate.guardExtend(FRAME, 20 + i, frame(20 + ((i + 1) % 8)), 1, own));
    must(gate.guardExtend(RESOURCE_KINDS.slice, 0, frame(20), 4, own));
    must(gate.guardExtend(RESOURCE_KINDS.environment, gate.self, frame(20), 4, own));
    takeAll(asked);
    expect(gate.guards.list(RESOURCE_KINDS.slice, 0)).toBe(-1);
  });

  test("rings over all of them do not hold them", () => {
    const asked = makeAsked();
    const { gate } = asked;
    must(gate.framesAlloc(frame(20), 24, own));
    for (let f = 20; f < 36; f += 4) must(gate.ringBind(frame(f), 4, own));
    for (let f = 36; f < 44; f += 2) must(gate.messageRingBind(frame(f), 2, own));
    takeAll(asked);
    expect(vectorOf(gate)).toHaveLength(24 + 4 + 4);
  });

  test("a predicate over all of them does not hold them, and its environment is let go", () => {
    const asked = makeAsked();
    const { gate } = asked;
    must(gate.framesAlloc(frame(20), 16, own));
    expect(PREDICATE_FRAMES).toBeGreaterThanOrEqual(16);
    const window = must(gate.windowBind(frame(20), 16, true, own));
    const terms = Array.from(
      { length: 16 },
      (_, i) => ({ window, at: i * FRAME_BYTES, comparison: "equal", value: 1 }) as const,
    );
    let ran = 0;
    let waits = true;
    asked.work = () => {
      ran += 1;
    };
    asked.rig.run();
    ran = 0;
    asked.answer = () => {
      if (waits) must(gate.predicateWait([{ tag: 3, terms }]));
      waits = false;
    };
    takeAll(asked);
    expect(ran).toBeGreaterThan(0);
  });

  test("disk transfers that never stop do not hold them", () => {
    const asked = makeAsked();
    const { gate, rig } = asked;
    const [extent] = (HOLDINGS["extent"]?.hold(asked) ?? []) as never[];
    must(gate.framesAlloc(frame(20), 5, own));
    const window = must(gate.windowBind(frame(20), 4, true, own));
    const statusWindow = must(gate.windowBind(frame(24), 1, true, own));
    let refused = 0;
    asked.work = () => {
      for (let i = 0; i < 4; i++) {
        const transfer = { block: i, count: 1, window, at: i * FRAME_BYTES, statusWindow, statusAt: 4 * i };
        if (failed(gate.extentWrite(extent as never, transfer, own))) refused += 1;
      }
    };
    must(rig.root.wake(gate.self, own));
    takeAll(asked);
    expect(refused).toBeGreaterThan(0);
    for (let f = 0; f < gate.frames.count; f++) expect(gate.frames.owner(f) === KERNEL).toBe(f >= 254);
  });

  test("an environment that got a frame which is being saved for another does not see it", () => {
    const asked = makeAsked();
    const { gate, rig } = asked;
    const [extent] = (HOLDINGS["extent"]?.hold(asked) ?? []) as never[];
    must(gate.backingSet(extent as never, 0, 4, own));
    must(gate.framesAlloc(frame(20), 1, own));
    const thief = rig.environment([1, 1, 9]);
    ask(asked, FRAME, 1);
    rig.run();
    rig.machine.clock.advance(asked.requests[0]?.deadline as Cycles);
    rig.kernel.step();
    for (const by of [gate, thief, rig.root]) {
      expect(outcome(by.framesAlloc(frame(20), 1, own))).toBe("Busy");
      expect(outcome(by.windowBind(frame(20), 1, false, own))).toBe("BadFrame");
      expect(outcome(by.framesGuarantee(frame(20), 1, true))).toBe("BadFrame");
      expect(outcome(by.guardSet(FRAME, 20, 0, { name: [], rights: 7 }, own))).toBe("BadResource");
    }
  });
});

/** What the environments of a run do when they are asked, or in a slice. */
type Deed = "free" | "alloc" | "guarantee" | "throw" | "die" | "slice" | "ring" | "nothing";

const DEEDS: readonly Deed[] = ["free", "alloc", "guarantee", "throw", "die", "slice", "ring", "nothing"];

function act(gate: Gate, root: Gate, deed: Deed, at: number): void {
  switch (deed) {
    case "free":
      gate.framesFree(frame(at % 64), 1, own);
      return;
    case "alloc":
      gate.frameAllocAny(own);
      return;
    case "guarantee":
      gate.framesGuarantee(frame(at % 64), 1, at % 3 > 0);
      return;
    case "throw":
      throw new Error("no");
    case "die":
      if (at % 8 === 0) root.environmentDestroy(gate.self, own);
      return;
    case "slice":
      gate.sliceAlloc(sliceIndex(at % 128), own);
      return;
    case "ring":
      gate.ringBind(frame(at % 64), 2, own);
      return;
    case "nothing":
  }
}

test("whatever they do when they are asked, the kernel's tables hold and the shortage ends", () => {
  const move = fc.record({ deed: fc.constantFrom(...DEEDS), at: fc.nat(255), ask: fc.nat(8) });
  fc.assert(
    fc.property(fc.array(move, { minLength: 5, maxLength: 40 }), fc.nat(40), (moves, reserveFrames) => {
      const machine = makeRig(64).machine;
      const { kernel, root } = load(machine, { reserveFrames });
      let next = 0;
      const gates = [0, 1, 2].map((i) =>
        placeEnvironment(root, [1, i + 1], {
          slices: [i],
          upcalls: (gate) => {
            const deed = (): void => {
              const { deed: what, at } = moves[next++ % moves.length] as (typeof moves)[number];
              act(gate, root, what, at);
            };
            return { sliceBegin: deed, revoke: deed, repossessed: deed, fault: () => {} };
          },
        }),
      );
      for (const { ask: kind, at } of moves) {
        const target = gates[at % 3] as Gate;
        root.revocationAsk(target.self, (kind + 1) as never, (at % 4) + 1, own);
        for (let i = 0; i < 3; i++) step(kernel);
        checkKernel(kernel);
        const due = revocationAt(kernel);
        if (at % 2 === 0 && due < NEVER) machine.clock.advance(due);
      }
      for (const gate of gates)
        if (root.environments.state(rowOf(gate.self)) === 1) root.environmentDestroy(gate.self, own);
      for (let i = 0; i < 3; i++) step(kernel);
      checkKernel(kernel);
      expect([revocationAt(kernel), kernel.revocations.open.size]).toEqual([NEVER, 0]);
      expect(root.frames.free()).toBe(62);
    }),
    { numRuns: 60 },
  );
});
