/** The host machine: the devices of the host as one record. */
import type { Clock } from "../clock.ts";
import type { Console } from "../console.ts";
import type { Disk } from "../disk.ts";
import type { Machine } from "../machine.ts";
import type { Nic } from "../nic.ts";
import { makeFrameBuffer, type FrameBufferOptions } from "../simulated/frame-buffer.ts";
import type { StreamDevice } from "../stream-device.ts";
import { makeHostConsole } from "./console.ts";
import { makeEngineMachine } from "./engine-machine.ts";
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

/** A machine on the host. Throws a `RangeError` for a memory or a display that cannot be. */
export function makeHostMachine(options: HostMachineOptions = {}): Machine {
  const machine = makeEngineMachine(options);
  return Object.freeze({
    ...machine,
    random: hostRandom,
    console: options.console ?? makeHostConsole(),
    nics: Object.freeze([...(options.nics ?? [])]),
    streams: Object.freeze([...(options.streams ?? [])]),
    displays: Object.freeze((options.displays ?? []).map(makeFrameBuffer)),
    dma: options.dma === false ? undefined : machine.dma,
  });
}
