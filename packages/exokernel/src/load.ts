/** Loading: the kernel's state on a machine, and the boot environment. */
import { FRAME_BYTES, type Machine } from "@exolith/hw-model";
import { RIGHTS, makeCapability } from "@exolith/secure-bind";
import type { Gate } from "./abi/gate.ts";
import { KERNEL, type EnvId } from "./abi/ids.ts";
import {
  EXCESS_TICKS_MAX,
  QUANTUM_SECONDS,
  RESERVE_FRAMES,
  REVOCATION_SECONDS,
  WELL_KNOWN_NAME,
} from "./abi/limits.ts";
import type { BootOptions } from "./boot.ts";
import { makeGuard } from "./capability/guard.ts";
import { connectDisks } from "./disk/transfer.ts";
import { addEnvironment } from "./environment/create.ts";
import { makeGate } from "./gate/make-gate.ts";
import { makeKernel, type Kernel } from "./kernel.ts";
import { connectDma } from "./memory/dma.ts";
import { openSystemFrame } from "./memory/system-frame.ts";
import { invariant } from "./panic.ts";
import { connectStreams } from "./stream/stream-table.ts";
import { NO_TRACE } from "./trace.ts";
import { softwareBufferFrames } from "./translation/software-buffer.ts";

/** A kernel that has just been loaded, from inside: its state, which no board and no environment sees. */
export interface Loaded {
  readonly kernel: Kernel;
  readonly root: Gate;
}

/** Loads a kernel: everything is free but the frames that it keeps for itself, at the top of RAM. */
export function load(machine: Machine, options: BootOptions = {}): Loaded {
  const cycles = (seconds: number): number => Math.round(machine.clock.hertz * seconds);
  const quantum = cycles(options.quantumSeconds ?? QUANTUM_SECONDS);
  invariant(quantum > 0, "a slice has no length");
  const own = ownFrames(machine);
  const kernel = makeKernel({
    machine,
    trace: options.trace ?? NO_TRACE,
    faulted: (id, reason) => options.faulted?.(id as EnvId, reason),
    quantum,
    staging: own.staging,
    systemFrame: own.system,
    softwareBuffer: own.buffer,
    excessTicksMax: options.excessTicksMax ?? EXCESS_TICKS_MAX,
    reserveFrames: options.reserveFrames ?? RESERVE_FRAMES,
    revocationCycles: cycles(options.revocationSeconds ?? REVOCATION_SECONDS),
  });
  keepFrames(kernel, own.system, softwareBufferFrames(machine));
  openSystemFrame(kernel);
  connectStreams(kernel);
  connectDisks(kernel);
  connectDma(kernel);
  const first = addEnvironment(
    kernel,
    0 as EnvId,
    makeGuard(makeCapability([], RIGHTS.all)),
    makeCapability([], RIGHTS.all),
  );
  invariant(first !== undefined, "no row for the boot environment");
  return { kernel, root: makeGate(kernel, first) };
}

/** The system frame, the software translation buffer where there is one, then a run of staging frames for each network interface. */
function ownFrames(machine: Machine): { system: number; buffer: number; staging: number[] } {
  const runs = machine.nics.map((nic) => Math.ceil(nic.hardware.frameBytes / FRAME_BYTES));
  const buffer = softwareBufferFrames(machine);
  const system = machine.memory.frames - 1 - buffer - runs.reduce((sum, run) => sum + run, 0);
  invariant(system > 0, "no memory left for programs");
  let next = system + 1 + buffer;
  const staging = runs.map((run) => {
    next += run;
    return (next - run) * FRAME_BYTES;
  });
  return { system, buffer: buffer === 0 ? 0 : system + 1, staging };
}

/** Marks the frames from `first` on as the kernel's: pinned, and guarded so that only the system frame and `more` after it are read. */
function keepFrames(kernel: Kernel, first: number, more: number): void {
  const { frames } = kernel;
  const hidden = makeGuard(makeCapability([], RIGHTS.all));
  for (let f = first; f < frames.count; f++) {
    frames.owner[f] = KERNEL;
    frames.lastOwner[f] = KERNEL;
    frames.guards[f] = hidden;
    frames.pins[f] = 1;
    frames.orphan[f] = 1;
    frames.free -= 1;
  }
  const wellKnown = makeCapability([...WELL_KNOWN_NAME], RIGHTS.none);
  const readable = Object.freeze({ entries: Object.freeze([wellKnown]), list: -1, records: 0 });
  for (let f = first; f <= first + more; f++) {
    frames.guards[f] = readable;
    frames.orphan[f] = 0;
  }
}
