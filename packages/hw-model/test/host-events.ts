/** Lets the host's devices do something, for tests. */

/** Resolves after about a millisecond of the host's events. */
export const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

/** Waits until `done` is true, at most about ten seconds; true if it was. */
export const until = async (done: () => boolean): Promise<boolean> => {
  const end = Date.now() + 10_000;
  for (;;) {
    if (done()) return true;
    if (Date.now() >= end) return false;
    // oxlint-disable-next-line no-await-in-loop -- each look depends on the time before it
    await pause();
  }
};
