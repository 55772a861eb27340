/** Robust critical sections over memory that environments share. */
import { TRACE_EVENTS, makeTrace, type BootOptions, type Trace } from "@exolith/exokernel";
import { capSlot, frame, must, rowOf, type Gate, type Upcalls, type Window } from "@exolith/exokernel/abi";
import { makeRig, type Rig } from "@exolith/exokernel/testing";
import { describe, expect, test } from "vitest";
import { makeCriticalSection, type CriticalSection } from "../src/index.ts";

const own = capSlot(0);
const toShared = capSlot(1);
const QUANTUM_SECONDS = 0.0001;
const QUANTUM = 300_000;
const SHARED = frame(200);
const SHARED_NAME = [9];

/** Two words that are equal whenever nobody is at work on them, and how often they were changed. */
const FIRST = 0;
const SECOND = 4;
const REPAIRED = 8;

/** A rig with a frame that everybody who was granted it may write to; its keeper never runs. */
function makeShared(options: BootOptions = {}): { rig: Rig; trace: Trace; words: Window } {
  const trace = makeTrace(4096);
  const rig = makeRig(256, { trace, quantumSeconds: QUANTUM_SECONDS, ...options });
  const keeper = rig.environment(SHARED_NAME);
  must(keeper.framesAlloc(SHARED, 1, own));
  return { rig, trace, words: must(keeper.windowBind(SHARED, 1, true, own)) };
}

/** What an environment works with, once it has begun. */
interface Work {
  readonly gate: Gate;
  readonly section: CriticalSection;
  readonly shared: Window;
  /** Lets simulated time pass: a quarter of a quantum. */
  spend(): void;
}

/** An environment that shares the frame; `upcalls` says what it does with it. */
function place(
  rig: Rig,
  name: readonly number[],
  slice: number,
  upcalls: (work: () => Work) => Upcalls,
): Gate {
  const gate = rig.environment(name, {
    slices: [slice],
    upcalls: (mine) => {
      let work: Work | undefined;
      const start = (): Work => {
        const shared = must(mine.windowBind(SHARED, 1, true, toShared));
        const spend = (): void => {
          const until = mine.clock.now() + QUANTUM / 4;
          while (mine.clock.now() < until) shared.fill(64, 1024, 0);
        };
        return { gate: mine, section: makeCriticalSection(mine), shared, spend };
      };
      return upcalls(() => (work ??= start()));
    },
  });
  rig.grant(gate, { name: SHARED_NAME, rights: 1 });
  return gate;
}

/** Adds one to both words, the second a while after the first; whoever finds them different says so first. */
function change({ section, shared, spend }: Work, quarters: number): boolean {
  section.enter();
  if (shared.getU32(FIRST) !== shared.getU32(SECOND)) {
    shared.setU32(SECOND, shared.getU32(FIRST));
    shared.setU32(REPAIRED, shared.getU32(REPAIRED) + 1);
  }
  shared.setU32(FIRST, shared.getU32(FIRST) + 1);
  for (let i = 0; i < quarters; i++) {
    spend();
    section.tick();
  }
  shared.setU32(SECOND, shared.getU32(SECOND) + 1);
  return section.exit();
}

/** Changes the words all the time, half a quantum at a time, and gives every slice up when it is told to. */
const changing =
  (log: boolean[] = []) =>
  (work: () => Work): Upcalls => ({
    sliceBegin: () => {
      for (let i = 0; i < 8; i++) {
        const isDue = change(work(), 2);
        log.push(isDue);
        if (isDue || work().section.tick()) return;
      }
    },
  });

/** When each slice of `gate`'s began and ended. */
function slicesOf(trace: Trace, gate: Gate): { begin: number; end: number }[] {
  const slices: { begin: number; end: number }[] = [];
  trace.read((time, event, environment) => {
    if (environment !== gate.self) return;
    if (event === TRACE_EVENTS.sliceBegin) slices.push({ begin: time, end: NaN });
    if (event === TRACE_EVENTS.sliceEnd) Object.assign(slices.at(-1) as object, { end: time });
  });
  return slices;
}

