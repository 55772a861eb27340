/** Why a downloaded program was refused, as data. */

/** The rules of all verifiers; a program breaks the first one that it meets. */
export type RefusalRule =
  /** Not a list of terms, or reading it threw. */
  | "NotAProgram"
  /** More terms than the language allows. */
  | "TooLong"
  /** A term of no known kind. */
  | "BadKind"
  /** An offset that is no integer from 0 to 65535. */
  | "BadOffset"
  /** A width that is not 1, 2 or 4 bytes; of a byte swap, not 2, 4 or 8. */
  | "BadWidth"
  /** A mask that is no unsigned integer of the field's width. */
  | "BadMask"
  /** A value that is no unsigned integer, or has bits outside its mask. */
  | "BadValue"
  /** A shift that is no integer from 0 to 8 bits. */
  | "BadShift"
  /** A skip that is no integer from 0 to 65535 bytes. */
  | "BadSkip"
  /** A second `fragments`, or one behind a shift. */
  | "BadFragments"
  /** A key that is no list of one to eight fields. */
  | "BadKey"
  /** Terms inside each other too deeply. */
  | "TooDeep"
  /** The longest run takes too many steps. */
  | "TooManySteps"
  /** A term that programs of another kind may have. */
  | "Forbidden"
  /** A way through the program that ends without an answer. */
  | "NoAnswer"
  /** A local that the program does not have, or too many of them. */
  | "BadLocal"
  /** An argument that is no integer from 0 to 7. */
  | "BadArgument"
  /** An operator of no known kind. */
  | "BadOperator"
  /** An order of bytes that is neither "big" nor "little". */
  | "BadOrder"
  /** Bytes that are neither "block" nor "proposed". */
  | "BadRange"
  /** A limit of turns that is no integer from 1 to 65535. */
  | "BadLimit"
  /** Nothing in it: no product, or no term in a product. */
  | "Empty"
  /** An address that is no multiple of 4 or lies outside memory. */
  | "BadAddress"
  /** A comparison of no known kind. */
  | "BadComparison"
  /** A tag that is no unsigned 32-bit number. */
  | "BadTag";

/** The rule that was broken, and where. Frozen. */
export interface Refusal {
  readonly rule: RefusalRule;
  /** Index of the guilty term, counted from 0; -1 for the whole program. */
  readonly term: number;
}

/** A refusal of the term at index `term`, or of the whole program. */
export const refuse = (rule: RefusalRule, term: number): Refusal => Object.freeze({ rule, term });

/** True when a verifier refused. */
export const isRefusal = (result: object): result is Refusal => Object.hasOwn(result, "rule");
