#!/usr/bin/env node
/** The command line of the bench. */
import { writeFileSync } from "node:fs";
import { cac } from "cac";
import { UsageError, whole } from "./whole.ts";
import { benchHttp, printHttpReport } from "./http/bench-http.ts";
import { benchKernel } from "./kernel/bench-kernel.ts";
import { printKernelReport } from "./kernel/print-kernel.ts";

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
