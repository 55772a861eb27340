/** The interval timer: one deadline, compared with the clock when asked. */
import type { IntervalTimer } from "../clock.ts";
import { NEVER, type Cycles } from "../units.ts";

/** A disarmed interval timer. */
export function makeIntervalTimer(): IntervalTimer {
  let armed: Cycles = NEVER;
  return {
    arm: (at) => {
      armed = at;
    },
    deadline: () => armed,
    expired: (now) => now >= armed,
  };
}
