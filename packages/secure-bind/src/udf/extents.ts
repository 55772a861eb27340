/**
 * Lists of extents, and what is the same and what differs between two of them.
 *
 * An extent is a run of blocks that have one type. What a list stands for is
 * the set of its pairs (block, type): extents that repeat, overlap or touch
 * each other and have the same type are as good as one. No block can have two
 * types: such a list is a contradiction.
 */
import { UDF_EXTENTS } from "./limits.ts";

/** Blocks `start` to `start + count - 1`, of `type`: unsigned 32-bit numbers. */
export interface Extent {
  readonly start: number;
  readonly count: number;
  readonly type: number;
}

/** A list of extents in one array, made once and used again and again. */
export interface ExtentList {
  /** Start, count and type of each. What lies behind the last extent means nothing. */
  readonly words: Uint32Array;
  /** How many there are. */
  count: number;
}

/** True for an unsigned 32-bit number. */
export const isWord = (value: unknown): value is number => typeof value === "number" && value >>> 0 === value;

/** Words of an extent in a list. */
const WORDS = 3;

/** One more than the largest number of a block that can be owned. */
export const EXTENT_BLOCKS = 0xffff_ffff;

/** An empty list that takes `capacity` extents. */
export const makeExtentList = (capacity: number = UDF_EXTENTS): ExtentList => ({
  words: new Uint32Array(capacity * WORDS),
  count: 0,
});

/** Why an extent was not taken. */
export type ExtentFault = "BadExtent" | "TooManyExtents";

/**
 * Puts an extent behind the last one; no blocks are no extent, whatever their start.
 *
 * **Fails** `BadExtent`: no words, or it reaches beyond `EXTENT_BLOCKS`; `TooManyExtents`: the list is full.
 */
export function pushExtent(
  list: ExtentList,
  start: number,
  count: number,
  type: number,
): ExtentFault | undefined {
  if (!isWord(start) || !isWord(count) || !isWord(type)) return "BadExtent";
  if (count === 0) return undefined;
  if (start + count > EXTENT_BLOCKS) return "BadExtent";
  const at = list.count * WORDS;
  if (at + WORDS > list.words.length) return "TooManyExtents";
  list.words[at] = start;
  list.words[at + 1] = count;
  list.words[at + 2] = type;
  list.count++;
  return undefined;
}

/** Takes all extents out, and leaves no trace of them. */
export function wipeExtents(list: ExtentList): void {
  list.words.fill(0, 0, list.count * WORDS);
  list.count = 0;
}

/** Extents that a list takes. */
export const capacityOf = ({ words }: ExtentList): number => words.length / WORDS;

/** Makes `to` the same list as `from`; false when it does not fit. O(n) in extents. */
export function copyExtents(from: ExtentList, to: ExtentList): boolean {
  const words = from.count * WORDS;
  if (words > to.words.length) return false;
  for (let i = 0; i < words; i++) to.words[i] = from.words[i] ?? 0;
  to.count = from.count;
  return true;
}

/** The extents of a list, for people and tests. */
export const readExtents = ({ words, count }: ExtentList): readonly Extent[] =>
  Array.from({ length: count }, (_, i) => ({
    start: words[i * WORDS] ?? 0,
    count: words[i * WORDS + 1] ?? 0,
    type: words[i * WORDS + 2] ?? 0,
  }));

const startOf = (words: Uint32Array, i: number): number => words[i * WORDS] ?? 0;
const endOf = (words: Uint32Array, i: number): number => startOf(words, i) + (words[i * WORDS + 1] ?? 0);
const typeOf = (words: Uint32Array, i: number): number => words[i * WORDS + 2] ?? 0;

function swap(words: Uint32Array, i: number, j: number): void {
  for (let k = 0; k < WORDS; k++) {
    const kept = words[i * WORDS + k] ?? 0;
    words[i * WORDS + k] = words[j * WORDS + k] ?? 0;
    words[j * WORDS + k] = kept;
  }
}

/** Moves extent `root` down a heap of `count` extents whose greatest start is on top. */
function sift(words: Uint32Array, from: number, count: number): void {
  let root = from;
  for (;;) {
    let child = 2 * root + 1;
    if (child >= count) return;
    if (child + 1 < count && startOf(words, child) < startOf(words, child + 1)) child++;
    if (startOf(words, root) >= startOf(words, child)) return;
    swap(words, root, child);
    root = child;
  }
}

function isSorted({ words, count }: ExtentList): boolean {
  for (let i = 1; i < count; i++) if (startOf(words, i - 1) > startOf(words, i)) return false;
  return true;
}

/** By start, with a heap: the worst case is no worse than any other. */
function sort(list: ExtentList): void {
  if (isSorted(list)) return;
  const { words, count } = list;
  for (let root = (count >>> 1) - 1; root >= 0; root--) sift(words, root, count);
  for (let last = count - 1; last > 0; last--) {
    swap(words, 0, last);
    sift(words, 0, last);
  }
}

/**
 * Brings a list into its one normal form; false when some block has two types.
 *
 * **Holds** in normal form extents are sorted by start, do not overlap, and
 * those that touch have different types: two lists stand for the same set
 * exactly when their normal forms are equal. After a contradiction the list is
 * of no use. **Cost** O(n log n) in extents, in place.
 */
export function normalizeExtents(list: ExtentList): boolean {
  sort(list);
  const { words } = list;
  let last = -1;
  for (let i = 0; i < list.count; i++) {
    const start = startOf(words, i);
    const isSame = last >= 0 && typeOf(words, last) === typeOf(words, i);
    const end = last < 0 ? 0 : endOf(words, last);
    if (start < end && !isSame) return false;
    if (isSame && start <= end)
      words[last * WORDS + 1] = Math.max(end, endOf(words, i)) - startOf(words, last);
    else if (++last !== i) swap(words, last, i);
  }
  list.count = last + 1;
  return true;
}

/**
 * What is in `from` and not in `less`, both in normal form, into `into`, which is then, too.
 *
 * False when `into` is too small; one that takes as many as both together never is.
 * **Cost** O(n) in extents.
 */
export function subtractExtents(from: ExtentList, less: ExtentList, into: ExtentList): boolean {
  into.count = 0;
  let j = 0;
  for (let i = 0; i < from.count; i++) {
    const end = endOf(from.words, i);
    const type = typeOf(from.words, i);
    let at = startOf(from.words, i);
    while (at < end) {
      while (j < less.count && endOf(less.words, j) <= at) j++;
      const hole = j < less.count ? Math.min(startOf(less.words, j), end) : end;
      const isKept = hole > at || typeOf(less.words, j) !== type;
      const upTo = hole > at ? hole : Math.min(endOf(less.words, j), end);
      if (isKept && !extend(into, at, upTo, type)) return false;
      at = upTo;
    }
  }
  return true;
}

/** Appends blocks to a list in normal form, to its last extent if they continue that; false when it is full. */
function extend(list: ExtentList, start: number, end: number, type: number): boolean {
  const last = list.count - 1;
  if (last >= 0 && endOf(list.words, last) === start && typeOf(list.words, last) === type) {
    list.words[last * WORDS + 1] = end - startOf(list.words, last);
    return true;
  }
  return pushExtent(list, start, end - start, type) === undefined;
}

/** True when two lists in normal form stand for the same set. O(n) in extents. */
export function sameExtents(a: ExtentList, b: ExtentList): boolean {
  if (a.count !== b.count) return false;
  for (let i = 0; i < a.count * WORDS; i++) if (a.words[i] !== b.words[i]) return false;
  return true;
}
