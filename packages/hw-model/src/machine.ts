/** The machine: the record of devices that a kernel boots on. */
import type { Clock, IntervalTimer } from "./clock.ts";
import type { Console } from "./console.ts";
import type { Meter } from "./costs.ts";
import type { Disk } from "./disk.ts";
import type { DmaEngine } from "./dma.ts";
import type { FrameBuffer } from "./frame-buffer.ts";
import type { PhysicalMemory } from "./memory.ts";
import type { Nic } from "./nic.ts";
import type { Processor } from "./processor.ts";
import type { RandomDevice } from "./random.ts";
import type { StreamDevice } from "./stream-device.ts";
import type { TranslationBuffer } from "./translation-buffer.ts";
import type { Cycles } from "./units.ts";

/** Every device of one machine; empty lists where it has none. */
export interface Machine {
  readonly memory: PhysicalMemory;
  readonly clock: Clock;
  readonly timer: IntervalTimer;
  readonly meter: Meter;
  readonly processor: Processor;
  readonly translation: TranslationBuffer;
  readonly random: RandomDevice;
  readonly console: Console;
  readonly nics: readonly Nic[];
  readonly disks: readonly Disk[];
  readonly streams: readonly StreamDevice[];
  readonly displays: readonly FrameBuffer[];
  /** Absent where the machine has none. */
  readonly dma: DmaEngine | undefined;
}

/**
 * Something that runs on a machine in bounded steps; a kernel.
 *
 * A board drives it: step while it runs, and wait while it is idle.
 */
export interface Steppable {
  /** Does a bounded amount of work. True if it did any, false if it was idle. */
  step(): boolean;
  /** When there will be work: now or earlier, a later time, or `NEVER` when only a device can tell. */
  wakeAt(): Cycles;
}
