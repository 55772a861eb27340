/** A simulated machine: every device on one local clock and one seed. */
import type { CostProfile } from "../costs.ts";
import type { Machine } from "../machine.ts";
import type { Nic } from "../nic.ts";
import type { TranslationHardware } from "../translation-buffer.ts";
import { makeMeter, makeSimulatedClock, type SimulatedClock } from "./clock.ts";
import { makeSimulatedConsole, type SimulatedConsole } from "./console.ts";
import { makeSimulatedDisk, type SimulatedDisk, type SimulatedDiskOptions } from "./disk.ts";
import { makeDmaEngine, type DmaOptions } from "./dma.ts";
import { makeFrameBuffer, type FrameBufferOptions } from "./frame-buffer.ts";
import { makePhysicalMemory } from "./memory.ts";
import { makeSimulatedProcessor } from "./processor.ts";
import { MODERN_3GHZ } from "./profiles.ts";
import { deriveSeed, makeSimulatedRandom } from "./random.ts";
import { makeSimulatedStreamDevice, type SimulatedStreamDevice } from "./stream-device.ts";
import { makeIntervalTimer } from "./timer.ts";
import { makeTranslationBuffer } from "./translation-buffer.ts";
import { makeWire, type Wire, type WireOptions } from "./wire.ts";

/** What a simulated machine is made of; nothing is needed. */
export interface SimulatedMachineOptions {
  /** Everything random follows from it; default 1. */
  readonly seed?: number;
  /** What primitives cost; default `MODERN_3GHZ`. */
  readonly profile?: CostProfile;
  /** Frames of RAM; default `DEFAULT_FRAMES`. */
  readonly frames?: number;
  /** Bytes of the kernel's arena, rounded up to 64 KiB pages; default 0. */
  readonly arenaBytes?: number;
  /** Its translation buffer; default `WHOLE_TABLES`, which never misses twice. */
  readonly translation?: TranslationHardware;
  /** Interfaces, made for this machine's rate; default none. */
  readonly nics?: readonly Nic[];
  /** One disk for each; default none. */
  readonly disks?: readonly SimulatedDiskOptions[];
  /** Stream devices; default 0. */
  readonly streams?: number;
  /** One display for each; default none. */
  readonly displays?: readonly FrameBufferOptions[];
  /** Its DMA engine, or `false` for none; default one with the usual figures. */
  readonly dma?: DmaOptions | false;
  /** Typed at the console before the machine is switched on. */
  readonly input?: string | Uint8Array;
  /** Wall clock at cycle 0, milliseconds since 1970; default 2026-01-01. */
  readonly epoch?: number;
}

/** A machine whose devices can also be looked at and played with from outside. */
export interface SimulatedMachine extends Machine {
  readonly profile: CostProfile;
  readonly clock: SimulatedClock;
  readonly console: SimulatedConsole;
  readonly disks: readonly SimulatedDisk[];
  readonly streams: readonly SimulatedStreamDevice[];
}

/** A machine that has just been switched on. */
export function makeSimulatedMachine(options: SimulatedMachineOptions = {}): SimulatedMachine {
  const profile = options.profile ?? MODERN_3GHZ;
  const clock = makeSimulatedClock(profile.hertz, options.epoch);
  const memory = makePhysicalMemory(options.frames, options.arenaBytes);
  return {
    profile,
    clock,
    memory,
    timer: makeIntervalTimer(),
    meter: makeMeter(clock, profile),
    processor: makeSimulatedProcessor(clock, profile),
    translation: makeTranslationBuffer(memory, options.translation),
    random: makeSimulatedRandom(deriveSeed(options.seed ?? 1, "random device")),
    console: makeSimulatedConsole(options.input),
    nics: options.nics ?? [],
    disks: (options.disks ?? []).map((disk) => makeSimulatedDisk(profile.hertz, disk)),
    streams: Array.from({ length: options.streams ?? 0 }, () => makeSimulatedStreamDevice()),
    displays: (options.displays ?? []).map(makeFrameBuffer),
    dma: options.dma === false ? undefined : makeDmaEngine(profile.hertz, options.dma),
  };
}

/** One machine of a pair; its interface comes from the wire, before any in `nics`. */
export interface PairedMachineOptions extends SimulatedMachineOptions {
  /** Its end of the wire. */
  readonly end?: NonNullable<WireOptions["ends"]>[number];
  /** Puts middleware around its end of the wire, such as `tracedNic`. */
  readonly wrapNic?: (nic: Nic) => Nic;
}

/** Two machines and the wire between them. */
export interface SimulatedPairOptions {
  /** Seeds both machines and the wire, which all get sequences of their own; default 1. */
  readonly seed?: number;
  readonly wire?: Omit<WireOptions, "ends" | "seed">;
  readonly left?: PairedMachineOptions;
  readonly right?: PairedMachineOptions;
}

/** Two machines and the wire between them; the left one has end 0. */
export interface SimulatedPair {
  readonly left: SimulatedMachine;
  readonly right: SimulatedMachine;
  readonly wire: Wire;
}

const paired = (options: PairedMachineOptions, nic: Nic, seed: number): SimulatedMachine =>
  makeSimulatedMachine({
    seed,
    ...options,
    nics: [options.wrapNic === undefined ? nic : options.wrapNic(nic), ...(options.nics ?? [])],
  });

/** Two machines on one wire, from one seed. */
export function makeSimulatedPair(options: SimulatedPairOptions = {}): SimulatedPair {
  const { seed = 1, left = {}, right = {} } = options;
  const wire = makeWire({
    ...options.wire,
    seed: deriveSeed(seed, "wire"),
    ends: [
      { hertz: (left.profile ?? MODERN_3GHZ).hertz, ...left.end },
      { hertz: (right.profile ?? MODERN_3GHZ).hertz, ...right.end },
    ],
  });
  return {
    wire,
    left: paired(left, wire.nics[0], deriveSeed(seed, "left")),
    right: paired(right, wire.nics[1], deriveSeed(seed, "right")),
  };
}
