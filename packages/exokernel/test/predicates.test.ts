import { runSimulated } from "@exolith/hw-model";
import { PREDICATE_TERMS as VERIFIED_TERMS } from "@exolith/secure-bind";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  NEVER,
  PREDICATE_FRAMES,
  PREDICATE_TERMS,
  SYSTEM_WORDS,
  WELL_KNOWN_SLOT,
  capSlot,
  cycles,
  frame,
  must,
  rowOf,
  type Comparison,
  type Gate,
  type Predicate,
  type Upcalls,
  type Window,
} from "../src/abi/index.ts";
import { checkTables, makeRig, outcome, tableState, type Rig } from "../src/testing/index.ts";
import { TRACE_EVENTS, makeTrace } from "../src/trace.ts";

const own = capSlot(0);
const QUANTUM_SECONDS = 0.0001;
const QUANTUM = 300_000;

/** One product of one term. */
const when = (window: Window, at: number, comparison: Comparison, value: number, tag = 1): Predicate => [
  { tag, terms: [{ window, at, comparison, value }] },
];

/** Uses every slice up. */
const spin = (gate: Gate): Upcalls => ({
  sliceBegin: () => {
    while (gate.clock.now() < gate.slices.ends()) gate.nullCall();
  },
});

const asleep = (gate: Gate): void => void gate.sleep(gate.environments.events(rowOf(gate.self)), NEVER);

/** A writable window on a new frame of the environment's own. */
function ownWindow(gate: Gate, at: number, count = 1): Window {
  must(gate.framesAlloc(frame(at), count, own));
  return must(gate.windowBind(frame(at), count, true, own));
}

const systemWindow = (gate: Gate): Window =>
  must(gate.windowBind(gate.system.frame, 1, false, WELL_KNOWN_SLOT));

/** An environment at position 5 that waits for what `predicate` says, in its first slice, and notes what woke it. */
function placeWaiter(
  rig: Rig,
  predicate: (gate: Gate) => Predicate,
): { gate: Gate; tags: number[]; times: number[] } {
  const tags: number[] = [];
  const times: number[] = [];
  let begun = 0;
  const gate = rig.environment([1, 1], {
    slices: [5],
    upcalls: (own) => ({
      sliceBegin: () => {
        begun += 1;
        if (begun === 1) return void must(own.predicateWait(predicate(own)));
        tags.push(own.environments.tag(rowOf(own.self)));
        times.push(own.clock.now());
        asleep(own);
      },
    }),
  });
  return { gate, tags, times };
}

/** Slices in order: who began one, and where. */
function beginnings(trace: ReturnType<typeof makeTrace>): (readonly [number, number])[] {
  const begun: (readonly [number, number])[] = [];
  trace.read((_, event, environment, position) => {
    if (event === TRACE_EVENTS.sliceBegin) begun.push([environment, position]);
  });
  return begun;
}

function refusesForgedAddresses(): void {
  const rig = makeRig();
  const victim = ownWindow(rig.environment([1, 2]), 7);
  const gate = rig.environment([1, 1]);
  const mine = ownWindow(gate, 3);
  const before = tableState(gate);
  const forged = { length: 4096, address: 0, getU32: () => 1 } as unknown as Window;
  for (const window of [victim, new Proxy(mine, {}), Object.create(mine) as Window, forged])
    expect(outcome(gate.predicateWait(when(window, 0, "equal", 0)))).toBe("BadWindow");
  for (const at of [-4, 4096, 4094, 2, 2 ** 32, Number.NaN])
    expect(outcome(gate.predicateWait(when(mine, at, "equal", 0)))).toBe("BadRange");
  expect(tableState(gate)).toBe(before);
  expect(gate.frames.pins(3)).toBe(0);
}

