/** The system frame: kernel words in RAM that anybody may map for reading, and predicates may watch. */
import { FRAME_BYTES } from "../abi/ids.ts";
import { SYSTEM_WORDS } from "../abi/tables.ts";
import { ABI_VERSION, TABLE_VERSION } from "../abi/version.ts";
import type { Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";

const put = (kernel: Kernel, word: number, value: number): void =>
  kernel.machine.memory.view.setUint32(kernel.systemFrame * FRAME_BYTES + word, value);

/** Writes the words that never change: once, when the kernel is loaded. */
export function openSystemFrame(kernel: Kernel): void {
  put(kernel, SYSTEM_WORDS.abiVersion, ABI_VERSION);
  put(kernel, SYSTEM_WORDS.tableVersion, TABLE_VERSION);
  publishSystem(kernel);
}

/** Writes the words that change from slice to slice. O(network interfaces). */
export function publishSystem(kernel: Kernel): void {
  const { clock } = kernel.machine;
  put(kernel, SYSTEM_WORDS.ticks, Math.floor(clock.now() / kernel.slices.quantum) >>> 0);
  put(kernel, SYSTEM_WORDS.freeFrames, kernel.frames.free);
  put(kernel, SYSTEM_WORDS.slice, kernel.slices.current);
  put(kernel, SYSTEM_WORDS.environments, kernel.environments.ids.taken());
  let unclaimed = 0;
  for (let i = 0; i < kernel.nics.length; i++) unclaimed += kernel.nics[i]?.unclaimed ?? 0;
  put(kernel, SYSTEM_WORDS.unclaimed, unclaimed >>> 0);
}

/** Writes an environment's event count. O(1). */
export const publishEvents = (kernel: Kernel, { row, events }: Environment): void =>
  put(kernel, SYSTEM_WORDS.events + row * 4, events);

/** Writes 0 for the row of an environment that ends, as the reader of its event count gives. O(1). */
export const clearEvents = (kernel: Kernel, { row }: Environment): void =>
  put(kernel, SYSTEM_WORDS.events + row * 4, 0);
