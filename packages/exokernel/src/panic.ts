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
export function isMadeBy(reason: unknown, maker: abstract new (...what: never[]) => unknown): boolean {
  try {
    return reason instanceof maker;
  } catch {
    return false;
  }
}

/** True for the `RangeError` that a full stack throws; its text is the only thing that tells it from others. */
export function isStackOverflow(reason: unknown): boolean {
  try {
    return String((reason as Error).message).includes("call stack");
  } catch {
    return false;
  }
}

/** Takes a promise that nobody will wait for, so that its rejection is nobody's. */
export const disown = (promise: Promise<unknown>): void => {
  then(
    promise,
    () => {},
    () => {},
  );
};

/** Captured: what an environment did to promises is not to be run here. */
const then: (of: Promise<unknown>, kept: () => void, broken: () => void) => unknown =
  Function.prototype.call.bind(Promise.prototype.then);

/** Panics unless `condition` holds. */
export function invariant(condition: boolean, what: string): asserts condition {
  if (!condition) throw new KernelPanic(what);
}
