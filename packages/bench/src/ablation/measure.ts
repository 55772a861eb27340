/** One server with some of its techniques, on fresh machines, and what a workload takes of it. */
import {
  SERVER_SLOTS,
  serverProgram,
  startServer,
  startSwamp,
  type StartedServer,
} from "@exolith/cheetah/board";
import type { Techniques } from "@exolith/cheetah";
import {
  FRAME_BYTES,
  PENTIUM_PRO_200,
  makeSimulatedPair,
  runSimulated,
  type Disk,
  type RunLimits,
  type SimulatedMachine,
  type SimulatedPair,
  type Steppable,
} from "@exolith/hw-model";
import { NOTHING, counted, type Ledger } from "../series/ledger.ts";
import { partsOf, type PartName } from "../series/parts.ts";
import { protocolNic } from "../series/protocol-nic.ts";
import { makeLabour, type Labour } from "../series/work.ts";
import { countsOf, httpCycles } from "./http-work.ts";
import { LARGE, MEDIUM, SMALL, makeSite, type Site } from "./site.ts";
import { makeVisitLog, visitorProgram, type Visit, type VisitLog } from "./visitor.ts";

/** What the server's interface does by itself: nothing, or checksums and cutting. */
export type InterfaceName = "plain" | "offloading";
/** Both. */
export const INTERFACES: readonly InterfaceName[] = ["plain", "offloading"];

/** A part of a request's cycles that Cheetah has. */
export type ShownPart = Extract<PartName, "devices" | "protocols" | "HTTP" | "kernel" | "bytes">;
/** All of them. */
export const SHOWN_PARTS: readonly ShownPart[] = ["devices", "protocols", "HTTP", "kernel", "bytes"];

/** What a server took for all requests of the workload together. */
export interface AblationFigures {
  readonly requests: number;
  readonly cycles: number;
  /** Where they went; the parts add up to all of them. */
  readonly parts: Readonly<Record<ShownPart, number>>;
  readonly diskRequests: number;
  /** Packets on the wire, by the server and to it. */
  readonly packetsOut: number;
  readonly packetsIn: number;
  /** Frames that the server handed to its interface: it may cut them. */
  readonly framesOut: number;
  /** Bytes that the processor summed and copied. */
  readonly bytesSummed: number;
  readonly bytesCopied: number;
  readonly requestsParsed: number;
  readonly headsMade: number;
  /** Simulated seconds, waiting for disk and wire included. */
  readonly seconds: number;
}

/** Figures, and the answers that came. */
export interface Ablation {
  readonly figures: AblationFigures;
  /** Heads without their dates, in order; every body was compared with its file. */
  readonly heads: readonly string[];
}

const PROFILE = PENTIUM_PRO_200;
const WIRE = { bitsPerSecond: 100e6, delaySeconds: 10e-6 };
const ADDRESSES = { server: 0x0a00_0001, client: 0x0a00_0002 };
const PREFIX_LENGTH = 24;
const PORT = 80;
/** Frames of the file cache: 8 chunks, less than the pages and what they embed. */
const CACHE_FRAMES = 128;
/** Requests for documents by themselves. */
const TIMES = { small: 40, medium: 60, large: 8 };

/** What is asked for, and what for: to be told to people. */
export interface Workload {
  /** Pages, and files that each embeds. */
  readonly pages: number;
  readonly embedded: number;
  /** Requests for documents by themselves. */
  readonly times: typeof TIMES;
  /** Bytes of the site, and of the server's cache, which holds less. */
  readonly siteBytes: number;
  readonly cacheBytes: number;
}

/** The workload of `ablate`. */
export function describeWorkload(): Workload {
  const { files, pages } = makeSite();
  let siteBytes = 0;
  for (const { length } of files.values()) siteBytes += length;
  const embedded = (pages[0]?.length ?? 0) - 1;
  return { pages: pages.length, embedded, times: TIMES, siteBytes, cacheBytes: CACHE_FRAMES * FRAME_BYTES };
}
/** Simulated seconds that anything may take before the bench gives up, and in which the last packets have come. */
const MOST_SECONDS = 600;
const SETTLE_SECONDS = 0.5;

/** Every page of a cold cache with what it embeds, then documents in memory: one a connection, and many. */
const visitsOf = ({ pages }: Site): readonly Visit[] => [
  ...pages.map((targets): Visit => ({ targets, closes: false })),
  ...Array.from({ length: TIMES.small }, (): Visit => ({ targets: [SMALL], closes: true })),
  { targets: Array<string>(TIMES.medium).fill(MEDIUM), closes: false },
  { targets: Array<string>(TIMES.large).fill(LARGE), closes: false },
];

/** Running totals at one moment. */
type Totals = Omit<AblationFigures, "parts"> & { readonly parts: Record<PartName, number> };

/** The server's machine, and what is counted there. */
interface Near {
  readonly kernel: Steppable;
  readonly ledger: Ledger;
  readonly labour: Labour;
  readonly reads: { count: number };
  /** The server, once it is at work. */
  readonly server: () => StartedServer | undefined;
}

