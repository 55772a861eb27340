/** Calls on processor time. */
import type { Sys } from "../errors.ts";
import type { CapSlot, Cycles, EnvId, SliceIndex } from "../ids.ts";
import type { Predicate } from "../predicate.ts";
import { row, type CallRows } from "./call-row.ts";

/** Processor time: positions of the slice vector, yield, sleep, wake. */
export interface SliceCalls {
  /**
   * Claims a named position of the slice vector; `slot`'s capability guards it.
   *
   * @param index position
   * @param slot slot that will guard it
   *
   * **Fails** `BadSlice`: no such position.
   * **Fails** `Busy`: the position is held.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   */
  sliceAlloc(index: SliceIndex, slot: CapSlot): Sys<SliceIndex, "BadSlice" | "Busy" | "BadSlot">;
  /**
   * Gives a position back. **Needs** `write` over its guard.
   *
   * @param index position
   * @param slot slot with `write` over it
   *
   * **Fails** `BadSlice`: no such position, or nobody holds it.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the capability in the slot does not reach the guard with the right.
   */
  sliceFree(index: SliceIndex, slot: CapSlot): Sys<undefined, "BadSlice" | "BadSlot" | "BadCapability">;
  /**
   * When this upcall returns, the rest of the slice goes to `environment`, or to the scheduler when it is absent.
   *
   * @param environment who runs next
   *
   * **Fails** `BadEnvironment`: no such environment is alive.
   */
  yieldTo(environment: EnvId | undefined): Sys<undefined, "BadEnvironment">;
  /**
   * Not to be run until its event count differs from `seen`, or until `until`.
   *
   * Evaluated only when the scheduler looks. An event between the reading of
   * `seen` and this call is not lost: the environment stays runnable.
   *
   * @param seen event count that was read
   * @param until time, in cycles
   */
  sleep(seen: number, until: Cycles): undefined;
  /**
   * Adds one to an environment's event count. **Needs** dominance over its guard.
   *
   * @param environment who is woken
   * @param slot slot that dominates its guard
   *
   * **Fails** `BadEnvironment`: no such environment is alive.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the capability in the slot does not reach the guard with the right.
   */
  wake(environment: EnvId, slot: CapSlot): Sys<undefined, "BadEnvironment" | "BadSlot" | "BadCapability">;
  /**
   * Not to be run until `predicate` holds; the tag that made it true is published as `environments.tag`.
   *
   * The predicate is checked and compiled here, and evaluated only when the
   * scheduler reaches one of the caller's slices, once each time that it looks for
   * somebody to run. The frames of its words are
   * pinned until it has come true or is replaced: a window that is unbound does
   * not end it. When such a frame is taken by force it ends, and the caller runs.
   * Replaces a predicate or a `sleep` before it.
   *
   * @param predicate sum of products over words of the caller's windows
   *
   * **Fails** `BadPredicate`: malformed, more than `PREDICATE_TERMS` terms, or a sum or product of nothing.
   * **Fails** `BadWindow`: a word's window is dead or not the caller's.
   * **Fails** `BadRange`: a word is outside its window or not aligned to 4 bytes.
   * **Fails** `Full`: it would pin more than `PREDICATE_FRAMES` frames.
   */
  predicateWait(predicate: Predicate): Sys<undefined, "BadPredicate" | "BadWindow" | "BadRange" | "Full">;
}

/** Their rows. */
export const SLICE_CALLS: CallRows<SliceCalls> = {
  sliceAlloc: row(0x20, "i32 i32->i32", "slot", "long", ["BadSlice", "Busy", "BadSlot"]),
  sliceFree: row(0x21, "i32 i32->i32", "slot", "long", ["BadSlice", "BadSlot", "BadCapability"]),
  yieldTo: row(0x22, "i32->i32", "self", "short", ["BadEnvironment"]),
  sleep: row(0x23, "i32 i64->i32", "self", "short"),
  wake: row(0x24, "i32 i32->i32", "slot", "short", ["BadEnvironment", "BadSlot", "BadCapability"]),
  predicateWait: row(0x25, "i32->i32", "binding", "long", ["BadPredicate", "BadWindow", "BadRange", "Full"]),
};