/** The writer sets the word in its third slice, at position 20; a spinner has 40. */
function wakesAtTheFirstQuantum(): void {
  const trace = makeTrace(4096);
  const rig = makeRig(256, { trace, quantumSeconds: QUANTUM_SECONDS });
  let turn = 0;
  const writer: Gate = rig.environment([1, 2], {
    slices: [20],
    upcalls: (gate) => {
      const window = ownWindow(gate, 7);
      return {
        sliceBegin: () => {
          turn += 1;
          if (turn === 3) window.setU32(8, 77);
          spin(gate).sliceBegin();
        },
      };
    },
  });
  rig.environment([1, 3], { slices: [40], upcalls: spin });
  const { gate, tags } = placeWaiter(rig, (own) => {
    const window = must(own.windowBind(frame(7), 1, false, reading));
    return [
      ...when(window, 8, "greater", 77, 5),
      { tag: 4_000_000_000, terms: [...(when(window, 8, "equal", 77)[0]?.terms ?? [])] },
      ...when(window, 8, "notEqual", 0, 6),
    ];
  });
  const reading = rig.grant(gate, { name: [1, 2], rights: 0 });
  expect(gate.environments.tag(rowOf(gate.self))).toBe(0);
  rig.run(12);
  const order = beginnings(trace);
  expect(order.map(([, position]) => position)).toEqual([5, 20, 40, 20, 40, 20, 40, 5, 20, 40, 20, 40]);
  expect(order[7]).toEqual([gate.self, 5]);
  expect(order[5]).toEqual([writer.self, 20]);
  expect(tags).toEqual([4_000_000_000]);
  expect(gate.environments.tag(rowOf(gate.self))).toBe(4_000_000_000);
}

function watchesAtMost128Frames(): void {
  const rig = makeRig(512, { reserveFrames: 0 });
  const gate = rig.environment([1, 1]);
  const window = ownWindow(gate, 10, PREDICATE_FRAMES + 1);
  const over = (count: number): Predicate =>
    Array.from({ length: count }, (_, i) => when(window, i * 4096, "equal", 1)[0] as never);
  const before = tableState(gate);
  expect(PREDICATE_FRAMES).toBe(128);
  expect(outcome(gate.predicateWait(over(129)))).toBe("Full");
  expect(tableState(gate)).toBe(before);
  expect(outcome(gate.predicateWait(over(128)))).toBe("ok");
  for (let f = 10; f < 138; f++) expect(gate.frames.pins(f)).toBe(1);
  const crowded: Predicate = [...over(128), ...over(128)];
  expect(outcome(gate.predicateWait(crowded))).toBe("ok");
  for (let f = 10; f < 138; f++) expect(gate.frames.pins(f)).toBe(1);
  checkTables(gate);
}

function pinsItsTargets(): void {
  const rig = makeRig();
  const waiter = placeWaiter(rig, (own) => when(ownWindow(own, 3, 2), 4096, "equal", 1));
  const { gate } = waiter;
  rig.run(3);
  const window = must(gate.windowBind(frame(3), 2, true, own));
  expect(outcome(gate.framesFree(frame(3), 2, own))).toBe("Pinned");
  expect(outcome(gate.framesFree(frame(4), 1, own))).toBe("Pinned");
  expect(outcome(gate.framesFree(frame(3), 1, own))).toBe("ok");
  const watched = must(gate.windowBind(frame(4), 1, true, own));
  expect(window.length).toBe(0);
  watched.setU32(0, 1);
  rig.run(3);
  expect(waiter.tags).toEqual([1]);
  expect(gate.frames.pins(4)).toBe(0);
  expect(outcome(gate.framesFree(frame(4), 1, own))).toBe("ok");
}

/** When each slice of a spinner begins, beside one that waits for `count` terms of which the last fails. */
function besideWaiter(
  count: number,
  slices: readonly number[],
): { times: number[]; used: number; begun: number } {
  const rig = makeRig(256, { quantumSeconds: QUANTUM_SECONDS });
  const times: number[] = [];
  rig.environment([1, 2], {
    slices: [9],
    upcalls: (gate) => ({
      sliceBegin: () => {
        times.push(gate.clock.now());
        spin(gate).sliceBegin();
      },
    }),
  });
  const gate = rig.environment([1, 1], { slices });
  const window = ownWindow(gate, 3);
  const terms = Array.from({ length: count }, (_, i) => ({
    window,
    at: i * 4,
    comparison: "equal" as const,
    value: i < count - 1 ? 0 : 1,
  }));
  must(gate.predicateWait([{ tag: 1, terms }]));
  rig.run(20);
  const row = rowOf(gate.self);
  return { times, used: gate.environments.cyclesUsed(row), begun: gate.environments.slicesBegun(row) };
}

