/** The host's processor: fuel in grants, and a look at the clock between them. */
import type { Clock } from "../clock.ts";
import { FUEL_GRANT, type Processor } from "../processor.ts";

/** Questions from one look at the clock to the next: a reading costs more than a call. */
const QUESTIONS = 4;

/** The first grant of a slice: some tens of microseconds. */
const FIRST_GRANT = 131_072;
/** A grant that took less than this part of what is left of the slice is doubled, one that took more is halved. */
const SHORT_PART = 1 / 8;
const LONG_PART = 1 / 2;

/**
 * A processor whose programs are late by a grant of fuel, or by some calls.
 *
 * To be given fuel a program comes out of all its calls and finds its way back. What
 * it can do with some fuel is not known, so grants begin small in each slice and
 * grow while they are short against what is left of it.
 */
export function makeHostProcessor(clock: Clock): Processor {
  let asked = 0;
  let slice = -1;
  let granted = FIRST_GRANT;
  let since = 0;
  const next = (now: number, deadline: number): number => {
    if (deadline !== slice) return FIRST_GRANT;
    const took = now - since;
    if (took < SHORT_PART * (deadline - now)) return Math.min(2 * granted, FUEL_GRANT);
    return took > LONG_PART * (deadline - now) ? Math.max(granted / 2, FIRST_GRANT) : granted;
  };
  return Object.freeze({
    hardware: Object.freeze({ countsFuel: false }),
    grant: (deadline: number) => {
      const now = clock.now();
      if (now >= deadline) return 0;
      granted = next(now, deadline);
      slice = deadline;
      since = now;
      return granted;
    },
    wait: (until: number) => {
      // What is waited for here takes microseconds: a device that finishes at once.
      while (clock.now() < until);
    },
    interrupts: (deadline: number) => {
      asked = (asked + 1) % QUESTIONS;
      return asked === 0 && clock.now() >= deadline;
    },
  });
}
