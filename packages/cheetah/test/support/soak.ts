/** A soak: a server on a live interface, everything that can happen to it at once, and what is left of that. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ImportProgress } from "../../src/disk/import-progress.ts";
import {
  SERVER,
  clear,
  lay,
  mustWithin,
  packetGround,
  setOffloads,
  within,
  type Ground,
} from "./ring-ground.ts";
import { makeScratch, removeScratch } from "./scratch.ts";
import {
  makeAsk,
  type Ask,
  type ClientWish,
  type Sample,
  type ServerWish,
  type Tally,
} from "./soak-messages.ts";
import { makeSoakSite, type SoakChange, type SoakSite } from "./soak-site.ts";
import { pause, until } from "./waiting.ts";

/** How long a soak is. */
export interface SoakOptions {
  readonly warmSeconds: number;
  readonly seconds: number;
  readonly sampleSeconds: number;
  readonly reloadSeconds: number;
  /** Seconds after which TIME-WAIT is over, when the clients have gone; 0 does not wait for it. */
  readonly quietSeconds: number;
}

/** What a soak was like. */
export interface SoakReport {
  readonly seconds: number;
  /** With nobody there: after the warm-up, and at the end. */
  readonly before: Sample;
  readonly after: Sample;
  /** While everybody was there, in order. */
  readonly samples: readonly Sample[];
  readonly reloads: number;
  readonly changed: number;
  readonly tally: Tally;
  /** With what the server ended. */
  readonly code: number | string;
}

/** Times that an import is begun anew, because files changed under it. */
const IMPORT_TRIES = 5;
/** Seconds in which every connection ends whose client has gone without a word: what the server waits for a request and for an end, and some. */
const GONE_SECONDS = 40;

/** Milliseconds between requests of somebody who looks whether TIME-WAIT is over. */
const KNOCK_MILLISECONDS = 1000;

interface Soak {
  readonly site: SoakSite;
  readonly server: Ask<ServerWish>;
  readonly clients: Ask<ClientWish>;
}

const program = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** What node runs in a namespace, with a way to talk to it. */
function start(namespace: string, words: readonly string[]): ChildProcess {
  const [ip = "", ...rest] = within(namespace, process.execPath, "--conditions=@exolith/source", ...words);
  return spawn(ip, rest, { stdio: ["ignore", "pipe", "inherit", "ipc"] });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => child.once("exit", resolve));
}

/** Runs a soak to its end. */
export async function soak(name: string, options: SoakOptions): Promise<SoakReport> {
  const scratch = makeScratch();
  const directory = join(scratch, "site");
  const ground = packetGround(name);
  const children: ChildProcess[] = [];
  try {
    mkdirSync(directory);
    const site = makeSoakSite(directory, join(scratch, "aside"));
    layFor(ground);
    const server = start(ground.inside, [
      "--expose-gc",
      program("soak-server.ts"),
      directory,
      ground.ours,
      `${SERVER}/24`,
    ]);
    children.push(server);
    await hasStarted(server);
    const clients = start(ground.outside, [program("soak-clients.ts"), SERVER]);
    children.push(clients);
    const report = await conduct({ site, server: makeAsk(server), clients: makeAsk(clients) }, options);
    server.kill("SIGTERM");
    await ended(server);
    return { ...report, code: server.exitCode ?? server.signalCode ?? "" };
  } finally {
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(children.map(ended));
    clear(ground);
    removeScratch(scratch);
  }
}

/** Bytes that Linux holds for a reader: little, so that a slow one is felt by the server. */
const RECEIVE_BYTES = 65_536;

function layFor(ground: Ground): void {
  lay(ground);
  setOffloads(ground, "on");
  const setting = `4096 ${RECEIVE_BYTES} ${RECEIVE_BYTES}`;
  mustWithin(ground.outside, "sh", "-c", `echo ${setting} > /proc/sys/net/ipv4/tcp_rmem`);
}

async function hasStarted(server: ChildProcess): Promise<void> {
  let output = "";
  server.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const isOver = (): boolean => server.exitCode !== null;
  await until(() => output.includes("Cheetah serves") || isOver(), 30_000);
  if (isOver() || output === "") throw new Error(`the server did not start: ${output}`);
}

/** One stay of the clients: what was seen in it, and what was left behind it. */
interface Stay {
  readonly samples: readonly Sample[];
  readonly reloads: number;
  readonly changed: number;
  readonly quiet: Sample;
}

async function conduct(parts: Soak, options: SoakOptions): Promise<Omit<SoakReport, "code">> {
  const { site, clients } = parts;
  await clients({ kind: "may", states: site.states() });
  const warm = await stay(parts, options, options.warmSeconds);
  await clients({ kind: "forget" });
  const { samples, reloads, changed, quiet } = await stay(parts, options, options.seconds);
  const tally = await clients<Tally>({ kind: "tally" });
  return { seconds: options.seconds, before: warm.quiet, after: quiet, samples, reloads, changed, tally };
}

/** Everybody comes, everything happens for so many seconds, everybody goes; then the site is as it was at first. */
async function stay(parts: Soak, options: SoakOptions, seconds: number): Promise<Stay> {
  const { site, server, clients } = parts;
  const samples: Sample[] = [];
  let [reloads, changed] = [0, 0];
  await clients({ kind: "come" });
  await server({ kind: "press", on: true });
  const begun = performance.now();
  const passed = (): number => (performance.now() - begun) / 1000;
  while (passed() < seconds) {
    await pause(100);
    if (passed() >= (samples.length + 1) * options.sampleSeconds)
      samples.push(await server({ kind: "sample" }));
    if (passed() < (reloads + 1) * options.reloadSeconds) continue;
    changed += await reload(parts, site.next());
    reloads += 1;
  }
  await clients({ kind: "go" });
  await server({ kind: "press", on: false });
  await reload(parts, site.first());
  await clients({ kind: "sweep" });
  return { samples, reloads, changed, quiet: await quietened(parts, options) };
}

/** Changes the site, and has the server import that; how many files it was. */
async function reload({ server, clients }: Soak, { states, make }: SoakChange): Promise<number> {
  await clients({ kind: "may", states });
  make();
  for (let tries = 0; tries < IMPORT_TRIES; tries++) {
    const { error, skipped } = await server<ImportProgress>({ kind: "refresh" });
    if (error !== undefined || skipped > 0) continue;
    await clients({ kind: "must", paths: states.map(({ path }) => path) });
    return states.length;
  }
  throw new Error("the site cannot be imported");
}

/** Looks until every connection is gone, and every tombstone of one if that is waited for. */
async function quietened({ server, clients }: Soak, { quietSeconds }: SoakOptions): Promise<Sample> {
  let last = await server<Sample>({ kind: "sample" });
  const isGone = (what: string) => async (): Promise<boolean> => {
    last = await server({ kind: "sample" });
    return last.held[what] === 0;
  };
  await until(isGone("connections"), GONE_SECONDS * 1000);
  const isOver = async (): Promise<boolean> => {
    if (await isGone("timeWaits")()) return true;
    // What has expired is removed when somebody looks, and a server that nobody asks does not.
    await clients({ kind: "knock" });
    await pause(KNOCK_MILLISECONDS);
    return false;
  };
  if (quietSeconds > 0) await until(isOver, quietSeconds * 1000);
  await until(isGone("connections"), GONE_SECONDS * 1000);
  return last;
}
