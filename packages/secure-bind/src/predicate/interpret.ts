/** The meaning of a wakeup predicate: slow, obvious, and the specification. */
import { type Comparison, NO_TAG, type WordPredicate } from "./term.ts";

/** Whether `word` compares so with `value`, both unsigned. */
export function compares(word: number, comparison: Comparison, value: number): boolean {
  switch (comparison) {
    case "equal":
      return word === value;
    case "notEqual":
      return word !== value;
    case "less":
      return word < value;
    case "lessOrEqual":
      return word <= value;
    case "greater":
      return word > value;
    case "greaterOrEqual":
      return word >= value;
    default:
      return comparison satisfies never;
  }
}

/** The tag of the first product that holds over `memory`, or `NO_TAG`. */
export function interpretPredicate(predicate: WordPredicate, memory: DataView): number {
  for (const { tag, terms } of predicate)
    if (terms.every((term) => compares(memory.getUint32(term.address), term.comparison, term.value)))
      return tag;
  return NO_TAG;
}
