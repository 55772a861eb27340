/**
 * Headroom: proof that a kernel call has stack to finish on.
 *
 * The kernel runs on its caller's stack. A call that changes more than one thing
 * must not die between two changes, so it first shows that there is room: it
 * recurses deeper than any call does, and a caller at the end of its stack gets
 * the `RangeError` here, before anything has happened.
 */

/** Frames of recursion; every one is larger than it must be, no call nests half as deep. */
const DEPTH = 48;

/** Throws a `RangeError` unless the stack has room for a kernel call. */
export const proveHeadroom = (): void => {
  descend(DEPTH, 0, 0, 0, 0);
};

function descend(depth: number, a: number, b: number, c: number, d: number): number {
  return depth === 0 ? a + b + c + d : descend(depth - 1, b, c, d, a + depth) + 1;
}
