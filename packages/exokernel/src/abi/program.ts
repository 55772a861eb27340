/** Programs as their loader has them: let them run, and see what came of it. */
import type { ExportedFunction, Exit } from "@exolith/secure-bind";
import type { GateCalls } from "./gate.ts";
import type { ProgramId } from "./ids.ts";
import type { FaultCause } from "./upcalls.ts";

export { EXIT, type Exit } from "@exolith/secure-bind";

/**
 * A program of the caller's.
 *
 * What runs it throws an `Error`, with nothing done, unless its owner's code runs, in a
 * time slice or another upcall that has an end, and the program is not running.
 * A call with too little stack left throws a `RangeError`.
 */
export interface ProgramHandle {
  readonly id: ProgramId;
  /** What it exports. */
  readonly exports: readonly ExportedFunction[];
  /** Pages of 64 KiB that its memory has from the start, and may have at most. */
  readonly memoryPages: number;
  readonly maximumPages: number;
  /** Places its data and runs the function that runs first: once, before anything else. */
  initialise(): Exit;
  /** Runs what it exports as `name` from its beginning. Throws for what it does not export, or while it is suspended. */
  enter(name: string, ...values: readonly (number | bigint)[]): Exit;
  /** Goes on where it was suspended. Throws when it was not. */
  run(): Exit;
  /**
   * Suspends it as soon as the imported function returns that is calling this.
   *
   * That function is called again with the same arguments when the program goes on.
   * Throws when none is, and for everybody but the owner.
   */
  suspend(): void;
  /** True while it is in the middle. */
  isSuspended(): boolean;
  /** What the function gave that was entered last: a number, a bigint, nothing, or a list of several. */
  result(): unknown;
  /** Why it was stopped; 0 while it was not. */
  cause(): FaultCause | 0;
  /** The address of its last memory fault, 0 before the first. */
  address(): number;
  /** What an imported function or `memoryFault` threw that stopped it. */
  thrown(): unknown;
  /** Pages of 64 KiB that its memory has now. */
  pages(): number;
  /** Bytes of its context that are in use while it is suspended. */
  contextUsed(): number;
}

/**
 * The save area of a program: the first 64 bytes of its context, little-endian words that the kernel writes at each exception.
 *
 * By physical address, before anybody hears of the exception (SOSP'95 section 5.2). Registers are not in it:
 * who waits for the answer to a memory fault still has them, and who is stopped needs none.
 */
export const SAVE_AREA = {
  bytes: 64,
  /** Exceptions so far, this one included. */
  exceptions: 0,
  /** One of `FAULT_CAUSES`. */
  cause: 4,
  /** The address of its last memory fault. */
  address: 8,
  /** Fuel that it had left. */
  fuel: 12,
} as const;

/** The module name under which a program imports kernel calls. */
export const GATE_MODULE = "exolith_gate";

/** The kernel calls that a program can import: those that take and give numbers only, and every number means one thing. */
export const GATE_FUNCTIONS: readonly (keyof GateCalls)[] = Object.freeze([
  "nullCall",
  "capabilityDestroy",
  "capabilityAcquire",
  "capabilityExpire",
  "guardExtend",
  "environmentDestroy",
  "sliceAlloc",
  "sliceFree",
  "yieldTo",
  "sleep",
  "wake",
  "transferAllow",
  "transferAsync",
  "transferReply",
  "messageRingBind",
  "messageRingUnbind",
  "framesAlloc",
  "frameAllocAny",
  "framesFree",
  "framesGuarantee",
  "regionCreate",
  "regionDestroy",
  "ringBind",
  "ringUnbind",
  "filterRemove",
  "handlerRemove",
  "transmitUnbind",
  "extentAlloc",
  "extentFree",
  "revocationAsk",
  "backingSet",
  "repossessionsClear",
  "streamAccept",
  "streamNext",
  "tilesTag",
  "translationCreate",
  "translationDestroy",
  "tlbWrite",
  "tlbProtect",
  "tlbRemove",
  "tlbMark",
  "tlbClear",
  "programEnd",
]);
