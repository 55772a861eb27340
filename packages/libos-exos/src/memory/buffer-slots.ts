/** Buffer slots: equal pieces of memory, handed out and taken back without allocation. */
import { FRAME_BYTES, failed, type Window } from "@exolith/exokernel/abi";
import type { FramePool } from "./frame-pool.ts";

/** A piece of memory: bytes of `window` from `at`, as many as its stock says. */
export interface BufferSlot {
  readonly window: Window;
  readonly at: number;
}

/** A stock of buffer slots. */
export interface BufferSlots {
  /** Bytes of every slot. */
  readonly bytes: number;
  /** A slot, or `undefined` when all are taken. O(1); claims a run of frames when it grows. */
  allocate(): BufferSlot | undefined;
  /** Takes a slot back. O(1). */
  release(slot: BufferSlot): void;
  /** Slots handed out now. */
  readonly taken: number;
}

/** How large and how many. */
export interface BufferSlotsOptions {
  /** Bytes of one slot. */
  readonly slotBytes: number;
  /** Slots at most. */
  readonly slots: number;
  /** Slots claimed together, in one run of frames. */
  readonly slotsPerRun: number;
}

/** Slots cut from runs of frames of `pool`, claimed as they are first needed and kept. */
export function makeBufferSlots(pool: FramePool, options: BufferSlotsOptions): BufferSlots {
  const { slotBytes, slots, slotsPerRun } = options;
  const free: BufferSlot[] = [];
  let made = 0;
  const grow = (): boolean => {
    const count = Math.min(slotsPerRun, slots - made);
    if (count <= 0) return false;
    const window = pool.run(Math.ceil((count * slotBytes) / FRAME_BYTES));
    if (failed(window)) return false;
    for (let i = count - 1; i >= 0; i--) free.push({ window, at: i * slotBytes });
    made += count;
    return true;
  };
  return {
    bytes: slotBytes,
    allocate: () => (free.length > 0 || grow() ? free.pop() : undefined),
    release: (slot) => {
      free.push(slot);
    },
    get taken() {
      return made - free.length;
    },
  };
}
