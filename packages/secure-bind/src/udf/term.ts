/**
 * Untrusted deterministic functions (UDFs): what a stranger's file format says of a block.
 *
 * A program reads the bytes of one block and says which other blocks they own
 * (`owns`), whether a change of them is allowed (`acl`), or how many bytes they
 * are (`size`); after XN's (SOSP'97). There is nothing else that it could name,
 * so the same bytes always give the same answer.
 *
 * Values are unsigned 32-bit words and start as 0. Expressions have no effects.
 * Statements run in order, there are no jumps, and every turn of a loop costs
 * steps.
 */

/** What a program is for; it says what the program may name. */
export const UDF_KINDS = ["owns", "acl", "size"] as const;

/** One of `UDF_KINDS`. */
export type UdfKind = (typeof UDF_KINDS)[number];

/**
 * What two words can be combined by; comparisons are unsigned and give 1 or 0.
 *
 * Sums, differences and products are taken modulo 2^32, a shift shifts by its
 * right operand modulo 32 and fills with zeros, and division by zero is a fault.
 */
export const UDF_OPERATORS = [
  "add",
  "subtract",
  "multiply",
  "divide",
  "remainder",
  "and",
  "or",
  "xor",
  "shiftLeft",
  "shiftRight",
  "equal",
  "notEqual",
  "less",
  "lessOrEqual",
  "greater",
  "greaterOrEqual",
] as const;

/** One of `UDF_OPERATORS`. */
export type UdfOperator = (typeof UDF_OPERATORS)[number];

/** Which bytes: the block as it is or, for `acl` only, the bytes that are proposed for it. */
export const UDF_RANGES = ["block", "proposed"] as const;

/** One of `UDF_RANGES`. */
export type UdfRange = (typeof UDF_RANGES)[number];

/** Whether the first byte of a number is its highest or its lowest; one byte alone is "big". */
export const UDF_ORDERS = ["big", "little"] as const;

/** One of `UDF_ORDERS`. */
export type UdfOrder = (typeof UDF_ORDERS)[number];

/** Bytes of a load. */
export type UdfWidth = 1 | 2 | 4;

/** `width` bytes at `at`, counted from the first of the range. A byte behind the last one is a fault. */
export interface UdfLoad {
  readonly kind: "load";
  readonly of: UdfRange;
  readonly width: UdfWidth;
  readonly order: UdfOrder;
  readonly at: UdfExpression;
}

/** A word. Operands are evaluated from left to right, always all of them. */
export type UdfExpression =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "local"; readonly index: number }
  /** What the caller said, in the order that it defined: `acl` only. */
  | { readonly kind: "argument"; readonly index: number }
  /** Bytes of the range. */
  | { readonly kind: "length"; readonly of: UdfRange }
  | UdfLoad
  | {
      readonly kind: "binary";
      readonly operator: UdfOperator;
      readonly left: UdfExpression;
      readonly right: UdfExpression;
    };

/**
 * `body`, as often as `count` says but at most `limit` times.
 *
 * `count` is evaluated once. Each turn begins by setting local `index` to its
 * number, counted from 0; what the body does to that local changes no turn.
 */
export interface UdfRepeat {
  readonly kind: "repeat";
  readonly index: number;
  readonly count: UdfExpression;
  readonly limit: number;
  readonly body: readonly UdfStatement[];
}

/** `count` blocks from number `start` on, of a type: owned by this block. None at all when `count` is 0. */
export interface UdfEmit {
  readonly kind: "emit";
  readonly start: UdfExpression;
  readonly count: UdfExpression;
  readonly type: UdfExpression;
}

/** One step of a program; a condition holds when it is not 0. */
export type UdfStatement =
  | { readonly kind: "set"; readonly local: number; readonly value: UdfExpression }
  | {
      readonly kind: "if";
      readonly condition: UdfExpression;
      readonly body: readonly UdfStatement[];
      readonly otherwise: readonly UdfStatement[];
    }
  | UdfRepeat
  /** `body`, as long as the condition holds and there are steps left. */
  | { readonly kind: "while"; readonly condition: UdfExpression; readonly body: readonly UdfStatement[] }
  /** `owns` only. */
  | UdfEmit
  /** Ends the program: `acl` says 1 or 0 for yes or no, `size` a number of bytes. */
  | { readonly kind: "answer"; readonly value: UdfExpression }
  /** Ends the program: the block is none of its format. */
  | { readonly kind: "fault" };

