/** Loading: the kernel's state on a machine, and the boot environment. */
import { FRAME_BYTES, type Machine } from "@exolith/hw-model";
import { RIGHTS, makeCapability } from "@exolith/secure-bind";
import { must } from "./abi/errors.ts";
import type { Gate } from "./abi/gate.ts";
import { capSlot, frame, type EnvId } from "./abi/ids.ts";
import { QUANTUM_SECONDS } from "./abi/limits.ts";
import type { BootOptions } from "./boot.ts";
import { addEnvironment } from "./environment/create.ts";
import { makeGate } from "./gate/make-gate.ts";
import { makeKernel, type Kernel } from "./kernel.ts";
import { pinFrames } from "./memory/frame-calls.ts";
import { invariant } from "./panic.ts";
import { connectStreams } from "./stream/stream-table.ts";
import { NO_TRACE } from "./trace.ts";

/** A kernel that has just been loaded, from inside: its state, which no board and no environment sees. */
export interface Loaded {
  readonly kernel: Kernel;
  readonly root: Gate;
}

/** Loads a kernel: everything is free but the frames where arriving packets are staged, which stay pinned. */
export function load(machine: Machine, options: BootOptions = {}): Loaded {
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
  connectStreams(kernel);
  const first = addEnvironment(kernel, 0 as EnvId, makeCapability([], RIGHTS.all));
  invariant(first !== undefined, "no row for the boot environment");
  const root = makeGate(kernel, first);
  if (staging.frames > 0) {
    const at = machine.memory.frames - staging.frames;
    must(root.framesAlloc(frame(at), staging.frames, capSlot(0)));
    pinFrames(kernel, at, staging.frames, 1);
  }
  return { kernel, root };
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
