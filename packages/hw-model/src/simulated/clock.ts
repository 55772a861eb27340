/** A clock that advances only when told, and the meter that tells it. */
import type { Clock } from "../clock.ts";
import type { CostName, CostProfile, Meter } from "../costs.ts";
import type { Cycles } from "../units.ts";

/** When every simulated machine is switched on: 2026-01-01T00:00:00Z, in milliseconds. */
export const SIMULATED_EPOCH: number = Date.UTC(2026, 0, 1);

/** The local clock of one simulated machine. */
export interface SimulatedClock extends Clock {
  /** Moves on to `to`; an earlier time changes nothing. O(1). */
  advance(to: Cycles): void;
  /** Spends `amount` cycles, which may have a fraction that is kept. O(1). */
  spend(amount: number): void;
}

/** A clock of `hertz` cycles a second that reads 0, at `epoch` milliseconds since 1970. */
export function makeSimulatedClock(hertz: number, epoch: number = SIMULATED_EPOCH): SimulatedClock {
  if (!(hertz > 0)) throw new RangeError("a clock needs a rate above 0");
  let exact = 0;
  const now = (): Cycles => Math.floor(exact) as Cycles;
  return {
    hertz,
    now,
    wallclock: () => epoch + (now() * 1000) / hertz,
    advance: (to) => {
      if (to > exact) exact = to;
    },
    spend: (amount) => {
      exact += amount;
    },
  };
}

/** A meter that charges `profile`'s figures to `clock`. */
export function makeMeter(clock: SimulatedClock, profile: CostProfile): Meter {
  const figures = profile.cycles;
  return {
    charge: (cost: CostName, units: number): void => clock.spend(figures[cost] * units),
  };
}
