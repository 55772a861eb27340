/** The machine that every JavaScript engine has: memory, time and randomness, and no other device. */
import type { Clock } from "../clock.ts";
import type { Machine } from "../machine.ts";
import { DEFAULT_FRAMES } from "../memory.ts";
import type { RandomDevice } from "../random.ts";
import { makeDmaEngine } from "../simulated/dma.ts";
import { makePhysicalMemory } from "../simulated/memory.ts";
import { makeIntervalTimer } from "../simulated/timer.ts";
import { makeTranslationBuffer } from "../simulated/translation-buffer.ts";
import { HOST_HERTZ, makeHostClock } from "./clock.ts";
import { hostMeter } from "./meter.ts";
import { makeHostProcessor } from "./processor.ts";

/** What such a machine is made of. */
export interface EngineMachineOptions {
  /** Frames of RAM, `DEFAULT_FRAMES` unless given. */
  readonly frames?: number;
  /** Bytes of the kernel's arena above RAM; 0 unless given. */
  readonly arenaBytes?: number;
  /** Disks that somebody else made. */
  readonly disks?: Machine["disks"];
  /** `makeHostClock()` unless given. */
  readonly clock?: Clock;
}

/** The most that an engine fills at once (Web Cryptography API, `getRandomValues`). */
const RANDOM_BYTES = 65_536;

/** The engine's source of randomness: unpredictable, fit for keys. Throws `RangeError` for bytes outside `memory`. */
export const engineRandom: RandomDevice = Object.freeze({
  fill: (memory: Uint8Array, at: number, length: number): void => {
    if (at < 0 || length < 0 || at + length > memory.length) throw new RangeError("bytes outside the memory");
    for (let done = 0; done < length; done += RANDOM_BYTES) {
      const end = at + Math.min(done + RANDOM_BYTES, length);
      globalThis.crypto.getRandomValues(memory.subarray(at + done, end) as Uint8Array<ArrayBuffer>);
    }
  },
});

/** A console that nobody reads, and nobody types at. */
const noConsole: Machine["console"] = Object.freeze({
  write: (_memory: Uint8Array, _at: number, length: number) => length,
  read: () => 0,
});

/** A machine without Node.js. Throws a `RangeError` for a memory that cannot be. */
export function makeEngineMachine(options: EngineMachineOptions = {}): Machine {
  const clock = options.clock ?? makeHostClock();
  const memory = makePhysicalMemory(options.frames ?? DEFAULT_FRAMES, options.arenaBytes ?? 0);
  return Object.freeze({
    memory,
    clock,
    timer: makeIntervalTimer(),
    meter: hostMeter,
    processor: makeHostProcessor(clock),
    translation: makeTranslationBuffer(memory),
    random: engineRandom,
    console: noConsole,
    nics: Object.freeze([]),
    disks: Object.freeze([...(options.disks ?? [])]),
    streams: Object.freeze([]),
    displays: Object.freeze([]),
    // There is no engine to lend: this one copies when it is reaped, as fast as the processor can.
    dma: makeDmaEngine(HOST_HERTZ, { bytesPerSecond: Infinity, overheadSeconds: 0 }),
  });
}