/** Without a slice it is never looked at; with one, once in each round of the vector, and it is billed for nothing. */
function costsNothingUnscheduled(): void {
  const few = besideWaiter(1, []);
  const many = besideWaiter(PREDICATE_TERMS, []);
  expect(many.times).toHaveLength(20);
  expect(many).toEqual(few);
  expect(many).toMatchObject({ used: 0, begun: 0 });
  const fewScheduled = besideWaiter(1, [5]);
  const manyScheduled = besideWaiter(PREDICATE_TERMS, [5]);
  expect(manyScheduled).toMatchObject({ used: 0, begun: 0 });
  const round = ({ times }: { times: readonly number[] }): number => (times[11] ?? 0) - (times[10] ?? 0);
  const look = round(manyScheduled) - round(fewScheduled);
  expect(look).toBeGreaterThan(255);
  expect(look).toBeLessThan(255 * 20);
}

test("[C6] forged address refused; wakes at first quantum when true with right tag; 128-page limit; target page free refused while pinned; CPU cost 0 when not scheduled", () => {
  refusesForgedAddresses();
  wakesAtTheFirstQuantum();
  watchesAtMost128Frames();
  pinsItsTargets();
  costsNothingUnscheduled();
});

describe("time", () => {
  const sum = (rig: Rig, seconds = 1): ReturnType<typeof runSimulated> =>
    runSimulated([{ clock: rig.machine.clock, steppable: rig.kernel }], { seconds });

  test("a predicate over the tick wakes an idle machine at that tick and at no other", () => {
    const rig = makeRig(256, { quantumSeconds: QUANTUM_SECONDS });
    const { tags, times } = placeWaiter(rig, (gate) =>
      when(systemWindow(gate), SYSTEM_WORDS.ticks, "greaterOrEqual", 50, 9),
    );
    const { why, steps } = sum(rig);
    expect(why).toBe("idle");
    expect(tags).toEqual([9]);
    expect(times[0]).toBeGreaterThanOrEqual(50 * QUANTUM);
    expect(times[0]).toBeLessThan(50 * QUANTUM + 2000);
    expect(steps).toBeLessThan(10);
  });

  test("time that cannot help wakes nobody", () => {
    const rig = makeRig(256, { quantumSeconds: QUANTUM_SECONDS });
    const { gate, tags } = placeWaiter(rig, (own) => {
      const system = systemWindow(own);
      const ticks = (comparison: Comparison, value: number) =>
        ({ window: system, at: SYSTEM_WORDS.ticks, comparison, value }) as const;
      return [
        { tag: 1, terms: [ticks("greater", 70), ticks("less", 70)] },
        { tag: 2, terms: [ticks("greater", 70), { ...ticks("equal", 9), at: SYSTEM_WORDS.abiVersion }] },
      ];
    });
    expect(sum(rig)).toMatchObject({ why: "idle" });
    expect(rig.kernel.wakeAt()).toBe(NEVER);
    expect(tags).toEqual([]);
    expect(rig.machine.clock.now()).toBeLessThan(70 * QUANTUM);
    expect(gate.environments.runnable(rowOf(gate.self))).toBe(0);
  });

  test("a deadline beside a word: whichever is first, by its tag", () => {
    for (const [wakes, tag] of [
      [true, 1],
      [false, 2],
    ] as const) {
      const rig = makeRig(256, { quantumSeconds: QUANTUM_SECONDS });
      const { gate, tags } = placeWaiter(rig, (own) => {
        const system = systemWindow(own);
        const events = SYSTEM_WORDS.events + rowOf(own.self) * 4;
        return [
          ...when(system, events, "notEqual", own.environments.events(rowOf(own.self)), 1),
          ...when(system, SYSTEM_WORDS.ticks, "greaterOrEqual", 50, 2),
        ];
      });
      rig.run(3);
      expect(tags).toEqual([]);
      if (wakes) must(rig.root.wake(gate.self, own));
      sum(rig);
      expect(tags).toEqual([tag]);
      expect(rig.machine.clock.now() >= 50 * QUANTUM).toBe(!wakes);
    }
  });

  test("a word that only another environment writes leaves the machine idle until a device has something", () => {
    const rig = makeRig(256);
    const { gate, tags } = placeWaiter(rig, (own) => when(ownWindow(own, 3), 0, "equal", 1));
    expect(sum(rig)).toMatchObject({ why: "idle" });
    expect(rig.kernel.wakeAt()).toBe(NEVER);
    must(gate.windowBind(frame(3), 1, true, own)).setU32(0, 1);
    expect(rig.kernel.wakeAt()).toBe(rig.machine.clock.now());
    rig.run(2);
    expect(tags).toEqual([1]);
  });

  test("a sleep before it counts no more: neither its time nor its events wake the waiter", () => {
    const rig = makeRig(256, { quantumSeconds: QUANTUM_SECONDS });
    const { gate, tags } = placeWaiter(rig, (own) => {
      own.sleep(0, cycles(5 * QUANTUM));
      return when(ownWindow(own, 3), 0, "equal", 1);
    });
    sum(rig);
    must(rig.root.wake(gate.self, own));
    expect(sum(rig)).toMatchObject({ why: "idle" });
    expect(tags).toEqual([]);
  });
});

