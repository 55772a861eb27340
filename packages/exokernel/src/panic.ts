/** Panic: a kernel invariant is false, and the machine must stop. */

/** Thrown to the board; no environment ever sees it. */
export class KernelPanic extends Error {
  override readonly name: string = "KernelPanic";
}

/** Panics unless `condition` holds. */
export function invariant(condition: boolean, what: string): asserts condition {
  if (!condition) throw new KernelPanic(what);
}
