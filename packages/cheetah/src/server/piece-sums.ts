/** Checksums of what is queued for sending, for TCP: those that are known, and those that must be read. */
import { BLOCK_BYTES } from "@exolith/exokernel/abi";
import type { Window } from "@exolith/exokernel/abi";
import type { PieceSum } from "@exolith/libos-exos";
import { CHUNK_BLOCKS, CHUNK_BYTES } from "../cache/chunk-cache.ts";
import { knownSum } from "../disk/payload-sums.ts";
import type { FileWithSums } from "../disk/payload-sums.ts";
import { SLOT_BYTES } from "../memory/slot-pool.ts";

const UNKNOWN = -1;

/** What TCP asked for. */
export interface PieceSumCounters {
  /** Bytes whose sum was known, and bytes that were read for theirs. */
  known: number;
  read: number;
}

/**
 * Answers for the windows of chunks and for the window of head slots.
 *
 * What lies in a block of a chunk was noted when a piece of it was queued, and stays
 * the same until the piece is released. Nothing is allocated by piece or by packet.
 */
export class PieceSums {
  readonly counters: PieceSumCounters = { known: 0, read: 0 };
  readonly #slotWindow: Window;
  readonly #slotBytes: Int32Array;
  readonly #slotSums: Int32Array;
  readonly #chunks = new Map<Window, number>();
  readonly #windows: (Window | undefined)[];
  /** By block of a chunk: the file that was last queued from it, and the place in the file where the chunk begins. */
  readonly #files: (FileWithSums | undefined)[];
  readonly #starts: Int32Array;
  #lastWindow: Window | undefined;
  #lastChunk = 0;

  constructor(slotWindow: Window, chunks: number) {
    this.#slotWindow = slotWindow;
    const slots = Math.floor(slotWindow.length / SLOT_BYTES);
    this.#slotBytes = new Int32Array(slots);
    this.#slotSums = new Int32Array(slots);
    this.#windows = new Array<Window | undefined>(chunks).fill(undefined);
    this.#files = new Array<FileWithSums | undefined>(chunks * CHUNK_BLOCKS).fill(undefined);
    this.#starts = new Int32Array(chunks * CHUNK_BLOCKS);
  }

  /** The first `length` bytes of `slot` have the folded sum `sum`; -1 when nobody knows it. O(1). */
  noteSlot(slot: number, length: number, sum: number): void {
    this.#slotBytes[slot] = sum === UNKNOWN ? 0 : length;
    this.#slotSums[slot] = sum;
  }

  /** `length` bytes of `file`, from `position` on the disk, are queued from `chunk`, whose memory is `window`. O(blocks). */
  notePiece(chunk: number, window: Window, position: number, length: number, file: FileWithSums): void {
    this.#noteWindow(chunk, window);
    const within = position % CHUNK_BYTES;
    const start = position - within - file.first * BLOCK_BYTES;
    const row = chunk * CHUNK_BLOCKS;
    const last = Math.floor((within + length - 1) / BLOCK_BYTES);
    for (let block = Math.floor(within / BLOCK_BYTES); block <= last; block++) {
      this.#files[row + block] = file.sums.length === 0 ? undefined : file;
      this.#starts[row + block] = start;
    }
  }

  /** For TCP. */
  readonly sumOf: PieceSum = (window, at, length) => {
    const sum =
      window === this.#slotWindow ? this.#slotSum(at, length) : this.#chunkSum(window, at, at + length);
    if (sum === UNKNOWN) {
      this.counters.read += length;
      return window.checksum(at, length, 0);
    }
    this.counters.known += length;
    return sum;
  };

  #noteWindow(chunk: number, window: Window): void {
    const before = this.#windows[chunk];
    if (before === window) return;
    if (before !== undefined) this.#chunks.delete(before);
    this.#lastWindow = undefined;
    this.#windows[chunk] = window;
    this.#chunks.set(window, chunk);
  }

  #slotSum(at: number, length: number): number {
    const slot = (at / SLOT_BYTES) | 0;
    return (at & (SLOT_BYTES - 1)) === 0 && length === this.#slotBytes[slot]
      ? this.#slotSums[slot]!
      : UNKNOWN;
  }

  #chunkSum(window: Window, at: number, end: number): number {
    if (window !== this.#lastWindow && !this.#find(window)) return UNKNOWN;
    const row = this.#lastChunk * CHUNK_BLOCKS + ((at / BLOCK_BYTES) | 0);
    const file = this.#files[row];
    if (file === undefined) return UNKNOWN;
    const start = this.#starts[row]!;
    return knownSum(file, (start + at) | 0, (start + end) | 0);
  }

  #find(window: Window): boolean {
    const chunk = this.#chunks.get(window);
    if (chunk === undefined) return false;
    this.#lastWindow = window;
    this.#lastChunk = chunk;
    return true;
  }
}
