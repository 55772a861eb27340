/** Calls on disk blocks. */
import type { Sys } from "../errors.ts";
import type { CapSlot, ExtentId } from "../ids.ts";
import type { Window } from "../window.ts";
import { row, type CallRows } from "./call-row.ts";

/** One disk transfer; the record may be reused once the call returns. */
export interface Transfer {
  /** Block within the extent, counted from 0. */
  readonly block: number;
  /** Whole blocks, at least 1. */
  readonly count: number;
  /** The memory, and the byte offset in it: a multiple of `FRAME_BYTES`. */
  readonly window: Window;
  readonly at: number;
  /** Byte offset in `window` or `statusWindow` of the completion word. */
  readonly statusWindow: Window;
  readonly statusAt: number;
}

/** Values of a completion word, big-endian 32 bits. */
export const TRANSFER_STATUS = {
  /** Queued, and not finished. */
  pending: 0,
  /** Finished. */
  done: 1,
  /** The device gave up; the memory may have changed in part. */
  failed: 2,
  /** Only a DMA copy: one of its frames was freed first. */
  cancelled: 3,
} as const;

/** Disk blocks, as raw extents. */
export interface DiskCalls {
  /**
   * Binds `count` blocks from `first` of `disk` to `guard`'s capability.
   *
   * Blocks that another environment held show zeros until they are written.
   * **Needs** `allocate` over the disk's name.
   *
   * @param disk disk, by index
   * @param first first block
   * @param count blocks, at least 1
   * @param device slot with `allocate` over the disk
   * @param guard slot that will guard the extent
   *
   * **Fails** `NoDevice`: no such disk.
   * **Fails** `BadRange`: the run is empty or ends outside the disk.
   * **Fails** `Busy`: a block of the run is held.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the capability in the slot does not reach the guard with the right.
   * **Fails** `Full`: `EXTENTS` exist.
   */
  extentAlloc(
    disk: number,
    first: number,
    count: number,
    device: CapSlot,
    guard: CapSlot,
  ): Sys<ExtentId, "NoDevice" | "BadRange" | "Busy" | "BadSlot" | "BadCapability" | "Full">;
  /**
   * Gives the blocks back. **Needs** `write` over the extent's guard.
   *
   * @param extent extent
   * @param slot slot with `write` over it
   *
   * **Fails** `BadExtent`: no such extent.
   * **Fails** `Busy`: a transfer of it is in flight, or it is somebody's backing.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the capability in the slot does not reach the guard with the right.
   */
  extentFree(
    extent: ExtentId,
    slot: CapSlot,
  ): Sys<undefined, "BadExtent" | "Busy" | "BadSlot" | "BadCapability">;
  /**
   * Queues a read of blocks into memory. **Needs** dominance over the extent's guard.
   *
   * @param extent extent
   * @param transfer blocks, window and offsets in bytes
   * @param slot slot of the caller
   *
   * **Fails** `BadExtent`: no such extent, or one that is being taken back.
   * **Fails** `BadRange`: blocks outside the extent or more than `TRANSFER_BLOCKS`, bytes outside a window, or an offset that is not aligned.
   * **Fails** `BadWindow`: the window is dead, not the caller's, or not bound for writing where it is written.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the capability in the slot does not reach the guard with the right.
   * **Fails** `Full`: `TRANSFERS` are in flight, the disk's queue is full, a frame taken by force waits to be saved in one of these blocks, or one in flight shares a block while the extent has some that show zeros.
   */
  extentRead(
    extent: ExtentId,
    transfer: Transfer,
    slot: CapSlot,
  ): Sys<undefined, "BadExtent" | "BadRange" | "BadWindow" | "BadSlot" | "BadCapability" | "Full">;
  /**
   * Queues a write of blocks from memory. **Needs** `write` over the extent's guard.
   *
   * @param extent extent
   * @param transfer blocks, window and offsets in bytes
   * @param slot slot of the caller
   *
   * **Fails** `BadExtent`: no such extent, or one that is being taken back.
   * **Fails** `BadRange`: blocks outside the extent or more than `TRANSFER_BLOCKS`, bytes outside a window, or an offset that is not aligned.
   * **Fails** `BadWindow`: the window is dead, not the caller's, or not bound for writing where it is written.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the capability in the slot does not reach the guard with the right.
   * **Fails** `Full`: `TRANSFERS` are in flight, the disk's queue is full, a frame taken by force waits to be saved in one of these blocks, or one in flight shares a block while the extent has some that show zeros.
   */
  extentWrite(
    extent: ExtentId,
    transfer: Transfer,
    slot: CapSlot,
  ): Sys<undefined, "BadExtent" | "BadRange" | "BadWindow" | "BadSlot" | "BadCapability" | "Full">;
  /**
   * Waits until no transfer of the caller's is in flight. The machine stands still meanwhile: nobody else runs.
   *
   * For a program's pages, whose faults cannot wait in any other way. The time is the
   * caller's, and what is over the end of its slice is excess time.
   *
   * **Fails** `Busy`: only time can tell when one will be finished. Those that were finished before it stay so.
   */
  transfersWait(): Sys<undefined, "Busy">;
}

/** Their rows. */
export const DISK_CALLS: CallRows<DiskCalls> = {
  extentAlloc: row(0x50, "i32 i32 i32 i32 i32->i64", "slot", "long", [
    "NoDevice",
    "BadRange",
    "Busy",
    "BadSlot",
    "BadCapability",
    "Full",
  ]),
  extentFree: row(0x51, "i64 i32->i32", "slot", "long", ["BadExtent", "Busy", "BadSlot", "BadCapability"]),
  extentRead: row(0x52, "i64 i32 i32->i32", "slot", "long", [
    "BadExtent",
    "BadRange",
    "BadWindow",
    "BadSlot",
    "BadCapability",
    "Full",
  ]),
  extentWrite: row(0x53, "i64 i32 i32->i32", "slot", "long", [
    "BadExtent",
    "BadRange",
    "BadWindow",
    "BadSlot",
    "BadCapability",
    "Full",
  ]),
  transfersWait: row(0x54, "->i32", "self", "long", ["Busy"]),
};
