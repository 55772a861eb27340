/** Reading a field of a frame quickly: the primitive of everything compiled. */

/**
 * The field of `width` bytes at `at`, in network byte order, as a signed 32-bit integer.
 *
 * A signed result is a small integer on every engine, so that comparing or
 * hashing it never allocates. The caller has checked the bounds.
 */
export function readField(memory: Uint8Array, at: number, width: number): number {
  const first = memory[at] ?? 0;
  if (width === 1) return first;
  const second = (first << 8) | (memory[at + 1] ?? 0);
  if (width === 2) return second;
  return (second << 16) | ((memory[at + 2] ?? 0) << 8) | (memory[at + 3] ?? 0);
}

/**
 * `base` moved on by the masked `field`, shifted left by `by` bits.
 *
 * A base past the end of the frame becomes `length + 1`: every field there is
 * outside, and the number stays small.
 */
export function moveBase(base: number, field: number, by: number, length: number): number {
  const masked = field >>> 0;
  if (masked > length) return length + 1;
  const moved = base + masked * (1 << by);
  return moved > length ? length + 1 : moved;
}

/**
 * Bytes of the frame of `length` bytes at `at` that lie in `memory`, or -1 when that is no frame at all.
 *
 * A frame is at a whole number from 0 up, and its length is none below 0; so
 * nothing is said of `NaN` or `undefined`. What is behind memory is behind the frame too.
 */
export function frameLength(memory: Uint8Array, at: number, length: number): number {
  if (!(at >= 0 && at % 1 === 0 && length >= 0)) return -1;
  return Math.max(Math.min(length, memory.length - at), 0);
}
