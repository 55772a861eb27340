/** The owner's side of a packet ring: frames in place, in order, in batches. */
import type { CapSlot, Gate, RingId, Window } from "@exolith/exokernel/abi";
import {
  FRAME_BYTES,
  RING_CHECKSUM_GOOD,
  RING_FRAMES_MAX,
  RING_SLOT_BYTES,
  failed,
  must,
} from "@exolith/exokernel/abi";
import type { FramePool } from "../memory/frame-pool.ts";

/**
 * Takes one frame: `length` bytes at `at`, in the ring itself, valid until this returns.
 *
 * `checksumGood` is true when the interface knows that its transport's checksum is right.
 */
export type FrameInput = (window: Window, at: number, length: number, checksumGood: boolean) => void;

/** A packet ring and the memory under it. */
export interface PacketRing {
  readonly id: RingId;
  /** Ownership words in its first frame, two slots in each other. */
  readonly window: Window;
  readonly slots: number;
}

/** Slots in one frame. */
const FRAME_SLOTS = FRAME_BYTES / RING_SLOT_BYTES;
/** Most slots of one ring. */
export const RING_SLOTS_MAX: number = (RING_FRAMES_MAX - 1) * FRAME_SLOTS;

/**
 * Makes a packet ring of `slots` slots (rounded up to even) in frames of `pool`, with the capability in `slot`.
 *
 * Throws, which is a fault of the environment, when memory or the ring is refused.
 */
export function makePacketRing(gate: Gate, pool: FramePool, slots: number, slot: CapSlot): PacketRing {
  if (!(slots > 0 && slots <= RING_SLOTS_MAX))
    throw new RangeError(`a ring has 1 to ${RING_SLOTS_MAX} slots`);
  const count = 1 + Math.ceil(slots / FRAME_SLOTS);
  const window = must(pool.run(count));
  window.fill(0, FRAME_BYTES, 0);
  const id = gate.ringBind(pool.first(window), count, slot);
  if (failed(id)) pool.release(window);
  return { id: must(id), window, slots: (count - 1) * FRAME_SLOTS };
}

/** Ends a ring and gives its frames back; false when the kernel refused. */
export function closePacketRing(gate: Gate, pool: FramePool, ring: PacketRing): boolean {
  return !failed(gate.ringUnbind(ring.id)) && pool.release(ring.window);
}

/** Reads a packet ring. */
export interface PacketReceiver {
  /** Frames read since it was made. */
  readonly frames: number;
  /**
   * Hands at most `limit` waiting frames to the input, oldest first; returns how many.
   *
   * A slot goes back to the kernel as soon as the input returns, also when it
   * throws: one bad frame cannot stop the ring. O(limit).
   */
  poll(limit: number): number;
}

/** A receiver that reads `ring` from slot 0: make it before the first filter feeds the ring. */
export const makePacketReceiver = (ring: PacketRing, input: FrameInput): PacketReceiver =>
  new Receiver(ring, input);

class Receiver implements PacketReceiver {
  readonly #window: Window;
  readonly #slots: number;
  readonly #input: FrameInput;
  #next = 0;
  #frames = 0;

  constructor(ring: PacketRing, input: FrameInput) {
    this.#window = ring.window;
    this.#slots = ring.slots;
    this.#input = input;
  }

  get frames(): number {
    return this.#frames;
  }

  poll(limit: number): number {
    const window = this.#window;
    let taken = 0;
    while (taken < limit) {
      const word = window.getU32(this.#next * 4);
      if (word === 0) break;
      this.#take(word);
      taken += 1;
    }
    this.#frames += taken;
    return taken;
  }

  #take(word: number): void {
    const length = word & (RING_CHECKSUM_GOOD - 1);
    const checksumGood = (word & RING_CHECKSUM_GOOD) !== 0;
    const slot = this.#next;
    this.#next = slot + 1 === this.#slots ? 0 : slot + 1;
    try {
      this.#input(this.#window, FRAME_BYTES + slot * RING_SLOT_BYTES, length, checksumGood);
    } finally {
      this.#window.setU32(slot * 4, 0);
    }
  }
}
