/** What every clock and every interval timer keep. */
import { expect } from "vitest";
import type { Clock, IntervalTimer } from "../clock.ts";
import { NEVER, after, cycles } from "../units.ts";
import {
  contractSuite,
  eventually,
  type ContractCase,
  type Deviation,
  type MakeHarness,
  type Settling,
} from "./suite.ts";

/** A clock under test. */
export interface ClockHarness extends Settling {
  readonly clock: Clock;
}

/** An interval timer under test, and the clock of its machine. */
export interface TimerHarness extends ClockHarness {
  readonly timer: IntervalTimer;
}

const neverBack = async (harness: ClockHarness): Promise<void> => {
  let last = harness.clock.now();
  for (let round = 0; round < 10; round++) {
    for (let i = 0; i < 100; i++) {
      const now = harness.clock.now();
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
    await harness.settle();
  }
};

const movesOn = async (harness: ClockHarness): Promise<void> => {
  const start = harness.clock.now();
  expect(await eventually(harness, () => harness.clock.now() > start)).toBe(true);
};

const wholeCycles = (harness: ClockHarness): void => {
  expect(harness.clock.hertz).toBeGreaterThan(0);
  expect(Number.isSafeInteger(harness.clock.now())).toBe(true);
  expect(harness.clock.now()).toBeGreaterThanOrEqual(0);
};

const tellsDate = (harness: ClockHarness): void => {
  const date = new Date(harness.clock.wallclock());
  expect(date.getUTCFullYear()).toBeGreaterThanOrEqual(2000);
  expect(date.getUTCFullYear()).toBeLessThan(2200);
};

const CLOCK_CASES: readonly ContractCase<ClockHarness>[] = [
  ["never runs backwards", neverBack],
  ["moves on", movesOn],
  ["counts whole cycles at a known rate", wholeCycles],
  ["tells the date in milliseconds", tellsDate],
];

/** Checks that the clocks that `make` makes keep the contract of `Clock`. */
export function clockContract(
  name: string,
  make: MakeHarness<ClockHarness>,
  deviations: readonly Deviation[] = [],
): void {
  contractSuite(name, make, CLOCK_CASES, deviations);
}

const startsDisarmed = ({ timer, clock }: TimerHarness): void => {
  expect(timer.deadline()).toBe(NEVER);
  expect(timer.expired(clock.now())).toBe(false);
  expect(timer.expired(cycles(Number.MAX_SAFE_INTEGER))).toBe(false);
};

const neverEarly = ({ timer, clock }: TimerHarness): void => {
  const due = after(clock.now(), clock.hertz);
  timer.arm(due);
  expect(timer.deadline()).toBe(due);
  expect(timer.expired(after(due, -1))).toBe(false);
  expect(timer.expired(due)).toBe(true);
  expect(timer.expired(after(due, 1000))).toBe(true);
};

const lastArmWins = ({ timer, clock }: TimerHarness): void => {
  const now = clock.now();
  timer.arm(after(now, 10));
  timer.arm(after(now, 1000));
  expect(timer.deadline()).toBe(after(now, 1000));
  expect(timer.expired(after(now, 999))).toBe(false);
  timer.arm(after(now, 5));
  expect(timer.expired(after(now, 5))).toBe(true);
  timer.arm(NEVER);
  expect(timer.deadline()).toBe(NEVER);
  expect(timer.expired(after(now, 5000))).toBe(false);
};

const firesAsTimePasses = async (harness: TimerHarness): Promise<void> => {
  const { timer, clock } = harness;
  const due = after(clock.now(), Math.ceil(clock.hertz / 1_000_000));
  timer.arm(due);
  expect(await eventually(harness, () => timer.expired(clock.now()))).toBe(true);
  expect(clock.now()).toBeGreaterThanOrEqual(due);
};

const TIMER_CASES: readonly ContractCase<TimerHarness>[] = [
  ["starts disarmed", startsDisarmed],
  ["expires at its deadline and never early", neverEarly],
  ["keeps one deadline, the last one armed", lastArmWins],
  ["expires as time passes", firesAsTimePasses],
];

/** Checks that the timers that `make` makes keep the contract of `IntervalTimer`. */
export function timerContract(
  name: string,
  make: MakeHarness<TimerHarness>,
  deviations: readonly Deviation[] = [],
): void {
  contractSuite(name, make, TIMER_CASES, deviations);
}
