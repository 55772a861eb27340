/** A table from a few words to a tag, for what MPF calls an associative match. */
import { NO_MATCH } from "./matcher.ts";

/** Looks up words that lie at the front of an array. */
export interface KeyTable {
  /** Adds `key`; the tag of an equal one that is there already stays. */
  add(key: readonly number[], tag: number): void;
  /** The tag of the key that the first words of `scratch` are, or -1. */
  find(scratch: Int32Array): number;
}

/** A table of `capacity` keys of `words` words each: open addressing, at least half of it free. */
export function makeKeyTable(capacity: number, words: number): KeyTable {
  const size = 2 ** Math.ceil(Math.log2(2 * Math.max(1, capacity)));
  const keys = new Int32Array(size * words);
  const tags = new Int32Array(size).fill(NO_MATCH);

  /** The row of the key, or the free one where it would be. */
  const rowOf = (scratch: Int32Array): number => {
    let hash = 0;
    for (let i = 0; i < words; i++) {
      hash = Math.imul(hash ^ (scratch[i] ?? 0), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    for (let row = hash & (size - 1); ; row = (row + 1) & (size - 1)) {
      if (tags[row] === NO_MATCH) return row;
      let i = 0;
      while (i < words && keys[row * words + i] === scratch[i]) i++;
      if (i === words) return row;
    }
  };

  return {
    add: (key, tag) => {
      const row = rowOf(Int32Array.from(key));
      if (tags[row] !== NO_MATCH) return;
      keys.set(key, row * words);
      tags[row] = tag;
    },
    find: (scratch) => tags[rowOf(scratch)] ?? NO_MATCH,
  };
}
