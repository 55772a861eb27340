/**
 * What the rewriter adds to every module: names, globals, and what they mean.
 *
 * The globals stand before the module's own, so that each has one number in all
 * modules and the module's own move up by a constant:
 *
 *     0 base            physical address of the segment      imported, constant
 *     1 fuel            instructions left                    signed
 *     2 stack           bytes of stack left                  signed
 *     3 cause           why it was stopped
 *     with a message only:
 *     4 messageAddress  physical address of the message
 *     5 messageBytes    its length
 *     6 .. 10           addresses at which 1, 2, 4, 8, 16 bytes of it begin: length - bytes + 1, or 0
 *     in a program, which has no message:
 *     0 base            of its segment, or of its tables of translations
 *     4 state           whether it runs, unwinds its calls or finds its way back into them
 *     5 context         physical address at which the next frame is saved
 *     6 contextEnd      physical address where its context ends
 *     7 pages           pages of its memory
 *     8 limit           bytes of its memory, as far as 32 bits hold them
 *     9 contextStart    physical address where its context begins
 *     10 grant          fuel that it has when it has found its way back
 */

/** The module name under which memory and base are imported. */
export const RESERVED_MODULE = "exolith:sandbox";
/** What the names of our own exports begin with. */
export const RESERVED_PREFIX = "exolith:";

/** The names of what the rewriter imports and exports. */
export const RUNTIME_NAMES = {
  memory: "memory",
  base: "base",
  begin: "exolith:begin",
  fuel: "exolith:fuel",
  cause: "exolith:cause",
  start: "exolith:start",
  /** Of programs: the table of what they call, and globals. */
  calls: "exolith:calls",
  state: "exolith:state",
  context: "exolith:context",
  contextEnd: "exolith:context-end",
  contextStart: "exolith:context-start",
  grant: "exolith:grant",
  stack: "exolith:stack",
  pages: "exolith:pages",
  limit: "exolith:limit",
} as const;

/** The numbers of the rewriter's own globals. */
export const GLOBALS = {
  base: 0,
  fuel: 1,
  stack: 2,
  cause: 3,
  messageAddress: 4,
  messageBytes: 5,
  /** And four more: for accesses of 1, 2, 4, 8 and 16 bytes. */
  messageStarts: 6,
} as const;

/** The numbers of those that only programs have; the first four are as in `GLOBALS`. */
export const PROGRAM_GLOBALS = {
  state: 4,
  context: 5,
  contextEnd: 6,
  pages: 7,
  limit: 8,
  contextStart: 9,
  grant: 10,
} as const;

/** How many there are, and so how far the module's own move up. */
export const GLOBAL_COUNT = 4;
export const GLOBAL_COUNT_WITH_MESSAGE = 11;
export const PROGRAM_GLOBAL_COUNT = 11;

/** What a program does about its calls. */
export const PROGRAM_STATE = {
  running: 0,
  /** Every call returns at once, behind saving what it needs to go on. */
  unwinding: 1,
  /** Every call goes on where it was saved. */
  rewinding: 2,
} as const;

/** The elements of a program's last table, through which it calls whoever runs it. */
export const CALLS = {
  /** `(address, writes)`: comes back when the translation is there, or throws. */
  miss: 0,
  /** `(pages) -> pages`: how many there were, or -1. */
  grow: 1,
} as const;

/** Elements of that table. */
export const CALL_COUNT = 2;

/** Address at which a module finds its message. */
export const MESSAGE_BASE = 0x4000_0000;
/** Bytes of the longest message. */
export const MESSAGE_BYTES_MAX = 0x4000_0000;

/** Bytes of a page of memory in WebAssembly. */
export const PAGE_BYTES = 65_536;

/** Why a module was stopped. */
export const STOP_CAUSE = {
  /** It trapped by itself: divided by zero, called through an empty element, was told to; or it was not stopped. */
  trap: 0,
  /** Its fuel was used up. */
  fuel: 1,
  /** Its calls were too deep. */
  stack: 2,
  /** It touched memory outside its segment and its message. */
  memory: 3,
} as const;

/** A value of `STOP_CAUSE`. */
export type StopCause = (typeof STOP_CAUSE)[keyof typeof STOP_CAUSE];

/** The names of `STOP_CAUSE`, by their values. */
export const STOP_CAUSE_NAMES: readonly (keyof typeof STOP_CAUSE)[] = Object.freeze([
  "trap",
  "fuel",
  "stack",
  "memory",
] as const);
