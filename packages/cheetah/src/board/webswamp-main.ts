#!/usr/bin/env node
/** The command line of webswamp. */
import { readFileSync } from "node:fs";
import { cac } from "cac";
import type { HostWaker } from "@exolith/hw-model/host";
import { crc32 } from "../webswamp/crc32.ts";
import { PLAN_LIMITS, parsePlace, problemOf, type Page, type Plan } from "../webswamp/plan.ts";
import { OptionError, readAddress, readHardwareAddress, readPrefixedAddress } from "./addresses.ts";
import { openLinuxNetwork } from "./machines.ts";
import { printable } from "./printable.ts";
import { figuresOf, printSwamp } from "./print-swamp.ts";
import { runSwamp, type SwampNetwork } from "./swamp.ts";

/** What was written on the command line. */
interface Options {
  readonly concurrency: unknown;
  readonly requests?: unknown;
  readonly seconds?: unknown;
  readonly close?: boolean;
  readonly check?: boolean;
  readonly body?: unknown;
  readonly list?: unknown;
  readonly timeout: unknown;
  readonly net?: unknown;
  readonly address?: unknown;
  readonly gateway?: unknown;
  readonly mac?: unknown;
  readonly json?: boolean;
}

/** Exit codes: 1 when a request failed or nothing could be asked, 2 for a usage error. */
const FAILED = 1;
const USAGE = 2;
const USUAL_REQUESTS = 10_000;

/** Its Ethernet address at the end of a TAP unless it is told another: not Cheetah's there. */
const TAP_ADDRESS = "02:00:00:00:00:02";

const cli = cac("webswamp");
cli
  .command("[url]", "Load a web server from an exokernel, and count pages, bytes and latencies")
  .option("-c, --concurrency <n>", "Requests at once, each on a connection of its own", { default: 64 })
  .option("-n, --requests <n>", `Requests in all (${USUAL_REQUESTS} when no time is given)`)
  .option("-s, --seconds <s>", "End after so many seconds")
  .option("--close", "A connection for each request")
  .option("--check", "Take the CRC-32 of every body: all of a page have to be the same")
  .option("--body <file>", "What the body has to be; with one page only")
  .option("--list <file>", "Pages of that server to ask for in turns, a target a line")
  .option("--timeout <s>", "Seconds without a byte after which a request has failed", { default: 10 })
  .option("--net <network>", "Of Linux: packet:<interface>, an interface that is there; tap:<name>, a TAP")
  .option("--address <a/len>", "Its own address, such as 192.0.2.2/24")
  .option("--gateway <a>", "The router of that network")
  .option("--mac <m>", `Its own Ethernet address (packet: the interface's; tap: ${TAP_ADDRESS})`)
  .option("--json", "Print figures for programs")
  .action(start);
cli.help();

function whole(name: string, value: unknown, least: number, most: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw new OptionError(`--${name} takes a whole number from ${least} to ${most}, not ${String(value)}`);
}

function seconds(name: string, value: unknown): number {
  if (typeof value === "number" && value > 0 && value <= MOST_SECONDS) return value;
  throw new OptionError(`--${name} takes seconds, up to ${MOST_SECONDS}, not ${String(value)}`);
}

const MOST_SECONDS = 86_400;
const MOST_REQUESTS = 2 ** 40;

/** The pages that the URL and the list name; the list's are targets of the same server. */
function pagesOf(base: string, target: string, { body, list }: Options): readonly Page[] {
  if (list !== undefined && body !== undefined)
    throw new OptionError("--body is for one page, without --list");
  if (body !== undefined) return [{ target, body: bodyOf(String(body)) }];
  if (list === undefined) return [{ target }];
  const lines = readFileSync(String(list), "utf8").split(/\r?\n/).filter(Boolean);
  return lines.map((line) => {
    const place = parsePlace(`${base}${line.startsWith("/") ? "" : "/"}${line}`);
    if (typeof place === "string") throw new OptionError(`--list: ${place}`);
    return { target: place.target };
  });
}

function bodyOf(path: string): NonNullable<Page["body"]> {
  const bytes = readFileSync(path);
  return { bytes: bytes.length, crc32: crc32(0, bytes, bytes.length) };
}

function planOf(url: string, options: Options): Plan {
  const place = parsePlace(url);
  if (typeof place === "string") throw new OptionError(place);
  const time = options.seconds === undefined ? Infinity : seconds("seconds", options.seconds);
  const usual = time === Infinity ? USUAL_REQUESTS : Infinity;
  const plan: Plan = {
    address: readAddress(place.address),
    port: place.port,
    host: place.host,
    pages: pagesOf(`http://${place.host}`, place.target, options),
    concurrency: whole("concurrency", options.concurrency, 1, PLAN_LIMITS.concurrency),
    requests: options.requests === undefined ? usual : whole("requests", options.requests, 1, MOST_REQUESTS),
    seconds: time,
    close: options.close === true,
    check: options.check === true || options.body !== undefined,
    timeoutSeconds: seconds("timeout", options.timeout),
  };
  const problem = problemOf(plan);
  if (problem !== undefined) throw new OptionError(problem);
  return plan;
}

/** How to open the network that was asked for. */
function networkOf({ net, address, gateway, mac }: Options): (waker: HostWaker) => Promise<SwampNetwork> {
  const known = "packet:<interface> or tap:<name>";
  if (net === undefined) throw new OptionError(`which network? --net ${known}`);
  const [, kind, name] = /^(tap|packet):(.+)$/.exec(String(net)) ?? [];
  if (name === undefined) throw new OptionError(`--net is ${known}, not ${String(net)}`);
  if (address === undefined) throw new OptionError("--net needs --address, such as 192.0.2.2/24");
  const usual = kind === "tap" ? TAP_ADDRESS : undefined;
  const written = mac === undefined ? usual : String(mac);
  const choice = {
    kind: kind === "tap" ? ("tap" as const) : ("packet" as const),
    name,
    hardwareAddress: written === undefined ? undefined : readHardwareAddress(written),
    route: {
      ...readPrefixedAddress(String(address)),
      ...(gateway === undefined ? {} : { router: readAddress(String(gateway)) }),
    },
    shownAddress: String(address),
    port: 80,
    pcap: undefined,
  };
  return (waker) => openLinuxNetwork({ ...choice, waker });
}

async function start(url: string | undefined, options: Options): Promise<void> {
  if (url === undefined) throw new OptionError("which page? webswamp http://<address>/<page>");
  const plan = planOf(url, options);
  const network = networkOf(options);
  const stopping = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stopping.abort());
  const report = await runSwamp({ plan, network, stopping: stopping.signal });
  console.log(options.json === true ? JSON.stringify(figuresOf(report)) : printSwamp(report));
  process.exit(report.results.failed > 0 || report.results.pages === 0 ? FAILED : 0);
}

/** Says what went wrong, in a line, and ends. */
function fail(error: unknown): never {
  const message = error instanceof Error ? error.message : String(error);
  console.error(`webswamp: ${printable(message)}`);
  const isUsage = error instanceof OptionError || (error instanceof Error && error.name === "CACError");
  if (isUsage) console.error("see webswamp --help");
  process.exit(isUsage ? USAGE : FAILED);
}

try {
  cli.parse(process.argv, { run: false });
  await cli.runMatchedCommand();
} catch (error) {
  fail(error);
}