describe("the end of a predicate", () => {
  const waiting = (rig: Rig, predicate?: (gate: Gate) => Predicate): ReturnType<typeof placeWaiter> => {
    const waiter = placeWaiter(rig, predicate ?? ((gate) => when(ownWindow(gate, 3), 0, "equal", 1)));
    rig.run(3);
    expect(rig.root.frames.pins(3)).toBe(1);
    return waiter;
  };

  test("another one replaces it, and a refused one changes nothing", () => {
    const rig = makeRig();
    const { gate, tags } = waiting(rig);
    const other = ownWindow(gate, 4);
    expect(outcome(gate.predicateWait([]))).toBe("BadPredicate");
    expect([gate.frames.pins(3), gate.frames.pins(4)]).toEqual([1, 0]);
    must(gate.predicateWait(when(other, 0, "equal", 2, 8)));
    expect([gate.frames.pins(3), gate.frames.pins(4)]).toEqual([0, 1]);
    must(gate.predicateWait(when(other, 4, "equal", 2, 9)));
    expect(gate.frames.pins(4)).toBe(1);
    other.setU32(0, 2);
    rig.run(3);
    expect(tags).toEqual([]);
    other.setU32(4, 2);
    rig.run(3);
    expect(tags).toEqual([9]);
    expect(gate.frames.pins(4)).toBe(0);
  });

  test("a sleep replaces it", () => {
    const rig = makeRig();
    const { gate, tags } = waiting(rig);
    asleep(gate);
    expect(gate.frames.pins(3)).toBe(0);
    must(gate.windowBind(frame(3), 1, true, own)).setU32(0, 1);
    rig.run(3);
    expect(tags).toEqual([]);
    must(rig.root.wake(gate.self, own));
    rig.run(3);
    expect(tags).toEqual([0]);
  });

  test("death ends it", () => {
    const rig = makeRig();
    const { gate } = waiting(rig);
    must(rig.root.environmentDestroy(gate.self, own));
    expect([rig.root.frames.pins(3), rig.root.frames.owner(3)]).toEqual([0, 0]);
    expect(rig.root.frames.pins(rig.root.system.frame)).toBe(1);
    rig.run(3);
    checkTables(rig.root);
  });

  test("a window that is unbound does not end it, and its frame stays pinned", () => {
    const rig = makeRig();
    let window: Window | undefined;
    const { gate, tags } = waiting(rig, (own) => when((window = ownWindow(own, 3)), 0, "equal", 1, 3));
    must(gate.windowUnbind(window as Window));
    expect(outcome(gate.framesFree(frame(3), 1, own))).toBe("Pinned");
    must(gate.windowBind(frame(3), 1, true, own)).setU32(0, 1);
    rig.run(3);
    expect(tags).toEqual([3]);
  });

  test("once true it is gone: a word that goes back and forth does not wake twice", () => {
    const trace = makeTrace(256);
    const rig = makeRig(256, { trace });
    const { gate, tags } = waiting(rig, (own) => when(ownWindow(own, 3), 0, "equal", 1, 3));
    const window = must(gate.windowBind(frame(3), 1, true, own));
    for (const value of [1, 0, 1]) {
      window.setU32(0, value);
      rig.run(3);
    }
    expect(tags).toEqual([3]);
    const noted: number[][] = [];
    trace.read((_, event, a, b) => void (event === TRACE_EVENTS.predicate && noted.push([a, b])));
    expect(noted).toEqual([[gate.self, 3]]);
  });

  test("one that is true already is published when the environment next runs", () => {
    const rig = makeRig();
    const { tags } = placeWaiter(rig, (own) => when(ownWindow(own, 3), 0, "equal", 0, 12));
    rig.run(3);
    expect(tags).toEqual([12]);
  });
});

