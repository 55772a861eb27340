/** One server under load from one client: what it cost, from what Linux counted before and after. */
import { runChild, type Child, type Finished } from "./children.ts";
import type { Client, Latency, Load, Mode, Told } from "./client.ts";
import type { Workload } from "./documents.ts";
import type { Link } from "./namespaces.ts";
import {
  familyOf,
  readCoreTime,
  readPackets,
  readProcessTime,
  type CoreTime,
  type PacketCount,
  type ProcessTime,
} from "./processor-time.ts";
import type { Cores } from "./requirements.ts";

/** A server that has answered for every document. */
export interface RunningServer {
  readonly name: string;
  readonly link: Link;
  readonly child: Child;
}

/** What one server is put to. */
export interface Task {
  readonly client: Client;
  readonly mode: Mode;
  readonly workload: Workload;
}

/** What came of one server under load; times in microseconds a request. */
export interface Sample {
  /** Requests a second. */
  readonly rate: number;
  /** Processor time of the server's processes, all of it and its parts. */
  readonly processor: number;
  readonly user: number;
  readonly system: number;
  /** Processor time of the kernel's thread for deferred interrupts of the server's core. */
  readonly deferred: number;
  /** Time in which the server's core was not idle, whoever used it. */
  readonly busy: number;
  /** Frames through the server's interface, both ways. */
  readonly packets: number;
  readonly latency: Latency;
  readonly failures: number;
  /** Share of the time in which a processor worked for the server, and for the client if it says so. */
  readonly serverShare: number;
  readonly clientShare: number | undefined;
}

/** What the host is told before and after. */
interface Totals {
  readonly process: ProcessTime;
  readonly core: CoreTime;
  readonly packets: PacketCount;
}

/** Where and how hard. */
export interface Bench {
  readonly cores: Cores;
  /** The kernel's thread of the server's core. */
  readonly deferred: number | undefined;
  /** The clients' namespace. */
  readonly namespace: string;
  readonly scratch: string;
  readonly connections: number;
  /** Told of every client, so that it can be ended. */
  readonly started: (child: { kill(): void }) => void;
}

const totals = (bench: Bench, { child, link }: RunningServer): Totals => ({
  process: readProcessTime(familyOf(child.pid)),
  core: readCoreTime(bench.cores.server, bench.deferred),
  packets: readPackets(child.pid, link.interface),
});

/** Loads `server` for `seconds`. Throws when the server or the client fails as a whole. */
export async function measure(
  bench: Bench,
  server: RunningServer,
  { client, mode, workload }: Task,
  seconds: number,
): Promise<Sample> {
  const { scratch, connections, namespace, cores, started } = bench;
  const load: Load = { link: server.link, workload, mode, connections, seconds, scratch };
  const before = totals(bench, server);
  const done = await runChild({ namespace, core: cores.client }, client.command(load), started);
  const after = totals(bench, server);
  if (server.child.hasEnded()) throw new Error(`${server.name} ended under load: ${server.child.said()}`);
  const told = toldBy(client, done, server.name);
  // A body that is cut short is as wrong as an answer that is an error.
  const missing = told.bytes < told.requests * workload.meanBytes * LEAST_SHARE ? 1 : 0;
  return sampleOf(before, after, { ...told, failures: told.failures + missing });
}

/** What the client printed; one that saw failures may end with another code than 0, and has counted them. */
function toldBy(client: Client, { code, output, said }: Finished, server: string): Told {
  try {
    return client.parse(output);
  } catch (cause) {
    throw new Error(`${client.name} ended with code ${code} against ${server}: ${said}`, { cause });
  }
}

/** A mix is asked for in turns, so that the last turn of each connection may weigh more or less than the mean. */
const LEAST_SHARE = 0.9;

interface Counted {
  readonly requests: number;
  readonly seconds: number;
  readonly failures: number;
  readonly latency: Latency;
  readonly busy: number | undefined;
}

/** Differences, a request each. */
export function sampleOf(before: Totals, after: Totals, told: Counted): Sample {
  const requests = Math.max(1, told.requests);
  const { process, core, packets } = after;
  const processor = (process.nanoseconds - before.process.nanoseconds) / 1000 / requests;
  const userTicks = process.userTicks - before.process.userTicks;
  const ticks = userTicks + process.systemTicks - before.process.systemTicks;
  const user = ticks === 0 ? Number.NaN : (processor * userTicks) / ticks;
  const milliseconds = core.milliseconds - before.core.milliseconds;
  const idle = core.idleMilliseconds - before.core.idleMilliseconds;
  const sent = packets.sent - before.packets.sent;
  return {
    rate: told.requests / told.seconds,
    processor,
    user,
    system: processor - user,
    deferred: (core.deferredNanoseconds - before.core.deferredNanoseconds) / 1000 / requests,
    busy: (Math.max(0, milliseconds - idle) * 1000) / requests,
    packets: (packets.received - before.packets.received + sent) / requests,
    latency: told.latency,
    failures: told.failures,
    serverShare: (processor * told.requests) / (told.seconds * 1e6),
    clientShare: told.busy,
  };
}
