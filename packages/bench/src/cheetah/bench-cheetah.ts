/** `bench cheetah`: Cheetah on a packet ring beside nginx, `node:http` and a program in C, under the same load. */
import { describeHost, type HostDescription } from "../host.ts";
import { figure, median, short, type Figure } from "../statistics.ts";
import type { UnixGoal } from "../unix/goals.ts";
import { MODES, type Client, type Mode } from "./client.ts";
import { workloadOf } from "./documents.ts";
import { judgeCheetah } from "./goals.ts";
import { measure, type Bench, type RunningServer, type Sample, type Task } from "./measure.ts";
import { deferredThread } from "./processor-time.ts";
import { Missing, requireHost, type Cores } from "./requirements.ts";
import { SERVERS, cheetahWithout, type ServerKind } from "./servers.ts";
import { openStage, type Stage } from "./stage.ts";
import { TECHNIQUES } from "./techniques.ts";
import { webswamp } from "./webswamp.ts";
import { wrk } from "./wrk.ts";

/** The clients there are. */
export const CLIENTS: readonly Client[] = [wrk, webswamp];

/** What is run. */
export interface CheetahBenchOptions {
  readonly rounds: number;
  /** Seconds of load in each round. */
  readonly seconds: number;
  readonly connections: number;
  /** Seconds of processor time that a server works before its rounds begin, if it gets them in five rounds' time. */
  readonly warmUpSeconds: number;
  /** Names out of `WORKLOAD_NAMES`, `CLIENTS`, `SERVERS` and `MODES`. */
  readonly documents: readonly string[];
  readonly clients: readonly string[];
  readonly servers: readonly string[];
  readonly modes: readonly Mode[];
  /** True has each core take in its own packets, as with an interface each; else the one that sent them does. */
  readonly steer: boolean;
  /** True runs Cheetah once more for each technique, without it, and no other server. */
  readonly ablation: boolean;
}

/** One server, client, mode and workload. */
export interface CheetahRow {
  readonly server: string;
  readonly client: string;
  readonly mode: Mode;
  readonly document: string;
  readonly rate: Figure;
  /** Microseconds a request, as in `Sample`. */
  readonly processor: Figure;
  readonly user: Figure;
  readonly system: Figure;
  readonly deferred: Figure;
  readonly busy: Figure;
  readonly packets: Figure;
  /** Microseconds; the median over the rounds. */
  readonly latency: { readonly p50: number; readonly p99: number };
  readonly failures: number;
  /** Every round, in order. */
  readonly samples: readonly Sample[];
}

/** What was left out, and why. */
export interface CheetahSkip {
  readonly name: string;
  readonly why: string;
}

/** A whole run. */
export interface CheetahBenchReport {
  readonly host: HostDescription;
  readonly cores: Cores | undefined;
  readonly options: CheetahBenchOptions;
  readonly rows: readonly CheetahRow[];
  readonly skipped: readonly CheetahSkip[];
  readonly goals: readonly UnixGoal[];
}

/** Rounds before those that count: each document is in every cache, and its code has run. */
const WARM_UP = 1;
/** Rounds' times that a server may take to be warm, on a machine that it shares. */
const WARM_UP_TRIES = 5;

type Say = (line: string) => void;

/** Runs everything that was asked for and can be run here; says what cannot. */
export async function benchCheetah(options: CheetahBenchOptions, say: Say): Promise<CheetahBenchReport> {
  const host = describeHost();
  const skipped: CheetahSkip[] = [];
  const nothing = { host, options, cores: undefined, rows: [], goals: [], skipped };
  const cores = attempt("bench cheetah", skipped, requireHost);
  if (cores === undefined) return nothing;
  const clients = CLIENTS.filter(({ name }) => options.clients.includes(name)).filter(
    (client) => attempt(client.name, skipped, () => (client.check(), true)) === true,
  );
  if (clients.length === 0) return nothing;
  const stage = openStage(cores, options.steer);
  try {
    const servers = await startAll(stage, kindsOf(options), skipped);
    const tasks = tasksOf(options, clients);
    const samples = await roundsOf(benchOf(stage, cores, options), servers, tasks, options, say);
    const rows = tasks.flatMap((task) =>
      servers.map((server) => rowOf(server.name, task, samples.get(keyOf(server.name, task)) ?? [])),
    );
    const goals = options.ablation ? [] : judgeCheetah(rows, options);
    return { host, cores, options, rows, skipped, goals };
  } finally {
    await stage.close();
  }
}

