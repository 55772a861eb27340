/** Handlers: WebAssembly that runs where a message arrives (ASH, SIGCOMM'96). */
import type { Pipe } from "../pipe/term.ts";
import type { HostFunction } from "../wasm/rewrite.ts";

/** What somebody wants to run for every message of his. */
export interface HandlerProgram {
  /**
   * A WebAssembly module that exports `handle` and imports at most `HANDLER_FUNCTIONS`.
   *
   * `handle(address: i32, length: i32): i32` is called for each message, which it
   * finds at `address`, read-only. Not zero: the message is consumed, and what was
   * sent goes out. Zero: it is delivered as if there were no handler.
   */
  readonly module: Uint8Array;
  /** Instructions that one run may execute, at most `HANDLER_FUEL_MAX`. */
  readonly fuel: number;
  /** Pipes that the module runs by their index: at most `HANDLER_PIPES`; none when absent. */
  readonly pipes?: readonly Pipe[] | undefined;
}

/** Instructions that the handler of the longest patience may execute for one message. */
export const HANDLER_FUEL_MAX = 65_536;
/** Bytes of the largest module of a handler. */
export const HANDLER_MODULE_BYTES = 16_384;
/** Bytes of its code once it is rewritten: engines compile a function when it is first called, with a message waiting. */
export const HANDLER_REWRITTEN_BYTES = 65_536;
/** Values that the engine looks at for that, in all: locals and operands, at each branch. */
export const HANDLER_MOVES = 524_288;
/** Locals of one function of it, and of all together. */
export const HANDLER_LOCALS = 1_024;
export const HANDLER_ALL_LOCALS = 16_384;
/** Functions of its own that it may have. */
export const HANDLER_BODIES = 256;
/** Names that it may export. */
export const HANDLER_EXPORTS = 16;
/** Elements of its table, of which it may have one, and in its element segments together. */
export const HANDLER_ELEMENTS = 1_024;
/** Bytes of stack that a handler has for its calls. */
export const HANDLER_STACK_BYTES = 16_384;
/** Pipes of one handler. */
export const HANDLER_PIPES = 16;
/** Messages that a handler may send in one run. */
export const HANDLER_REPLIES = 4;
/** Pieces that they may be made of, together. */
export const HANDLER_PIECES = 16;
/** Fuel that a call of an imported function takes besides the instruction. */
export const IMPORT_FUEL = 50;
/** Bytes that a pipe moves for one unit of fuel. */
export const PIPE_BYTES_PER_FUEL = 4;

/** The module name that a handler's imports are found under. */
export const HANDLER_MODULE = "handler";

const i32 = "i32" as const;

/** The functions that a handler may import, all of them from `HANDLER_MODULE`; a call takes `IMPORT_FUEL`. */
export const HANDLER_FUNCTIONS: readonly HostFunction[] = Object.freeze([
  /** `append(address, length)`: adds a piece of the segment or the message to the message being built; 0, or -1 when it cannot. */
  { module: HANDLER_MODULE, name: "append", parameters: [i32, i32], results: [i32] },
  /** `send()`: ends that message; it goes out if the run consumes; 0, or -1 when there is nothing to send or no room. */
  { module: HANDLER_MODULE, name: "send", parameters: [], results: [i32] },
  /** `wake()`: the owner is told that something happened for it, if the run does not abort. */
  { module: HANDLER_MODULE, name: "wake", parameters: [], results: [] },
  /**
   * `pipe(index, to, from, length)`: runs a pipe from the segment or the message into the segment.
   *
   * The sum of its first checksum, 0 without one, or -1 when it cannot; a run without the fuel for it ends.
   */
  { module: HANDLER_MODULE, name: "pipe", parameters: [i32, i32, i32, i32], results: [i32] },
  /** `sum(index, stage)`: the sum that the checksum at a stage of a pipe took in its last run; -1 for no such stage. */
  { module: HANDLER_MODULE, name: "sum", parameters: [i32, i32], results: [i32] },
]);

/** What came of a run. */
export const HANDLER_OUTCOME = {
  /** Given up by the handler itself: the message is delivered as if there were none. */
  deferred: 0,
  /** Done with: what was sent goes out. */
  consumed: 1,
  /** Stopped: out of fuel or stack, a wild access, a trap. Delivered as if there were no handler. */
  aborted: 2,
} as const;

/** A value of `HANDLER_OUTCOME`. */
export type HandlerOutcome = (typeof HANDLER_OUTCOME)[keyof typeof HANDLER_OUTCOME];
