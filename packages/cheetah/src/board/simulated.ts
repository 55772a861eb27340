/** The simulated board: Cheetah and its gateway on two simulated machines, from one seed. */
import type { Exokernel } from "@exolith/exokernel";
import { NEVER, type Cycles, type EnvId, type Gate, type Program } from "@exolith/exokernel/abi";
import {
  makeSimulatedPair,
  runSimulated,
  type Nic,
  type RunLimits,
  type RunResult,
  type SimulatedDiskOptions,
  type SimulatedMachine,
  type SimulatedPairOptions,
  type Steppable,
  type StreamWorld,
  type Wire,
} from "@exolith/hw-model";
import type { Stack } from "@exolith/libos-exos";
import type { Gateway } from "@exolith/libos-exos/gateway";
import type { SiteSource } from "../disk/site-source.ts";
import type { Limits } from "../limits.ts";
import type { Techniques } from "../options.ts";
import { serverProgram, type StartedServer } from "../server-program.ts";
import {
  GATEWAY_FRAMES,
  SERVER_ADDRESS,
  SERVER_PORT,
  SERVER_SLOTS,
  WIRE_PREFIX,
  bootMachine,
  startGateway,
  startServer,
  wakeEnvironment,
  wireGatewayProgram,
  type Booted,
} from "./environments.ts";

/** How to serve in simulation; only a source is needed. */
export interface SimulatedServeOptions {
  readonly source: SiteSource;
  /** Everything random follows from it; default 1. */
  readonly seed?: number;
  readonly wire?: SimulatedPairOptions["wire"];
  readonly disk?: SimulatedDiskOptions;
  /** Frames of the server's machine; default 64 MiB. */
  readonly frames?: number;
  readonly cacheFrames?: number;
  /** True writes the access log to the simulated console. */
  readonly log?: boolean;
  readonly limits?: Partial<Limits>;
  /** Techniques other than the defaults. */
  readonly techniques?: Partial<Techniques>;
  /** Puts middleware around the interface of the server's machine, such as `tracedNic`. */
  readonly wrapNic?: (nic: Nic) => Nic;
  /** Puts something between an environment and its kernel, such as a note of its gate. */
  readonly wrapProgram?: (program: Program, machine: "server" | "gateway") => Program;
}

/** One machine, its kernel and the environment on it. */
export interface SimulatedHost extends Booted {
  readonly machine: SimulatedMachine;
  /** The gate of the environment, to look and to meddle from outside. */
  readonly gate: Gate;
}

/** A server at work in simulation. */
export interface SimulatedServed {
  readonly server: SimulatedHost & StartedServer;
  readonly gateway: SimulatedHost & { readonly gateway: Gateway; readonly stack: Stack };
  readonly wire: Wire;
  /** The clients' ends of the gateway's streams. */
  readonly world: StreamWorld;
  /** What environments faulted with, oldest first. */
  readonly faults: readonly unknown[];
  /** Simulated seconds since the machines were switched on. */
  seconds(): number;
  /** Names who plays the clients: stepped before every step of the gateway's machine, on its clock. */
  play(outside: Steppable): void;
  /** Runs both machines. */
  run(limits?: RunLimits): RunResult;
  /** Wakes the server after a call from outside, such as `refresh`. */
  wake(): void;
}

/** Seconds that an import may take before the board gives up. */
const IMPORT_SECONDS = 3600;

