/**
 * What a function costs the engine's compiler, as far as its bytes do not say.
 *
 * A function is compiled when it is first called, in one pass that notes where
 * each local and each operand is. Where control parts or joins the note is copied
 * and compared; a call moves what it passes. So the work grows with the product of
 * locals and instructions, and sixty kilobytes could take seconds and gigabytes.
 *
 * A move is one value looked at once: with V8 some 7 ns and, until the function
 * is compiled, 12 bytes. What is written for an instruction counts as well: a
 * check is an `if` with its `end`.
 */
import { KIND } from "./opcodes.ts";
import type { FunctionType } from "./parsed-module.ts";

/** Of calls, the engine looks at all values only to say which are references. */
const PER_CALL = 1 / 8;
/** Moves for each value that a call takes or leaves. */
const PER_PASSED_VALUE = 8;
/** Each result may have to find a place among those before it. */
const PER_PAIR_OF_RESULTS = 1 / 4;

const WEIGHTS: readonly (readonly [number, readonly number[]])[] = [
  [1, [KIND.block, KIND.if, KIND.else, KIND.end, KIND.br, KIND.brIf, KIND.return]],
  // Everything goes to memory first, and a check follows.
  [3, [KIND.loop]],
  [PER_CALL, [KIND.call, KIND.callIndirect, KIND.memoryFill, KIND.memoryCopy, KIND.memoryInit, KIND.element]],
  [2 * PER_CALL, [KIND.tableRange]],
];

/** Moves of each `KIND` of instruction for each local and operand; of accesses the memory model knows. */
export function movesOfKinds(load: number, store: number): Float64Array {
  const moves = new Float64Array(Math.max(...Object.values(KIND)) + 1);
  for (const [weight, kinds] of WEIGHTS) for (const kind of kinds) moves[kind] = weight;
  moves[KIND.load] = load;
  moves[KIND.store] = store;
  return moves;
}

/** Moves of a check, for each local and operand. */
export const CHECK_MOVES = 2;

/** Moves of a call for what it takes and leaves. */
export const movesOfCall = ({ parameters, results }: FunctionType): number =>
  PER_PASSED_VALUE * (parameters.length + results.length) + PER_PAIR_OF_RESULTS * results.length ** 2;
