/** The bytes of a file in memory, in blocks: what was never written takes no room. */
import type { Outcome } from "../errno.ts";
import { refuse } from "../errno.ts";
import type { MemoryBudget } from "./memory-budget.ts";

/** Bytes of a block, and most that are copied when a file grows. */
export const BLOCK_BYTES = 65_536;

/** Bytes the first block of a file starts with, and each further one. */
const SMALLEST = 64;
const SMALLEST_FURTHER = 4096;
/** Bytes that are copied one by one sooner than a view of them is made. */
const FEW = 64;

function copy(from: Uint8Array, fromAt: number, to: Uint8Array, toAt: number, length: number): void {
  if (length > FEW) to.set(from.subarray(fromAt, fromAt + length), toAt);
  else for (let i = 0; i < length; i++) to[toAt + i] = from[fromAt + i] ?? 0;
}

/** The size of the block `index` that is to hold `bytes`. */
function roomFor(index: number, bytes: number): number {
  let room = index === 0 ? SMALLEST : SMALLEST_FURTHER;
  while (room < bytes) room *= 2;
  return room;
}

/**
 * Bytes from 0 to `size`.
 *
 * A block that is missing, or shorter than `BLOCK_BYTES`, goes on with zeros.
 *
 * **Holds** bytes of blocks beyond `size` are 0, and no block begins there; the budget is
 * charged with the blocks' lengths; `size` is at most all the bytes of the budget.
 */
export class BlockList {
  readonly #budget: MemoryBudget;
  readonly #blocks: Map<number, Uint8Array> = new Map();
  #size = 0;

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  /** Bytes there are, written or not. */
  get size(): number {
    return this.#size;
  }

  /** Copies at most `length` bytes from `position` to `into[at…]`; how many. O(length). */
  read(position: number, into: Uint8Array, at: number, length: number): number {
    const all = Math.max(0, Math.min(length, this.#size - position));
    for (let done = 0; done < all;) {
      const offset = (position + done) % BLOCK_BYTES;
      const part = Math.min(all - done, BLOCK_BYTES - offset);
      const block = this.#blocks.get(Math.floor((position + done) / BLOCK_BYTES));
      const there = Math.min(part, Math.max(0, (block?.length ?? 0) - offset));
      if (block !== undefined && there > 0) copy(block, offset, into, at + done, there);
      if (there < part) into.fill(0, at + done + there, at + done + part);
      done += part;
    }
    return all;
  }

  /**
   * Copies `length` bytes of `from[at…]` to `position`; how many. O(length).
   *
   * Fewer where the budget or the longest file ends.
   *
   * **Fails** `nospc` without a byte of the budget that helps, `fbig` beyond the longest file.
   */
  write(position: number, from: Uint8Array, at: number, length: number): Outcome {
    const all = Math.min(length, this.#budget.maximumBytes - position);
    if (all <= 0 && length > 0) return refuse(this.#budget.bytesLeft > 0 ? "fbig" : "nospc");
    let done = 0;
    while (done < all) {
      const offset = (position + done) % BLOCK_BYTES;
      const part = Math.min(all - done, BLOCK_BYTES - offset);
      const block = this.#grow(Math.floor((position + done) / BLOCK_BYTES), offset, part);
      const fits = Math.min(part, block.length - offset);
      if (fits <= 0) break;
      copy(from, at + done, block, offset, fits);
      done += fits;
      if (fits < part) break;
    }
    if (done === 0 && length > 0) return refuse("nospc");
    if (done > 0) this.#size = Math.max(this.#size, position + done);
    return done;
  }

  /** Cuts, or appends zeros that take no room; `fbig` beyond the longest file. O(blocks cut). */
  resize(size: number): Outcome {
    if (size > this.#budget.maximumBytes) return refuse("fbig");
    if (size < this.#size) this.#cut(size);
    this.#size = size;
    return 0;
  }

  /** The block `index`, with room for `part` bytes at `offset` or for as many as the budget has; as it is if that is none. */
  #grow(index: number, offset: number, part: number): Uint8Array {
    const block = this.#blocks.get(index) ?? new Uint8Array(0);
    const bytes = offset + part;
    if (block.length >= bytes) return block;
    const more = Math.min(Math.max(roomFor(index, bytes) - block.length, 0), this.#budget.bytesLeft);
    if (block.length + more <= offset || !this.#budget.takeBytes(more)) return block;
    const grown = new Uint8Array(block.length + more);
    grown.set(block);
    this.#blocks.set(index, grown);
    return grown;
  }

  #cut(size: number): void {
    const kept = Math.ceil(size / BLOCK_BYTES);
    const end = Math.ceil(this.#size / BLOCK_BYTES);
    if (end - kept < this.#blocks.size) for (let index = kept; index < end; index++) this.#drop(index);
    else for (const index of this.#blocks.keys()) if (index >= kept) this.#drop(index);
    this.#trim(kept - 1, size - (kept - 1) * BLOCK_BYTES);
  }

  #drop(index: number): void {
    const block = this.#blocks.get(index);
    if (block === undefined) return;
    this.#blocks.delete(index);
    this.#budget.giveBytes(block.length);
  }

  /** Keeps `bytes` of the block `index`. */
  #trim(index: number, bytes: number): void {
    const block = this.#blocks.get(index);
    if (block === undefined || block.length <= bytes) return;
    const room = Math.min(roomFor(index, bytes), block.length);
    this.#budget.giveBytes(block.length - room);
    const trimmed = block.slice(0, room);
    trimmed.fill(0, bytes);
    this.#blocks.set(index, trimmed);
  }
}