/** Serves a source; returns when the first request would be answered. Throws when that never happens. */
export function serveSimulated(options: SimulatedServeOptions): SimulatedServed {
  const { seed = 1, wire = {}, disk = {}, frames, wrapNic } = options;
  const pair = makeSimulatedPair({
    seed,
    wire,
    left: {
      disks: [disk],
      ...(frames === undefined ? {} : { frames }),
      ...(wrapNic === undefined ? {} : { wrapNic }),
    },
    right: { frames: GATEWAY_FRAMES, streams: 1 },
  });
  const faults: unknown[] = [];
  const server = bootSimulatedServer(options, pair.left, faults);
  const gatewayKernel = bootMachine(pair.right, (reason) => faults.push(reason));
  const players = makePlayers(gatewayKernel);
  const parts = [
    { clock: pair.left.clock, steppable: server.kernel },
    { clock: pair.right.clock, steppable: players.steppable },
  ];
  const run = (limits?: RunLimits): RunResult => runSimulated(parts, limits);
  run({
    until: () => faults.length > 0 || (server.started()?.cheetah.progress().rounds ?? 0) > 0,
    seconds: IMPORT_SECONDS,
  });
  const started = server.started();
  if (faults.length > 0) throw faults[0];
  if (started?.cheetah.ready() !== true) throw new Error("the site was not imported");
  const gateway = startSimulatedGateway(options, pair.right, gatewayKernel, run);
  const world = (pair.right.streams[0] as SimulatedMachine["streams"][number]).world;
  return {
    server: { ...server.host(), ...started },
    gateway,
    wire: pair.wire,
    world,
    faults,
    seconds: () => Math.max(...parts.map(({ clock }) => clock.now() / clock.hertz)),
    play: players.play,
    run,
    wake: () => wakeEnvironment(server.booted),
  };
}

/** Notes the gate of the environment that `program` runs in. */
function gateTold(
  options: SimulatedServeOptions,
  program: Program,
  machine: "server" | "gateway",
  told: (gate: Gate) => void,
): Program {
  const wrapped = options.wrapProgram?.(program, machine) ?? program;
  return (gate) => {
    told(gate);
    return wrapped(gate);
  };
}

interface BootedServer {
  readonly booted: Booted;
  readonly kernel: Exokernel;
  readonly started: () => StartedServer | undefined;
  readonly host: () => SimulatedHost;
}

function bootSimulatedServer(
  options: SimulatedServeOptions,
  machine: SimulatedMachine,
  faults: unknown[],
): BootedServer {
  const held: { started?: StartedServer; gate?: Gate } = {};
  const program = serverProgram({
    route: { address: SERVER_ADDRESS, prefixLength: WIRE_PREFIX },
    port: SERVER_PORT,
    slots: SERVER_SLOTS,
    source: options.source,
    log: options.log ?? false,
    cacheFrames: options.cacheFrames,
    limits: options.limits,
    techniques: options.techniques,
    started: (started) => (held.started = started),
  });
  const told = gateTold(options, program, "server", (gate) => (held.gate = gate));
  const booted = startServer(machine, SERVER_ADDRESS, told, (reason) => faults.push(reason));
  return {
    booted,
    kernel: booted.kernel,
    started: () => held.started,
    host: () => ({ ...booted, machine, gate: held.gate as Gate }),
  };
}

function startSimulatedGateway(
  options: SimulatedServeOptions,
  machine: SimulatedMachine,
  kernel: Exokernel,
  run: (limits: RunLimits) => RunResult,
): SimulatedServed["gateway"] {
  const held: { gateway?: Gateway; stack?: Stack; gate?: Gate } = {};
  const program = wireGatewayProgram((gateway, stack) => Object.assign(held, { gateway, stack }));
  const told = gateTold(options, program, "gateway", (gate) => (held.gate = gate));
  const environment: EnvId = startGateway(kernel, machine.nics[0] as Nic, told);
  run({ until: () => held.gateway !== undefined, seconds: 1 });
  const { gateway, stack, gate } = held;
  if (gateway === undefined || stack === undefined || gate === undefined)
    throw new Error("the gateway did not start");
  return { kernel, environment, machine, gate, gateway, stack };
}

interface Players {
  readonly steppable: Steppable;
  readonly play: (outside: Steppable) => void;
}

/** Who plays the clients steps first: what it does, the kernel's devices see in the same step. */
function makePlayers(kernel: Exokernel): Players {
  let outside: Steppable = { step: () => false, wakeAt: () => NEVER };
  const step = (): boolean => {
    const acted = outside.step();
    return kernel.step() || acted;
  };
  const wakeAt = (): Cycles => Math.min(outside.wakeAt(), kernel.wakeAt()) as Cycles;
  return { steppable: { step, wakeAt }, play: (player) => (outside = player) };
}
