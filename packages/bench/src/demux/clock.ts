/** Processor time: what a matcher takes, whoever else uses the machine. */

/**
 * Nanoseconds of processor time of this program for one of `times` operations.
 *
 * Linux counts the time of a whole program to the microsecond, that of one of its threads
 * only at ticks; so compilers that run beside are counted, and belong in rounds of warm-up.
 */
export function processorTimed(run: () => void, times: number): number {
  const begun = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(begun);
  return ((user + system) * 1000) / times;
}
