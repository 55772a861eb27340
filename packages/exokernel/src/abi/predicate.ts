/** Wakeup predicates: when an environment is to be run again. */
import type { Comparison } from "@exolith/secure-bind";
import type { Window } from "./window.ts";

/** A comparison of one published or own word, big-endian and 32 bits wide, with a number. */
export interface PredicateTerm {
  /** The window that the word lies in: the system frame's (`gate.system`) or any of the caller's. */
  readonly window: Window;
  /** Byte offset of the word, a multiple of 4. */
  readonly at: number;
  /** `equal`, `notEqual`, `less`, `lessOrEqual`, `greater` or `greaterOrEqual`, both unsigned. */
  readonly comparison: Comparison;
  /** An unsigned 32-bit number. */
  readonly value: number;
}

/** One product: it holds when all of its terms do. It has at least one. */
export interface PredicateProduct {
  /** Published when this product is the first that holds; an unsigned 32-bit number. */
  readonly tag: number;
  readonly terms: readonly PredicateTerm[];
}

/**
 * A sum of products, in order of precedence: it holds when one of them does.
 *
 * At least one product, and at most `PREDICATE_TERMS` terms over all of them. A
 * deadline is a product of its own, over `SYSTEM_WORDS.ticks`: say
 * `greaterOrEqual`, for a busy machine may pass over a tick.
 */
export type Predicate = readonly PredicateProduct[];