/** What `work` returns; when something is missing, a note of it instead. */
function attempt<T>(name: string, skipped: CheetahSkip[], work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Missing)) throw error;
    skipped.push({ name, why: error.message });
    return undefined;
  }
}

function kindsOf({ ablation, servers }: CheetahBenchOptions): readonly ServerKind[] {
  if (!ablation) return SERVERS.filter(({ name }) => servers.includes(name));
  const whole = SERVERS.filter(({ name }) => name === "cheetah");
  return [...whole, ...TECHNIQUES.map(cheetahWithout)];
}

async function startAll(
  stage: Stage,
  kinds: readonly ServerKind[],
  skipped: CheetahSkip[],
): Promise<readonly RunningServer[]> {
  const servers: RunningServer[] = [];
  for (const kind of kinds) {
    try {
      servers.push(await stage.start(kind));
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
      skipped.push({ name: kind.name, why: error.message });
    }
  }
  return servers;
}

const tasksOf = ({ modes, documents }: CheetahBenchOptions, clients: readonly Client[]): readonly Task[] =>
  clients.flatMap((client) =>
    MODES.filter((mode) => modes.includes(mode)).flatMap((mode) =>
      documents.map((name) => ({ client, mode, workload: workloadOf(name) })),
    ),
  );

const benchOf = (stage: Stage, cores: Cores, { connections }: CheetahBenchOptions): Bench => ({
  cores,
  connections,
  deferred: deferredThread(cores.server),
  namespace: stage.network.client,
  scratch: stage.scratch,
  started: stage.started,
});

const keyOf = (server: string, { client, mode, workload }: Task): string =>
  [server, client.name, mode, workload.name].join(" ");

/** Has each server work until its compilers are done. */
async function warmUp(
  bench: Bench,
  servers: readonly RunningServer[],
  task: Task,
  { seconds, warmUpSeconds }: CheetahBenchOptions,
): Promise<void> {
  for (const server of servers) {
    let worked = 0;
    for (let tries = 0; tries < WARM_UP_TRIES && worked < warmUpSeconds; tries++) {
      const { serverShare } = await measure(bench, server, task, seconds);
      worked += serverShare * seconds;
    }
  }
}

/** Everything in turn, round after round, so that all see the same disturbance. */
async function roundsOf(
  bench: Bench,
  servers: readonly RunningServer[],
  tasks: readonly Task[],
  options: CheetahBenchOptions,
  say: Say,
): Promise<ReadonlyMap<string, readonly Sample[]>> {
  const { rounds, seconds } = options;
  if (tasks[0] !== undefined) await warmUp(bench, servers, tasks[0], options);
  const samples = new Map<string, Sample[]>();
  for (let round = -WARM_UP; round < rounds; round++)
    for (const task of tasks)
      for (const server of servers) {
        const sample = await measure(bench, server, task, seconds);
        if (round < 0) continue;
        const key = keyOf(server.name, task);
        samples.set(key, [...(samples.get(key) ?? []), sample]);
        say(
          `round ${round + 1}: ${key}: ${short(sample.rate)} requests/s, ${short(sample.processor)} µs each`,
        );
      }
  return samples;
}

function rowOf(server: string, { client, mode, workload }: Task, samples: readonly Sample[]): CheetahRow {
  const of = (read: (sample: Sample) => number): Figure => figure(samples.map(read));
  return {
    server,
    client: client.name,
    mode,
    document: workload.name,
    rate: of(({ rate }) => rate),
    processor: of(({ processor }) => processor),
    user: of(({ user }) => user),
    system: of(({ system }) => system),
    deferred: of(({ deferred }) => deferred),
    busy: of(({ busy }) => busy),
    packets: of(({ packets }) => packets),
    latency: {
      p50: median(samples.map(({ latency }) => latency.p50)),
      p99: median(samples.map(({ latency }) => latency.p99)),
    },
    failures: samples.reduce((sum, { failures }) => sum + failures, 0),
    samples,
  };
}
