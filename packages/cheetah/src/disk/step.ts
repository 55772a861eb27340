/** How a task of bounded steps goes on. */

/** `more`: it can go on at once. `wait`: it waits for the disk. */
export type Step = "more" | "wait";
