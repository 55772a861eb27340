/** The words of a filter expression, in order. */
import { ExpressionError } from "./expression-error.ts";

/** One word, number, address or sign. */
export interface Word {
  readonly text: string;
  /** Where it begins, in characters from 0. */
  readonly at: number;
}

const SIGNS: ReadonlyMap<string, string> = new Map([
  ["&&", "and"],
  ["||", "or"],
  ["!", "not"],
]);
const WORD = /\s*(?:(\(|\)|&&|\|\||!)|([\w.:/\\-]+)|(\S))/y;

/** Characters of the longest expression. */
export const EXPRESSION_CHARACTERS = 4096;

/** Splits an expression. Throws an `ExpressionError` for a sign that no expression of ours has. O(characters). */
export function wordsOf(text: string): Word[] {
  if (text.length > EXPRESSION_CHARACTERS)
    throw new ExpressionError("too long", text.slice(0, 16), EXPRESSION_CHARACTERS);
  const words: Word[] = [];
  WORD.lastIndex = 0;
  for (let match = WORD.exec(text); match !== null; match = WORD.exec(text)) {
    const [, sign, word, other] = match;
    const found = sign ?? word ?? other ?? "";
    const at = WORD.lastIndex - found.length;
    if (other !== undefined) throw new ExpressionError("not supported", other, at);
    words.push({ text: SIGNS.get(found) ?? found.replace(/^\\/, ""), at });
  }
  return words;
}
