/** The report of `bench series` as Markdown. */
import { printTable } from "../table.ts";
import type { SeriesBenchReport } from "./bench-series.ts";
import { LINKS } from "./computers.ts";
import { PARTS, PART_NAMES } from "./parts.ts";
import type { SeriesPoint } from "./point.ts";
import { isHeldBack } from "./shape.ts";
import type { SeriesTable } from "./table.ts";

/** What is reported of Figure 3 of SOSP'97 and its text; not checked against a print of it. */
const PAPER: readonly (readonly [what: string, paper: string, ours: (rate: Rate) => string])[] = [
  ["0 bytes, Cheetah, requests/s", "about 8,000", (rate) => rate("Cheetah", 0).requestsPerSecond.toFixed(0)],
  [
    "0 bytes, Socket/Xok against Socket/BSD",
    "1.8x to 2x",
    (rate) => times(rate("Socket/Xok", 0), rate("Socket/BSD", 0)),
  ],
  [
    "0 bytes, Cheetah against Socket/BSD",
    "about 8x",
    (rate) => times(rate("Cheetah", 0), rate("Socket/BSD", 0)),
  ],
  ["100 KB, Cheetah, MB/s", "29.3", (rate) => megabytes(rate("Cheetah", LARGE))],
  ["100 KB, Cheetah, processor idle", "> 30 %", (rate) => percent(rate("Cheetah", LARGE).idle)],
  ["100 KB, Socket/BSD, MB/s", "16.5", (rate) => megabytes(rate("Socket/BSD", LARGE))],
  ["100 KB, Socket/BSD, processor idle", "0 %", (rate) => percent(rate("Socket/BSD", LARGE).idle)],
];

const LARGE = 102_400;
/** Documents whose cycles are shown by part. */
const SHOWN = [0, LARGE];

type Rate = (server: string, size: number) => SeriesPoint;

const times = (one: SeriesPoint, other: SeriesPoint): string =>
  `${(one.requestsPerSecond / other.requestsPerSecond).toFixed(2)}x`;
const megabytes = ({ bytesPerSecond }: SeriesPoint): string => (bytesPerSecond / 1e6).toFixed(1);
const percent = (part: number): string => `${(part * 100).toFixed(0)} %`;

/** Servers down, sizes across; one figure of each point. */
const grid = ({ rows }: SeriesTable, what: string, of: (point: SeriesPoint) => string): string =>
  printTable(
    [what, ...(rows[0]?.points ?? []).map(({ size }) => `${size} B`)],
    rows.map(({ server, points }) => [server, ...points.map(of)]),
  );

/** What a request for one document takes, server by server. */
const printParts = ({ rows }: SeriesTable, size: number): readonly string[] => {
  const points = rows.flatMap(({ points: found }) => found.filter((point) => point.size === size));
  if (points.length === 0) return [];
  return [
    printTable(
      [`cycles/request, ${size} B`, ...rows.map(({ server }) => server)],
      PART_NAMES.map((name) => [PARTS[name], ...points.map(({ parts }) => parts[name].toFixed(0))]),
    ),
  ];
};

function printPaper({ rows }: SeriesTable): readonly string[] {
  const rate: Rate = (server, size) =>
    rows.find((row) => row.server === server)?.points.find((point) => point.size === size) as SeriesPoint;
  const measured = new Set(rows[0]?.points.map(({ size }) => size));
  if (![0, LARGE].every((size) => measured.has(size))) return [];
  return [
    printTable(
      ["SOSP'97, Figure 3", "as reported", "here"],
      PAPER.map(([what, paper, ours]) => [what, paper, ours(rate)]),
    ),
  ];
}

const NOTE = `Simulated time, the same on every computer: a Pentium Pro of 200 MHz, ${LINKS} Ethernets of 100 Mbit/s, a connection for
each request. \`=\` behind a rate: the links hold requests up, not the processor; compare processor time there.
All five run the same TCP on the same interfaces. What they copy and sum is copied and summed; instructions are counted
by stage, in the best case, for everybody alike. No factor stands for misses of caches, which the paper's machine has
and which fall on whoever has more code: so everybody is quicker here than there, and the longest path by the most.`;

/** The report. */
export function printSeriesReport({ options, table, invariants, goals }: SeriesBenchReport): string {
  const clients = options.clients * LINKS;
  const parts = [
    `${table.machine}; ${clients} clients, ${options.rounds} answers each, seed ${options.seed}`,
    grid(
      table,
      "requests/s",
      (point) => `${point.requestsPerSecond.toFixed(0)}${isHeldBack(point) ? " =" : ""}`,
    ),
    grid(table, "MB/s of documents", megabytes),
    grid(table, "processor idle", ({ idle }) => percent(idle)),
    grid(table, "links used", ({ link }) => percent(link)),
    grid(table, "cycles/request", ({ cycles }) => cycles.toFixed(0)),
    ...SHOWN.flatMap((size) => printParts(table, size)),
    grid(
      table,
      "packets/request, in + out",
      ({ packetsIn, packetsOut }) => `${packetsIn.toFixed(1)} + ${packetsOut.toFixed(1)}`,
    ),
    grid(table, "bytes copied/request", ({ bytesCopied }) => bytesCopied.toFixed(0)),
    grid(table, "bytes summed/request", ({ bytesSummed }) => bytesSummed.toFixed(0)),
    ...printPaper(table),
    NOTE,
    printTable(
      ["invariant", "what", ""],
      invariants.map(({ id, what, holds }) => [id, what, holds ? "holds" : "BROKEN"]),
    ),
    printTable(
      ["goal", "measured", ""],
      goals.map(({ what, measured, reached }) => [
        what,
        measured,
        reached === true ? "reached" : "not reached",
      ]),
    ),
  ];
  return `${parts.join("\n\n")}\n`;
}
