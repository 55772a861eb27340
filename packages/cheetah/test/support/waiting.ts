/** Waiting in tests that run against the host's own clock. */

/** Resolves after `milliseconds`. */
export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** True as soon as `condition` holds, false if it does not within `milliseconds`. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  milliseconds: number = 10_000,
): Promise<boolean> {
  const end = performance.now() + milliseconds;
  while (!(await condition())) {
    if (performance.now() > end) return false;
    await pause(5);
  }
  return true;
}

/** The value in the middle. */
export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
