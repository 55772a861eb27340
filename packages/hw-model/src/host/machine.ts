/** The host machine: the devices of the host as one record. */
import type { Clock } from "../clock.ts";
import type { Console } from "../console.ts";
import type { Disk } from "../disk.ts";
import type { Machine } from "../machine.ts";
import { DEFAULT_FRAMES } from "../memory.ts";
import type { Nic } from "../nic.ts";
import { makeDmaEngine } from "../simulated/dma.ts";
import { makeFrameBuffer, type FrameBufferOptions } from "../simulated/frame-buffer.ts";
import { makePhysicalMemory } from "../simulated/memory.ts";
import { makeIntervalTimer } from "../simulated/timer.ts";
import type { StreamDevice } from "../stream-device.ts";
import { HOST_HERTZ, makeHostClock } from "./clock.ts";
import { makeHostConsole } from "./console.ts";
import { hostMeter } from "./meter.ts";
import { makeHostProcessor } from "./processor.ts";
import { hostRandom } from "./random.ts";

/** What a host machine is made of; the devices stay their opener's, who closes them. */
export interface HostMachineOptions {
  /** Frames of RAM, `DEFAULT_FRAMES` unless given. */
  readonly frames?: number;
  /** Bytes of the kernel's arena above RAM; 0 unless given. */
  readonly arenaBytes?: number;
  readonly nics?: readonly Nic[];
  readonly disks?: readonly Disk[];
  readonly streams?: readonly StreamDevice[];
  /** Displays in plain memory, one for each; none unless given. */
  readonly displays?: readonly FrameBufferOptions[];
  /** `false` for a machine without a DMA engine. */
  readonly dma?: false;
  /** Writes to the standard output and reads nothing unless given. */
  readonly console?: Console;
  /** `makeHostClock()` unless given. */
  readonly clock?: Clock;
}

/** The host has no engine to lend: this one copies when it is reaped, as fast as the processor can. */
const hostDma = { bytesPerSecond: Infinity, overheadSeconds: 0 };

/** A machine on the host. Throws a `RangeError` for a memory or a display that cannot be. */
export function makeHostMachine(options: HostMachineOptions = {}): Machine {
  const clock = options.clock ?? makeHostClock();
  return Object.freeze({
    memory: makePhysicalMemory(options.frames ?? DEFAULT_FRAMES, options.arenaBytes ?? 0),
    clock,
    timer: makeIntervalTimer(),
    meter: hostMeter,
    processor: makeHostProcessor(clock),
    random: hostRandom,
    console: options.console ?? makeHostConsole(),
    nics: Object.freeze([...(options.nics ?? [])]),
    disks: Object.freeze([...(options.disks ?? [])]),
    streams: Object.freeze([...(options.streams ?? [])]),
    displays: Object.freeze((options.displays ?? []).map(makeFrameBuffer)),
    dma: options.dma === false ? undefined : makeDmaEngine(HOST_HERTZ, hostDma),
  });
}
