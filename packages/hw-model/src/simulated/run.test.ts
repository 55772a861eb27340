import { expect, test } from "vitest";
import type { Steppable } from "../machine.ts";
import { NEVER, after, cycles, type Cycles } from "../units.ts";
import { makeSimulatedClock, type SimulatedClock } from "./clock.ts";
import { runSimulated } from "./run.ts";

/** Does something at each of `times` (cycles), for `cost` cycles; notes when. */
const alarmClock = (
  clock: SimulatedClock,
  times: readonly number[],
  cost: number,
  note: (at: Cycles) => void,
): Steppable => {
  const left = [...times];
  return {
    wakeAt: () => (left[0] === undefined ? NEVER : cycles(left[0])),
    step: () => {
      const [due] = left;
      if (due === undefined || clock.now() < due) return false;
      left.shift();
      note(clock.now());
      clock.spend(cost);
      return true;
    },
  };
};

test("the earliest machine steps first, whatever the rates of their clocks", () => {
  const order: string[] = [];
  const parts = [10, 1000].map((hertz, i) => {
    const clock = makeSimulatedClock(hertz);
    const times = i === 0 ? [10, 30, 50] : [500, 2000, 4000];
    return { clock, steppable: alarmClock(clock, times, 1, (at) => order.push(`${i}@${at / hertz}`)) };
  });
  expect(runSimulated(parts).why).toBe("idle");
  expect(order).toEqual(["1@0.5", "0@1", "1@2", "0@3", "1@4", "0@5"]);
});

test("a machine woken by another is asked again", () => {
  const clocks = [makeSimulatedClock(1000), makeSimulatedClock(1000)] as const;
  let letter: Cycles = NEVER;
  let read: Cycles | undefined;
  const writer = alarmClock(clocks[0], [100], 5, (at) => (letter = after(at, 7)));
  const reader: Steppable = {
    wakeAt: () => letter,
    step: () => {
      if (clocks[1].now() < letter) return false;
      read = clocks[1].now();
      letter = NEVER;
      return true;
    },
  };
  const result = runSimulated([
    { clock: clocks[1], steppable: reader },
    { clock: clocks[0], steppable: writer },
  ]);
  expect(read).toBe(107);
  expect(result.why).toBe("idle");
});

test("a run stops at its limits and says at which", () => {
  const make = (times: readonly number[]) => {
    const clock = makeSimulatedClock(1000);
    const seen: number[] = [];
    return { seen, parts: [{ clock, steppable: alarmClock(clock, times, 1, (at) => seen.push(at)) }] };
  };
  const ever = Array.from({ length: 1000 }, (_, i) => i * 100);
  expect(runSimulated(make([]).parts)).toEqual({ why: "idle", steps: 1, seconds: 0 });
  const byTime = make(ever);
  expect(runSimulated(byTime.parts, { seconds: 1 }).why).toBe("time");
  expect(byTime.seen).toHaveLength(11);
  const bySteps = make(ever);
  expect(runSimulated(bySteps.parts, { steps: 5 })).toMatchObject({ why: "steps", steps: 5 });
  const byAnswer = make(ever);
  expect(runSimulated(byAnswer.parts, { until: () => byAnswer.seen.length === 3 }).why).toBe("until");
  expect(byAnswer.seen).toEqual([0, 100, 200]);
});

test("a part that is due but does nothing does not make the run spin", () => {
  const clock = makeSimulatedClock(1000);
  const result = runSimulated([{ clock, steppable: { step: () => false, wakeAt: () => cycles(0) } }]);
  expect(result.why).toBe("stuck");
});

test("a part that is never charged does not hold time still for the others", () => {
  const clocks = [makeSimulatedClock(1000), makeSimulatedClock(1000)] as const;
  let rang = false;
  const parts = [
    { clock: clocks[0], steppable: { step: () => true, wakeAt: () => cycles(0) } },
    { clock: clocks[1], steppable: alarmClock(clocks[1], [500], 1, () => (rang = true)) },
  ];
  expect(runSimulated(parts, { until: () => rang, steps: 10_000 }).why).toBe("until");
  expect(clocks[1].now()).toBe(501);
  expect(clocks[0].now()).toBeLessThanOrEqual(501);
});
