/** How a task of bounded steps goes on. */

/** `more`: it can go on at once. `brief`: so can it, and the step was short. `wait`: it waits for the disk. */
export type Step = "more" | "brief" | "wait";

/** Takes every step of a task that never waits; its result. */
export function complete<T>(task: Generator<Step, T>): T {
  for (;;) {
    const step = task.next();
    if (step.done === true) return step.value;
  }
}
