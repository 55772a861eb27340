/** Upcalls: where the kernel enters an environment. */
import type { Cycles, EnvId } from "./ids.ts";
import type { Gate } from "./gate.ts";
import type { ResourceKind } from "./resources.ts";

/**
 * Why a fault was delivered, or a program was stopped.
 *
 * Numbers from 16 on are those of WebAssembly programs: `memoryFault` is called
 * with the first two, and any of them, or `thrown`, is why a program was stopped.
 */
export const FAULT_CAUSES = {
  /** The environment's code threw. */
  thrown: 1,
  /** The environment touched a window whose binding is broken, or outside one. */
  window: 2,
  /** An entry point returned what it must not: a promise, or no number from a transfer. */
  upcall: 3,
  /** No translation for an address. */
  translation: 16,
  /** A translation without the right to write. */
  protection: 17,
  /** An access outside the memory that the program has. */
  access: 18,
  /** Division by zero, or a quotient that does not fit. */
  division: 19,
  /** An instruction that must not be reached. */
  unreachable: 20,
  /** Out of fuel where the program cannot be suspended. */
  fuel: 21,
  /** Its calls were too deep, or too deep for what it called. */
  stack: 22,
  /** Any other trap: a call through a wrong element of a table, a conversion that does not fit. */
  trap: 23,
  /** It was ended by what it called. */
  ended: 24,
} as const;

/** A value of `FAULT_CAUSES`. */
export type FaultCause = (typeof FAULT_CAUSES)[keyof typeof FAULT_CAUSES];

/** Kinds of transfer, as bits, for `transferAllow`. */
export const TRANSFER_KINDS = {
  /** Nobody may enter. */
  none: 0,
  /** `transfer` and `transferWords`. */
  synchronous: 1,
  /** `transferAsync`. */
  asynchronous: 2,
  /** Both. */
  all: 3,
} as const;

/**
 * The entry points an environment registers. Each runs to completion on the
 * environment's own time; what it throws is its own fault.
 */
export interface Upcalls {
  /** A slice begins: run. To return is to give up the rest of the slice. */
  sliceBegin(): void;
  /**
   * The slice has ended; the last thing the environment hears of it. Time over the slice's end is excess time.
   *
   * Not called for a slice in which a transfer was kept: the rest of that is the keeper's.
   */
  sliceEnd?(): void;
  /**
   * The environment faulted. Without this entry, or if it throws, the environment is destroyed.
   *
   * `blame` is who caused it: the environment itself, or the one that last broke
   * one of its windows when the cause is `window` (`KERNEL` for a repossession).
   */
  fault?(cause: FaultCause, reason: unknown, blame: EnvId): void;
  /**
   * A synchronous transfer arrived, on the caller's slice, with the caller's registers.
   *
   * The number returned is the reply. `undefined` keeps the caller: its slices
   * are this environment's until `transferReply` gives them back.
   */
  transfer?(caller: EnvId, a: number, b: number, c: number, d: number): number | undefined;
  /** The same with `count` words in the place named by `transferBuffer`. */
  transferWords?(caller: EnvId, a: number, count: number): number | undefined;
  /**
   * An asynchronous transfer arrived: the rest of the caller's slice is this environment's, to use or to yield.
   *
   * It comes after the upcall that initiated it and the fault of that, before any other, `sliceEnd` included.
   */
  transferAsync?(caller: EnvId, a: number, b: number, c: number, d: number): void;
  /** The reply to a transfer that was kept, on the slice of whoever replied; the environment's slices are its own again. */
  transferReply?(from: EnvId, a: number, b: number, c: number, d: number): void;
  /**
   * The kernel asks for `count` resources of `kind` back, until `deadline`.
   *
   * Which ones is the environment's choice; it gives them back with the usual
   * calls, now or later. What is missing at the deadline is taken by force.
   */
  revoke?(kind: ResourceKind, count: number, deadline: Cycles): void;
  /**
   * A program of the environment touched an address that has no translation, or none for writing.
   *
   * `true` when it is there now: the access is tried again. Anything else stops the
   * program with that cause, and so does an answer that is wrong too often. What
   * this entry throws stops the program as well, and comes out of it as `thrown`.
   * The program waits in the middle of an instruction, so this cannot wait.
   */
  memoryFault?(cause: FaultCause, address: number): boolean | undefined;
  /** Resources were taken by force: the repossession vector has `count` entries more. */
  repossessed?(count: number): void;
}

/** The code of an environment: called once with its gate, returns its entry points. */
export type Program = (gate: Gate) => Upcalls;
