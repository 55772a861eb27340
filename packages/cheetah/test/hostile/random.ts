/** Numbers that follow from a seed. */

/** A source of numbers: the same seed, the same numbers. */
export interface Random {
  /** A whole number of 32 bits. */
  word(): number;
  /** A whole number below `limit`. */
  below(limit: number): number;
  /** True in so many of a hundred cases. */
  chance(percent: number): boolean;
  /** One of `values`. */
  pick<T>(values: readonly T[]): T;
}

/** Numbers by xorshift. */
export function makeRandom(seed: number): Random {
  let state = (Math.imul(seed, 2_654_435_761) ^ 0x5bd1_e995) >>> 0 || 1;
  const word = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  const below = (limit: number): number => word() % limit;
  return {
    word,
    below,
    chance: (percent) => below(100) < percent,
    pick: <T>(values: readonly T[]): T => values[below(values.length)] as T,
  };
}
