/** Boards in a few lines: one machine, or two on a wire, each with a kernel. */
import { writeFileSync } from "node:fs";
import {
  boot,
  createEnvironment,
  makeInspection,
  type EnvironmentPlan,
  type Exokernel,
} from "@exolith/exokernel";
import { capSlot, must, type EnvId, type Filter } from "@exolith/exokernel/abi";
import {
  MODERN_3GHZ,
  makeLoopback,
  makePcapCapture,
  makeSimulatedMachine,
  makeSimulatedPair,
  runSimulated,
  tracedNic,
  type Cycles,
  spaceBytes,
  type Nic,
  type PcapCapture,
  type RunLimits,
  type SimulatedDiskOptions,
  type SimulatedMachine,
  type SimulatedPart,
} from "@exolith/hw-model";
import type { ExampleOptions } from "./options.ts";

const { hertz } = MODERN_3GHZ;
const own = capSlot(0);

/** A machine, and the kernel on it. */
export interface Computer {
  readonly machine: SimulatedMachine;
  readonly kernel: Exokernel;
  /** Creates an environment; throws when the kernel refuses. */
  add(plan: EnvironmentPlan): EnvId;
  /** Lets an environment send the frames that match each of `filters`. */
  allow(environment: EnvId, filters: readonly Filter[]): void;
  /** Prints what was asked for: trace, calls, tables. */
  finish(): void;
}

function makeComputer(
  name: string,
  machine: SimulatedMachine,
  options: ExampleOptions,
  quantumSeconds?: number,
): Computer {
  const inspection = makeInspection(options.inspect);
  const faulted = (environment: EnvId, reason: unknown): void =>
    console.log(`${name}: environment ${environment & 0xffff} faulted: ${String(reason)}`);
  const kernel = boot(machine, {
    trace: inspection.trace,
    faulted,
    ...(quantumSeconds === undefined ? {} : { quantumSeconds }),
  });
  return {
    machine,
    kernel,
    add: (plan) => must(createEnvironment(kernel.root, plan)),
    allow: (environment, filters) => {
      for (const filter of filters) must(kernel.root.transmitBind(0, filter, environment, own, own));
    },
    finish: () => {
      for (const line of inspection.lines(name, kernel.root)) console.log(line);
    },
  };
}

const partOf = ({ machine, kernel }: Computer): SimulatedPart => ({
  clock: machine.clock,
  steppable: kernel,
});

function run(computers: readonly Computer[], limits: RunLimits): void {
  runSimulated(computers.map(partOf), { seconds: 60, ...limits });
}

function save(capture: PcapCapture, { pcap }: ExampleOptions): void {
  if (pcap !== undefined) writeFileSync(pcap, capture.bytes());
}

/** One machine of 1 MiB whose interface hears itself, with room for an address space. */
export interface Single extends Computer {
  run(limits?: RunLimits): void;
}

/** Switches one machine on. */
export function makeSingle(options: ExampleOptions, quantumSeconds?: number): Single {
  const capture = makePcapCapture({ hertz });
  const { seed, faults } = options;
  const loopback = makeLoopback({
    seed,
    faults,
    bitsPerSecond: 1e9,
    delaySeconds: 1e-6,
    ends: [{ hertz }, { hertz }],
  });
  const machine = makeSimulatedMachine({
    seed,
    frames: 256,
    arenaBytes: spaceBytes(12),
    nics: [tracedNic(loopback, capture)],
  });
  const computer = makeComputer("the machine", machine, options, quantumSeconds);
  const finish = (): void => {
    computer.finish();
    save(capture, options);
  };
  return { ...computer, finish, run: (limits = {}) => run([computer], limits) };
}

/** Two machines on a wire of 1 Gb/s and 50 µs. */
export interface Pair {
  readonly left: Computer;
  readonly right: Computer;
  run(limits?: RunLimits): void;
  finish(): void;
}

/** Switches two machines on; the left one has `disks`. */
export function makePair(options: ExampleOptions, disks: readonly SimulatedDiskOptions[] = []): Pair {
  const capture = makePcapCapture({ hertz });
  const frames = 8192;
  const pair = makeSimulatedPair({
    seed: options.seed,
    wire: { bitsPerSecond: 1e9, delaySeconds: 50e-6, faults: options.faults },
    left: { frames, disks, wrapNic: (nic: Nic) => tracedNic(nic, capture) },
    right: { frames },
  });
  const left = makeComputer("the left machine", pair.left, options);
  const right = makeComputer("the right machine", pair.right, options);
  const finish = (): void => {
    left.finish();
    right.finish();
    save(capture, options);
  };
  return { left, right, finish, run: (limits = {}) => run([left, right], limits) };
}

/** A time or a duration as text, in milliseconds. */
export const milliseconds = (cycles: Cycles | number): string => `${((cycles / hertz) * 1e3).toFixed(1)} ms`;
