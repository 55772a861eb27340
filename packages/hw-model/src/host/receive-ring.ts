/**
 * The ring that Linux fills with frames: TPACKET_V2 (Documentation/networking/packet_mmap).
 *
 * A slot begins with a header of 32-bit words. Word 0 says whose it is: 0,
 * Linux's; otherwise ours, until we write 0. The virtio header lies just before
 * the frame. A frame that is too long for a slot is cut there, and kept whole
 * in the socket's queue, if there was room for it.
 */
import { copyBytes } from "../simulated/frame-slots.ts";
import type { LinuxLibrary, SharedMemory } from "./linux-library.ts";
import { makeReceiveRing } from "./packet-attach.ts";
import { HostError } from "./host-error.ts";
import { VIRTIO_BYTES } from "./virtio-header.ts";

/** Bytes in front of a frame in its slot, at most: the header, an address, the virtio header, and alignment. */
const HEAD_BYTES = 128;
const PAGE_BYTES = 4096,
  BLOCK_BYTES = 65_536;

/** Words of a slot's header: state, length, bytes in the slot, and where the frame is (its low half). */
const STATE = 0,
  LENGTH = 1,
  PRESENT = 2,
  PLACE = 3;

/** Bytes up to which a frame is copied word by word. */
const WORDS_BYTES = 256;

/** Bits of the state: ours, and kept whole in the queue. */
const OURS = 1,
  KEPT_WHOLE = 2,
  LINUX = 0;

/** Reads the ring, a slot at a time, in order. */
export interface ReceiveRing {
  readonly slots: number;
  /** True when the next slot is ours. O(1), no call. */
  isReady(): boolean;
  /** About the frame in the next slot, while it is ours. */
  length(): number;
  /** True when the slot holds less than the whole frame. */
  isCut(): boolean;
  /** True when the frame waits whole in the socket's queue. */
  isQueued(): boolean;
  /** Where the frame's virtio header is in `bytes`. */
  headerAt(): number;
  readonly bytes: Uint8Array;
  /** Copies the frame to `memory[at…]`. O(bytes). */
  copy(memory: Uint8Array, at: number): void;
  /** Gives the slot back to Linux and goes to the next. O(1). */
  release(): void;
  /** Ends the ring: nothing of it may be used again. */
  close(): void;
}

class SharedRing implements ReceiveRing {
  readonly slots: number;
  readonly #slotBytes: number;
  #shared: SharedMemory | undefined;
  #bytes: Uint8Array;
  #words: Int32Array;
  /** Memory that a frame was last copied to, in words. */
  #target: Int32Array;
  #slot = 0;

  constructor(shared: SharedMemory, slots: number, slotBytes: number) {
    this.slots = slots;
    this.#slotBytes = slotBytes;
    this.#shared = shared;
    this.#bytes = new Uint8Array(shared.buffer);
    this.#words = new Int32Array(shared.buffer);
    this.#target = this.#words;
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  isReady(): boolean {
    return this.#shared !== undefined && Atomics.load(this.#words, this.#at(STATE)) !== LINUX;
  }

  length(): number {
    return this.#word(LENGTH);
  }

  isCut(): boolean {
    return this.#word(PRESENT) < this.#word(LENGTH);
  }

  isQueued(): boolean {
    return (this.#word(STATE) & (OURS | KEPT_WHOLE)) === (OURS | KEPT_WHOLE);
  }

  headerAt(): number {
    return this.#frameAt() - VIRTIO_BYTES;
  }

  copy(memory: Uint8Array, at: number): void {
    const from = this.#frameAt();
    const length = this.#word(LENGTH);
    if (length > WORDS_BYTES || ((from | at | memory.byteOffset) & 3) !== 0)
      copyBytes(this.#bytes, from, memory, at, length);
    else this.#copyWords(from, memory, at, length);
  }

  /** A short frame, without a view of it. */
  #copyWords(from: number, memory: Uint8Array, at: number, length: number): void {
    if (this.#target.buffer !== memory.buffer)
      this.#target = new Int32Array(memory.buffer, 0, memory.buffer.byteLength >>> 2);
    const words = this.#words;
    const target = this.#target;
    const first = from >>> 2;
    const to = (memory.byteOffset + at) >>> 2;
    const whole = length >>> 2;
    for (let i = 0; i < whole; i++) target[to + i] = words[first + i] ?? 0;
    for (let i = length & ~3; i < length; i++) memory[at + i] = this.#bytes[from + i] ?? 0;
  }

  release(): void {
    Atomics.store(this.#words, this.#at(STATE), LINUX);
    this.#slot = this.#slot + 1 === this.slots ? 0 : this.#slot + 1;
  }

  close(): void {
    this.#bytes = new Uint8Array(0);
    this.#words = this.#target = new Int32Array(0);
    this.#shared?.unmap();
    this.#shared = undefined;
  }

  #at(word: number): number {
    return (this.#slot * this.#slotBytes) / 4 + word;
  }

  #word(word: number): number {
    return this.#words[this.#at(word)] ?? 0;
  }

  #frameAt(): number {
    return this.#slot * this.#slotBytes + (this.#word(PLACE) & 0xffff);
  }
}

/** Bytes of a slot with room for frames of `frameBytes`: a power of two, so that slots fill their blocks. */
const slotBytesFor = (frameBytes: number): number => 2 ** Math.ceil(Math.log2(frameBytes + HEAD_BYTES));

/** Makes the ring of a packet socket, for at least `slots` frames of at most `frameBytes`. Throws a `HostError`. */
export const openReceiveRing = (
  linux: LinuxLibrary,
  descriptor: number,
  slots: number,
  frameBytes: number,
): ReceiveRing => {
  const slotBytes = slotBytesFor(frameBytes);
  const blockBytes = Math.max(BLOCK_BYTES, slotBytes, PAGE_BYTES);
  const perBlock = blockBytes / slotBytes;
  const count = Math.ceil(slots / perBlock) * perBlock;
  makeReceiveRing(linux, descriptor, { blockBytes, slotBytes, slots: count });
  const shared = linux.map(descriptor, count * slotBytes);
  if (shared === undefined)
    throw new HostError("DeviceFailed", `cannot map a receive ring: error ${linux.errorNumber()}`);
  return new SharedRing(shared, count, slotBytes);
};
