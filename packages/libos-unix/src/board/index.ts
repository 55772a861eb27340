/**
 * Running programs: a board, and one call for one program.
 *
 * @packageDocumentation
 */
export * from "./run-wasi.ts";
export * from "./unix-board.ts";
