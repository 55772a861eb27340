/** The board of webswamp: a machine of the host with a load generator on it. */
import { createEnvironment, deviceCapability, type Exokernel } from "@exolith/exokernel";
import { capSlot, failed, type Program } from "@exolith/exokernel/abi";
import type { Machine } from "@exolith/hw-model";
import { makeHostMachine, makeWaker, runOnHost, type HostWaker } from "@exolith/hw-model/host";
import type { Stack } from "@exolith/libos-exos";
import { RIGHTS } from "@exolith/secure-bind";
import { webswampProgram, type WebswampProgramOptions } from "../webswamp/webswamp-program.ts";
import type { Plan } from "../webswamp/plan.ts";
import type { Results } from "../webswamp/results.ts";
import type { Webswamp } from "../webswamp/swamp.ts";
import { bindTransmission, bootMachine, type Booted, type Faulted } from "./environments.ts";
import type { ServerNetwork } from "./machines.ts";

/** The network that a load generator is on: as a server's, without a port and without a gateway. */
export type SwampNetwork = Pick<ServerNetwork, "nic" | "route" | "close">;

/** How to load a server. */
export interface SwampOptions {
  readonly plan: Plan;
  /** Opens the network; what it opened is closed at the end. */
  readonly network: (waker: HostWaker) => Promise<SwampNetwork>;
  /** Ends it before it is done. */
  readonly stopping?: AbortSignal | undefined;
}

/** What came of it, and what it took. */
export interface SwampReport {
  readonly results: Results;
  /** Of the time, the share in which a processor worked for this process: user, and the system for it. */
  readonly userShare: number;
  readonly systemShare: number;
  /** True when it was ended before everything had been asked for. */
  readonly isPartial: boolean;
}

/** A load generator, and the stack under it. */
export interface StartedSwamp {
  readonly webswamp: Webswamp;
  readonly stack: Stack;
}

/** Frames of its machine: 48 MiB. */
const FRAMES = (48 * 2 ** 20) / 4096;
/** Milliseconds between two looks at whether it is done. */
const LOOK_MILLISECONDS = 5;
/** Milliseconds that connections have to end once everything is done. */
const LEAVE_MILLISECONDS = 200;

/** Where `startSwamp` grants what a load generator needs. */
export const SWAMP_SLOTS: WebswampProgramOptions["slots"] = Object.freeze({
  guard: capSlot(0),
  nic: capSlot(1),
});

/** Boots a machine and creates a load generator's environment, which may send from `address` only. */
export function startSwamp(machine: Machine, address: number, program: Program, faulted: Faulted): Booted {
  const kernel: Exokernel = bootMachine(machine, faulted, { excessTicksMax: Infinity });
  const grants = [deviceCapability("nic", 0, RIGHTS.allocate)];
  const environment = createEnvironment(kernel.root, { name: [1, 1], grants, program });
  if (failed(environment)) throw new Error(`the environment cannot be created: ${environment.name}`);
  const nic = machine.nics[0];
  if (nic === undefined) throw new Error("the machine has no network interface");
  bindTransmission(kernel, environment, nic, address);
  return { kernel, environment };
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));

/** Loads a server until the plan is done; rejects when the network or the machine fails. */
export async function runSwamp({ plan, network, stopping }: SwampOptions): Promise<SwampReport> {
  let started: StartedSwamp | undefined;
  let broken: { readonly reason: unknown } | undefined;
  const waker = makeWaker();
  const opened = await network(waker);
  try {
    const program = webswampProgram({
      route: opened.route,
      plan,
      slots: SWAMP_SLOTS,
      started: (webswamp, stack) => (started = { webswamp, stack }),
    });
    const machine = makeHostMachine({ frames: FRAMES, nics: [opened.nic] });
    const begun = process.cpuUsage();
    const { kernel } = startSwamp(
      machine,
      opened.route.address,
      program,
      (reason) => (broken ??= { reason }),
    );
    const run = runOnHost([kernel], waker);
    run.done.catch((reason: unknown) => (broken ??= { reason }));
    const isOver = (): boolean => broken !== undefined || stopping?.aborted === true;
    while (started?.webswamp.finished() !== true && !isOver()) await pause();
    const used = process.cpuUsage(begun);
    const leaveBy = performance.now() + LEAVE_MILLISECONDS;
    while (started?.stack.tcp.use.connections() !== 0 && !isOver() && performance.now() < leaveBy)
      await pause();
    await run.stop();
    if (broken !== undefined) throw broken.reason;
    return reportOf(started, used);
  } finally {
    await opened.close();
  }
}

function reportOf(started: StartedSwamp | undefined, used: NodeJS.CpuUsage): SwampReport {
  if (started === undefined) throw new Error("stopped before it began");
  const { webswamp } = started;
  const microseconds = Math.max(1, webswamp.results.seconds * 1e6);
  return {
    results: webswamp.results,
    userShare: used.user / microseconds,
    systemShare: used.system / microseconds,
    isPartial: !webswamp.finished(),
  };
}
