/** Wakeup predicates for people: one term a line. */
import type { Comparison, WordPredicate, WordProduct, WordTerm } from "./term.ts";

const SIGNS: { readonly [C in Comparison]: string } = {
  equal: "==",
  notEqual: "!=",
  less: "<",
  lessOrEqual: "<=",
  greater: ">",
  greaterOrEqual: ">=",
};

/** One term; `[0x1000]` is the word at that address. */
export const printWordTerm = ({ address, comparison, value }: WordTerm): string =>
  `[0x${address.toString(16)}] ${SIGNS[comparison]} ${value}`;

const printProduct = ({ tag, terms }: WordProduct): string =>
  terms.map((term, i) => `${i === 0 ? `${tag}: ` : "  and "}${printWordTerm(term)}`).join("\n");

/** All terms of `predicate`, one a line, each product behind its tag. */
export const printPredicate = (predicate: WordPredicate): string => predicate.map(printProduct).join("\n");
