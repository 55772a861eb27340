/** Two simulated machines on a wire, a kernel on each, one environment on each, set up as a board would. */
import type { CapSlot, EnvId, Gate, TransmitId, Upcalls } from "@exolith/exokernel/abi";
import { capSlot, must, sliceIndex } from "@exolith/exokernel/abi";
import type { Exokernel } from "@exolith/exokernel";
import { boot, createEnvironment, deviceCapability } from "@exolith/exokernel";
import type {
  PairedMachineOptions,
  RunLimits,
  RunResult,
  SimulatedMachine,
  SimulatedPairOptions,
  Wire,
} from "@exolith/hw-model";
import { makeSimulatedPair, runSimulated } from "@exolith/hw-model";
import { RIGHTS } from "@exolith/secure-bind";
import { nicAddress } from "../net/address.ts";
import { transmitFilters } from "../net/filters.ts";
import type { NetworkOptions } from "../net/network.ts";

/** What a host's program needs to know besides its gate. */
export interface HostContext {
  /** Its own capability guards what it claims; `device` reaches the network interface, to receive only. */
  readonly slots: { readonly device: CapSlot; readonly guard: CapSlot };
  readonly address: number;
  readonly peer: number;
  readonly prefixLength: number;
  /** Everything `makeNetwork` wants but the pool. */
  readonly network: Omit<NetworkOptions, "pool">;
}

/** The code of a host. It is started at its first slice, when its capabilities have been granted. */
export type HostProgram = (gate: Gate, context: HostContext) => Upcalls;

/** One of the two hosts. */
export interface Host {
  readonly machine: SimulatedMachine;
  readonly kernel: Exokernel;
  /** The boot environment's gate: what a board holds. */
  readonly root: Gate;
  readonly environment: EnvId;
  readonly context: HostContext;
  /** The transmit bindings, guarded by the root: ARP, then IPv4. */
  readonly transmits: readonly TransmitId[];
  /** What the environment threw, oldest first. */
  readonly faults: readonly unknown[];
}

/** What the pair is made of. */
export interface TwoHostsOptions {
  readonly left: HostProgram;
  readonly right: HostProgram;
  /** Default 1. */
  readonly seed?: number;
  /** Default: 1 Gbit/s and 50 µs, without faults. */
  readonly wire?: NonNullable<SimulatedPairOptions["wire"]>;
  /** The machines; by default 4,096 frames (16 MiB) each. */
  readonly machines?: { readonly left?: PairedMachineOptions; readonly right?: PairedMachineOptions };
}

/** Two hosts, 10.0.0.1 and 10.0.0.2, and the wire between them. */
export interface TwoHosts {
  readonly left: Host;
  readonly right: Host;
  readonly wire: Wire;
  /** Runs both machines; throws what an environment threw. */
  run(limits?: RunLimits): RunResult;
}

const LEFT = 0x0a00_0001;
const RIGHT = 0x0a00_0002;
const PREFIX_LENGTH = 24;
const FRAMES = 4096;
const WIRE = { bitsPerSecond: 1e9, delaySeconds: 50e-6 };

/** Two hosts, ready to run. */
export function makeTwoHosts(options: TwoHostsOptions): TwoHosts {
  const pair = makeSimulatedPair({
    seed: options.seed ?? 1,
    wire: { ...WIRE, ...options.wire },
    left: { frames: FRAMES, ...options.machines?.left },
    right: { frames: FRAMES, ...options.machines?.right },
  });
  const left = makeHost(pair.left, options.left, LEFT, RIGHT);
  const right = makeHost(pair.right, options.right, RIGHT, LEFT);
  const parts = [left, right].map(({ machine, kernel }) => ({ clock: machine.clock, steppable: kernel }));
  const run = (limits: RunLimits = {}): RunResult => {
    const result = runSimulated(parts, limits);
    for (const reason of [...left.faults, ...right.faults]) throw reason;
    return result;
  };
  return { left, right, wire: pair.wire, run };
}

/** Name of a host's own environment, below which it may allocate. */
const OWN_NAME = [1, 1] as const;

/** Boots a kernel and does a board's work on it: an environment, slices, the interface, the bindings. */
function makeHost(machine: SimulatedMachine, program: HostProgram, address: number, peer: number): Host {
  const faults: unknown[] = [];
  const kernel = boot(machine, { faulted: (_, reason) => void faults.push(reason) });
  const { root } = kernel;
  const all = capSlot(0);
  const context = makeContext(address, peer);
  const environment = must(
    createEnvironment(root, {
      name: OWN_NAME,
      grants: [deviceCapability("nic", 0, RIGHTS.allocate)],
      program: (gate) => startLate(gate, program, context),
    }),
  );
  const transmits = transmitFilters(nicAddress(root, 0), address).map((filter) =>
    must(root.transmitBind(0, filter, environment, all, all)),
  );
  return { machine, kernel, root, environment, context, transmits, faults };
}

function makeContext(address: number, peer: number): HostContext {
  const slots = { device: capSlot(1), guard: capSlot(0) };
  const network = { nic: 0, address, prefixLength: PREFIX_LENGTH, slots, ringSlots: 64 };
  return { slots, address, peer, prefixLength: PREFIX_LENGTH, network };
}

/** Entry points that start the program when the first slice begins. */
function startLate(gate: Gate, program: HostProgram, context: HostContext): Upcalls {
  must(gate.sliceAlloc(sliceIndex(0), context.slots.guard));
  let upcalls: Upcalls | undefined;
  return {
    sliceBegin: () => {
      upcalls ??= program(gate, context);
      upcalls.sliceBegin();
    },
    sliceEnd: () => upcalls?.sliceEnd?.(),
  };
}
