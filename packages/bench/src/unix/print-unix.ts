/** The report of `bench unix` as Markdown. */
import { printHost } from "../host.ts";
import { printFigure, short } from "../statistics.ts";
import { printTable } from "../table.ts";
import type { UnixBenchReport } from "./bench-unix.ts";
import { CALL_NAMES } from "./calls-module.ts";
import type { Calls } from "./calls.ts";
import type { Computing, Skipped } from "./computing.ts";
import type { FaultRow } from "./faults.ts";
import type { UnixGoal } from "./goals.ts";
import type { Rewriting } from "./rewriting.ts";
import { START_STEPS, type Starts, type StartStep } from "./starts.ts";
import type { SuspensionRow } from "./suspension.ts";

const printSkipped = (skipped: readonly Skipped[]): readonly string[] =>
  skipped.map(({ name, why }) => `${name} skipped: ${why}`);

function printComputing({ rows, means, leastMeans, skipped }: Computing): readonly string[] {
  const ways = Object.keys(means);
  const [raw = "raw", ...others] = ways;
  const times = rows.map(({ program, cells }) => [
    program,
    ...cells.map(({ milliseconds }) => printFigure(milliseconds)),
  ]);
  const ratios = rows.map(({ program, cells }) => [
    program,
    ...cells.filter(({ way }) => way !== raw).map(({ ratio }) => printFigure(ratio)),
  ]);
  const mean = ["geometric mean", ...others.map((way) => short(means[way] ?? Number.NaN))];
  const least = ["the same of least times", ...others.map((way) => short(leastMeans[way] ?? Number.NaN))];
  return rows.length === 0
    ? printSkipped(skipped)
    : [
        printTable(["ms of the processor", ...ways], times),
        printTable(["times raw", ...others], [...ratios, mean, least]),
        ...printSkipped(skipped),
      ];
}

function printCalls({ rows, faster, skipped }: Calls): readonly string[] {
  const by = [...new Set(rows.map((row) => row.by))];
  const cells = (answerer: string): string[] =>
    CALL_NAMES.flatMap((call) => {
      const row = rows.find((one) => one.call === call && one.by === answerer);
      const times = faster.find((one) => one.call === call && one.by === answerer)?.times;
      return [
        row === undefined ? "-" : printFigure(row.nanoseconds),
        times === undefined ? "-" : `${short(times)}x`,
      ];
    });
  const headings = ["ns for", ...CALL_NAMES.flatMap((call) => [call, "faster"])];
  return [
    printTable(
      headings,
      by.map((one) => [one, ...cells(one)]),
    ),
    ...printSkipped(skipped),
  ];
}

function printSuspension(rows: readonly SuspensionRow[]): string {
  const depths = [...new Set(rows.map(({ depth }) => depth))];
  const modes = [...new Set(rows.map(({ mode }) => mode))];
  return printTable(
    ["ns to suspend and resume", ...depths.map((depth) => `${depth} deep`)],
    modes.map((mode) => [
      mode,
      ...rows.filter((row) => row.mode === mode).map(({ nanoseconds }) => printFigure(nanoseconds)),
    ]),
  );
}

const printFaults = (rows: readonly FaultRow[]): string =>
  printTable(
    ["a page of zeros", "ns"],
    rows.map(({ what, nanoseconds }) => [what, printFigure(nanoseconds)]),
  );

function printStarts({ rows, skipped }: Starts): readonly string[] {
  const steps = Object.keys(START_STEPS) as StartStep[];
  const table = printTable(
    ["start, ms", "bytes", ...steps.map((step) => START_STEPS[step])],
    rows.map((row) => [
      `${row.program}, ${row.mode}`,
      row.bytes.toString(),
      ...steps.map((step) => printFigure(row.steps[step])),
    ]),
  );
  return [...(rows.length === 0 ? [] : [table]), ...printSkipped(skipped)];
}

function printRewriting({ rows, speed, skipped }: Rewriting): readonly string[] {
  const table = printTable(
    ["rewriting", "bytes", "MB/s", "size"],
    [
      ...rows.map(({ program, mode, bytes, megabytes, growth }) => [
        `${program}, ${mode}`,
        bytes.toString(),
        printFigure(megabytes),
        `${growth.toFixed(2)}x`,
      ]),
      ...Object.entries(speed).map(([mode, all]) => [`all, ${mode}`, "", short(all), ""]),
    ],
  );
  return [...(rows.length === 0 ? [] : [table]), ...printSkipped(skipped)];
}

const verdict = ({ reached, isStretch }: UnixGoal): string => {
  if (reached === undefined) return "not judged";
  const said = reached ? "reached" : "not reached";
  return isStretch ? `${said} (stretch)` : said;
};

const printGoals = (goals: readonly UnixGoal[]): string =>
  printTable(
    ["goal", "measured", ""],
    goals.map((goal) => [goal.what, goal.measured, verdict(goal)]),
  );

/** The report: medians with minimum and maximum, and the goals. */
export function printUnixReport(report: UnixBenchReport): string {
  const { computing, calls, suspension, faults, starts, rewriting } = report;
  const parts = [
    `${printHost(report.host)}; ${report.options.rounds} rounds`,
    ...(computing === undefined ? [] : printComputing(computing)),
    ...(calls === undefined ? [] : printCalls(calls)),
    ...(suspension === undefined ? [] : [printSuspension(suspension)]),
    ...(faults === undefined ? [] : [printFaults(faults)]),
    ...(starts === undefined ? [] : printStarts(starts)),
    ...(rewriting === undefined ? [] : printRewriting(rewriting)),
    printGoals(report.goals),
  ];
  return `${parts.join("\n\n")}\n`;
}
