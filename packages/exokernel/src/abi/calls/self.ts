/** Calls that concern the way into the kernel itself. */
import type { Sys } from "../errors.ts";
import type { Batch } from "../batch.ts";
import type { CallRows } from "./call-row.ts";

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
   */
  batchRun(batch: Batch): Sys<number, "BadBatch">;
}

/** Their rows. */
export const SELF_CALLS: CallRows<SelfCalls> = {
  nullCall: { number: 0x00, wasm: "->i32", credential: "self", path: "short", takes: [], fails: {} },
  batchRun: {
    number: 0x01,
    wasm: "i32->i32",
    credential: "self",
    path: "long",
    takes: ["a list of calls made by `gate.batch()`"],
    fails: { BadBatch: "the list is empty, not of the caller's gate, or being run" },
  },
};
