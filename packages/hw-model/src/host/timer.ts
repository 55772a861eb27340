/** The host's interval timer: a deadline that is compared with the clock. */
import type { IntervalTimer } from "../clock.ts";
import { NEVER } from "../units.ts";
import type { Cycles } from "../units.ts";

/** A disarmed interval timer. It interrupts nothing: whoever runs the machine asks it. */
export const makeHostTimer = (): IntervalTimer => {
  let armed: Cycles = NEVER;
  return Object.freeze({
    arm(at: Cycles): void {
      armed = at;
    },
    deadline: (): Cycles => armed,
    expired: (now: Cycles): boolean => now >= armed,
  });
};
