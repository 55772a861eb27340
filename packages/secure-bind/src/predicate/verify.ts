/** The verifier of wakeup predicates: copies, bounds-checks and freezes. */
import { type Refusal, isRefusal, refuse } from "../refusal.ts";
import type { Verified } from "../verified.ts";
import {
  COMPARISONS,
  type Comparison,
  PREDICATE_TERMS,
  WORD_MAX,
  type WordPredicate,
  type WordProduct,
  type WordTerm,
} from "./term.ts";

const { freeze } = Object;
const { isArray } = Array;
const WORD_BYTES = 4;

type Alien = { readonly [name: string]: unknown };

const isAlien = (value: unknown): value is Alien => typeof value === "object" && value !== null;

/** True for an integer from 0 to `most`; negative zero is none. */
const isWithin = (value: unknown, most: number): value is number =>
  typeof value === "number" &&
  Number.isInteger(value) &&
  value >= 0 &&
  value <= most &&
  !Object.is(value, -0);

/** Found by comparing: a set's methods could be somebody else's by now. */
function isComparison(value: unknown): value is Comparison {
  for (let i = 0; i < COMPARISONS.length; i++) if (COMPARISONS[i] === value) return true;
  return false;
}

function copyTerm(term: unknown, index: number, memoryBytes: number): WordTerm | Refusal {
  if (!isAlien(term)) return refuse("NotAProgram", index);
  const { address, comparison, value } = term;
  if (!isWithin(address, memoryBytes - WORD_BYTES) || address % WORD_BYTES !== 0)
    return refuse("BadAddress", index);
  if (!isComparison(comparison)) return refuse("BadComparison", index);
  if (!isWithin(value, WORD_MAX)) return refuse("BadValue", index);
  return freeze({ address, comparison, value });
}

/** Copies a product whose first term is number `first` of its predicate. */
function copyProduct(alien: unknown, first: number, memoryBytes: number): WordProduct | Refusal {
  if (!isAlien(alien)) return refuse("NotAProgram", first);
  const { tag, terms } = alien;
  if (!isWithin(tag, WORD_MAX)) return refuse("BadTag", first);
  if (!isArray(terms)) return refuse("NotAProgram", first);
  const count: unknown = terms.length;
  if (count === 0) return refuse("Empty", first);
  if (!isWithin(count, PREDICATE_TERMS - first)) return refuse("TooLong", -1);
  const copy: WordTerm[] = [];
  for (let i = 0; i < count; i++) {
    const term = copyTerm(terms[i], first + i, memoryBytes);
    if (isRefusal(term)) return term;
    copy[i] = term;
  }
  return freeze({ tag, terms: freeze(copy) });
}

function copyProducts(predicate: readonly unknown[], memoryBytes: number): WordPredicate | Refusal {
  const count: unknown = predicate.length;
  if (count === 0) return refuse("Empty", -1);
  if (!isWithin(count, PREDICATE_TERMS)) return refuse("TooLong", -1);
  const copy: WordProduct[] = [];
  let terms = 0;
  for (let i = 0; i < count; i++) {
    const copied = copyProduct(predicate[i], terms, memoryBytes);
    if (isRefusal(copied)) return copied;
    copy[i] = copied;
    terms += copied.terms.length;
  }
  return freeze(copy);
}

/**
 * A checked, deeply frozen copy of an alien predicate over a memory of `memoryBytes` bytes, or why not.
 *
 * A refusal's `term` is counted over all products; for a product it is its first
 * term. It is not checked whose the words are.
 *
 * **Holds** every property is read exactly once, so what was checked is what is
 * kept. Never throws, not even when a getter does. A getter runs its owner's
 * code: call this before looking at any state of your own.
 * **Cost** O(PREDICATE_TERMS).
 */
export function verifyPredicate(predicate: unknown, memoryBytes: number): Verified<WordPredicate> | Refusal {
  try {
    return isArray(predicate)
      ? (copyProducts(predicate, memoryBytes) as Verified<WordPredicate> | Refusal)
      : refuse("NotAProgram", -1);
  } catch {
    return refuse("NotAProgram", -1);
  }
}
