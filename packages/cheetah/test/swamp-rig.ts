/** Cheetah and webswamp on two simulated machines with one wire between them. */
import {
  makeSimulatedPair,
  runSimulated,
  type RunLimits,
  type RunResult,
  type SimulatedPairOptions,
  type SimulatedMachine,
  type Steppable,
} from "@exolith/hw-model";
import { SWAMP_SLOTS, startSwamp, type StartedSwamp } from "../src/board/swamp.ts";
import { SERVER_SLOTS, startServer } from "../src/board/environments.ts";
import type { Techniques } from "../src/options.ts";
import { serverProgram, type StartedServer } from "../src/server-program.ts";
import type { SiteSource } from "../src/disk/site-source.ts";
import type { Plan } from "../src/webswamp/plan.ts";
import { webswampProgram } from "../src/webswamp/webswamp-program.ts";
import { FAST_DISK, LOCAL_WIRE } from "./simulated-rig.ts";

export const SERVER = 0x0a00_0001;
export const CLIENT = 0x0a00_0002;
const PREFIX = 24;

/** A plan for the rig's server; a page of `/` once unless told otherwise. */
export const planFor = (change: Partial<Plan>): Plan => ({
  address: SERVER,
  port: 80,
  host: "10.0.0.1",
  pages: [{ target: "/" }],
  concurrency: 1,
  requests: 1,
  seconds: Infinity,
  close: false,
  check: true,
  timeoutSeconds: 5,
  ...change,
});

/** What a rig is made of. */
export interface SwampRigOptions {
  /** What Cheetah serves; without it nobody is there. */
  readonly source?: SiteSource;
  readonly plan: Plan;
  readonly seed?: number;
  readonly wire?: SimulatedPairOptions["wire"];
  /** Techniques that the server does without. */
  readonly techniques?: Partial<Techniques>;
}

/** Both machines at work. */
export interface SwampRig extends StartedSwamp {
  readonly server: StartedServer | undefined;
  readonly faults: readonly unknown[];
  run(limits: RunLimits): RunResult;
  /** Shares of the time since webswamp began in which each processor worked. */
  shares(): { readonly server: number; readonly client: number };
}

/** Counts the cycles in which `inner` worked. */
function timed(
  machine: SimulatedMachine,
  inner: Steppable,
): { readonly steppable: Steppable; cycles: number } {
  const counted = {
    cycles: 0,
    steppable: {
      step: () => {
        const before = machine.clock.now();
        const worked = inner.step();
        counted.cycles += machine.clock.now() - before;
        return worked;
      },
      wakeAt: () => inner.wakeAt(),
    },
  };
  return counted;
}

const IDLE: Steppable = { step: () => false, wakeAt: () => Infinity as never };

/** Serves the source, and begins to follow the plan when the server is ready. */
export function makeSwampRig(options: SwampRigOptions): SwampRig {
  const { source, plan, seed = 1, wire } = options;
  const pair = makeSimulatedPair({
    seed,
    wire: { ...LOCAL_WIRE, ...wire },
    left: { disks: [FAST_DISK] },
    right: { end: { offloads: true } },
  });
  const faults: unknown[] = [];
  const held: { server?: StartedServer; swamp?: StartedSwamp } = {};
  const left = timed(
    pair.left,
    source === undefined ? IDLE : bootServer(pair.left, { ...options, source }, held, faults),
  );
  const serverPart = { clock: pair.left.clock, steppable: left.steppable };
  if (source !== undefined)
    runSimulated([serverPart], { until: () => held.server?.cheetah.ready() === true });
  const program = webswampProgram({
    route: { address: CLIENT, prefixLength: PREFIX },
    plan,
    slots: SWAMP_SLOTS,
    started: (webswamp, stack) => (held.swamp = { webswamp, stack }),
  });
  pair.right.clock.advance(pair.left.clock.now());
  const { kernel } = startSwamp(pair.right, CLIENT, program, (reason) => faults.push(reason));
  const right = timed(pair.right, kernel);
  const parts = [serverPart, { clock: pair.right.clock, steppable: right.steppable }];
  const run = (limits: RunLimits): RunResult => runSimulated(parts, { steps: Infinity, ...limits });
  run({ until: () => held.swamp !== undefined || faults.length > 0 });
  if (held.swamp === undefined) throw faults[0];
  const begun = [left.cycles, right.cycles, pair.right.clock.now()] as const;
  const shares = (): { server: number; client: number } => {
    const passed = pair.right.clock.now() - begun[2];
    return { server: (left.cycles - begun[0]) / passed, client: (right.cycles - begun[1]) / passed };
  };
  return { ...held.swamp, server: held.server, faults, run, shares };
}

function bootServer(
  machine: SimulatedMachine,
  { source, techniques }: Pick<SwampRigOptions, "techniques"> & { readonly source: SiteSource },
  held: { server?: StartedServer },
  faults: unknown[],
): Steppable {
  const program = serverProgram({
    route: { address: SERVER, prefixLength: PREFIX },
    port: 80,
    slots: SERVER_SLOTS,
    source,
    log: false,
    techniques,
    started: (server) => (held.server = server),
  });
  return startServer(machine, SERVER, program, (reason) => faults.push(reason)).kernel;
}
