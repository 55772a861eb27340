/** How far one word has to count before a predicate holds: for a word that only time moves. */
import type { Verified } from "../verified.ts";
import { compares } from "./interpret.ts";
import { WORD_MAX, type WordPredicate, type WordProduct, type WordTerm } from "./term.ts";

/** Values that some terms allow: those from `low` to `high` but for the holes. */
interface Allowed {
  low: number;
  high: number;
  readonly holes: Set<number>;
}

function narrow(allowed: Allowed, { comparison, value }: WordTerm): void {
  switch (comparison) {
    case "notEqual":
      allowed.holes.add(value);
      return;
    case "less":
      allowed.high = Math.min(allowed.high, value - 1);
      return;
    case "lessOrEqual":
      allowed.high = Math.min(allowed.high, value);
      return;
    case "greater":
      allowed.low = Math.max(allowed.low, value + 1);
      return;
    case "greaterOrEqual":
      allowed.low = Math.max(allowed.low, value);
      return;
    case "equal":
      allowed.low = Math.max(allowed.low, value);
      allowed.high = Math.min(allowed.high, value);
      return;
    default:
      comparison satisfies never;
  }
}

/** The first allowed value from `from` on, or `Infinity`. O(holes). */
function firstFrom({ low, high, holes }: Allowed, from: number): number {
  let value = Math.max(low, from);
  while (holes.has(value)) value += 1;
  return value <= high ? value : Infinity;
}

function stepsToProduct({ terms }: WordProduct, memory: DataView, address: number, from: number): number {
  const allowed: Allowed = { low: 0, high: WORD_MAX, holes: new Set() };
  for (const term of terms) {
    if (term.address === address) narrow(allowed, term);
    else if (!compares(memory.getUint32(term.address), term.comparison, term.value)) return Infinity;
  }
  return Math.min(firstFrom(allowed, from) - from, firstFrom(allowed, 0) + WORD_MAX + 1 - from);
}

/**
 * How often the word at `address` has to grow by one, from `from` and modulo 2^32, until `predicate` holds.
 *
 * All other words are taken to stay as they are in `memory`. 0 when it holds
 * with `from` already; `Infinity` when counting does not help. **Cost** O(terms).
 */
export function stepsUntil(
  predicate: Verified<WordPredicate>,
  memory: DataView,
  address: number,
  from: number,
): number {
  let least = Infinity;
  for (const one of predicate) least = Math.min(least, stepsToProduct(one, memory, address, from));
  return least;
}
