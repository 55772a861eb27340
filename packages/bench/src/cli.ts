#!/usr/bin/env node
/** The command line of the bench. */
import { writeFileSync } from "node:fs";
import { cac } from "cac";
import { UsageError, names, whole } from "./whole.ts";
import { benchAblation } from "./ablation/bench-ablation.ts";
import { printAblationPage } from "./ablation/print-ablation.ts";
import { benchAsh, isBroken } from "./ash/bench-ash.ts";
import { printAshReport } from "./ash/print-ash.ts";
import { CLIENTS, benchCheetah } from "./cheetah/bench-cheetah.ts";
import { drawCheetahReport } from "./cheetah/chart.ts";
import { MODES, type Mode } from "./cheetah/client.ts";
import { WORKLOAD_NAMES } from "./cheetah/documents.ts";
import { printCheetahReport } from "./cheetah/print-cheetah.ts";
import { SERVERS, USUAL_SERVERS } from "./cheetah/servers.ts";
import { benchDemux } from "./demux/bench-demux.ts";
import { printDemuxReport } from "./demux/print-demux.ts";
import { benchHttp, printHttpReport } from "./http/bench-http.ts";
import { benchKernel } from "./kernel/bench-kernel.ts";
import { printKernelReport } from "./kernel/print-kernel.ts";
import { benchSeries } from "./series/bench-series.ts";
import { printSeriesReport } from "./series/print-series.ts";
import { UNIX_NAMES, benchUnix } from "./unix/bench-unix.ts";
import { isMissed } from "./unix/goals.ts";
import { printUnixReport } from "./unix/print-unix.ts";

const cli = cac("bench");

cli
  .command("http", "Cheetah behind the gateway beside node:http from memory, at 1 KB and 100 KB")
  .option("--rounds <n>", "Interleaved rounds", { default: 5 })
  .option("--seconds <n>", "Seconds of load in each round", { default: 3 })
  .option("--connections <n>", "Connections kept alive", { default: 64 })
  .option("--json <path>", "Also write the report as JSON")
  .action(async (options: { rounds: unknown; seconds: unknown; connections: unknown; json?: string }) => {
    const rounds = whole("rounds", options.rounds, 1000);
    const seconds = whole("seconds", options.seconds, 3600);
    const connections = whole("connections", options.connections, 1024);
    const report = await benchHttp({ rounds, seconds, connections }, (line) => console.error(line));
    console.log(printHttpReport(report));
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
  });

const CLIENT_NAMES = CLIENTS.map(({ name }) => name);
const SERVER_NAMES = SERVERS.map(({ name }) => name);

interface CheetahWords {
  readonly rounds: unknown;
  readonly seconds: unknown;
  readonly connections: unknown;
  readonly warmUp: unknown;
  readonly documents: unknown;
  readonly clients: unknown;
  readonly servers: unknown;
  readonly only: unknown;
  readonly steer?: boolean;
  readonly ablation?: boolean;
  readonly json?: string;
  readonly svg?: string;
}

cli
  .command("cheetah", "Cheetah on a packet ring beside nginx, node:http and a program in C; needs root")
  .option("--documents <names>", "Documents, separated by commas", { default: WORKLOAD_NAMES.join(",") })
  .option("--clients <names>", "Clients, separated by commas", { default: CLIENT_NAMES.join(",") })
  .option("--servers <names>", `Some of ${SERVER_NAMES.join(", ")}`, { default: USUAL_SERVERS.join(",") })
  .option("--only <modes>", "Kept connections, or one for each request", { default: MODES.join(",") })
  .option("--rounds <n>", "Interleaved rounds", { default: 5 })
  .option("--seconds <n>", "Seconds of load in each round", { default: 2 })
  .option("--connections <n>", "Connections at once", { default: 64 })
  .option("--warm-up <n>", "Seconds of processor time that each server works before", { default: 3 })
  .option("--steer", "Each core takes in its own packets, not the one that sent them")
  .option("--ablation", "Cheetah alone, whole and without each of its techniques")
  .option("--json <path>", "Also write the report as JSON")
  .option("--svg <path>", "Also draw the processor times")
  .action(async (options: CheetahWords) => {
    const wanted = {
      rounds: whole("rounds", options.rounds, 1000),
      seconds: whole("seconds", options.seconds, 3600),
      connections: whole("connections", options.connections, 1024),
      warmUpSeconds: whole("warm-up", options.warmUp, 3600),
      documents: names("documents", options.documents, WORKLOAD_NAMES),
      clients: names("clients", options.clients, CLIENT_NAMES),
      servers: names("servers", options.servers, SERVER_NAMES),
      modes: names("only", options.only, MODES) as readonly Mode[],
      steer: options.steer === true,
      ablation: options.ablation === true,
    };
    const report = await benchCheetah(wanted, (line) => console.error(line));
    console.log(printCheetahReport(report));
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
    if (options.svg !== undefined) writeFileSync(options.svg, drawCheetahReport(report));
    if (isMissed(report.goals)) process.exitCode = 1;
  });

