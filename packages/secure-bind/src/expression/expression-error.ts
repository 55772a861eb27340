/** What is wrong with a filter expression: the word, and where it stands. */

/** Thrown for an expression that cannot be compiled; its message names the word. */
export class ExpressionError extends SyntaxError {
  override readonly name: string = "ExpressionError";
  /** The word that is not understood; empty for the end of the expression. */
  readonly word: string;
  /** Where it begins, in characters from 0. */
  readonly at: number;

  constructor(reason: string, word: string, at: number) {
    super(`${reason}: ${word === "" ? "the expression ends" : `"${word}"`} at character ${at}`);
    this.word = word;
    this.at = at;
  }
}
