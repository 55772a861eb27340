/** Boot: a kernel on a machine, and the gate of the first environment. */
import { FRAME_BYTES, type Cycles, type Machine, type Steppable } from "@exolith/hw-model";
import { RIGHTS, makeCapability } from "@exolith/secure-bind";
import { must } from "./abi/errors.ts";
import { capSlot, frame, type EnvId } from "./abi/ids.ts";
import { QUANTUM_SECONDS } from "./abi/limits.ts";
import type { Gate } from "./abi/gate.ts";
import { reapTransfers } from "./disk/transfer.ts";
import { addEnvironment } from "./environment/create.ts";
import { makeGate } from "./gate/make-gate.ts";
import { makeKernel, type Kernel } from "./kernel.ts";
import { pinFrames } from "./memory/frame-calls.ts";
import { flush } from "./network/transmit.ts";
import { receive } from "./network/receive.ts";
import { invariant } from "./panic.ts";
import { dispatch, runnableAt } from "./processor/dispatch.ts";
import { reapStreams } from "./stream/stream-table.ts";
import { NO_TRACE, type Trace } from "./trace.ts";

/** What a board may choose when it boots a kernel. */
export interface BootOptions {
  /** Length of a time slice, seconds; `QUANTUM_SECONDS` by default. */
  readonly quantumSeconds?: number;
  /** Where kernel events are noted; nowhere by default. */
  readonly trace?: Trace;
  /** Told of every fault, for the board's log. It must not call the kernel. */
  readonly faulted?: (environment: EnvId, reason: unknown) => void;
}

/** A booted kernel. */
export interface Exokernel extends Steppable {
  /**
   * The gate of the boot environment: it holds the root capability in slot 0,
   * runs no code of its own, and is how a board sets up all others.
   */
  readonly root: Gate;
}

/** Boots a kernel: everything is free but the frames where arriving packets are staged. */
export function boot(machine: Machine, options: BootOptions = {}): Exokernel {
  const { frames } = machine.memory;
  const quantum = Math.round(machine.clock.hertz * (options.quantumSeconds ?? QUANTUM_SECONDS));
  invariant(quantum > 0, "a slice has no length");
  const staging = stagingAddresses(machine);
  const kernel = makeKernel({
    machine,
    trace: options.trace ?? NO_TRACE,
    faulted: (id, reason) => options.faulted?.(id as EnvId, reason),
    quantum,
    staging: staging.addresses,
  });
  const first = addEnvironment(kernel, 0 as EnvId, makeCapability([], RIGHTS.all));
  invariant(first !== undefined, "no row for the boot environment");
  const root = makeGate(kernel, first);
  if (staging.frames > 0) {
    must(root.framesAlloc(frame(frames - staging.frames), staging.frames, capSlot(0)));
    pinFrames(kernel, frames - staging.frames, staging.frames, 1);
  }
  return Object.freeze({ root, step: () => step(kernel), wakeAt: () => wakeAt(kernel) });
}

/** Staging frames lie at the top of RAM, one run for each network interface. */
function stagingAddresses(machine: Machine): { frames: number; addresses: number[] } {
  let taken = 0;
  const addresses = machine.nics.map((nic) => {
    taken += Math.ceil(nic.hardware.frameBytes / FRAME_BYTES);
    return (machine.memory.frames - taken) * FRAME_BYTES;
  });
  invariant(taken < machine.memory.frames, "no memory left for programs");
  return { frames: taken, addresses };
}

/** One bounded step: what the devices have, then one slice of whoever is next. */
function step(kernel: Kernel): boolean {
  const received = receive(kernel);
  const reaped = reapTransfers(kernel);
  const changed = reapStreams(kernel);
  const ran = dispatch(kernel);
  flush(kernel);
  return received || reaped || changed || ran;
}

/** The earliest time at which a step would do something. */
function wakeAt(kernel: Kernel): Cycles {
  const { clock, nics, disks } = kernel.machine;
  const now = clock.now();
  let at: number = runnableAt(kernel, now);
  for (const nic of nics) at = Math.min(at, nic.wakeAt(now));
  for (const disk of disks) at = Math.min(at, disk.wakeAt(now));
  return at as Cycles;
}