/** The tick comes three quarters into a section: nobody else runs before its exit, which gives the slice up. */
function goesOnToTheExit(): void {
  const { rig, trace, words } = makeShared();
  const seen: [boolean, boolean, number][] = [];
  let left = 0;
  const gate = place(rig, [1, 1], 0, (work) => ({
    sliceBegin: () => {
      const { section, spend, gate: mine } = work();
      for (let i = 0; i < 3; i++) spend();
      const calls = mine.environments.calls(rowOf(mine.self));
      section.enter();
      const note = (): void => void seen.push([section.tick(), section.interrupted, section.depth]);
      note();
      spend();
      spend();
      note();
      expect(words.getU32(FIRST)).toBe(words.getU32(SECOND));
      expect(section.exit()).toBe(true);
      expect([section.interrupted, section.depth]).toEqual([false, 0]);
      expect(mine.environments.calls(rowOf(mine.self))).toBe(calls);
      left = mine.clock.now();
    },
  }));
  const peer = place(rig, [1, 2], 1, changing());
  rig.run(1);
  expect(seen).toEqual([
    [false, false, 1],
    [false, true, 1],
  ]);
  rig.run(1);
  const [slice] = slicesOf(trace, gate);
  expect((slice?.end ?? 0) - (slice?.begin ?? 0)).toBeGreaterThan(1.2 * QUANTUM);
  expect((slice?.end ?? Infinity) - left).toBeLessThan(QUANTUM / 100);
  expect(slicesOf(trace, peer)[0]?.begin).toBeGreaterThanOrEqual(slice?.end ?? Infinity);
  expect(gate.environments.excess(rowOf(gate.self))).toBe(0);
}

function nests(): void {
  const { rig } = makeShared();
  const left: boolean[] = [];
  place(rig, [1, 1], 0, (work) => ({
    sliceBegin: () => {
      const { section, spend } = work();
      section.enter();
      section.enter();
      section.enter();
      for (let i = 0; i < 5; i++) spend();
      left.push(section.exit(), section.tick(), section.exit());
      expect([section.depth, section.interrupted]).toEqual([1, true]);
      left.push(section.exit(), section.tick());
    },
  }));
  rig.run(1);
  expect(left).toEqual([false, false, false, true, true]);
}

/** The end-of-slice entry finds a section open that a task left so: it goes on with the task up to its exit. */
function epilogueGoesOn(): void {
  const { rig, words } = makeShared();
  const pairs: [number, number, boolean][] = [];
  const gate = place(rig, [1, 1], 0, (work) => {
    function* task(): Generator<undefined, never> {
      for (;;) {
        const { section, shared, spend } = work();
        section.enter();
        shared.setU32(FIRST, shared.getU32(FIRST) + 1);
        for (let i = 0; i < 3; i++) {
          spend();
          yield;
        }
        shared.setU32(SECOND, shared.getU32(SECOND) + 1);
        section.exit();
        yield;
      }
    }
    const running = task();
    return {
      sliceBegin: () => {
        for (let steps = 0; steps < 6; steps++) running.next();
        expect(words.getU32(FIRST)).not.toBe(words.getU32(SECOND));
      },
      sliceEnd: () => {
        const { section } = work();
        let wasInterrupted = false;
        while (!section.tick()) {
          wasInterrupted ||= section.interrupted;
          running.next();
        }
        pairs.push([words.getU32(FIRST), words.getU32(SECOND), wasInterrupted]);
      },
    };
  });
  place(rig, [1, 2], 1, changing());
  rig.run(1);
  expect(pairs).toEqual([[2, 2, true]]);
  expect(gate.environments.faults(rowOf(gate.self))).toBe(0);
}