/** Everything that is looked at. */
interface Rig extends Omit<Near, "server"> {
  readonly server: StartedServer;
  readonly pair: SimulatedPair;
  readonly log: VisitLog;
  run(limits: RunLimits): void;
}

const countingDisk = (disk: Disk, reads: { count: number }): Disk => ({
  ...disk,
  submit: (now, memory, request) => {
    const isAccepted = disk.submit(now, memory, request);
    if (isAccepted && request.kind === "read") reads.count += 1;
    return isAccepted;
  },
});

const fail = (reason: unknown): never => {
  throw reason;
};

/** Boots the server on `bare`, whose every charge, read of the disk and packet is counted. */
function startNear(bare: SimulatedMachine, site: Site, techniques: Partial<Techniques>): Near {
  const { machine, ledger } = counted(bare, NOTHING);
  const labour = makeLabour(machine.meter);
  const also = { received: () => {}, sent: () => {} };
  const reads = { count: 0 };
  const held: { server?: StartedServer } = {};
  const program = serverProgram({
    route: { address: ADDRESSES.server, prefixLength: PREFIX_LENGTH },
    port: PORT,
    slots: SERVER_SLOTS,
    source: site.source,
    log: false,
    cacheFrames: CACHE_FRAMES,
    techniques,
    started: (server) => (held.server = server),
  });
  const working = {
    ...machine,
    nics: machine.nics.map((nic) => protocolNic(nic, labour, also)),
    disks: machine.disks.map((disk) => countingDisk(disk, reads)),
  };
  const { kernel } = startServer(working, ADDRESSES.server, program, fail);
  return { kernel, ledger, labour, reads, server: () => held.server };
}

function makeRig(site: Site, techniques: Partial<Techniques>, kind: InterfaceName): Rig {
  const pair = makeSimulatedPair({
    wire: WIRE,
    left: { profile: PROFILE, disks: [{}], end: { offloads: kind === "offloading" } },
    right: { end: { offloads: true } },
  });
  const near = startNear(pair.left, site, techniques);
  const log = makeVisitLog();
  const program = visitorProgram({
    route: { address: ADDRESSES.client, prefixLength: PREFIX_LENGTH },
    server: ADDRESSES.server,
    port: PORT,
    files: site.files,
    log,
  });
  const far = startSwamp(pair.right, ADDRESSES.client, program, fail);
  const parts = [
    { clock: pair.left.clock, steppable: near.kernel },
    { clock: pair.right.clock, steppable: far.kernel },
  ];
  const run = (limits: RunLimits): void => void runSimulated(parts, { steps: Infinity, ...limits });
  run({ until: () => near.server()?.cheetah.ready() === true, seconds: MOST_SECONDS });
  const server = near.server();
  if (server?.cheetah.ready() !== true) throw new Error("the server did not start");
  return { ...near, server, pair, log, run };
}

function look({ pair, ledger, labour, server, reads, log }: Rig): Totals {
  const counts = countsOf(server.cheetah.counters);
  const http = httpCycles(PROFILE, counts, log.requestBytes);
  const [out, into] = pair.wire.counters;
  const parts = partsOf(PROFILE, ledger, labour);
  parts.HTTP += http;
  return {
    requests: counts.requests,
    cycles: ledger.cycles + http,
    parts,
    diskRequests: reads.count,
    packetsOut: out.sent,
    packetsIn: into.sent,
    framesOut: pair.wire.nics[0].counters.transmitted,
    bytesSummed: ledger.units("checksumByte"),
    bytesCopied: ledger.units("copyByte"),
    requestsParsed: counts.parsed,
    headsMade: counts.headsMade,
    seconds: pair.left.clock.now() / pair.left.clock.hertz,
  };
}

function between(from: Totals, to: Totals): AblationFigures {
  const { parts: before, ...figures } = from;
  const names = Object.keys(figures) as (keyof typeof figures)[];
  return {
    ...(Object.fromEntries(names.map((name) => [name, to[name] - from[name]])) as typeof figures),
    parts: Object.fromEntries(
      SHOWN_PARTS.map((name) => [name, to.parts[name] - before[name]]),
    ) as AblationFigures["parts"],
  };
}

/**
 * Serves the workload with these techniques, all others as usual.
 *
 * The same on every computer. Throws when an answer is wrong or does not come.
 */
export function ablate(techniques: Partial<Techniques>, kind: InterfaceName): Ablation {
  const site = makeSite();
  const rig = makeRig(site, techniques, kind);
  const { log } = rig;
  const visits = visitsOf(site);
  const wanted = visits.reduce((sum, { targets }) => sum + targets.length, 0);
  const before = look(rig);
  log.visits.push(...visits);
  const isDone = (): boolean => (log.right === wanted && !log.busy) || log.wrong !== undefined;
  rig.run({ until: isDone, seconds: MOST_SECONDS });
  if (log.wrong !== undefined || !isDone()) throw new Error(log.wrong ?? "answers do not come");
  const { seconds } = look(rig);
  rig.run({ seconds: SETTLE_SECONDS });
  return { figures: between(before, { ...look(rig), seconds }), heads: log.heads };
}
