/** A program's memory as its libOS reads and writes it: by the program's own addresses. */

/**
 * The memory of one program.
 *
 * Addresses are the program's, unsigned numbers of 32 bits; numbers in it are
 * little-endian. What is not resident is brought in first, so that a call may
 * fault pages in as the program itself would.
 *
 * **Fails** throws `MemoryFault` when a byte lies outside the program's memory,
 * or may not be written; nothing was written then. Memory that comes page by page
 * throws `OutOfFrames` when there is no room for a page, and `StoreFailed` when one
 * could not be saved or brought back.
 */
export interface ProgramMemory {
  /** Bytes of the program's memory now. */
  readonly length: number;
  getU8(at: number): number;
  getU16LE(at: number): number;
  getU32LE(at: number): number;
  setU8(at: number, value: number): void;
  setU16LE(at: number, value: number): void;
  setU32LE(at: number, value: number): void;
  /** Copies `length` bytes from `at` into `into[intoAt…]`. O(length). */
  read(at: number, into: Uint8Array, intoAt: number, length: number): void;
  /** Copies `length` bytes of `from[fromAt…]` to `at`. O(length). */
  write(at: number, from: Uint8Array, fromAt: number, length: number): void;
  /** Makes sure that `length` bytes at `at` are there and, with `writes`, may be written. */
  demand(at: number, length: number, writes: boolean): void;
}

/** There is no frame left for a page that a libOS touches on its program's behalf. */
export class OutOfFrames extends Error {
  constructor() {
    super("no frame is left for the program's memory");
  }
}

/** The device failed to which pages go for which there is no room. */
export class StoreFailed extends Error {
  constructor() {
    super("a page could not be saved or brought back");
  }
}

/** An access of a libOS to a place that its program has not, on the program's behalf. */
export class MemoryFault extends RangeError {
  constructor() {
    super("not in the program's memory");
  }
}