/** One dies with the words half changed; its peers never wait for it, find out, and repair what they share. */
function survivesDeath(): void {
  const { rig, words } = makeShared();
  let turns = 0;
  const victim = place(rig, [1, 1], 0, (work) => ({
    sliceBegin: () => {
      turns += 1;
      if (turns < 3) return void change(work(), 1);
      const { section, shared, spend } = work();
      section.enter();
      section.enter();
      shared.setU32(FIRST, shared.getU32(FIRST) + 1);
      spend();
      throw new Error("dies inside");
    },
  }));
  const peers = [1, 2].map((n) => place(rig, [2, n], n, changing()));
  rig.run(9);
  expect(rig.root.environments.id(rowOf(victim.self))).toBe(0);
  const begun = peers.map((peer) => peer.environments.slicesBegun(rowOf(peer.self)));
  rig.run(20);
  for (const [i, peer] of peers.entries())
    expect(peer.environments.slicesBegun(rowOf(peer.self)) - (begun[i] ?? 0)).toBe(10);
  expect(words.getU32(REPAIRED)).toBe(1);
  expect(words.getU32(FIRST)).toBe(words.getU32(SECOND));
  expect(peers.map((peer) => peer.environments.faults(rowOf(peer.self)))).toEqual([0, 0]);
}

/** A section of `quarters` quarters of a quantum, once, from the beginning of a slice on. */
function overstay(quarters: number, options: BootOptions = {}): { gate: Gate; peer: Gate; rig: Rig } {
  const { rig } = makeShared(options);
  let turns = 0;
  const gate = place(rig, [1, 1], 0, (work) => ({
    sliceBegin: () => {
      turns += 1;
      change(work(), turns === 1 ? quarters : 1);
    },
  }));
  const peer = place(rig, [1, 2], 1, changing());
  rig.run(1);
  return { gate, peer, rig };
}

function paysForOverstaying(): void {
  const columns = ({ environments, self }: Gate): number[] => [
    environments.excess(rowOf(self)),
    environments.forfeited(rowOf(self)),
    environments.slicesBegun(rowOf(self)),
  ];
  const { gate, peer, rig } = overstay(4 + 3 * 4 + 2);
  expect(columns(gate)).toEqual([3, 0, 1]);
  rig.run(4);
  expect(columns(gate)).toEqual([0, 3, 1]);
  expect(columns(peer)).toEqual([0, 0, 4]);
  rig.run(4);
  expect(columns(gate)).toEqual([0, 3, 3]);
  const short = overstay(4 + 2);
  expect(columns(short.gate)).toEqual([0, 0, 1]);
  const greedy = overstay(4 + 5 * 4 + 2, { excessTicksMax: 5 });
  expect(greedy.rig.root.environments.id(rowOf(greedy.gate.self))).toBe(0);
  expect(greedy.rig.root.slices.owner(0)).toBe(0);
  greedy.rig.run(4);
  expect(columns(greedy.peer)).toEqual([0, 0, 4]);
}

test("[C8] tick in critical: no switch, `interrupted`=1, yield right at exit; nested ok; env killed mid-section leaves peers running; overstay ⇒ C4", () => {
  goesOnToTheExit();
  nests();
  epilogueGoesOn();
  survivesDeath();
  paysForOverstaying();
});

describe("a critical section", () => {
  const at = (): { section: CriticalSection; clock: { time: number } } => {
    const clock = { time: 0 };
    const section = makeCriticalSection({
      clock: { now: () => clock.time },
      slices: { ends: () => 100 },
    } as never);
    return { section, clock };
  };

  test("that is left before the end of the slice gives nothing up", () => {
    const { section, clock } = at();
    section.enter();
    clock.time = 99;
    expect([section.tick(), section.interrupted, section.exit(), section.tick()]).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });

  test("that nobody checked the tick in gives the slice up at its exit all the same", () => {
    const { section, clock } = at();
    section.enter();
    clock.time = 100;
    expect([section.interrupted, section.exit()]).toEqual([false, true]);
  });

  test("that is not open cannot be left", () => {
    const { section } = at();
    expect(() => section.exit()).toThrow("no critical section is open");
    expect(section.depth).toBe(0);
  });

  test("leaves two words equal for everybody who looks between, over hundreds of slices", () => {
    const { rig, words } = makeShared();
    const log: boolean[] = [];
    for (const n of [1, 2, 3]) place(rig, [1, n], n, changing(log));
    for (let i = 0; i < 300; i++) {
      rig.kernel.step();
      expect(words.getU32(FIRST)).toBe(words.getU32(SECOND));
    }
    expect(words.getU32(REPAIRED)).toBe(0);
    expect(words.getU32(FIRST)).toBe(log.length);
    expect(log.filter(Boolean).length).toBeGreaterThan(100);
  });
});
