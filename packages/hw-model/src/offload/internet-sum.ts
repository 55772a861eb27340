/** The Internet checksum (RFC 1071), as an interface computes it. */
import type { PhysicalMemory } from "../memory.ts";
import { makePhysicalMemory } from "../simulated/memory.ts";
import { FRAME_BYTES } from "../units.ts";

/** Folds a sum of 16-bit words, exact below 2^32, to 16 bits. O(1). */
export const foldSum = (sum: number): number => {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
};

/** The sum of the big-endian words of `length` bytes, an odd last one padded; at most 65,536 bytes. O(length). */
export const sumBytes = (bytes: Uint8Array, at: number, length: number): number => {
  const end = at + (length & ~1);
  let sum = 0;
  for (let i = at; i < end; i += 2) sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
  return (length & 1) === 0 ? sum : sum + ((bytes[end] ?? 0) << 8);
};

/** Memory of an interface's own, with a unit that sums long runs of it ten times as fast as `sumBytes`. */
export interface SummedMemory {
  readonly bytes: Uint8Array;
  /** The memory itself. */
  readonly physical: PhysicalMemory;
  /** The sum of `length` bytes at `at`, folded. O(length). */
  sum(at: number, length: number): number;
}

/** At least `length` zero bytes. */
export const makeSummedMemory = (length: number): SummedMemory => {
  const physical = makePhysicalMemory(Math.ceil(length / FRAME_BYTES));
  return { bytes: physical.bytes, physical, sum: physical.checksum };
};
