/** Wakeup predicates: sums of products over words of memory (SOSP'97; Xok's wakeup predicates). */

/** How a word is compared with a number; both are unsigned. */
export const COMPARISONS = ["equal", "notEqual", "less", "lessOrEqual", "greater", "greaterOrEqual"] as const;

/** One of `COMPARISONS`. */
export type Comparison = (typeof COMPARISONS)[number];

/** One term: the big-endian 32-bit word at `address` compares so with `value`. */
export interface WordTerm {
  /** Byte address in physical memory, a multiple of 4; an allegation until a kernel has checked whose it is. */
  readonly address: number;
  readonly comparison: Comparison;
  /** An unsigned 32-bit number. */
  readonly value: number;
}

/** One product: it holds when all of its terms do. It has at least one. */
export interface WordProduct {
  /** Says which product it was; an unsigned 32-bit number. */
  readonly tag: number;
  readonly terms: readonly WordTerm[];
}

/** A sum of products, in order of precedence: it holds when one of them does. It has at least one. */
export type WordPredicate = readonly WordProduct[];

/** Terms in the longest predicate, over all products; so there are no more products either. */
export const PREDICATE_TERMS = 256;

/** What an evaluation gives when no product holds; no tag is negative. */
export const NO_TAG = -1;

/** The largest word, value and tag. */
export const WORD_MAX = 0xffff_ffff;

/** The word at `address` compares so with `value`. */
export const word = (address: number, comparison: Comparison, value: number): WordTerm => ({
  address,
  comparison,
  value,
});

/** The product of `terms`, known by `tag`. */
export const product = (tag: number, ...terms: readonly WordTerm[]): WordProduct => ({ tag, terms });

/** Terms of a predicate of any kind: its size, which `PREDICATE_TERMS` bounds. O(products). */
export const termCount = (predicate: readonly { readonly terms: readonly unknown[] }[]): number =>
  predicate.reduce((sum, { terms }) => sum + terms.length, 0);
