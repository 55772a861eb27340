/** The report of `bench demux` as Markdown. */
import { printHost } from "../host.ts";
import { printFigure, short } from "../statistics.ts";
import { printTable } from "../table.ts";
import type { DemuxBenchReport } from "./bench-demux.ts";
import { MATCHER, type MatcherName } from "./matchers.ts";

/** One line for each matcher, one column for each number of filters. */
function printMatrix(
  heading: string,
  report: DemuxBenchReport,
  cell: (matcher: MatcherName, filters: number) => string | undefined,
): string {
  const counts = report.bindings.map(({ filters }) => filters);
  const rows = Object.values(MATCHER)
    .map((matcher) => [matcher, ...counts.map((filters) => cell(matcher, filters))])
    .filter((row) => row.some((text, i) => i > 0 && text !== undefined));
  return printTable(
    [heading, ...counts.map((filters) => `${filters} filter${filters === 1 ? "" : "s"}`)],
    rows.map((row) => row.map((text) => text ?? "-")),
  );
}

const printTimes = (report: DemuxBenchReport): string =>
  printMatrix("ns a packet", report, (matcher, filters) => {
    const row = report.rows.find((each) => each.matcher === matcher && each.filters === filters);
    return row && printFigure(row.nanoseconds);
  });

const printRatios = (report: DemuxBenchReport): string =>
  printMatrix("times compiled", report, (matcher, filters) => {
    const of = (name: MatcherName): number | undefined =>
      report.rows.find((each) => each.matcher === name && each.filters === filters)?.nanoseconds.median;
    const [ours, theirs] = [of(MATCHER.compiled), of(matcher)];
    return ours === undefined || theirs === undefined ? undefined : `${short(theirs / ours)}x`;
  });

const printWork = (report: DemuxBenchReport, what: "bytes" | "instructions", heading: string): string =>
  printMatrix(heading, report, (matcher, filters) => {
    const work = report.work.find((each) => each.matcher === matcher && each.filters === filters);
    const value = work?.[what];
    return value === undefined ? undefined : short(value);
  });

const printBindings = ({ bindings }: DemuxBenchReport): string =>
  printTable(
    ["µs for one filter", ...bindings.map(({ filters }) => `beside ${filters}`)],
    (["insert", "remove"] as const).map((what) => [
      what,
      ...bindings.map((row) => short(row[what].median / 1000)),
    ]),
  );

const printSkipped = ({ skipped }: DemuxBenchReport): readonly string[] =>
  skipped.map(({ name, why }) => `${name} skipped: ${why}`);

const printGoals = ({ goals }: DemuxBenchReport): string =>
  printTable(
    ["goal", "measured", ""],
    goals.map(({ what, measured, reached }) => [
      what,
      measured,
      reached === undefined ? "not judged" : reached ? "reached" : "not reached",
    ]),
  );

/** The report: medians with minimum and maximum, what was counted, and the goals. */
export function printDemuxReport(report: DemuxBenchReport): string {
  const parts = [
    `${printHost(report.host)}; ${report.options.rounds} rounds, seed ${report.options.seed}`,
    printTimes(report),
    ...printSkipped(report),
    printRatios(report),
    printWork(report, "bytes", "bytes read a packet"),
    printWork(report, "instructions", "instructions interpreted"),
    printBindings(report),
    printGoals(report),
  ];
  return `${parts.join("\n\n")}\n`;
}
