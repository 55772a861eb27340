/** Boot: a kernel on a machine, and the gate of the first environment. */
import type { Machine, Steppable } from "@exolith/hw-model";
import type { Gate } from "./abi/gate.ts";
import type { EnvId } from "./abi/ids.ts";
import { load } from "./load.ts";
import { step, wakeAt } from "./step.ts";
import type { Trace } from "./trace.ts";

/** What a board may choose when it boots a kernel. */
export interface BootOptions {
  /** Length of a time slice, seconds; `QUANTUM_SECONDS` by default. */
  readonly quantumSeconds?: number;
  /** Where kernel events are noted; nowhere by default. */
  readonly trace?: Trace;
  /** Told of every fault, for the board's log. It must not call the kernel. */
  readonly faulted?: (environment: EnvId, reason: unknown) => void;
  /** Excess ticks at which an environment is destroyed; `EXCESS_TICKS_MAX` by default, `Infinity` for never. */
  readonly excessTicksMax?: number;
  /** Frames that are to stay free; `RESERVE_FRAMES` by default, 0 for no revocation by the kernel itself. */
  readonly reserveFrames?: number;
  /** Time to answer a revocation, seconds; `REVOCATION_SECONDS` by default. */
  readonly revocationSeconds?: number;
}

/** A booted kernel. */
export interface Exokernel extends Steppable {
  /**
   * The gate of the boot environment: it holds the root capability in slot 0,
   * runs no code of its own, and is how a board sets up all others.
   */
  readonly root: Gate;
}

/** Boots a kernel: everything is free but the system frame and those where arriving packets are staged. */
export function boot(machine: Machine, options: BootOptions = {}): Exokernel {
  const { kernel, root } = load(machine, options);
  return Object.freeze({ root, step: () => step(kernel), wakeAt: () => wakeAt(kernel) });
}
