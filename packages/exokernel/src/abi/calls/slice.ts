/** Calls on processor time. */
import type { Sys } from "../errors.ts";
import type { CapSlot, Cycles, EnvId, SliceIndex } from "../ids.ts";
import type { Predicate } from "../predicate.ts";
import { WHEN, type CallRows } from "./call-row.ts";

/** Processor time: positions of the slice vector, yield, sleep, wake. */
export interface SliceCalls {
  /** Claims a named position of the slice vector; `slot`'s capability guards it. */
  sliceAlloc(index: SliceIndex, slot: CapSlot): Sys<SliceIndex, "BadSlice" | "Busy" | "BadSlot">;
  /** Gives a position back. **Needs** `write` over its guard. */
  sliceFree(index: SliceIndex, slot: CapSlot): Sys<undefined, "BadSlice" | "BadSlot" | "BadCapability">;
  /** When this upcall returns, the rest of the slice goes to `environment`, or to the scheduler when it is absent. */
  yieldTo(environment: EnvId | undefined): Sys<undefined, "BadEnvironment">;
  /**
   * Not to be run until its event count differs from `seen`, or until `until`.
   *
   * Evaluated only when the scheduler looks. An event between the reading of
   * `seen` and this call is not lost: the environment stays runnable.
   */
  sleep(seen: number, until: Cycles): undefined;
  /** Adds one to an environment's event count. **Needs** dominance over its guard. */
  wake(environment: EnvId, slot: CapSlot): Sys<undefined, "BadEnvironment" | "BadSlot" | "BadCapability">;
  /**
   * Not to be run until `predicate` holds; the tag that made it true is published as `environments.tag`.
   *
   * The predicate is checked and compiled here, and evaluated only when the
   * scheduler reaches one of the caller's slices. The frames of its words are
   * pinned until it has come true or is replaced: a window that is unbound does
   * not end it. When such a frame is taken by force it ends, and the caller runs.
   * Replaces a predicate or a `sleep` before it.
   */
  predicateWait(predicate: Predicate): Sys<undefined, "BadPredicate" | "BadWindow" | "BadRange" | "Full">;
}

/** Their rows. */
export const SLICE_CALLS: CallRows<SliceCalls> = {
  sliceAlloc: {
    number: 0x20,
    wasm: "i32 i32->i32",
    credential: "slot",
    path: "long",
    takes: ["position", "slot that will guard it"],
    fails: { BadSlice: "no such position", Busy: "the position is held", BadSlot: WHEN.slot },
  },
  sliceFree: {
    number: 0x21,
    wasm: "i32 i32->i32",
    credential: "slot",
    path: "long",
    takes: ["position", "slot with `write` over it"],
    fails: {
      BadSlice: "no such position, or nobody holds it",
      BadSlot: WHEN.slot,
      BadCapability: WHEN.capability,
    },
  },
  yieldTo: {
    number: 0x22,
    wasm: "i32->i32",
    credential: "self",
    path: "short",
    takes: ["who runs next"],
    fails: { BadEnvironment: WHEN.environment },
  },
  sleep: {
    number: 0x23,
    wasm: "i32 i64->i32",
    credential: "self",
    path: "short",
    takes: ["event count that was read", "time, in cycles"],
    fails: {},
  },
  wake: {
    number: 0x24,
    wasm: "i32 i32->i32",
    credential: "slot",
    path: "short",
    takes: ["who is woken", "slot that dominates its guard"],
    fails: { BadEnvironment: WHEN.environment, BadSlot: WHEN.slot, BadCapability: WHEN.capability },
  },
  predicateWait: {
    number: 0x25,
    wasm: "i32->i32",
    credential: "binding",
    path: "long",
    takes: ["sum of products over words of the caller's windows"],
    fails: {
      BadPredicate: "malformed, more than `PREDICATE_TERMS` terms, or a sum or product of nothing",
      BadWindow: "a word's window is dead or not the caller's",
      BadRange: "a word is outside its window or not aligned to 4 bytes",
      Full: "it would pin more than `PREDICATE_FRAMES` frames",
    },
  },
};
