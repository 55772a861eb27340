/** The report of `bench kernel` as Markdown. */
import { DEC5000_125, PROFILES } from "@exolith/hw-model";
import { printHost } from "../host.ts";
import { printFigure, short } from "../statistics.ts";
import { printTable } from "../table.ts";
import type { KernelBenchReport, KernelRow } from "./bench-kernel.ts";
import type { Shape } from "./shape.ts";

const cyclesOf = ({ cycles }: KernelRow, profile: string): string => {
  const value = cycles?.[profile];
  return value === undefined ? "-" : short(value);
};

const printRows = ({ rows }: KernelBenchReport): string =>
  printTable(
    ["kernel", "ns", "heap bytes", ...PROFILES.map(({ name }) => name)],
    rows.map((row) => [
      row.name,
      printFigure(row.nanoseconds),
      row.bytes < 0.05 ? "0" : row.bytes.toFixed(1),
      ...PROFILES.map(({ name }) => cyclesOf(row, name)),
    ]),
  );

const printPeers = ({ peers, skipped }: KernelBenchReport): string =>
  printTable(
    ["peer", "ns"],
    [
      ...peers.map(({ name, nanoseconds }) => [name, printFigure(nanoseconds)]),
      ...skipped.map(({ name, why }) => [name, `skipped: ${why}`]),
    ],
  );

const printGoals = ({ goals }: KernelBenchReport): string =>
  printTable(
    ["goal", "measured", ""],
    goals.map(({ what, measured, reached }) => [
      what,
      measured,
      reached === undefined ? "not judged" : reached ? "reached" : "not reached",
    ]),
  );

/** Microseconds of the DECstation's cycles. */
const microseconds = (cycles: number): string => short((cycles * 1e6) / DEC5000_125.hertz);

/** Each row beside what SOSP'95 measured on that machine (Tables 4 and 6), which is no input. */
function printShape(shape: Shape): string {
  const row = (what: string, cycles: number, paper: string): string[] => [
    what,
    short(cycles),
    microseconds(cycles),
    paper,
  ];
  return printTable(
    ["simulated dec5000-125", "cycles", "µs", "SOSP'95, µs"],
    [
      row("null call", shape.shortCall, "1.6"),
      row("null call with a stack", shape.longCall, "2.3"),
      row("control transfer, one way", shape.transfer, "1.4"),
      row("monolithic getpid", shape.monolithic, "21.3"),
      ...shape.stages.map(({ what, trap, instruction, word }) => [
        `  ${what}`,
        short(trap * DEC5000_125.primitives.trap + instruction + word * DEC5000_125.primitives.word),
        `${instruction} instructions`,
        `${word} words`,
      ]),
    ],
  );
}

const printInvariants = ({ invariants }: KernelBenchReport): string =>
  printTable(
    ["invariant", "what", ""],
    invariants.map(({ id, what, holds }) => [id, what, holds ? "holds" : "BROKEN"]),
  );

/** The report: medians with minimum and maximum. */
export function printKernelReport(report: KernelBenchReport): string {
  const parts = [
    `${printHost(report.host)}; ${report.options.rounds} rounds`,
    printRows(report),
    printPeers(report),
    printShape(report.shape),
    printInvariants(report),
    printGoals(report),
  ];
  return `${parts.join("\n\n")}\n`;
}