/** A program. `owns` has come to its end when its last statement has; the others must answer. */
export interface Udf<K extends UdfKind = UdfKind> {
  readonly kind: K;
  /** How many locals it has. */
  readonly locals: number;
  readonly body: readonly UdfStatement[];
}

/** An expression, or a number that stands for its constant. */
export type UdfOperand = UdfExpression | number;

const expression = (operand: UdfOperand): UdfExpression =>
  typeof operand === "number" ? { kind: "constant", value: operand } : operand;

/** The local with this number. */
export const local = (index: number): UdfExpression => ({ kind: "local", index });

/** What the caller said in this place: `acl` only. */
export const argument = (index: number): UdfExpression => ({ kind: "argument", index });

/** Bytes of the block, or of what is proposed for it. */
export const length = (of: UdfRange = "block"): UdfExpression => ({ kind: "length", of });

/** The number in `width` bytes of the block at `at`. */
export const load = (width: UdfWidth, at: UdfOperand, order: UdfOrder = "big"): UdfExpression => ({
  kind: "load",
  of: "block",
  width,
  order,
  at: expression(at),
});

/** The number in `width` of the proposed bytes at `at`: `acl` only. */
export const loadProposed = (width: UdfWidth, at: UdfOperand, order: UdfOrder = "big"): UdfExpression => ({
  kind: "load",
  of: "proposed",
  width,
  order,
  at: expression(at),
});

/** Two words combined. */
export const binary = (operator: UdfOperator, left: UdfOperand, right: UdfOperand): UdfExpression => ({
  kind: "binary",
  operator,
  left: expression(left),
  right: expression(right),
});

/** Gives a local a value. */
export const set = (index: number, value: UdfOperand): UdfStatement => ({
  kind: "set",
  local: index,
  value: expression(value),
});

/** `body` when the condition holds, `otherwise` when it does not. */
export const ifElse = (
  condition: UdfOperand,
  body: readonly UdfStatement[],
  otherwise: readonly UdfStatement[] = [],
): UdfStatement => ({ kind: "if", condition: expression(condition), body, otherwise });

/** `body`, `count` times but at most `limit` times, with local `index` counting. */
export const repeat = (
  index: number,
  count: UdfOperand,
  limit: number,
  body: readonly UdfStatement[],
): UdfStatement => ({ kind: "repeat", index, count: expression(count), limit, body });

/** `body`, as long as the condition holds. */
export const whileLoop = (condition: UdfOperand, body: readonly UdfStatement[]): UdfStatement => ({
  kind: "while",
  condition: expression(condition),
  body,
});

/** Says that `count` blocks from `start` on, of a type, are owned by this block. */
export const emit = (start: UdfOperand, count: UdfOperand, type: UdfOperand): UdfStatement => ({
  kind: "emit",
  start: expression(start),
  count: expression(count),
  type: expression(type),
});

/** Ends with this answer. */
export const answer = (value: UdfOperand): UdfStatement => ({ kind: "answer", value: expression(value) });

/** Ends with a fault. */
export const fault = (): UdfStatement => ({ kind: "fault" });

/** The program whose `owns` is this. */
export const owns = (locals: number, ...body: readonly UdfStatement[]): Udf<"owns"> => ({
  kind: "owns",
  locals,
  body,
});

/** The program whose `acl` is this. */
export const acl = (locals: number, ...body: readonly UdfStatement[]): Udf<"acl"> => ({
  kind: "acl",
  locals,
  body,
});

/** The program whose `size` is this. */
export const size = (locals: number, ...body: readonly UdfStatement[]): Udf<"size"> => ({
  kind: "size",
  locals,
  body,
});
