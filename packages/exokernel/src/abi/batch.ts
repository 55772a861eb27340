/** Batches: several calls for the price of one crossing. */
import type { GateCalls } from "./gate.ts";

/**
 * A list of calls, reused: `clear`, `add` each, hand it to `batchRun`.
 *
 * It proves nothing: each call is checked when it is made. A batch cannot hold
 * `batchRun` or a transfer.
 */
export interface Batch {
  /** Calls added since `clear`. */
  readonly count: number;
  clear(): void;
  /** Adds a call with its arguments. Throws a `RangeError` past `BATCH_CALLS` and for a call that a batch cannot hold. O(arguments). */
  add<K extends BatchedCall>(call: K, ...args: Parameters<GateCalls[K]>): void;
  /** What call `index` returned in the last run; `undefined` when it was not made. O(1). */
  result(index: number): unknown;
}

/** The calls that a batch may hold. */
export type BatchedCall = Exclude<keyof GateCalls, "batchRun" | "transfer" | "transferWords">;
