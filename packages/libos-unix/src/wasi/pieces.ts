/** Pieces of a program's memory that one call gathers from or scatters to. */
import { IOVEC, IOVEC_BYTES } from "./layout.ts";
import { ERRNO } from "../errno.ts";
import type { ProgramMemory } from "../memory/program-memory.ts";

/** Pieces that one call may gather or scatter; more are refused with `inval`. */
export const PIECES = 1024;

/**
 * A list of pieces, copied out of the program before anything is moved: what the
 * call writes may lie on the list itself.
 *
 * **Holds** every piece lay in the program's memory when it was loaded.
 */
export class Pieces {
  /** Addresses and lengths, alternately. */
  readonly #words = new Uint32Array(2 * PIECES);
  #count = 0;
  /** The piece that is next, and how much of it is done. */
  #piece = 0;
  #offset = 0;
  /** Bytes of all of them. */
  total = 0;

  /** Loads a list: 0, `inval` for one that is too long or whose lengths do not fit 32 bits, or `fault`. O(count). */
  load(memory: ProgramMemory, at: number, count: number): number {
    if (count > PIECES) return ERRNO.inval;
    if (count > 0) memory.demand(at, count * IOVEC_BYTES, false);
    const bounds = memory.length;
    let total = 0;
    let outside = false;
    for (let index = 0; index < count; index++) {
      const address = memory.getU32LE(at + index * IOVEC_BYTES + IOVEC.address);
      const length = memory.getU32LE(at + index * IOVEC_BYTES + IOVEC.length);
      this.#words[2 * index] = address;
      this.#words[2 * index + 1] = length;
      total += length;
      if (length > 0 && address + length > bounds) outside = true;
    }
    if (total > 0xffff_ffff) return ERRNO.inval;
    this.#count = count;
    this.#piece = 0;
    this.#offset = 0;
    this.total = total;
    return outside ? ERRNO.fault : ERRNO.success;
  }

  /** Makes sure that the next `length` bytes may be read or, with `writes`, written. */
  demand(memory: ProgramMemory, length: number, writes: boolean): void {
    let piece = this.#piece;
    let offset = this.#offset;
    for (let left = length; left > 0 && piece < this.#count; piece++, offset = 0) {
      const step = Math.min(left, this.#length(piece) - offset);
      if (step > 0) memory.demand(this.#address(piece) + offset, step, writes);
      left -= step;
    }
  }

  /** Copies the next `length` bytes to `into`, without going on. */
  peek(memory: ProgramMemory, into: Uint8Array, length: number): void {
    let piece = this.#piece;
    let offset = this.#offset;
    for (let done = 0; done < length && piece < this.#count; piece++, offset = 0) {
      const step = Math.min(length - done, this.#length(piece) - offset);
      if (step > 0) memory.read(this.#address(piece) + offset, into, done, step);
      done += step;
    }
  }

  /** Copies `length` bytes of `from` to the next place, and goes on behind them. */
  put(memory: ProgramMemory, from: Uint8Array, length: number): void {
    for (let done = 0; done < length && this.#piece < this.#count;) {
      const step = Math.min(length - done, this.#length(this.#piece) - this.#offset);
      if (step > 0) memory.write(this.#address(this.#piece) + this.#offset, from, done, step);
      done += step;
      this.#advance(step);
    }
  }

  /** Goes on behind the next `length` bytes. */
  skip(length: number): void {
    for (let left = length; left > 0 && this.#piece < this.#count;) {
      const step = Math.min(left, this.#length(this.#piece) - this.#offset);
      left -= step;
      this.#advance(step);
    }
  }

  #advance(step: number): void {
    this.#offset += step;
    if (this.#offset < this.#length(this.#piece)) return;
    this.#piece += 1;
    this.#offset = 0;
  }

  #address(piece: number): number {
    return this.#words[2 * piece] ?? 0;
  }

  #length(piece: number): number {
    return this.#words[2 * piece + 1] ?? 0;
  }
}
