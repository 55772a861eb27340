/** `bench http`: Cheetah behind the gateway beside `node:http` from memory. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import autocannon from "autocannon";
import { describeHost, printHost, type HostDescription } from "../host.ts";
import { figure, printFigure, short, type Figure } from "../statistics.ts";
import { printTable } from "../table.ts";
import { startServer, type ServerChild } from "./server-child.ts";

/** How long and how hard. */
export interface HttpBenchOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
}

/** One server at one document size. */
export interface HttpBenchRow {
  readonly server: string;
  readonly documentBytes: number;
  /** Requests a second. */
  readonly rate: Figure;
  /** Microseconds of processor time a request, user and system together, and each. */
  readonly processor: Figure;
  readonly user: Figure;
  readonly system: Figure;
  /** Responses that were not 200, and connections that failed, over all rounds. */
  readonly failures: number;
}

/** A whole run. */
export interface HttpBenchReport {
  readonly host: HostDescription;
  readonly options: HttpBenchOptions;
  readonly rows: readonly HttpBenchRow[];
}

const SIZES = [1024, 102_400];
const SERVERS = ["cheetah", "node-http"];

interface Round {
  readonly rate: number;
  readonly user: number;
  readonly system: number;
  readonly failures: number;
}

/** Calls `remove` and ends when the bench is to stop; its servers end with it. */
function onStop(remove: () => void): { close(): void } {
  const stop = (signal: NodeJS.Signals): void => {
    remove();
    process.exit(signal === "SIGINT" ? 130 : 143);
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  const close = (): void => {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  };
  return { close };
}

/** Runs every server at every size in turn, `rounds` times over, so that all see the same disturbance. */
export async function benchHttp(
  options: HttpBenchOptions,
  say: (line: string) => void,
): Promise<HttpBenchReport> {
  const host = describeHost();
  const directory = mkdtempSync(join(tmpdir(), "exolith-bench-"));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  const signals = onStop(remove);
  for (const size of SIZES) writeFileSync(join(directory, `${size}.bin`), new Uint8Array(size).fill(120));
  const servers: ServerChild[] = [];
  const rounds = new Map<string, Round[]>();
  try {
    for (const name of SERVERS) servers.push(await startServer(name, directory));
    for (let round = -1; round < options.rounds; round++)
      for (const size of SIZES)
        for (const server of servers) {
          const one = await measure(server, size, options);
          if (round < 0) continue;
          say(`round ${round + 1}: ${server.name}, ${size} bytes: ${short(one.rate)} requests/s`);
          const key = `${server.name} ${size}`;
          rounds.set(key, [...(rounds.get(key) ?? []), one]);
        }
  } finally {
    for (const server of servers) await server.stop();
    remove();
    signals.close();
  }
  const rows = SIZES.flatMap((size) =>
    SERVERS.map((name) => summarise(name, size, rounds.get(`${name} ${size}`) ?? [])),
  );
  return { host, options, rows };
}

async function measure(server: ServerChild, size: number, options: HttpBenchOptions): Promise<Round> {
  const before = await server.usage();
  const result = await autocannon({
    url: `${server.address}/${size}.bin`,
    connections: options.connections,
    duration: options.seconds,
  });
  const after = await server.usage();
  const requests = Math.max(1, result["2xx"]);
  return {
    rate: requests / result.duration,
    user: (after.user - before.user) / requests,
    system: (after.system - before.system) / requests,
    failures: result.non2xx + result.errors,
  };
}

const summarise = (server: string, documentBytes: number, rounds: readonly Round[]): HttpBenchRow => ({
  server,
  documentBytes,
  rate: figure(rounds.map((round) => round.rate)),
  processor: figure(rounds.map((round) => round.user + round.system)),
  user: figure(rounds.map((round) => round.user)),
  system: figure(rounds.map((round) => round.system)),
  failures: rounds.reduce((sum, round) => sum + round.failures, 0),
});

/** The report as Markdown: medians with minimum and maximum, and each row's ratio to `node:http`. */
export function printHttpReport(report: HttpBenchReport): string {
  const ratio = (row: HttpBenchRow): string => {
    const peer = report.rows.find(
      (other) => other.server === "node-http" && other.documentBytes === row.documentBytes,
    );
    return peer === undefined ? "" : `${(row.processor.median / peer.processor.median).toFixed(2)}x`;
  };
  const rows = report.rows.map((row) => [
    row.server,
    `${row.documentBytes}`,
    printFigure(row.rate),
    printFigure(row.processor),
    short(row.user.median),
    short(row.system.median),
    ratio(row),
    `${row.failures}`,
  ]);
  const headings = [
    "server",
    "bytes",
    "requests/s",
    "µs/request",
    "user",
    "system",
    "vs node:http",
    "failures",
  ];
  return `${printHost(report.host)}\n\n${printTable(headings, rows)}\n`;
}
