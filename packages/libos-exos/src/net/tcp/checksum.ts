/** Internet checksums of segments, out of the sums of their parts (RFC 1071). */
import { TCP_PROTOCOL } from "../wire/tcp-wire.ts";

/** Folds a sum of 16-bit words, below 2^48, to 16 bits. */
export function foldSum(sum: number): number {
  let low = sum;
  while (low > 0xffff) low = (low % 0x1_0000) + Math.floor(low / 0x1_0000);
  return low;
}

/** The sum of the pseudo-header for `length` TCP bytes (RFC 9293 section 3.1); not folded. */
export const pseudoHeaderSum = (source: number, destination: number, length: number): number =>
  (source >>> 16) + (source & 0xffff) + (destination >>> 16) + (destination & 0xffff) + TCP_PROTOCOL + length;

/** A folded sum as it counts at an odd offset: its bytes change places. */
export const swapSum = (sum: number): number => ((sum & 0xff) << 8) | (sum >>> 8);
