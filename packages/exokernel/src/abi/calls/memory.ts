/** Calls on memory: frames, windows, regions, copies by DMA. */
import type { Sys } from "../errors.ts";
import type { CapSlot, FrameNumber, RegionId } from "../ids.ts";
import type { Window } from "../window.ts";
import { WHEN, type CallRows } from "./call-row.ts";

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
  /** Claims `count` named frames from `first`; all or none. `slot`'s capability guards them. They never show what another environment left in them. */
  framesAlloc(
    first: FrameNumber,
    count: number,
    slot: CapSlot,
  ): Sys<FrameNumber, "BadFrame" | "BadRange" | "Busy" | "BadSlot">;
  /** Claims any free frame; which one is the kernel's choice. */
  frameAllocAny(slot: CapSlot): Sys<FrameNumber, "Full" | "BadSlot">;
  /**
   * Gives frames back, all or none.
   *
   * Every window and region on them dies, and every DMA copy from or to them is
   * cancelled. **Needs** `write` over each guard.
   */
  framesFree(
    first: FrameNumber,
    count: number,
    slot: CapSlot,
  ): Sys<undefined, "BadFrame" | "BadRange" | "Pinned" | "BadSlot" | "BadCapability">;
  /** Adds own frames to the set that is never repossessed, or takes them out of it. */
  framesGuarantee(
    first: FrameNumber,
    count: number,
    isGuaranteed: boolean,
  ): Sys<undefined, "BadFrame" | "BadRange" | "Full">;
  /**
   * Binds a window over `count` frames from `first`, for writing if `writable`.
   *
   * **Needs** dominance over each frame's guard, with `write` if `writable`.
   */
  windowBind(
    first: FrameNumber,
    count: number,
    writable: boolean,
    slot: CapSlot,
  ): Sys<Window, "BadFrame" | "BadRange" | "BadSlot" | "BadCapability" | "Full">;
  /** Breaks the binding; the window is dead. */
  windowUnbind(window: Window): Sys<undefined, "BadWindow">;
  /**
   * Makes a software region of `length` bytes of frame `frame` from `at`; `slot`'s capability guards it.
   *
   * A region is smaller than a frame and touched by calls only, so that
   * environments which may not share the frame can share a part of it. It dies
   * with the frame. **Needs** `write` over the frame's guard.
   */
  regionCreate(
    frame: FrameNumber,
    at: number,
    length: number,
    slot: CapSlot,
  ): Sys<RegionId, "BadFrame" | "BadRange" | "BadSlot" | "BadCapability" | "Full">;
  /** Ends a region. **Needs** `write` over its guard. */
  regionDestroy(region: RegionId, slot: CapSlot): Sys<undefined, "BadRegion" | "BadSlot" | "BadCapability">;
  /** Copies bytes of a region into memory. **Needs** dominance over the region's guard. */
  regionRead(
    region: RegionId,
    move: RegionMove,
    slot: CapSlot,
  ): Sys<undefined, "BadRegion" | "BadWindow" | "BadRange" | "BadSlot" | "BadCapability">;
  /** Copies bytes from memory into a region. **Needs** `write` over the region's guard. */
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
   */
  dmaCopy(copy: DmaCopy): Sys<undefined, "NoDevice" | "BadWindow" | "BadRange" | "Full">;
}

const run = ["first frame", "frames, at least 1"];
const moved = {
  BadRegion: "no such region",
  BadWindow: WHEN.window,
  BadRange: WHEN.range,
  BadSlot: WHEN.slot,
  BadCapability: WHEN.capability,
};

