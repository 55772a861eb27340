/** How a device of the host tells whoever runs the machines that something arrived. */

/** What a device is given: one method, callable at any time, even inside a step. */
export interface Waker {
  /** Something may have happened on a device: step the machines soon. O(1), no allocation. */
  wake(): void;
}

/** A waker with the end that the runner holds. */
export interface HostWaker extends Waker {
  /** True if `wake` was called since `take`. O(1). */
  pending(): boolean;
  /** Forgets earlier calls of `wake`; true if there were any. O(1). */
  take(): boolean;
  /** Has `listener` called at every `wake`, in place of an earlier one. */
  listen(listener: () => void): void;
}

const nobody = (): void => {};

/** A waker that remembers calls until they are taken, also before anyone listens. */
export const makeWaker = (): HostWaker => {
  let woken = false;
  let tell = nobody;
  const take = (): boolean => {
    const was = woken;
    woken = false;
    return was;
  };
  const wake = (): void => {
    woken = true;
    tell();
  };
  const listen = (listener: () => void): void => {
    tell = listener;
  };
  return Object.freeze({ wake, pending: () => woken, take, listen });
};

/** For a device that is polled: nobody is told. */
export const silentWaker: Waker = Object.freeze({ wake: nobody });
