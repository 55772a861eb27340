/** Calls on memory: frames, windows, regions, copies by DMA. */
import type { Sys } from "../errors.ts";
import type { CapSlot, FrameNumber, RegionId } from "../ids.ts";
import type { Window } from "../window.ts";
import { row, type CallRows } from "./call-row.ts";

/** A move of bytes between a region and memory; the record may be reused once the call returns. */
export interface RegionMove {
  /** Byte offset in the region. */
  readonly at: number;
  readonly window: Window;
  /** Byte offset in `window`. */
  readonly windowAt: number;
  /** Bytes, at least 1. */
  readonly length: number;
}

/** A copy by the DMA engine; the record may be reused once the call returns. */
export interface DmaCopy {
  readonly from: Window;
  /** Byte offset in `from`. */
  readonly fromAt: number;
  readonly to: Window;
  /** Byte offset in `to`. */
  readonly toAt: number;
  /** Bytes, at least 1. */
  readonly length: number;
  /** Where the completion word is, big-endian 32 bits: `TRANSFER_STATUS`. */
  readonly statusWindow: Window;
  readonly statusAt: number;
}

/** Physical memory, by frame number. */
export interface MemoryCalls {
  /**
   * Claims `count` named frames from `first`; all or none. `slot`'s capability guards them. They never show what another environment left in them.
   *
   * @param first first frame
   * @param count frames, at least 1
   * @param slot slot that will guard them
   *
   * **Fails** `BadFrame`: the first frame is outside RAM.
   * **Fails** `BadRange`: the run is empty or ends outside RAM.
   * **Fails** `Busy`: a frame of the run is held.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   */
  framesAlloc(
    first: FrameNumber,
    count: number,
    slot: CapSlot,
  ): Sys<FrameNumber, "BadFrame" | "BadRange" | "Busy" | "BadSlot">;
  /**
   * Claims any free frame; which one is the kernel's choice.
   *
   * @param slot slot that will guard it
   *
   * **Fails** `Full`: no frame is free.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   */
  frameAllocAny(slot: CapSlot): Sys<FrameNumber, "Full" | "BadSlot">;
  /**
   * Gives frames back, all or none.
   *
   * Every window and region on them dies, and every DMA copy from or to them is
   * cancelled. **Needs** `write` over each guard.
   *
   * @param first first frame
   * @param count frames, at least 1
   * @param slot slot with `write` over them
   *
   * **Fails** `BadFrame`: a frame outside RAM, free, or being taken back.
   * **Fails** `BadRange`: the run is empty or ends outside RAM.
   * **Fails** `Pinned`: a ring, a disk transfer, a guard or a predicate uses a frame of the run.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the capability in the slot does not reach the guard with the right.
   */
  framesFree(
    first: FrameNumber,
    count: number,
    slot: CapSlot,
  ): Sys<undefined, "BadFrame" | "BadRange" | "Pinned" | "BadSlot" | "BadCapability">;
  /**
   * Adds own frames to the set that is never repossessed, or takes them out of it.
   *
   * @param first first frame
   * @param count frames, at least 1
   * @param isGuaranteed whether they are to be in the set
   *
   * **Fails** `BadFrame`: a frame outside RAM, or not the caller's own.
   * **Fails** `BadRange`: the run is empty or ends outside RAM.
   * **Fails** `Full`: the set would have more than `GUARANTEED_FRAMES`.
   */
  framesGuarantee(
    first: FrameNumber,
    count: number,
    isGuaranteed: boolean,
  ): Sys<undefined, "BadFrame" | "BadRange" | "Full">;
  /**
   * Binds a window over `count` frames from `first`, for writing if `writable`.
   *
   * **Needs** dominance over each frame's guard, with `write` if `writable`.
   *
   * @param first first frame
   * @param count frames, at least 1
   * @param writable whether it is for writing
   * @param slot slot of the caller
   *
   * **Fails** `BadFrame`: a frame outside RAM, free, or being taken back.
   * **Fails** `BadRange`: the run is empty or ends outside RAM.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the capability in the slot does not reach the guard with the right.
   * **Fails** `Full`: the caller has `WINDOWS` windows.
   */
  windowBind(
    first: FrameNumber,
    count: number,
    writable: boolean,
    slot: CapSlot,
  ): Sys<Window, "BadFrame" | "BadRange" | "BadSlot" | "BadCapability" | "Full">;
  /**
   * Breaks the binding; the window is dead.
   *
   * @param window window
   *
   * **Fails** `BadWindow`: the window is dead or not the caller's.
   */
  windowUnbind(window: Window): Sys<undefined, "BadWindow">;
  /**
   * Makes a software region of `length` bytes of frame `frame` from `at`; `slot`'s capability guards it.
   *
   * A region is smaller than a frame and touched by calls only, so that
   * environments which may not share the frame can share a part of it. It dies
   * with the frame. **Needs** `write` over the frame's guard.
   *
   * @param frame frame
   * @param at byte offset in it
   * @param length bytes, at least 1
   * @param slot slot with `write` over the frame
   *
   * **Fails** `BadFrame`: a frame outside RAM, free, or being taken back.
   * **Fails** `BadRange`: the bytes do not lie in one frame.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the capability in the slot does not reach the guard with the right.
   * **Fails** `Full`: `REGIONS` exist.
   */
  regionCreate(
    frame: FrameNumber,
    at: number,
    length: number,
    slot: CapSlot,
  ): Sys<RegionId, "BadFrame" | "BadRange" | "BadSlot" | "BadCapability" | "Full">;
  /**
   * Ends a region. **Needs** `write` over its guard.
   *
   * @param region region
   * @param slot slot with `write` over it
   *
   * **Fails** `BadRegion`: no such region.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the capability in the slot does not reach the guard with the right.
   */
  regionDestroy(region: RegionId, slot: CapSlot): Sys<undefined, "BadRegion" | "BadSlot" | "BadCapability">;
  /**
   * Copies bytes of a region into memory. **Needs** dominance over the region's guard.
   *
   * @param region region
   * @param move offsets and length in bytes
   * @param slot slot of the caller
   *
   * **Fails** `BadRegion`: no such region.
   * **Fails** `BadWindow`: the window is dead, not the caller's, or not bound for writing where it is written.
   * **Fails** `BadRange`: the offset, length or count is outside what is named.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the capability in the slot does not reach the guard with the right.
   */
  regionRead(
    region: RegionId,
    move: RegionMove,
    slot: CapSlot,
  ): Sys<undefined, "BadRegion" | "BadWindow" | "BadRange" | "BadSlot" | "BadCapability">;
  /**
   * Copies bytes from memory into a region. **Needs** `write` over the region's guard.
   *
   * @param region region
   * @param move offsets and length in bytes
   * @param slot slot of the caller
   *
   * **Fails** `BadRegion`: no such region.
   * **Fails** `BadWindow`: the window is dead, not the caller's, or not bound for writing where it is written.
   * **Fails** `BadRange`: the offset, length or count is outside what is named.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the capability in the slot does not reach the guard with the right.
   */
  regionWrite(
    region: RegionId,
    move: RegionMove,
    slot: CapSlot,
  ): Sys<undefined, "BadRegion" | "BadWindow" | "BadRange" | "BadSlot" | "BadCapability">;
  /**
   * Queues a copy by the machine's DMA engine; the completion word says when it is done.
   *
   * A use of bindings: no capability. Freeing a frame of it cancels it; the
   * word then says so, unless its own frame is gone as well.
   *
   * @param copy windows, offsets and length in bytes
   *
   * **Fails** `NoDevice`: the machine has no DMA engine.
   * **Fails** `BadWindow`: the window is dead, not the caller's, or not bound for writing where it is written.
   * **Fails** `BadRange`: outside a window, more than `DMA_BYTES`, or a completion word that is not aligned to 4 bytes.
   * **Fails** `Full`: the engine's queue is full, or `DMA_COPIES` are in flight.
   */
  dmaCopy(copy: DmaCopy): Sys<undefined, "NoDevice" | "BadWindow" | "BadRange" | "Full">;
}

