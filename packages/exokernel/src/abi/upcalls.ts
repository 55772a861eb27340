/** Upcalls: where the kernel enters an environment. */
import type { Gate } from "./gate.ts";

/** Why a fault was delivered. */
export const FAULT_CAUSES = {
  /** The environment's code threw. */
  thrown: 1,
  /** The environment touched a window whose binding is broken, or outside one. */
  window: 2,
} as const;

/** A value of `FAULT_CAUSES`. */
export type FaultCause = (typeof FAULT_CAUSES)[keyof typeof FAULT_CAUSES];

/**
 * The entry points an environment registers. Each runs to completion on the
 * environment's own time; what it throws is its own fault.
 */
export interface Upcalls {
  /** A slice begins: run. To return is to give up the rest of the slice. */
  sliceBegin(): void;
  /** The slice has ended; the last thing the environment hears of it. */
  sliceEnd?(): void;
  /** The environment faulted. Without this entry, or if it throws, the environment is destroyed. */
  fault?(cause: FaultCause, reason: unknown): void;
}

/** The code of an environment: called once with its gate, returns its entry points. */
export type Program = (gate: Gate) => Upcalls;
