/** The report of `bench cheetah` as Markdown. */
import { printHost } from "../host.ts";
import { median, printFigure, short } from "../statistics.ts";
import { printTable } from "../table.ts";
import type { UnixGoal } from "../unix/goals.ts";
import type { CheetahBenchReport, CheetahRow } from "./bench-cheetah.ts";
import { ratioOfRows } from "./goals.ts";

/** Servers that the others are compared with. */
const COMPARED = ["nginx", "node-http", "ring-c"];

const HEADINGS = [
  "server",
  "bytes",
  "µs/request",
  "user",
  "system",
  "deferred",
  "core busy",
  "requests/s",
  "p50 µs",
  "p99 µs",
  "packets",
  "failures",
  "server",
  "client",
];

/** The median share; nothing when somebody did not say. */
function percent(shares: readonly (number | undefined)[]): string {
  const known = shares.filter((share) => share !== undefined);
  return known.length === 0 ? "-" : `${Math.round(median(known) * 100)} %`;
}

const cellsOf = (row: CheetahRow): readonly string[] => [
  row.server,
  row.document,
  printFigure(row.processor),
  short(row.user.median),
  short(row.system.median),
  short(row.deferred.median),
  short(row.busy.median),
  printFigure(row.rate),
  short(row.latency.p50),
  short(row.latency.p99),
  short(row.packets.median),
  `${row.failures}`,
  percent(row.samples.map(({ serverShare }) => serverShare)),
  percent(row.samples.map(({ clientShare }) => clientShare)),
];

/** Times what each of `compared` needs for the same, a round at a time. */
function ratios(
  row: CheetahRow,
  rows: readonly CheetahRow[],
  compared: readonly string[],
): readonly string[] {
  return compared.map((server) => {
    const other = rows.find((each) => each.server === server && each.document === row.document);
    return other === undefined ? "-" : `${ratioOfRows(row, other).toFixed(2)}x`;
  });
}

/** One table for a client and a mode: the servers of a document stand together. */
function printPart(rows: readonly CheetahRow[], compared: readonly string[]): string {
  const present = compared.filter((server) => rows.some((row) => row.server === server));
  const headings = [...HEADINGS, ...present.map((server) => `vs ${server}`)];
  return printTable(
    headings,
    rows.map((row) => [...cellsOf(row), ...ratios(row, rows, present)]),
  );
}

const verdict = ({ reached, isStretch }: UnixGoal): string => {
  if (reached === undefined) return "not judged";
  const said = reached ? "reached" : "not reached";
  return isStretch ? `${said} (stretch)` : said;
};

/** The report: medians with minimum and maximum, what was left out, and the goals. */
export function printCheetahReport(report: CheetahBenchReport): string {
  const { rows, cores, options, skipped, goals, host } = report;
  const parts = new Map<string, CheetahRow[]>();
  for (const row of rows) {
    const title = `${row.client}, ${row.mode}`;
    parts.set(title, [...(parts.get(title) ?? []), row]);
  }
  const where =
    cores === undefined
      ? ""
      : `; servers on core ${cores.server}, clients on ${cores.client}${options.steer ? ", each takes in its own packets" : ""}`;
  const compared = options.ablation ? ["cheetah"] : COMPARED;
  const lines = [
    `${printHost(host)}; ${options.rounds} rounds of ${options.seconds} s, ${options.connections} connections${where}`,
    ...[...parts].map(([title, part]) => `${title}:\n\n${printPart(part, compared)}`),
    ...skipped.map(({ name, why }) => `${name} skipped: ${why}`),
  ];
  if (goals.length > 0)
    lines.push(
      printTable(
        [`goal${rows[0] === undefined ? "" : `, by ${rows[0].client}`}`, "measured", ""],
        goals.map((goal) => [goal.what, goal.measured, verdict(goal)]),
      ),
    );
  return `${lines.join("\n\n")}\n`;
}
