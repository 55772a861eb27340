/** Computing: programs as they were written, in a segment and in pages, as code alone and on a board. */
import type { Figure } from "../statistics.ts";
import type { Rounds } from "../kernel/measure.ts";
import type { UnixBoard } from "@exolith/libos-unix/board";
import { onBoard } from "./on-board.ts";
import { builtPrograms } from "./programs.ts";
import { RAW } from "./raw.ts";
import { CODE_ALONE } from "./rewritten.ts";
import { figureOf, geometricMean, ratioOf, sampled, type Measured, type Samples } from "./rounds.ts";
import type { Runner, Way } from "./runner.ts";
import type { Workload } from "./workloads.ts";

/** One program, one way to run it. */
export interface ComputingCell {
  readonly way: string;
  /** Milliseconds of processor time for the work. */
  readonly milliseconds: Figure;
  /** As a multiple of raw, each round by itself. */
  readonly ratio: Figure;
  /** The least time as a multiple of the least of raw: what is left when others disturb least. */
  readonly least: number;
}

/** One program. */
export interface ComputingRow {
  readonly program: string;
  readonly cells: readonly ComputingCell[];
}

/** What could not be measured, and why. */
export interface Skipped {
  readonly name: string;
  readonly why: string;
}

/** All programs. */
export interface Computing {
  readonly rows: readonly ComputingRow[];
  /** Geometric means of the ratios, and of those of the least times, by way; empty when nothing was measured. */
  readonly means: Readonly<Record<string, number>>;
  readonly leastMeans: Readonly<Record<string, number>>;
  readonly skipped: readonly Skipped[];
}

const MILLISECOND = 1e6;

/** A workload and the bytes of its program. */
interface Ready {
  readonly workload: Workload;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Processor time of the work: of the whole run, without what one takes that does nothing. */
async function workTime(
  runner: Runner,
  { args, idle, title }: Workload,
  outputs: Map<string, string>,
): Promise<number> {
  const nothing = await runner.run({ args: idle });
  const { nanoseconds, output } = await runner.run({ args });
  const known = outputs.get(title);
  if (known !== undefined && known !== output) throw new Error(`${title} does not print the same`);
  outputs.set(title, output);
  return nanoseconds - nothing.nanoseconds;
}

function subjectsOf(
  { workload, bytes }: Ready,
  ways: readonly Way[],
  outputs: Map<string, string>,
): readonly Measured[] {
  return ways.map((way) => {
    const runner = way.prepare(bytes);
    return { name: nameOf(workload, way.name), round: () => workTime(runner, workload, outputs) };
  });
}

const nameOf = ({ title }: Workload, way: string): string => `${title}: ${way}`;

function rowOf(samples: Samples, workload: Workload, ways: readonly Way[]): ComputingRow {
  const raw = nameOf(workload, RAW.name);
  return {
    program: workload.title,
    cells: ways.map(({ name: way }) => {
      const name = nameOf(workload, way);
      const { median, minimum, maximum, rounds } = figureOf(samples, name);
      return {
        way,
        milliseconds: {
          median: median / MILLISECOND,
          minimum: minimum / MILLISECOND,
          maximum: maximum / MILLISECOND,
          rounds,
        },
        ratio: ratioOf(samples, name, raw),
        least: minimum / figureOf(samples, raw).minimum,
      };
    }),
  };
}

/** What is averaged of a cell. */
type Ratio = (cell: ComputingCell) => number;

function meansOf(rows: readonly ComputingRow[], ways: readonly Way[], ratio: Ratio): Record<string, number> {
  if (rows.length === 0) return {};
  const cells = (way: string): ComputingCell[] =>
    rows.flatMap((row) => row.cells.filter((cell) => cell.way === way));
  return Object.fromEntries(ways.map(({ name }) => [name, geometricMean(cells(name).map(ratio))]));
}

/**
 * Measures each workload in every way. All must print the same.
 *
 * A program has its rounds before the next begins, so that only what is compared is
 * side by side, and nothing else fills the caches of the host.
 */
export async function measureComputing(
  workloads: readonly Workload[],
  board: UnixBoard,
  rounds: Rounds,
  say: (line: string) => void,
): Promise<Computing> {
  const ways = [RAW, ...CODE_ALONE, ...onBoard(board)];
  const built = builtPrograms(workloads.map(({ program }) => program));
  const rows: ComputingRow[] = [];
  const skipped: Skipped[] = [];
  const outputs = new Map<string, string>();
  for (const workload of workloads) {
    const program = built.get(workload.program) ?? { missing: "nobody builds it" };
    if ("missing" in program) {
      skipped.push({ name: workload.title, why: program.missing });
      continue;
    }
    const subjects = subjectsOf({ workload, bytes: program.bytes }, ways, outputs);
    rows.push(
      rowOf(await sampled(subjects, rounds, (line) => say(`${workload.title}: ${line}`)), workload, ways),
    );
  }
  const means = meansOf(rows, ways, ({ ratio }) => ratio.median);
  return { rows, means, leastMeans: meansOf(rows, ways, ({ least }) => least), skipped };
}