/** Their rows. 0x33 was the guard of a frame alone. */
export const MEMORY_CALLS: CallRows<MemoryCalls> = {
  framesAlloc: {
    number: 0x30,
    wasm: "i32 i32 i32->i32",
    credential: "slot",
    path: "long",
    takes: [...run, "slot that will guard them"],
    fails: {
      BadFrame: "the first frame is outside RAM",
      BadRange: "the run is empty or ends outside RAM",
      Busy: "a frame of the run is held",
      BadSlot: WHEN.slot,
    },
  },
  frameAllocAny: {
    number: 0x31,
    wasm: "i32->i32",
    credential: "slot",
    path: "long",
    takes: ["slot that will guard it"],
    fails: { Full: "no frame is free", BadSlot: WHEN.slot },
  },
  framesFree: {
    number: 0x32,
    wasm: "i32 i32 i32->i32",
    credential: "slot",
    path: "long",
    takes: [...run, "slot with `write` over them"],
    fails: {
      BadFrame: "a frame outside RAM, free, or being taken back",
      BadRange: "the run is empty or ends outside RAM",
      Pinned: "a ring, a disk transfer, a guard or a predicate uses a frame of the run",
      BadSlot: WHEN.slot,
      BadCapability: WHEN.capability,
    },
  },
  framesGuarantee: {
    number: 0x34,
    wasm: "i32 i32 i32->i32",
    credential: "binding",
    path: "long",
    takes: [...run, "whether they are to be in the set"],
    fails: {
      BadFrame: "a frame outside RAM, or not the caller's own",
      BadRange: "the run is empty or ends outside RAM",
      Full: "the set would have more than `GUARANTEED_FRAMES`",
    },
  },
  windowBind: {
    number: 0x38,
    wasm: "i32 i32 i32 i32->i32",
    credential: "slot",
    path: "long",
    takes: [...run, "whether it is for writing", "slot of the caller"],
    fails: {
      BadFrame: "a frame outside RAM, free, or being taken back",
      BadRange: "the run is empty or ends outside RAM",
      BadSlot: WHEN.slot,
      BadCapability: WHEN.capability,
      Full: "the caller has `WINDOWS` windows",
    },
  },
  windowUnbind: {
    number: 0x39,
    wasm: "i32->i32",
    credential: "binding",
    path: "long",
    takes: ["window"],
    fails: { BadWindow: "the window is dead or not the caller's" },
  },
  regionCreate: {
    number: 0x3a,
    wasm: "i32 i32 i32 i32->i32",
    credential: "slot",
    path: "long",
    takes: ["frame", "byte offset in it", "bytes, at least 1", "slot with `write` over the frame"],
    fails: {
      BadFrame: "a frame outside RAM, free, or being taken back",
      BadRange: "the bytes do not lie in one frame",
      BadSlot: WHEN.slot,
      BadCapability: WHEN.capability,
      Full: "`REGIONS` exist",
    },
  },
  regionDestroy: {
    number: 0x3b,
    wasm: "i32 i32->i32",
    credential: "slot",
    path: "long",
    takes: ["region", "slot with `write` over it"],
    fails: { BadRegion: "no such region", BadSlot: WHEN.slot, BadCapability: WHEN.capability },
  },
  regionRead: {
    number: 0x3c,
    wasm: "i32 i32 i32->i32",
    credential: "slot",
    path: "move",
    takes: ["region", "offsets and length in bytes", "slot of the caller"],
    fails: moved,
  },
  regionWrite: {
    number: 0x3d,
    wasm: "i32 i32 i32->i32",
    credential: "slot",
    path: "move",
    takes: ["region", "offsets and length in bytes", "slot of the caller"],
    fails: moved,
  },
  dmaCopy: {
    number: 0x3e,
    wasm: "i32->i32",
    credential: "binding",
    path: "long",
    takes: ["windows, offsets and length in bytes"],
    fails: {
      NoDevice: "the machine has no DMA engine",
      BadWindow: WHEN.window,
      BadRange: "outside a window, more than `DMA_BYTES`, or a completion word that is not aligned to 4 bytes",
      Full: "the engine's queue is full, or `DMA_COPIES` are in flight",
    },
  },
};
