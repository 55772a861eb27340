/** The console: bytes out, bytes in. */

/** A character device for people. */
export interface Console {
  /** Writes `length` bytes of `memory` from `at`; returns how many were taken. O(length). */
  write(memory: Uint8Array, at: number, length: number): number;
  /** Reads at most `length` waiting bytes to `memory[at…]`; returns how many. O(length). */
  read(memory: Uint8Array, at: number, length: number): number;
}
