/** Token buckets for many keys, each of which falls into one of them by a secret. */

/**
 * Limits how often something is done for keys that somebody else chooses.
 *
 * A single bucket would tell one stranger what another caused (CVE-2016-5696);
 * one for each key would be unbounded. Never allocates after it is made.
 */
export class KeyedRateLimit {
  readonly #perCycle: number;
  readonly #burst: number;
  readonly #secret: number;
  readonly #tokens: Float64Array;
  readonly #filledAt: Float64Array;

  /** `buckets` full buckets of `perSecond` tokens that gain as many a second on a clock of `hertz` cycles. */
  constructor(hertz: number, perSecond: number, buckets: number, secret: number) {
    this.#perCycle = perSecond / hertz;
    this.#burst = perSecond;
    this.#secret = secret | 1;
    this.#tokens = new Float64Array(buckets).fill(perSecond);
    this.#filledAt = new Float64Array(buckets);
  }

  /** True, and one token gone, if it may be done for `key` at `now` (cycles). O(1). */
  take(key: number, now: number): boolean {
    const bucket = this.#bucketOf(key);
    const gained = (now - (this.#filledAt[bucket] ?? 0)) * this.#perCycle;
    const tokens = Math.min(this.#burst, (this.#tokens[bucket] ?? 0) + gained);
    this.#filledAt[bucket] = now;
    this.#tokens[bucket] = tokens < 1 ? tokens : tokens - 1;
    return tokens >= 1;
  }

  #bucketOf(key: number): number {
    let mixed = Math.imul(key ^ this.#secret, 0x9e3779b1);
    mixed = Math.imul(mixed ^ (mixed >>> 15), this.#secret);
    return ((mixed ^ (mixed >>> 16)) >>> 0) % this.#tokens.length;
  }
}
