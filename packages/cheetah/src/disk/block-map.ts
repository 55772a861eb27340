/** Which blocks of the extent are in use. */
import { SUPERBLOCKS } from "./superblock-layout.ts";

/**
 * The free list of an extent: one byte a block.
 *
 * The superblocks are always in use. A run is claimed whole or not at all.
 */
export class BlockMap {
  readonly #used: Uint8Array;
  #free: number;
  #rover = SUPERBLOCKS;

  constructor(blocks: number) {
    this.#used = new Uint8Array(blocks).fill(1, 0, SUPERBLOCKS);
    this.#free = Math.max(0, blocks - SUPERBLOCKS);
  }

  /** Blocks of the extent. */
  get blocks(): number {
    return this.#used.length;
  }

  /** Blocks that are free. */
  get free(): number {
    return this.#free;
  }

  /** Claims the run of `count` blocks from `first`; false if a block of it is taken or outside. O(count). */
  claim(first: number, count: number): boolean {
    if (count === 0) return true;
    if (first < SUPERBLOCKS || first + count > this.#used.length) return false;
    for (let i = first; i < first + count; i++) if (this.#used[i] !== 0) return false;
    this.#used.fill(1, first, first + count);
    this.#free -= count;
    return true;
  }

  /** Claims any run of `count` blocks; its first block, 0 for none, -1 without room. O(blocks). */
  claimAny(count: number): number {
    if (count === 0) return 0;
    if (count > this.#free) return -1;
    const found = this.#search(this.#rover, count);
    const first = found >= 0 ? found : this.#search(SUPERBLOCKS, count);
    if (first < 0 || !this.claim(first, count)) return -1;
    this.#rover = first + count;
    return first;
  }

  /**
   * Claims a run like `claimAny`; one that lies in as few units of `unit` blocks as it can.
   *
   * Not when less than half of the extent is free: then gaps between runs are worse than a
   * unit more. O(blocks).
   */
  claimTogether(count: number, unit: number): number {
    if (count === 0 || this.#free * 2 < this.#used.length) return this.claimAny(count);
    const first = this.#searchTogether(this.#rover, count, unit);
    if (first < 0 || !this.claim(first, count)) return this.claimAny(count);
    this.#rover = first + count;
    return first;
  }

  /** Gives a run back. O(count). */
  release(first: number, count: number): void {
    this.#used.fill(0, first, first + count);
    this.#free += count;
  }

  /** Looks from the start next time: what was written before can be written again when the host has no more room. */
  rewind(): void {
    this.#rover = SUPERBLOCKS;
  }

  #search(from: number, count: number): number {
    let start = from;
    while (start + count <= this.#used.length) {
      const taken = this.#lastTaken(start, count);
      if (taken < 0) return start;
      start = taken + 1;
    }
    return -1;
  }

  #searchTogether(from: number, count: number, unit: number): number {
    for (let start = from; ;) {
      const within = start % unit;
      if (within !== 0 && within + count > unit) start += unit - within;
      const found = this.#search(start, count);
      if (found < 0 || found === start) return found;
      start = found;
    }
  }

  /** The last taken block among `count` from `start`, -1 if all are free. */
  #lastTaken(start: number, count: number): number {
    const at = this.#used.lastIndexOf(1, start + count - 1);
    return at >= start ? at : -1;
  }
}
