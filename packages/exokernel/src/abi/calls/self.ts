/** Calls that concern the way into the kernel itself. */
import type { Sys } from "../errors.ts";
import type { Batch } from "../batch.ts";
import { row, type CallRows } from "./call-row.ts";

/** Crossings. */
export interface SelfCalls {
  /** Does nothing: the price of a crossing. */
  nullCall(): undefined;
  /**
   * Makes the calls of `batch` in order, in one crossing, up to the first that is refused.
   *
   * Returns how many were done; when that is fewer than the batch has, it is
   * also the index of the refused one. Each call is atomic, the batch is not:
   * what was done stays done. `batch.result(i)` is the result of call `i`.
   *
   * @param batch a list of calls made by `gate.batch()`
   *
   * **Fails** `BadBatch`: the list is empty, not of the caller's gate, or being run.
   */
  batchRun(batch: Batch): Sys<number, "BadBatch">;
}

/** Their rows. */
export const SELF_CALLS: CallRows<SelfCalls> = {
  nullCall: row(0x00, "->i32", "self", "short"),
  batchRun: row(0x01, "i32->i32", "self", "long", ["BadBatch"]),
};