cli
  .command("kernel", "Kernel calls, transfers, windows and resources beside JavaScript, Linux and Workers")
  .option("--rounds <n>", "Interleaved rounds", { default: 15 })
  .option("--operations <n>", "Cheap operations in each round", { default: 200_000 })
  .option("--json <path>", "Also write the report as JSON")
  .action(async (options: { rounds: unknown; operations: unknown; json?: string }) => {
    const rounds = whole("rounds", options.rounds, 1000);
    const operations = whole("operations", options.operations, 100_000_000);
    const report = await benchKernel({ rounds, operations }, (line) => console.error(line));
    console.log(printKernelReport(report));
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
    if (!report.invariants.every(({ holds }) => holds)) process.exitCode = 1;
  });

cli
  .command("demux", "Packet filters, compiled and interpreted, beside MPF, PATHFINDER and libpcap")
  .option("--rounds <n>", "Interleaved rounds", { default: 15 })
  .option("--packets <n>", "Packets in each round; fewer where each filter is tried", { default: 200_000 })
  .option("--most <n>", "The greatest number of filters, of 1, 10, 100, 1000 and 10000", { default: 10_000 })
  .option("--seed <n>", "What filters and packets follow from", { default: 1 })
  .option("--json <path>", "Also write the report as JSON")
  .action(async (options: Record<"rounds" | "packets" | "most" | "seed", unknown> & { json?: string }) => {
    const rounds = whole("rounds", options.rounds, 1000);
    const most = whole("most", options.most, 10_000);
    const packets = whole("packets", options.packets, 100_000_000);
    const seed = whole("seed", options.seed, 0xffff_ffff);
    const report = await benchDemux({ rounds, packets, most, seed }, (line) => console.error(line));
    console.log(printDemuxReport(report));
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
    if (report.goals.some(({ reached }) => reached === false)) process.exitCode = 1;
  });

cli
  .command(
    "ash",
    "Handlers: round trips against busy environments in simulated time, and frames on this host",
  )
  .option("--pingpongs <n>", "Round trips of each point in simulated time", { default: 4096 })
  .option("--rounds <n>", "Interleaved rounds on this host", { default: 15 })
  .option("--frames <n>", "Frames in each round", { default: 20_000 })
  .option("--json <path>", "Also write the report as JSON")
  .action(async (options: { pingpongs: unknown; rounds: unknown; frames: unknown; json?: string }) => {
    const pingPongs = whole("pingpongs", options.pingpongs, 1_000_000);
    const rounds = whole("rounds", options.rounds, 1000);
    const frames = whole("frames", options.frames, 10_000_000);
    const report = await benchAsh({ pingPongs, rounds, frames }, (line) => console.error(line));
    console.log(printAshReport(report));
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
    if (isBroken(report)) process.exitCode = 1;
  });

cli
  .command("series", "The five web servers of SOSP'97's Figure 3, in simulated time")
  .option("--clients <n>", "Clients on each of the three links", { default: 16 })
  .option("--rounds <n>", "Answers that each client gets", { default: 20 })
  .option("--seed <n>", "What everything random follows from", { default: 1 })
  .option("--json <path>", "Also write the report as JSON")
  .action((options: { clients: unknown; rounds: unknown; seed: unknown; json?: string }) => {
    const clients = whole("clients", options.clients, 64);
    const rounds = whole("rounds", options.rounds, 10_000);
    const seed = whole("seed", options.seed, 0xffff_ffff);
    const report = benchSeries({ clients, rounds, seed }, (line) => console.error(line));
    console.log(printSeriesReport(report));
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
    if (!report.invariants.every(({ holds }) => holds)) process.exitCode = 1;
  });

cli
  .command("ablation", "Cheetah whole and without each of its techniques, in simulated time")
  .option("--page <path>", "Also write the page")
  .option("--json <path>", "Also write the report as JSON")
  .action((options: { page?: string; json?: string }) => {
    const report = benchAblation((line) => console.error(line));
    const page = printAblationPage(report.table);
    process.stdout.write(page);
    if (options.page !== undefined) writeFileSync(options.page, page);
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
    const broken = report.invariants.filter(({ holds }) => !holds);
    for (const { what } of broken) console.error(`BROKEN: ${what}`);
    if (broken.length > 0) process.exitCode = 1;
  });

cli
  .command("unix", "Programs of others: raw, in a segment and in pages; WASI calls beside node:wasi; starts")
  .option("--rounds <n>", "Interleaved rounds", { default: 9 })
  .option("--only <names>", `Some parts or programs, separated by commas: ${UNIX_NAMES.join(", ")}`)
  .option("--json <path>", "Also write the report as JSON")
  .action(async (options: { rounds: unknown; only?: unknown; json?: string }) => {
    const rounds = whole("rounds", options.rounds, 1000);
    const only = options.only === undefined ? {} : { only: names("only", options.only, UNIX_NAMES) };
    const report = await benchUnix({ rounds, ...only }, (line) => console.error(line));
    console.log(printUnixReport(report));
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
    if (isMissed(report.goals)) process.exitCode = 1;
  });

cli.help();
try {
  cli.parse(process.argv, { run: false });
  if (cli.matchedCommand === undefined && cli.options["help"] !== true) cli.outputHelp();
  await cli.runMatchedCommand();
} catch (error) {
  const isUsage = error instanceof UsageError || (error instanceof Error && error.name === "CACError");
  if (!isUsage) throw error;
  console.error(`bench: ${error.message}\nsee bench --help`);
  process.exitCode = 2;
}