describe("what the scheduler and the tables see", () => {
  test("a directed yield reaches a waiter only once its predicate holds", () => {
    const rig = makeRig();
    let tag = -1;
    const target: Gate = rig.environment([1, 1], {
      upcalls: (gate) => ({ sliceBegin: () => void (tag = gate.environments.tag(rowOf(gate.self))) }),
    });
    const window = ownWindow(target, 3);
    must(target.predicateWait(when(window, 0, "equal", 1, 6)));
    rig.environment([1, 2], {
      slices: [4],
      upcalls: (gate) => ({ sliceBegin: () => void must(gate.yieldTo(target.self)) }),
    });
    rig.run(3);
    const { runnable } = rig.root.environments;
    expect([tag, runnable(rowOf(target.self))]).toEqual([-1, 0]);
    window.setU32(0, 1);
    expect(runnable(rowOf(target.self))).toBe(1);
    rig.run(1);
    expect(tag).toBe(6);
  });

  test("looking at `runnable` changes nothing, and takes no time", () => {
    const rig = makeRig();
    const { gate } = placeWaiter(rig, (own) => when(ownWindow(own, 3), 0, "equal", 1, 3));
    rig.run(3);
    const row = rowOf(gate.self);
    const look = (): unknown[] => [
      rig.machine.clock.now(),
      gate.environments.calls(row),
      gate.environments.tag(row),
      gate.frames.pins(3),
    ];
    const before = look();
    expect(gate.environments.runnable(row)).toBe(0);
    expect(look()).toEqual(before);
    must(rig.root.windowBind(frame(3), 1, true, own)).setU32(0, 1);
    const after = look();
    expect(gate.environments.runnable(row)).toBe(1);
    expect(look()).toEqual(after);
  });

  test("the limit of terms is the verifier's", () => {
    expect(PREDICATE_TERMS).toBe(VERIFIED_TERMS);
  });

  test("any predicate wakes its environment exactly when its meaning says so", () => {
    const rig = makeRig();
    let began = 0;
    const gate = rig.environment([1, 1], {
      slices: [5],
      upcalls: (own) => ({
        sliceBegin: () => {
          began += 1;
          asleep(own);
        },
      }),
    });
    const window = ownWindow(gate, 3);
    const value = fc.constantFrom(0, 1, 2, 0xffff_ffff);
    const comparisons = ["equal", "notEqual", "less", "lessOrEqual", "greater", "greaterOrEqual"] as const;
    const term = fc.record({
      at: fc.constantFrom(0, 4, 8),
      comparison: fc.constantFrom(...comparisons),
      value,
    });
    const product = fc.record({ tag: fc.nat(9), terms: fc.array(term, { minLength: 1, maxLength: 3 }) });
    const holds = (word: number, comparison: Comparison, than: number): boolean =>
      ({
        equal: word === than,
        notEqual: word !== than,
        less: word < than,
        lessOrEqual: word <= than,
        greater: word > than,
        greaterOrEqual: word >= than,
      })[comparison];
    fc.assert(
      fc.property(
        fc.array(product, { minLength: 1, maxLength: 3 }),
        fc.tuple(value, value, value),
        (sums, words) => {
          rig.run(3);
          for (const [i, word] of words.entries()) window.setU32(i * 4, word);
          const expected = sums.find(({ terms }) =>
            terms.every(({ at, comparison, value: than }) => holds(words[at / 4] ?? 0, comparison, than)),
          );
          must(
            gate.predicateWait(
              sums.map(({ tag, terms }) => ({ tag, terms: terms.map((t) => ({ window, ...t })) })),
            ),
          );
          const before = began;
          rig.run(3);
          expect(began - before).toBe(expected === undefined ? 0 : 1);
          if (expected !== undefined) expect(gate.environments.tag(rowOf(gate.self))).toBe(expected.tag);
          asleep(gate);
        },
      ),
      { numRuns: 300 },
    );
  });
});
