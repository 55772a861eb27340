/**
 * Latencies: how many took how long, without keeping each.
 *
 * Ticks of 16 ns fall into buckets: 64 for every power of two, so that none is
 * wider than a sixty-fourth of what it holds. From 0 to 34 seconds; what takes
 * longer is counted as that.
 */

const TICK_NANOSECONDS = 16;
const SUB_BITS = 6;
const MOST_TICKS = 2 ** 31 - 1;
const BUCKETS = indexOf(MOST_TICKS) + 1;

/** The bucket of a whole number of ticks, 0 to `MOST_TICKS`. */
function indexOf(ticks: number): number {
  const shift = Math.max(0, 31 - Math.clz32(ticks) - SUB_BITS);
  return (shift << SUB_BITS) + (ticks >>> shift);
}

/** The middle of a bucket, in ticks. */
function middleOf(index: number): number {
  const shift = Math.max(0, (index >> SUB_BITS) - 1);
  const first = (index - (shift << SUB_BITS)) * 2 ** shift;
  return first + (2 ** shift - 1) / 2;
}

/** Counts latencies; O(1) each, without allocating. */
export class Histogram {
  readonly #counts = new Uint32Array(BUCKETS);
  #count = 0;
  #sum = 0;
  #most = 0;

  /** How many were recorded. */
  get count(): number {
    return this.#count;
  }

  /** Microseconds, on average; 0 when there are none. */
  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }

  /** The longest, in microseconds, exactly. */
  get most(): number {
    return this.#most;
  }

  /** Counts one of so many microseconds. */
  record(microseconds: number): void {
    const ticks = Math.min(MOST_TICKS, Math.max(0, Math.round((microseconds * 1000) / TICK_NANOSECONDS)));
    const index = indexOf(ticks);
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#count += 1;
    this.#sum += microseconds;
    if (microseconds > this.#most) this.#most = microseconds;
  }

  /** Microseconds within which `share` of all (0 to 1) were done, to 1 part in 128; 0 when there are none. O(buckets). */
  quantile(share: number): number {
    const wanted = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    for (let index = 0; index < BUCKETS; index++) {
      seen += this.#counts[index] ?? 0;
      if (seen >= wanted && this.#count > 0)
        return Math.min(this.#most, (middleOf(index) * TICK_NANOSECONDS) / 1000);
    }
    return 0;
  }
}
