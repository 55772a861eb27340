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
