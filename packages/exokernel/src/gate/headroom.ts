/**
 * Headroom: proof that a kernel call has stack to finish on.
 *
 * The kernel runs on its caller's stack. A call that changes more than one thing
 * must not die between two changes, so it first shows that there is room: it
 * recurses deeper than any call does, and a caller at the end of its stack gets
 * the `RangeError` here, before anything has happened.
 */

/** Levels that hold the deepest call, whose own frames are larger, several times over. */
export const DEEP = 256;
/** Levels that hold a transmission or a move of bytes, which never goes deep. */
export const SHALLOW = 24;

/** Throws a `RangeError` unless the stack has room for `levels` more. O(levels). */
export const proveHeadroom = (levels: number): void => {
  descend(levels, 0, 0, 0, 0);
};

function descend(levels: number, a: number, b: number, c: number, d: number): number {
  return levels === 0 ? a + b + c + d : descend(levels - 1, b, c, d, a + levels) + 1;
}
