/** The Internet checksum: RFC 1071 sums, and RFC 1624 incremental updates. */

/** Folds a ones'-complement sum of at most 65,536 16-bit words (below 2^32) to 16 bits. */
export function foldSum(sum: number): number {
  let low = sum;
  while (low > 0xffff) low = (low & 0xffff) + (low >>> 16);
  return low;
}

/** The checksum field for a sum of 16-bit words: folded and inverted (RFC 1071 section 1). */
export const finishChecksum = (sum: number): number => ~foldSum(sum) & 0xffff;

/** The sum of a 32-bit field as two 16-bit words, not folded. */
export const sumOf32 = (value: number): number => (value >>> 16) + (value & 0xffff);

/**
 * The sum of the IPv4 pseudo-header, not folded (RFC 768, RFC 9293 section 3.1).
 *
 * `length` is the transport header and payload, in bytes. It is the starting
 * `sum` of `Window.checksum`.
 */
export const pseudoHeaderSum = (
  source: number,
  destination: number,
  protocol: number,
  length: number,
): number => sumOf32(source) + sumOf32(destination) + protocol + length;

/** The checksum field after one 16-bit word it covers went from `before` to `now` (RFC 1624 equation 3). */
export const updateChecksum = (checksum: number, before: number, now: number): number =>
  finishChecksum((~checksum & 0xffff) + (~before & 0xffff) + now);

/** The checksum field after one 32-bit word it covers went from `before` to `now` (RFC 1624 equation 3). */
export const updateChecksum32 = (checksum: number, before: number, now: number): number =>
  finishChecksum((~checksum & 0xffff) + sumOf32(~before) + sumOf32(now));
