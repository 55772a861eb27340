/** The report of `bench ash` as Markdown. */
import { DEC5000_125 } from "@exolith/hw-model";
import { printHost } from "../host.ts";
import { printFigure, short } from "../statistics.ts";
import { printTable } from "../table.ts";
import type { AshBenchReport } from "./bench-ash.ts";
import type { Series } from "./series.ts";

/** Figure 2 of SOSP'95, read off it, in microseconds: by the number of environments, without and with a handler. */
const PAPER: ReadonlyMap<number, readonly [ring: number, handler: number]> = new Map([
  [1, [320, 259]],
  [2, [640, 259]],
  [3, [960, 259]],
  [4, [1310, 259]],
  [5, [1600, 259]],
  [6, [1920, 259]],
  [7, [2560, 259]],
  [8, [2880, 259]],
  [9, [3200, 259]],
  [10, [3520, 259]],
]);

/** Table 11 of SOSP'95, in microseconds. */
const TABLE_11 = { handler: "259", ring: "320", ultrix: "3400" };

/** The row that Table 11 has for ExOS without a handler: here only a part of what ExOS does takes time. */
const NOT_COMPARABLE = "by ExOS from its ring (not comparable: its own instructions are not charged)";

/** A column of the paper's figures, if the paper's machine is what was simulated. */
type Paper = (text: string | undefined) => readonly string[];

const paperOf = (machine: string): Paper =>
  machine === DEC5000_125.name ? (text) => [text ?? "-"] : () => [];

/** Table 11 again, on the machine that was simulated. */
export function printTrip({ machine, idle }: Series): string {
  const paper = paperOf(machine);
  return printTable(
    [`${machine}: 60-byte UDP/IP round trip, idle`, "µs", ...paper("SOSP'95, µs")],
    [
      ["with a handler", short(idle.handler.mean), ...paper(TABLE_11.handler)],
      [NOT_COMPARABLE, short(idle.ring.mean), ...paper(TABLE_11.ring)],
      ...paper(TABLE_11.ultrix).map((ultrix) => ["Ultrix", "-", ultrix]),
    ],
  );
}

function printPoints({ machine, ring, handler }: Series): string {
  const paper = paperOf(machine);
  return printTable(
    [
      `${machine}: busy`,
      "ring, µs",
      ...paper("SOSP'95"),
      "handler, µs",
      ...paper("SOSP'95"),
      "median",
      "spread",
      "not by it",
    ],
    ring.map((point, i) => {
      const other = handler[i] ?? point;
      const published = PAPER.get(point.busy);
      return [
        point.busy.toString(),
        short(point.mean),
        ...paper(published?.[0].toString()),
        short(other.mean),
        ...paper(published?.[1].toString()),
        short(other.median),
        `${short(other.minimum)}-${short(other.maximum)}`,
        other.skipped.toString(),
      ];
    }),
  );
}

/** The server alone, and then with others. */
const printSeries = (series: Series): string =>
  `${printTrip(series)}\n\nEach environment works ${short(series.work)} µs whenever it runs.\n\n${printPoints(series)}`;

const NOTE = `Simulated time, the same on every computer.
A frame is taken from the interface between slices, never within one: with a handler, too, it waits for the slice that
runs, up to a quantum. Here slices are as short as the work in them; beside environments that use whole quanta an
answer takes as much longer. A lone busy server needs two slices for an answer from its ring, one that the frame waits
for and one of its own.
The handler pays for every instruction; of ExOS's own code kernel calls, switches and what it does to bytes are
charged, not the instructions between them: so the two are not comparable when idle, and the handler looks dearer.
"not by it": its environment owed a slice for what it had run, so these were answered from the ring, by turns. With
100 environments each has a hundredth of the processor, and on the slow machine this handler wants more than that.`;

const printPackets = ({ packets }: AshBenchReport): string =>
  printTable(
    ["a frame of 60 bytes on this host", "ns"],
    packets.map(({ name, nanoseconds }) => [name, printFigure(nanoseconds)]),
  );

const printSandbox = ({ sandbox }: AshBenchReport): string =>
  printTable(
    ["handler", "bytes", "fuel", "by the kernel, ns", "as written, ns", "ratio"],
    sandbox.map(({ handler, bytes, fuel, sandbox: ours, raw }) => [
      handler,
      bytes.toString(),
      fuel.toString(),
      printFigure(ours),
      printFigure(raw),
      (ours.median / raw.median).toFixed(2),
    ]),
  );

const printInvariants = ({ invariants }: AshBenchReport): string =>
  printTable(
    ["invariant", "what", ""],
    invariants.map(({ id, what, holds }) => [id, what, holds ? "holds" : "BROKEN"]),
  );

/** Each length has a goal of its own: none is made up for by another. */
const printGoals = ({ goals }: AshBenchReport): string =>
  printTable(
    ["goal", "measured", ""],
    goals.map(({ what, measured, reached }) => [
      what,
      measured,
      reached === true ? "reached" : "not reached",
    ]),
  );

/** The report: simulated time with the paper's figures beside, then medians with minimum and maximum. */
export function printAshReport(report: AshBenchReport): string {
  const { pingPongs, rounds } = report.options;
  const parts = [
    `${printHost(report.host)}; ${pingPongs} round trips a point, ${rounds} rounds`,
    ...report.series.map(printSeries),
    NOTE,
    printPackets(report),
    printSandbox(report),
    printInvariants(report),
    printGoals(report),
  ];
  return `${parts.join("\n\n")}\n`;
}
