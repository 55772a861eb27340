/** Application-level policies without a machine: what each promises, for any clients. */
import { cycles, type EnvId } from "@exolith/exokernel/abi";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeEarliestDeadline, type EarliestDeadline } from "./earliest-deadline.ts";
import type { Policy } from "./policy.ts";
import { makeRoundRobin } from "./round-robin.ts";
import { makeStride } from "./stride.ts";

const id = (n: number): EnvId => n as EnvId;
const NOW = cycles(0);
const always = (): boolean => true;

/** The next `count` choices. */
const choices = (policy: Policy, count: number): (EnvId | undefined)[] =>
  Array.from({ length: count }, () => policy.next(NOW));

describe("round robin", () => {
  test("goes round, from whoever is next in turn", () => {
    const policy = makeRoundRobin(always);
    expect(policy.next(NOW)).toBe(undefined);
    for (const n of [1, 2, 3]) policy.join(id(n));
    expect(choices(policy, 5)).toEqual([1, 2, 3, 1, 2]);
    policy.join(id(4));
    expect(choices(policy, 5)).toEqual([3, 1, 2, 4, 3]);
    policy.leave(id(1));
    expect(choices(policy, 4)).toEqual([2, 4, 3, 2]);
    expect(policy.members()).toEqual([2, 4, 3]);
    for (const n of [2, 4, 3]) policy.leave(id(n));
    expect(choices(policy, 1)).toEqual([undefined]);
  });

  test("passes over who is not ready, and nobody else pays for it", () => {
    const asleep = new Set<number>([2]);
    const policy = makeRoundRobin((environment) => !asleep.has(environment));
    for (const n of [1, 2, 3]) policy.join(id(n));
    expect(choices(policy, 4)).toEqual([1, 3, 1, 3]);
    asleep.add(1).add(3);
    expect(choices(policy, 1)).toEqual([undefined]);
    expect(policy.wakeAt(cycles(9))).toBe(9);
    asleep.delete(2);
    expect(choices(policy, 2)).toEqual([2, 2]);
  });

  test("differs by at most one slice at all times, for any crowd", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 200 }), (members, slices) => {
        const policy = makeRoundRobin(always);
        for (let n = 1; n <= members; n++) policy.join(id(n));
        const got = new Array<number>(members).fill(0);
        for (const chosen of choices(policy, slices)) {
          got[(chosen ?? 0) - 1] = (got[(chosen ?? 0) - 1] ?? 0) + 1;
          expect(Math.max(...got) - Math.min(...got)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});

describe("stride", () => {
  test("3:2:1 is within half a slice of its ideal at all times", () => {
    const policy = makeStride(always);
    for (const [n, tickets] of [3, 2, 1].entries()) policy.join(id(n), tickets);
    const got = [0, 0, 0];
    for (let slice = 1; slice <= 6000; slice++) {
      const chosen = policy.next(NOW) as number;
      got[chosen] = (got[chosen] ?? 0) + 1;
      for (const [n, tickets] of [3, 2, 1].entries())
        expect(Math.abs((got[n] ?? 0) - (slice * tickets) / 6)).toBeLessThanOrEqual(0.5 + 1e-9);
    }
  });

  test("any two clients share what they get in the ratio of their tickets, to within one slice, at all times", () => {
    const crowd = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(crowd, (tickets) => {
        const policy = makeStride(always);
        for (const [n, each] of tickets.entries()) policy.join(id(n), each);
        const got = tickets.map(() => 0);
        let worst = 0;
        for (const chosen of choices(policy, 300)) {
          got[chosen as number] = (got[chosen as number] ?? 0) + 1;
          for (let a = 0; a < tickets.length; a++)
            for (let b = 0; b < a; b++) {
              const [ta, tb] = [tickets[a] ?? 0, tickets[b] ?? 0];
              const both = (got[a] ?? 0) + (got[b] ?? 0);
              worst = Math.max(worst, Math.abs((got[a] ?? 0) - (both * ta) / (ta + tb)));
            }
        }
        expect(worst).toBeLessThanOrEqual(1 + 1e-9);
      }),
    );
  });

  test("who was away neither catches up nor is forgiven", () => {
    let isAway = false;
    const policy = makeStride((environment) => environment !== 1 || !isAway);
    policy.join(id(1), 1);
    policy.join(id(2), 1);
    expect(choices(policy, 4)).toEqual([1, 2, 1, 2]);
    isAway = true;
    expect(choices(policy, 50)).toEqual(new Array(50).fill(2));
    isAway = false;
    const after = choices(policy, 20);
    expect(after.filter((chosen) => chosen === 1)).toHaveLength(10);
    const greedy = makeStride((environment) => environment !== 1 || !isAway);
    greedy.join(id(1), 1);
    greedy.join(id(2), 1);
    let taken = 0;
    for (let i = 0; i < 100; i++) {
      isAway = i % 2 === 1;
      if (greedy.next(NOW) === 1) taken += 1;
    }
    expect(taken).toBeLessThanOrEqual(51);
  });

  test("a newcomer starts from now, and who leaves is forgotten", () => {
    const policy = makeStride(always);
    policy.join(id(1), 1);
    choices(policy, 100);
    policy.join(id(2), 1);
    expect(choices(policy, 10).filter((chosen) => chosen === 2)).toHaveLength(5);
    policy.leave(id(1));
    expect(policy.members()).toEqual([2]);
    expect(choices(policy, 3)).toEqual([2, 2, 2]);
    policy.leave(id(2));
    expect(choices(policy, 1)).toEqual([undefined]);
    for (const tickets of [0, -1, 0.5, Number.NaN])
      expect(() => policy.join(id(3), tickets)).toThrow(RangeError);
  });
});

describe("earliest deadline", () => {
  /** A processor of its own, in slices of one cycle: who runs in each. */
  const simulate = (
    tasks: readonly { period: number; slice: number }[],
    length: number,
    isReady: (environment: EnvId, now: number) => boolean = always,
  ): { ran: (EnvId | undefined)[]; policy: EarliestDeadline } => {
    const used = new Map<number, number>();
    let now = 0;
    const policy = makeEarliestDeadline({
      isReady: (environment) => isReady(environment, now),
      cyclesUsed: (environment) => used.get(environment) ?? 0,
      capacity: 1,
    });
    for (const [n, task] of tasks.entries())
      expect(policy.admit({ environment: id(n), ...task }, NOW)).toBe(true);
    const ran: (EnvId | undefined)[] = [];
    for (; now < length; now++) {
      const chosen = policy.next(cycles(now));
      if (chosen !== undefined) used.set(chosen, (used.get(chosen) ?? 0) + 1);
      ran.push(chosen);
    }
    return { ran, policy };
  };

  test("keeps every deadline up to the whole of the processor", () => {
    const task = fc
      .integer({ min: 2, max: 30 })
      .chain((period) =>
        fc.record({ period: fc.constant(period), slice: fc.integer({ min: 1, max: period }) }),
      );
    let full = 0;
    fc.assert(
      fc.property(fc.array(task, { minLength: 1, maxLength: 6 }), (wanted) => {
        const tasks: { period: number; slice: number }[] = [];
        let sum = 0;
        for (const each of wanted) {
          if (sum + each.slice / each.period > 1) continue;
          sum += each.slice / each.period;
          tasks.push(each);
        }
        if (sum > 0.9) full++;
        const { ran, policy } = simulate(tasks, 600);
        for (const [n, { period, slice }] of tasks.entries()) {
          expect(policy.missed(id(n))).toBe(0);
          for (let from = 0; from + period <= 600; from += period)
            expect(ran.slice(from, from + period).filter((chosen) => chosen === n)).toHaveLength(slice);
        }
      }),
      { numRuns: 200 },
    );
    expect(full).toBeGreaterThan(5);
  });

  test("promises no more than it has", () => {
    const policy = makeEarliestDeadline({ isReady: always, cyclesUsed: () => 0, capacity: 0.5 });
    const admit = (n: number, period: number, slice: number): boolean =>
      policy.admit({ environment: id(n), period, slice }, NOW);
    expect(admit(1, 100, 51)).toBe(false);
    expect(admit(1, 100, 30)).toBe(true);
    expect(admit(2, 10, 2)).toBe(true);
    expect(admit(3, 1000, 1)).toBe(false);
    policy.leave(id(1));
    expect(admit(3, 1000, 1)).toBe(true);
    for (const bad of [0, -1, Number.NaN]) {
      expect(admit(4, bad, 1)).toBe(false);
      expect(admit(4, 100, bad)).toBe(false);
    }
    expect(policy.members()).toEqual([2, 3]);
  });

  test("counts a period in which a ready task did not get its time, and none in which it wanted none", () => {
    const used = { cycles: 0 };
    let isReady = true;
    const policy = makeEarliestDeadline({
      isReady: () => isReady,
      cyclesUsed: () => used.cycles,
      capacity: 1,
    });
    policy.admit({ environment: id(1), period: 10, slice: 5 }, NOW);
    expect(policy.next(cycles(1))).toBe(1);
    used.cycles = 4;
    expect(policy.next(cycles(11))).toBe(1);
    expect(policy.missed(id(1))).toBe(1);
    used.cycles = 9;
    expect(policy.next(cycles(15))).toBe(undefined);
    expect(policy.wakeAt(cycles(16))).toBe(20);
    expect(policy.next(cycles(20))).toBe(1);
    isReady = false;
    expect(policy.next(cycles(21))).toBe(undefined);
    expect(policy.wakeAt(cycles(22))).toBe(22);
    isReady = true;
    expect(policy.next(cycles(95))).toBe(1);
    expect(policy.missed(id(1))).toBe(1);
    used.cycles = 14;
    expect(policy.next(cycles(96))).toBe(undefined);
    expect(policy.wakeAt(cycles(97))).toBe(100);
    expect(policy.missed(id(9))).toBe(0);
  });
});
