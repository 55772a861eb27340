#!/usr/bin/env node
/** The command line: serves a directory through the exokernel. */
import { readFileSync } from "node:fs";
import { cac } from "cac";
import { isTraceDetail, withTraceDetail, type TraceDetail } from "@exolith/exokernel";
import { FRAME_BYTES } from "@exolith/hw-model";
import { readAddress, readHardwareAddress, readPrefixedAddress, OptionError } from "./board/addresses.ts";
import { makeImportDisplay } from "./board/import-display.ts";
import { inlineMore } from "./board/inlining.ts";
import { printable } from "./board/printable.ts";
import { techniquesOf, type Techniques } from "./options.ts";
import { serveInWorker } from "./board/serve-in-worker.ts";
import { serveHere, type NetworkPlan, type PlannedServer, type ServePlan } from "./board/serve-plan.ts";
import { ServeStopped } from "./board/serve.ts";

/** What was written on the command line. */
interface Options extends Partial<Techniques> {
  readonly host: string;
  readonly port?: number;
  readonly net: string;
  readonly address?: string;
  readonly gateway?: string;
  readonly mac?: string;
  readonly worker?: boolean;
  readonly memory: number;
  readonly cache: number;
  readonly image?: string;
  readonly pcap?: string;
  readonly drop: number;
  readonly quiet?: boolean;
  readonly trace?: unknown;
  readonly calls?: boolean;
  readonly tables?: boolean;
}

const DEFAULT_PORT = 8080;
const MEBIBYTE = 2 ** 20;

/** Exit codes: a usage error is 2, as everywhere. */
const FAILED = 1;
const USAGE = 2;

const version = (): string =>
  (JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string })
    .version;

const cli = cac("cheetah");
cli
  .command("[directory]", "Serve a directory over HTTP from an exokernel", {
    ignoreOptionDefaultValue: false,
  })
  .option("--port <n>", `Port to listen on (${DEFAULT_PORT}; 80 with tap and packet)`)
  .option("--host <address>", "Address of this host to listen on", { default: "127.0.0.1" })
  .option(
    "--net <network>",
    "gateway: the host's own network. Of Linux: packet:<interface>, an interface that is there; tap:<name>, a TAP",
    { default: "gateway" },
  )
  .option("--address <a/len>", "With packet and tap: the server's own address, such as 192.0.2.10/24")
  .option("--gateway <a>", "With packet and tap: the router of that network")
  .option(
    "--mac <m>",
    "With packet and tap: the server's Ethernet address (packet: the interface's; tap: 02:00:00:00:00:01)",
  )
  .option("--worker", "Run the server's machine in a thread of its own")
  .option("--memory <MiB>", "Physical memory of the server's machine", { default: 64 })
  .option("--cache <MiB>", "File cache within it", { default: 24 })
  .option("--image <path>", "Keep the site's disk in a file that lasts")
  .option("--pcap <path>", "Write every frame of the wire to a capture file")
  .option("--drop <percent>", "Lose that share of the frames on the virtual wire", { default: 0 })
  .option("--quiet", "No access log")
  .option("--no-grouping", "Import pages and what they embed in the order in which the directory lists them")
  .option("--no-precomputed-checksums", "Sum every byte when it is sent")
  .option("--no-preformatted-heads", "Make the head of every response anew")
  .option("--no-packet-merging", "Send acknowledgments and FIN in packets of their own")
  .option("--no-offloads", "Compute every checksum and cut every segment here")
  .option("--no-remembered-requests", "Parse every request, also one that came before")
  .option("--trace [detail]", "At the end, print the last kernel events; calls: with every kernel call")
  .option("--calls", "At the end, print the kernel calls of each environment")
  .option("--tables", "At the end, print the published tables of the kernels")
  .action(start);
cli.help();
cli.version(version());

/** The whole number that `value` is, within bounds; throws an `OptionError` that names the option. */
function whole(name: string, value: unknown, least: number, most: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw new OptionError(`--${name} takes a whole number from ${least} to ${most}, not ${String(value)}`);
}

function percent(name: string, value: unknown): number {
  if (typeof value === "number" && value >= 0 && value <= 100) return value;
  throw new OptionError(`--${name} takes a percentage, not ${String(value)}`);
}

/** Options whose values are words; the parser makes numbers of those that look like one. */
const WORDS = ["host", "net", "address", "gateway", "mac", "image", "pcap"] as const;

/** The options with words for words; throws an `OptionError` for one that was given twice. */
function withWords(options: Options): Options {
  const words: Partial<Record<(typeof WORDS)[number], string>> = {};
  for (const name of WORDS) {
    const value: unknown = options[name];
    if (Array.isArray(value)) throw new OptionError(`--${name} is given more than once`);
    if (value !== undefined) words[name] = asWritten(name, value);
  }
  return { ...options, ...words };
}

