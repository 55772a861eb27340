/** Panic: a kernel invariant is false, and the machine must stop. */

/** Thrown to the board; no environment ever sees it. */
export class KernelPanic extends Error {
  override readonly name: string = "KernelPanic";
}

/** Throws `reason` on if it is a panic of ours and not what an environment threw. */
export function passPanic(reason: unknown): void {
  if (isMadeBy(reason, KernelPanic)) throw reason;
}

/** `instanceof`, except that an object which refuses to be looked at is an instance of nothing. */
export function isMadeBy(reason: unknown, maker: new (what: string) => unknown): boolean {
  try {
    return reason instanceof maker;
  } catch {
    return false;
  }
}

/** Panics unless `condition` holds. */
export function invariant(condition: boolean, what: string): asserts condition {
  if (!condition) throw new KernelPanic(what);
}
