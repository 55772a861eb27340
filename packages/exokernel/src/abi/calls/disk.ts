/** Calls on disk blocks. */
import type { Sys } from "../errors.ts";
import type { CapSlot, ExtentId } from "../ids.ts";
import type { Window } from "../window.ts";
import { WHEN, type CallRows } from "./call-row.ts";

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
   */
  extentAlloc(
    disk: number,
    first: number,
    count: number,
    device: CapSlot,
    guard: CapSlot,
  ): Sys<ExtentId, "NoDevice" | "BadRange" | "Busy" | "BadSlot" | "BadCapability" | "Full">;
  /** Gives the blocks back. **Needs** `write` over the extent's guard. */
  extentFree(
    extent: ExtentId,
    slot: CapSlot,
  ): Sys<undefined, "BadExtent" | "Busy" | "BadSlot" | "BadCapability">;
  /** Queues a read of blocks into memory. **Needs** dominance over the extent's guard. */
  extentRead(
    extent: ExtentId,
    transfer: Transfer,
    slot: CapSlot,
  ): Sys<undefined, "BadExtent" | "BadRange" | "BadWindow" | "BadSlot" | "BadCapability" | "Full">;
  /** Queues a write of blocks from memory. **Needs** `write` over the extent's guard. */
  extentWrite(
    extent: ExtentId,
    transfer: Transfer,
    slot: CapSlot,
  ): Sys<undefined, "BadExtent" | "BadRange" | "BadWindow" | "BadSlot" | "BadCapability" | "Full">;
}

const transfer = ["extent", "blocks, window and offsets in bytes", "slot of the caller"];
const transferFails = {
  BadExtent: "no such extent, or one that is being taken back",
  BadRange:
    "blocks outside the extent or more than `TRANSFER_BLOCKS`, bytes outside a window, or an offset that is not aligned",
  BadWindow: WHEN.window,
  BadSlot: WHEN.slot,
  BadCapability: WHEN.capability,
  Full: "`TRANSFERS` are in flight, the disk's queue is full, or one in flight shares a block while the extent has some that show zeros",
};

/** Their rows. */
export const DISK_CALLS: CallRows<DiskCalls> = {
  extentAlloc: {
    number: 0x50,
    wasm: "i32 i32 i32 i32 i32->i32",
    credential: "slot",
    path: "long",
    takes: [
      "disk, by index",
      "first block",
      "blocks, at least 1",
      "slot with `allocate` over the disk",
      "slot that will guard the extent",
    ],
    fails: {
      NoDevice: "no such disk",
      BadRange: "the run is empty or ends outside the disk",
      Busy: "a block of the run is held",
      BadSlot: WHEN.slot,
      BadCapability: WHEN.capability,
      Full: "`EXTENTS` exist",
    },
  },
  extentFree: {
    number: 0x51,
    wasm: "i32 i32->i32",
    credential: "slot",
    path: "long",
    takes: ["extent", "slot with `write` over it"],
    fails: {
      BadExtent: "no such extent",
      Busy: "a transfer of it is in flight, or it is somebody's backing",
      BadSlot: WHEN.slot,
      BadCapability: WHEN.capability,
    },
  },
  extentRead: {
    number: 0x52,
    wasm: "i32 i32 i32->i32",
    credential: "slot",
    path: "long",
    takes: transfer,
    fails: transferFails,
  },
  extentWrite: {
    number: 0x53,
    wasm: "i32 i32 i32->i32",
    credential: "slot",
    path: "long",
    takes: transfer,
    fails: transferFails,
  },
};