/** Their rows. 0x33 was the guard of a frame alone. */
export const MEMORY_CALLS: CallRows<MemoryCalls> = {
  framesAlloc: row(0x30, "i32 i32 i32->i32", "slot", "long", ["BadFrame", "BadRange", "Busy", "BadSlot"]),
  frameAllocAny: row(0x31, "i32->i32", "slot", "long", ["Full", "BadSlot"]),
  framesFree: row(0x32, "i32 i32 i32->i32", "slot", "long", [
    "BadFrame",
    "BadRange",
    "Pinned",
    "BadSlot",
    "BadCapability",
  ]),
  framesGuarantee: row(0x34, "i32 i32 i32->i32", "binding", "long", ["BadFrame", "BadRange", "Full"]),
  windowBind: row(0x38, "i32 i32 i32 i32->i32", "slot", "long", [
    "BadFrame",
    "BadRange",
    "BadSlot",
    "BadCapability",
    "Full",
  ]),
  windowUnbind: row(0x39, "i32->i32", "binding", "long", ["BadWindow"]),
  regionCreate: row(0x3a, "i32 i32 i32 i32->i64", "slot", "long", [
    "BadFrame",
    "BadRange",
    "BadSlot",
    "BadCapability",
    "Full",
  ]),
  regionDestroy: row(0x3b, "i64 i32->i32", "slot", "long", ["BadRegion", "BadSlot", "BadCapability"]),
  regionRead: row(0x3c, "i64 i32 i32->i32", "slot", "move", [
    "BadRegion",
    "BadWindow",
    "BadRange",
    "BadSlot",
    "BadCapability",
  ]),
  regionWrite: row(0x3d, "i64 i32 i32->i32", "slot", "move", [
    "BadRegion",
    "BadWindow",
    "BadRange",
    "BadSlot",
    "BadCapability",
  ]),
  dmaCopy: row(0x3e, "i32->i32", "binding", "long", ["NoDevice", "BadWindow", "BadRange", "Full"]),
};
