/** A token bucket: so many a second, and a burst of so many. */

/** Limits how often something is done. */
export interface RateLimit {
  /** True, and one token gone, if it may be done at `now` (cycles). O(1). */
  take(now: number): boolean;
}

/** A full bucket of `burst` tokens that gains `perSecond` a second on a clock of `hertz` cycles. */
export function makeRateLimit(hertz: number, perSecond: number, burst: number): RateLimit {
  let tokens = burst;
  let filledAt = 0;
  const take = (now: number): boolean => {
    tokens = Math.min(burst, tokens + ((now - filledAt) * perSecond) / hertz);
    filledAt = now;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
  return { take };
}
