/** Buffers for frames on their way: a bounded pool of equal slots. */
import type { PhysicalGather } from "../nic.ts";

/** Slots in one piece of the pool; a piece is made when it is first needed and then kept. */
const PIECE_SLOTS = 64;

/** Bytes up to which a loop is cheaper than a view of the source. */
const LOOP_BYTES = 32;

/** Returned by `claim` when every slot is taken. */
export const NO_SLOT = -1;

/** A pool of frame buffers, named by small integers. */
export interface FrameSlots {
  /** Takes a free slot, or `NO_SLOT`. O(1). */
  claim(): number;
  /** Gives `slot` back. O(1). */
  release(slot: number): void;
  /** Fills `slot` with the pieces of `gather`. O(bytes). */
  gather(slot: number, memory: Uint8Array, gather: PhysicalGather): void;
  /** Makes `to` a copy of `from`. O(bytes). */
  duplicate(from: number, to: number): void;
  /** Copies the frame in `slot` to `memory[at…]`; returns its length. O(bytes). */
  scatter(slot: number, memory: Uint8Array, at: number): number;
  /** Bytes of the frame in `slot`. O(1). */
  length(slot: number): number;
  /** The piece of the pool that `slot` lies in; the frame begins at `start(slot)`. O(1). */
  bytes(slot: number): Uint8Array;
  /** Where in `bytes(slot)` the frame begins. O(1). */
  start(slot: number): number;
  /** Slots taken. O(1). */
  taken(): number;
}

/** Copies `length` bytes; a short run without making a view. */
export const copyBytes = (
  from: Uint8Array,
  at: number,
  to: Uint8Array,
  target: number,
  length: number,
): void => {
  if (length > LOOP_BYTES) to.set(from.subarray(at, at + length), target);
  else for (let i = 0; i < length; i++) to[target + i] = from[at + i] ?? 0;
};

/** Copies the pieces of `gather` one after another to `to[target…]`; returns the bytes copied. */
export const copyGather = (
  memory: Uint8Array,
  gather: PhysicalGather,
  to: Uint8Array,
  target: number,
): number => {
  let at = target;
  for (let i = 0; i < gather.count; i++) {
    const length = gather.lengths[i] ?? 0;
    copyBytes(memory, gather.addresses[i] ?? 0, to, at, length);
    at += length;
  }
  return at - target;
};

const NOTHING = new Uint8Array(0);

/** A pool of at most `slots` buffers of `frameBytes` bytes. */
export function makeFrameSlots(slots: number, frameBytes: number): FrameSlots {
  const pieces: Uint8Array[] = [];
  const lengths = new Uint32Array(slots);
  const free = new Int32Array(slots);
  let made = 0;
  let freed = 0;
  const bytes = (slot: number): Uint8Array => pieces[(slot / PIECE_SLOTS) | 0] ?? NOTHING;
  const start = (slot: number): number => (slot % PIECE_SLOTS) * frameBytes;
  const claim = (): number => {
    if (freed > 0) return free[--freed] ?? NO_SLOT;
    if (made === slots) return NO_SLOT;
    if (made % PIECE_SLOTS === 0) pieces.push(new Uint8Array(PIECE_SLOTS * frameBytes));
    return made++;
  };
  return {
    claim,
    release: (slot) => {
      free[freed++] = slot;
    },
    gather: (slot, memory, list) => {
      lengths[slot] = copyGather(memory, list, bytes(slot), start(slot));
    },
    duplicate: (from, to) => {
      const length = lengths[from] ?? 0;
      copyBytes(bytes(from), start(from), bytes(to), start(to), length);
      lengths[to] = length;
    },
    scatter: (slot, memory, at) => {
      const length = lengths[slot] ?? 0;
      copyBytes(bytes(slot), start(slot), memory, at, length);
      return length;
    },
    length: (slot) => lengths[slot] ?? 0,
    bytes,
    start,
    taken: () => made - freed,
  };
}
