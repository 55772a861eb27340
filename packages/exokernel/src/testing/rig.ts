/** The smallest interesting machine: a simulated one with a loopback interface, and a kernel on it. */
import {
  MODERN_3GHZ,
  makeLoopback,
  makeSimulatedMachine,
  type SimulatedMachine,
  type SimulatedMachineOptions,
} from "@exolith/hw-model";
import { boot, type BootOptions, type Exokernel } from "../boot.ts";
import { failed, must } from "../abi/errors.ts";
import { capSlot, sliceIndex, type CapSlot } from "../abi/ids.ts";
import type { Gate } from "../abi/gate.ts";
import type { Program, Upcalls } from "../abi/upcalls.ts";
import { createEnvironment } from "../create-environment.ts";
import type { Capability } from "@exolith/secure-bind";

/** A kernel to be tested, and ways to put environments on it. */
export interface Rig {
  readonly machine: SimulatedMachine;
  readonly kernel: Exokernel;
  readonly root: Gate;
  /** Creates an environment guarded by `name`, with time slices and its gate handed out. */
  environment(name: readonly number[], options?: RigEnvironment): Gate;
  /** Grants a capability forged from the root's; the slot it has there. */
  grant(to: Gate, capability: Capability): CapSlot;
  /** Steps the kernel until nothing is due now, `limit` times at most; how often it did work. */
  run(limit?: number): number;
}

/** How an environment is to be set up. */
export interface RigEnvironment {
  /** Positions of the slice vector it claims; none by default. */
  readonly slices?: readonly number[];
  /** Its entry points; by default it does nothing in its slices. */
  readonly upcalls?: (gate: Gate) => Upcalls;
}

const idle = (gate: Gate): Upcalls => ({
  sliceBegin: () => gate.sleep(gate.environments.events(gate.self & 0xffff), Infinity as never),
});

/** Creates an environment guarded by `name` with the authority in `root`'s slot 0; its gate, handed out. */
export function placeEnvironment(root: Gate, name: readonly number[], set: RigEnvironment = {}): Gate {
  let made: Gate | undefined;
  const program: Program = (gate) => {
    made = gate;
    for (const index of set.slices ?? []) must(gate.sliceAlloc(sliceIndex(index), capSlot(0)));
    return (set.upcalls ?? idle)(gate);
  };
  must(createEnvironment(root, { name, grants: [], program }));
  if (made === undefined) throw new Error("the program was not started");
  return made;
}

/**
 * Boots a kernel on a simulated machine with `frames` frames, a loopback
 * interface, a disk, a stream device, a display and a DMA engine; `parts` changes that.
 */
export function makeRig(
  frames: number = 256,
  options: BootOptions = {},
  parts: SimulatedMachineOptions = {},
): Rig {
  const { hertz } = MODERN_3GHZ;
  const nic = makeLoopback({ ends: [{ hertz }, { hertz }] });
  const machine = makeSimulatedMachine({
    seed: 1,
    frames,
    nics: [nic],
    disks: [{ blocks: 256 }],
    streams: 1,
    displays: [{ width: 64, height: 32, tile: 8 }],
    ...parts,
  });
  const kernel = boot(machine, options);
  const { root } = kernel;
  const environment: Rig["environment"] = (name, set) => placeEnvironment(root, name, set);
  const grant: Rig["grant"] = (to, capability) =>
    must(root.capabilityGrant(to.self, capability, capSlot(0), capSlot(0)));
  const run: Rig["run"] = (limit = 1000) => {
    let ran = 0;
    for (let i = 0; i < limit; i++) {
      if (kernel.step()) ran += 1;
      else if (kernel.wakeAt() > machine.clock.now()) break;
    }
    return ran;
  };
  return { machine, kernel, root, environment, grant, run };
}

/** The name of the refusal, or "ok": for assertions that read well. */
export const outcome = (result: unknown): string =>
  failed(result) ? (result as { name: string }).name : "ok";
