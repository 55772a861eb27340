/** Hash tables on constants: from a place in the tree and the values of fields to what follows. */

/** Entries that a look-up tries at most, whatever the constants are. */
export const PROBES = 32;

const SMALLEST_BITS = 4;
const LARGEST_BITS = 24;
/** Multipliers that are tried before the table grows instead. */
const ATTEMPTS = 3;
/** How far a table may grow on account of ill-chosen constants, as a power of two. */
const SPARE_BITS = 2;

/** How often any of several tables was rebuilt. */
export interface Rebuilds {
  count: number;
}

/** What a table begins with, and whether it gets smaller again by itself. */
export interface TableOptions {
  /** Entries that there is room for at first. */
  readonly room?: number;
  /** True to make it smaller when little is left in it; generated code would have to be told. */
  readonly shrinks?: boolean;
}

/**
 * Chooses `multipliers`, two for each word of a key, and returns the seed for the next ones.
 *
 * The first word of a key is a small number and needs one only.
 */
export function chooseMultipliers(seed: number, multipliers: Int32Array): number {
  let next = seed;
  for (let i = 0; i < multipliers.length; i++) {
    next = (Math.imul(next, 1664525) + 1013904223) | 0;
    const mixed = Math.imul(next ^ (next >>> 16), 0x45d9f3b);
    multipliers[i] = mixed ^ (mixed >>> 15);
  }
  multipliers[1] = 0;
  return next;
}

/**
 * One open table; a key is a small positive number and then `values` values.
 *
 * Owners of filters choose the constants, and may choose them badly on purpose:
 * an entry further than `PROBES` from its place makes the table choose other
 * multipliers, then grow, and then refuse.
 * **Holds** at most half of it is used.
 */
export class ConstantTable {
  /** The key that the methods are about; callers write it. */
  readonly key: Int32Array;
  /** Words of an entry: the key, the state behind it, and nothing up to a power of two. A first word of 0: empty. */
  readonly words: number;
  /** Read by generated code, as are the next two; replaced when the table is rebuilt. */
  entries: Int32Array;
  /**
   * The place of a key is the top bits of a sum: each word times its first multiplier, and its upper half times its second.
   *
   * Without the second a word that has top bits only would change nothing but
   * the top bits of the sum, whatever it is multiplied by. With it, two keys have
   * the same place as seldom as two random numbers, to whoever does not know the seed.
   */
  readonly multipliers: Int32Array;
  shift: number;
  #count = 0;
  #seed: number;
  readonly #rebuilds: Rebuilds;
  readonly #shrinks: boolean;

  /** The multipliers follow from `seed`; `rebuilds` is told when what generated code reads was replaced. */
  constructor(values: number, seed: number, rebuilds: Rebuilds, options: TableOptions = {}) {
    const { room = 0, shrinks = true } = options;
    this.#rebuilds = rebuilds;
    this.#shrinks = shrinks;
    this.key = new Int32Array(values + 1);
    this.multipliers = new Int32Array(2 * (values + 1));
    this.words = 2 ** Math.ceil(Math.log2(values + 2));
    const bits = Math.max(SMALLEST_BITS, Math.ceil(Math.log2(2 * room + 1)));
    this.shift = 32 - bits;
    this.entries = new Int32Array(this.words << bits);
    this.#seed = chooseMultipliers(seed | 0, this.multipliers);
  }

  /** Entries held. */
  get count(): number {
    return this.#count;
  }

  /** Entries there is room for before the table is rebuilt. */
  get capacity(): number {
    return this.entries.length / this.words / 2;
  }

