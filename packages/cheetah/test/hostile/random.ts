/** Numbers that follow from a seed, as hostile traffic wants them. */
import { makeRandomSequence } from "@exolith/hw-model";

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

/** The sequence of `seed`. */
export function makeRandom(seed: number): Random {
  const { next, below, chance } = makeRandomSequence(seed);
  return {
    word: next,
    below,
    chance: (percent) => chance(percent / 100),
    pick: <T>(values: readonly T[]): T => values[below(values.length)] as T,
  };
}