/** A word that the parser took for a number, such as `007`, as it stands on the command line. */
function asWritten(name: string, value: unknown): string {
  if (typeof value !== "number") return String(value);
  const option = `--${name}`;
  const at = process.argv.findIndex((word) => word === option || word.startsWith(`${option}=`));
  const word = process.argv[at] ?? "";
  return word === option ? (process.argv[at + 1] ?? "") : word.slice(option.length + 1);
}

/** The network that was asked for. */
function networkOf(options: Options): NetworkPlan {
  const { net, host, pcap } = options;
  if (net === "gateway") {
    const port = whole("port", options.port ?? DEFAULT_PORT, 0, 65_535);
    return { kind: "gateway", host, port, faults: { loss: percent("drop", options.drop) / 100 }, pcap };
  }
  const [, kind, name] = /^(tap|packet):(.+)$/.exec(net) ?? [];
  if (kind === undefined || name === undefined)
    throw new OptionError(`--net is gateway, packet:<interface> or tap:<name>, not ${net}`);
  if (options.address === undefined)
    throw new OptionError(`--net ${kind} needs --address, such as 192.0.2.10/24`);
  return {
    kind: kind === "tap" ? "tap" : "packet",
    name,
    hardwareAddress: options.mac === undefined ? undefined : readHardwareAddress(options.mac),
    route: {
      ...readPrefixedAddress(options.address),
      ...(options.gateway === undefined ? {} : { router: readAddress(options.gateway) }),
    },
    shownAddress: options.address.replace(/\/.*$/, ""),
    port: whole("port", options.port ?? 80, 1, 65_535),
    pcap,
  };
}

/** Least memory in MiB for everything but the file cache. */
const OVERHEAD_MEBIBYTES = 16;

/** What `--trace` asks for. */
function traceDetail(value: unknown): TraceDetail | undefined {
  if (value === undefined || isTraceDetail(value)) return value;
  throw new OptionError(`--trace is events or calls, not ${String(value)}`);
}

/** What to serve and how; options are checked before anything is opened. */
function planOf(directory: string, options: Options): ServePlan {
  const cache = whole("cache", options.cache, 1, 4000);
  const memory = whole("memory", options.memory, cache + OVERHEAD_MEBIBYTES, 4095);
  return {
    directory,
    network: networkOf(options),
    frames: (memory * MEBIBYTE) / FRAME_BYTES,
    cacheFrames: (cache * MEBIBYTE) / FRAME_BYTES,
    image: options.image,
    log: options.quiet !== true,
    techniques: techniquesOf(options),
    excluded: options.pcap === undefined ? [] : [options.pcap],
    inspect: { trace: traceDetail(options.trace), calls: options.calls, tables: options.tables },
  };
}

/** Prints lines; resolves when they have been written. */
function print(lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return Promise.resolve();
  return new Promise((resolve) => process.stdout.write(`${lines.join("\n")}\n`, () => resolve()));
}

async function start(directory: string | undefined, written: Options): Promise<void> {
  if (directory === undefined) throw new OptionError("which directory? cheetah <directory>");
  const options = withWords(written);
  const plan = planOf(String(directory), options);
  const display = makeImportDisplay(process.stdout);
  const stop = stopWhenAsked();
  const hearers = { report: console.error, stopping: stop.signal, importing: display.show };
  let served: PlannedServer;
  try {
    served = await (options.worker === true ? serveInWorker : serveHere)(plan, hearers);
  } finally {
    display.end();
  }
  console.log(`Cheetah serves ${printable(String(directory))} at ${served.address}/`);
  const end = async (): Promise<void> => {
    await print(await served.stop());
    process.exit(0);
  };
  stop.signal.addEventListener("abort", () => void end());
  await served.done;
}

/** Milliseconds within which several signals are one: a terminal and a parent may both pass it on. */
const SAME_SIGNAL_MILLISECONDS = 500;

/** Aborted by the first SIGINT or SIGTERM, which gives up an import or drains; a later one does not wait. */
function stopWhenAsked(): AbortController {
  const stopping = new AbortController();
  let asked: number | undefined;
  const ask = (): void => {
    const now = performance.now();
    if (asked !== undefined && now - asked > SAME_SIGNAL_MILLISECONDS) process.exit(FAILED);
    if (asked !== undefined) return;
    asked = now;
    console.error("stopping: finishing the responses under way");
    stopping.abort();
  };
  process.on("SIGINT", ask);
  process.on("SIGTERM", ask);
  return stopping;
}

/** Says what went wrong, in a line, and ends. */
function fail(error: unknown): never {
  if (error instanceof ServeStopped) process.exit(0);
  const message = error instanceof Error ? error.message : String(error);
  console.error(`cheetah: ${printable(message)}`);
  const isUsage = error instanceof OptionError || (error instanceof Error && error.name === "CACError");
  if (isUsage) console.error("see cheetah --help");
  process.exit(isUsage ? USAGE : FAILED);
}

inlineMore();
try {
  cli.parse(withTraceDetail(process.argv), { run: false });
  await cli.runMatchedCommand();
} catch (error) {
  fail(error);
}