  /** Index of the word at which the key `from[at…]` belongs. */
  #placeOf(from: Int32Array, at: number): number {
    const { multipliers, key } = this;
    let sum = 0;
    for (let i = 0; i < key.length; i++) {
      const word = from[at + i] ?? 0;
      sum += Math.imul(word, multipliers[2 * i] ?? 0);
      sum = (sum + Math.imul(word >>> 16, multipliers[2 * i + 1] ?? 0)) | 0;
    }
    return (sum >>> this.shift) * this.words;
  }

  #isKeyAt(at: number): boolean {
    for (let i = 0; i < this.key.length; i++) {
      if (this.entries[at + i] !== this.key[i]) return false;
    }
    return true;
  }

  /** Index of the first word of the entry with the key, or -1. */
  #entryOf(): number {
    const { entries, words } = this;
    let at = this.#placeOf(this.key, 0);
    for (let probe = 0; probe < PROBES && entries[at] !== 0; probe++) {
      if (this.#isKeyAt(at)) return at;
      at = (at + words) & (entries.length - 1);
    }
    return -1;
  }

  /** The state behind the key, or -1. At most PROBES entries are tried. */
  find(): number {
    const at = this.#entryOf();
    return at < 0 ? -1 : (this.entries[at + this.key.length] ?? -1);
  }

  /** Puts the entry `from[at…]` where it belongs; false when that is too far from its place. */
  #put(from: Int32Array, at: number, state: number): boolean {
    const { entries, words } = this;
    const size = this.key.length;
    let to = this.#placeOf(from, at);
    for (let probe = 0; probe < PROBES; probe++) {
      if (entries[to] === 0) {
        for (let i = 0; i < size; i++) entries[to + i] = from[at + i] ?? 0;
        entries[to + size] = state;
        return true;
      }
      to = (to + words) & (entries.length - 1);
    }
    return false;
  }

  /** Puts all of `old` into a new table of 2^`bits` entries with other multipliers; false when that has no room near some place. */
  #refill(old: Int32Array, bits: number): boolean {
    const { words, key } = this;
    this.entries = new Int32Array(words << bits);
    this.shift = 32 - bits;
    this.#seed = chooseMultipliers(this.#seed, this.multipliers);
    for (let at = 0; at < old.length; at += words) {
      if (old[at] !== 0 && !this.#put(old, at, old[at + key.length] ?? 0)) return false;
    }
    return true;
  }

  /**
   * Finds a table of 2^`bits` to 2^`most` entries in which everything is near its place, and the new entry if there is one.
   *
   * False when there is none; then the table is as it was.
   */
  #remake(bits: number, most: number, state: number | undefined): boolean {
    const { entries, shift } = this;
    const multipliers = this.multipliers.slice();
    for (let larger = bits; larger <= Math.min(most, LARGEST_BITS); larger++) {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        if (!this.#refill(entries, larger)) continue;
        if (state !== undefined && !this.#put(this.key, 0, state)) continue;
        this.#rebuilds.count++;
        return true;
      }
    }
    this.entries = entries;
    this.shift = shift;
    this.multipliers.set(multipliers);
    return false;
  }

  /**
   * Adds an entry for the key, which has none yet.
   *
   * **Fails** false: no table was found in which every entry is near its place; this one is as it was.
   * **Cost** O(1), or O(entries) when the table is rebuilt.
   */
  add(state: number): boolean {
    const isFull = this.#count >= this.capacity;
    const bits = 32 - this.shift + (isFull ? 1 : 0);
    const isIn = (!isFull && this.#put(this.key, 0, state)) || this.#remake(bits, bits + SPARE_BITS, state);
    if (isIn) this.#count++;
    return isIn;
  }

  /** Puts another state behind the key, which has an entry. */
  change(state: number): void {
    const at = this.#entryOf();
    if (at >= 0) this.entries[at + this.key.length] = state;
  }

  /** Removes the entry of the key, and moves those behind it up, so that no gap hides one. */
  remove(): void {
    let hole = this.#entryOf();
    if (hole < 0) return;
    const { entries, words } = this;
    const last = entries.length - 1;
    for (let at = (hole + words) & last; entries[at] !== 0; at = (at + words) & last) {
      if (((at - this.#placeOf(entries, at)) & last) < ((at - hole) & last)) continue;
      entries.copyWithin(hole, at, at + words);
      hole = at;
    }
    entries.fill(0, hole, hole + words);
    this.#count--;
    const bits = 31 - this.shift;
    if (this.#shrinks && this.#count < this.capacity / 4 && bits >= SMALLEST_BITS)
      this.#remake(bits, bits, undefined);
  }

  /** Whether every entry is found where it is looked for; for tests. */
  check(): boolean {
    let count = 0;
    for (let at = 0; at < this.entries.length; at += this.words) {
      if (this.entries[at] === 0) continue;
      count++;
      this.key.set(this.entries.subarray(at, at + this.key.length));
      if (this.#entryOf() !== at) return false;
    }
    return count === this.#count && count <= this.capacity;
  }
}
