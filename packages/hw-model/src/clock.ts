/** Time: a cycle counter, a wall clock and one interval timer. */
import type { Cycles } from "./units.ts";

/** The only source of time on a machine (SOSP'95 section 4: a readable cycle counter). */
export interface Clock {
  /** Cycles in a second. */
  readonly hertz: number;
  /** Cycles since the machine was switched on. Monotonic. O(1). */
  now(): Cycles;
  /** Milliseconds since 1970-01-01T00:00:00Z. May jump; never use it to measure. O(1). */
  wallclock(): number;
}

/**
 * The interval timer: one armed deadline.
 *
 * It raises no callback. The kernel asks `expired` at its safe points, as a
 * processor samples its interrupt line.
 */
export interface IntervalTimer {
  /** Arms the timer for `at`, in place of any earlier deadline. O(1). */
  arm(at: Cycles): void;
  /** The armed deadline, `NEVER` when disarmed. O(1). */
  deadline(): Cycles;
  /** True when the deadline has been reached; never early. O(1). */
  expired(now: Cycles): boolean;
}
