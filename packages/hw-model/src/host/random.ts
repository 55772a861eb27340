/** The host's random device: its operating system's. */
import { randomFillSync } from "node:crypto";
import type { RandomDevice } from "../random.ts";

const fill = (memory: Uint8Array, at: number, length: number): void => {
  randomFillSync(memory, at, length);
};

/** Unpredictable bytes, fit for keys. Throws `RangeError` for bytes outside `memory`. */
export const hostRandom: RandomDevice = Object.freeze({ fill });
