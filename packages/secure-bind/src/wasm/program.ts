/**
 * Programs: foreign modules that run for long, are stopped in the middle and go on later.
 *
 * What a handler does in one run, a program does in many: when its fuel is used up,
 * or a function that it calls has to wait, it unwinds its calls into its context
 * and later finds its way back into them.
 */
import type { InstructionClass } from "./opcodes.ts";
import type { HostFunctions } from "./instantiate.ts";
import type { ModuleRefusal } from "./module-refusal.ts";
import type { ModuleLimits } from "./module-limits.ts";
import type { ExportedFunction, HostFunction } from "./parsed-module.ts";
import type { StopCause } from "./runtime.ts";

/** How a program reaches its memory: contiguous at a base, or page by page through a table. */
export type MemoryMode = "segment" | "paged";

/** What a program may be. */
export interface ProgramOptions {
  readonly mode: MemoryMode;
  /** Bits of an address inside a page: 12 (the default) or 16. */
  readonly pageBits?: 12 | 16;
  /** What it may import; everything else is refused by name. */
  readonly imports?: readonly HostFunction[];
  /** Classes of instructions that it must not have. */
  readonly forbid?: readonly InstructionClass[];
  /** How large it may be; what is absent is as in `MODULE_LIMITS`. */
  readonly limits?: Partial<ModuleLimits>;
}

/** A program that was rewritten; any number of places may share it. Only `rewriteProgram` makes one. */
export interface RewrittenProgram {
  /** The binary, copied each time it is asked for. */
  readonly bytes: Uint8Array;
  readonly mode: MemoryMode;
  readonly pageBits: 12 | 16;
  /** Pages of 64 KiB that its memory has from the start, and may have at most. */
  readonly memoryPages: number;
  readonly maximumPages: number;
  readonly exports: readonly ExportedFunction[];
  readonly imports: readonly HostFunction[];
  /** Functions of its own. */
  readonly functions: number;
}

/** Where a program lives, and whom it calls. */
export interface ProgramPlace {
  /** The memory with everything below. */
  readonly memory: WebAssembly.Memory;
  /** Physical address of its segment, or of its tables of translations. */
  readonly base: number;
  /** Bytes of the segment, into which its memory may grow; of no meaning when it is paged. */
  readonly limitBytes: number;
  /** Physical address and bytes of its context: at least as large as its stack. A multiple of 16. */
  readonly context: number;
  readonly contextBytes: number;
  /** Bytes of stack for its calls: `STACK_BYTES` when absent. */
  readonly stackBytes?: number;
  readonly functions?: HostFunctions;
  /** Its fuel is used up: `left` is what is left, never above 0. New fuel, or 0 to suspend it. */
  refill(left: number): number;
  /** There is no translation for an access: comes back when there is, or throws to stop the program. */
  miss?(address: number, writes: number): void;
  /** It wants `pages` more pages of 64 KiB: how many it had, or -1. The place has looked at its own limit. */
  grow?(pages: number): number;
}

/**
 * A program as it was at one moment, but for its memory: its calls, its globals, the pages that it has.
 *
 * Only `snapshot` makes one; it does not change, and outlives the program.
 */
export interface ProgramSnapshot {
  readonly program: RewrittenProgram;
  /** Pages of 64 KiB of its memory, which whoever adopts it must bring. */
  readonly pages: number;
  /** Bytes of its context that were in use. */
  readonly contextBytes: number;
}

/** What came of letting a program run. */
export const EXIT = {
  /** It ran to its end: `result` is what came back. */
  returned: 0,
  /** It is in the middle, and goes on with `resume`. */
  suspended: 1,
  /** It is over: `cause` and `thrown` say why. */
  stopped: 2,
} as const;

/** A value of `EXIT`. */
export type Exit = (typeof EXIT)[keyof typeof EXIT];

/** A program in its place. */
export interface SandboxedProgram {
  /** Places its data and runs the function that runs first: once, before anything else. */
  initialise(): Exit;
  /** Runs an exported function from its beginning. Throws a `RangeError` for what it does not export, or while it is suspended or running. */
  enter(name: string, ...values: readonly (number | bigint)[]): Exit;
  /** Goes on where it was suspended. Throws a `RangeError` when it was not. */
  resume(): Exit;
  /**
   * Suspends it as soon as the function returns that is calling this.
   *
   * **Needs** to be called inside a function that it imports. That function is
   * called again with the same arguments when the program goes on.
   */
  suspend(): void;
  /** What the function returned that was entered last. */
  result(): unknown;
  /** Fuel that is left; below 0 what it owes. */
  fuel(): number;
  /** Why it was stopped. */
  cause(): StopCause;
  /** What was thrown when it was stopped: an error of the engine, or what a host function threw. */
  thrown(): unknown;
  /** Pages of 64 KiB of its memory. */
  pages(): number;
  /** Whether it is in the middle. */
  isSuspended(): boolean;
  /** Bytes of its context that are in use while it is suspended. */
  contextUsed(): number;
  /**
   * What another place needs to go on as this one would, besides a copy of its memory.
   *
   * **Fails** "Unsupported" when the module changes its tables, or has a mutable
   * global that is a vector or a reference: nobody outside can copy these. Throws a
   * `RangeError` while it runs, and before it is initialised. **Cost** O(globals, bytes of context in use).
   */
  snapshot(): ProgramSnapshot | ModuleRefusal;
  /**
   * Becomes what the snapshot was: suspended if that was, initialised, with its calls and its globals.
   *
   * What it was itself is forgotten; its fuel stays. A number of a float global that
   * is none may come as another that is none.
   * **Needs** that its memory is what it was then: bytes of the segment, or translations.
   * **Fails** throws a `RangeError` while it runs, for a snapshot of another program,
   * and when its segment or its context is too small. Nothing has changed then.
   */
  adopt(snapshot: ProgramSnapshot): void;
}
