/** Writes bytes to a run of blocks. */
import { BLOCK_BYTES } from "@exolith/exokernel/abi";
import { settle, takeSlot } from "./copy-file.ts";
import type { Staging } from "./staging.ts";
import { STAGING_BYTES } from "./staging.ts";
import type { Step } from "./step.ts";

/** Writes `bytes` from block `first`, and waits until they are there or `staging` counts a failure. */
export function* writeRun(staging: Staging, bytes: Uint8Array, first: number): Generator<Step> {
  for (let at = 0; at < bytes.length; at += STAGING_BYTES) {
    const slot = yield* takeSlot(staging);
    const part = bytes.subarray(at, at + STAGING_BYTES);
    staging.write(slot, part, part.length, first + at / BLOCK_BYTES);
    yield "more";
  }
  yield* settle(staging);
}
