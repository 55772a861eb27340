/** The table of `bench ablation` as a page of Markdown. */
import type { Techniques } from "@exolith/cheetah";
import { TECHNIQUES } from "../cheetah/techniques.ts";
import { PARTS } from "../series/parts.ts";
import { printTable } from "../table.ts";
import type { AblationRow, AblationTable } from "./bench-ablation.ts";
import { SHOWN_PARTS, type AblationFigures, type InterfaceName } from "./measure.ts";
import { effectsOf, figuresOf } from "./shape.ts";

type Count = Exclude<keyof AblationFigures, "parts" | "cycles" | "requests">;

/** What is counted; what is for one request has digits behind the point. */
const COUNTS: Readonly<Record<Count, { readonly what: string; readonly digits?: number }>> = {
  diskRequests: { what: "disk requests" },
  packetsOut: { what: "packets out", digits: 2 },
  packetsIn: { what: "packets in", digits: 2 },
  framesOut: { what: "frames handed over", digits: 2 },
  bytesSummed: { what: "bytes summed", digits: 0 },
  bytesCopied: { what: "bytes copied", digits: 0 },
  requestsParsed: { what: "parsed" },
  headsMade: { what: "heads made" },
  seconds: { what: "seconds" },
};
const COUNT_NAMES = Object.keys(COUNTS) as Count[];
const SECONDS_DIGITS = 2;

function printCount(figures: AblationFigures, name: Count): string {
  const { digits } = COUNTS[name];
  if (digits !== undefined) return (figures[name] / figures.requests).toFixed(digits);
  return name === "seconds" ? figures[name].toFixed(SECONDS_DIGITS) : String(figures[name]);
}

const nameOf = (key: keyof Techniques): string => TECHNIQUES.find((found) => found.key === key)?.name ?? key;
const titleOf = ({ without }: AblationRow): string =>
  without === undefined ? "all techniques" : `without ${nameOf(without)}`;

const printCycles = (rows: readonly AblationRow[]): string =>
  printTable(
    ["cycles a request", "all", ...SHOWN_PARTS.map((part) => PARTS[part])],
    rows.map((row) => {
      const { cycles, parts, requests } = row.figures;
      const shown = [cycles, ...SHOWN_PARTS.map((part) => parts[part])];
      return [titleOf(row), ...shown.map((figure) => (figure / requests).toFixed(0))];
    }),
  );

const printCounts = (rows: readonly AblationRow[]): string =>
  printTable(
    ["counts", ...COUNT_NAMES.map((name) => COUNTS[name].what)],
    rows.map((row) => [titleOf(row), ...COUNT_NAMES.map((name) => printCount(row.figures, name))]),
  );

/** What each technique is for, and what it comes to. */
const printPurposes = (table: AblationTable): string =>
  printTable(
    ["technique", "interface", "lessens", "from", "to"],
    effectsOf(table).map(({ key, kind, figure }) => {
      const shown = (without: keyof Techniques | undefined): string =>
        printCount(figuresOf(table, kind, without), figure);
      return [nameOf(key), kind, COUNTS[figure].what, shown(key), shown(undefined)];
    }),
  );

const TITLES: Readonly<Record<InterfaceName, string>> = {
  plain: "A plain interface, which does nothing by itself",
  offloading: "An offloading interface, which sums and cuts",
};

function printInterface({ rows }: AblationTable, kind: InterfaceName): readonly string[] {
  const own = rows.filter((row) => row.kind === kind);
  return [`## ${TITLES[kind]}`, printCycles(own), printCounts(own)];
}

const HEAD = `# What each technique of Cheetah is worth

\`pnpm bench ablation\` prints this page, and a test holds it to that; the figures are simulated, and the same on every computer.`;

const KIBIBYTE = 1024;
const kibibytes = (bytes: number): string => (bytes / KIBIBYTE).toFixed(0);

const notes = (requests: number, { machine, workload }: AblationTable): string => `
One server on a simulated ${machine}, its client, and ${requests} requests: ${workload.pages} pages from a cold cache, each with the ${workload.embedded} files that it embeds, on a connection each; 100 bytes ${workload.times.small} times, with a connection for each; 1 KB ${workload.times.medium} times and 100 KB ${workload.times.large} times, on a connection each.
The cache holds ${kibibytes(workload.cacheBytes)} KiB of the site's ${kibibytes(workload.siteBytes)}.
All techniques, then all but one.
Every body is compared with its file; heads are the same in every row, dates apart.

- \`cycles a request\`: what the machine charges for kernel calls, devices and bytes, and for TCP, IP and HTTP what their code is counted to take ([decision 25](decisions/0025-five-servers.md)).
  Cheetah's own code beyond that is not charged.
- \`disk requests\`, \`parsed\`, \`heads made\` and \`seconds\` are for the whole workload; the others are for one request.
- \`frames handed over\`: what the server sends; an interface that cuts makes several packets of one.
- \`parsed\`: requests that were not remembered. \`heads made\`: field by field.
- \`seconds\` holds waiting for the disk and the wire.

Where the interface sums, nobody asks for sums that are known; where it does nothing, there is nothing to leave to it: those two rows are the first row again.`;

/** The page. */
export function printAblationPage(table: AblationTable): string {
  const requests = table.rows[0]?.figures.requests ?? 0;
  const parts = [
    HEAD,
    notes(requests, table).trim(),
    printPurposes(table),
    ...printInterface(table, "plain"),
    ...printInterface(table, "offloading"),
  ];
  return `${parts.join("\n\n")}\n`;
}
