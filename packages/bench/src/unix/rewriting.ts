/** How fast modules are rewritten, and how much larger they become. */
import { signatures } from "./libos.ts";
import type { Figure } from "../statistics.ts";
import type { Rounds } from "../kernel/measure.ts";
import type { Skipped } from "./computing.ts";
import { builtPrograms } from "./programs.ts";
import { MODES, rewritten, type Mode } from "./rewritten.ts";
import { figureOf, sampled, samplesOf, type Measured, type Samples } from "./rounds.ts";
import { median } from "../statistics.ts";
import { processorTime } from "./runner.ts";

/** One module in one mode. */
export interface RewritingRow {
  readonly program: string;
  readonly mode: string;
  readonly bytes: number;
  /** Bytes that come out, as a multiple of those that went in. */
  readonly growth: number;
  /** Megabytes of the module as it was, in a second of processor time. */
  readonly megabytes: Figure;
}

/** All modules. */
export interface Rewriting {
  readonly rows: readonly RewritingRow[];
  /** Megabytes a second over all modules together, by mode; empty when there were none. */
  readonly speed: Readonly<Record<string, number>>;
  readonly skipped: readonly Skipped[];
}

/** Modules from some kilobytes to tens of megabytes. */
const MODULES: readonly string[] = ["coremark", "minigzip", "lua", "sqlite3", "esbuild"];
/** Modes that are measured. */
const MEASURED: readonly Mode[] = MODES.filter(({ pageBits }) => pageBits === 12);
/** Bytes that a round rewrites at least: small modules more than once. */
const ROUND_BYTES = 1_000_000;

interface Subject extends Measured {
  readonly program: string;
  readonly mode: Mode;
  readonly bytes: Uint8Array;
}

function subjectOf(program: string, bytes: Uint8Array, mode: Mode): Subject {
  const times = Math.max(1, Math.ceil(ROUND_BYTES / bytes.length));
  const round = (): number =>
    processorTime(() => {
      for (let i = 0; i < times; i++) rewritten(bytes, mode, signatures);
    }) / times;
  return { name: `${program}: ${mode.name}`, program, mode, bytes, round };
}

const NANOSECONDS_OF_SECOND = 1e9;
const MEGABYTE = 1e6;

const speedOf = (bytes: number, nanoseconds: number): number =>
  bytes / MEGABYTE / (nanoseconds / NANOSECONDS_OF_SECOND);

function rowOf(samples: Samples, { name, program, mode, bytes }: Subject): RewritingRow {
  const { median: middle, minimum, maximum, rounds } = figureOf(samples, name);
  const megabytes = {
    median: speedOf(bytes.length, middle),
    minimum: speedOf(bytes.length, maximum),
    maximum: speedOf(bytes.length, minimum),
    rounds,
  };
  const growth = rewritten(bytes, mode, signatures).bytes.length / bytes.length;
  return { program, mode: mode.name, bytes: bytes.length, growth, megabytes };
}

function speedsOf(samples: Samples, subjects: readonly Subject[]): Record<string, number> {
  if (subjects.length === 0) return {};
  const speed = ({ name }: Mode): number => {
    const own = subjects.filter(({ mode }) => mode.name === name);
    const bytes = own.reduce((sum, one) => sum + one.bytes.length, 0);
    return speedOf(
      bytes,
      own.reduce((sum, one) => sum + median(samplesOf(samples, one.name)), 0),
    );
  };
  return Object.fromEntries(MEASURED.map((mode) => [mode.name, speed(mode)]));
}

/** Rewrites every module that is there, in a segment and in pages. */
export async function measureRewriting(rounds: Rounds, say: (line: string) => void): Promise<Rewriting> {
  const subjects: Subject[] = [];
  const skipped: Skipped[] = [];
  for (const [program, built] of builtPrograms(MODULES))
    if ("missing" in built) skipped.push({ name: program, why: built.missing });
    else subjects.push(...MEASURED.map((mode) => subjectOf(program, built.bytes, mode)));
  const samples = await sampled(subjects, rounds, (line) => say(`rewriting: ${line}`));
  return { rows: subjects.map((one) => rowOf(samples, one)), speed: speedsOf(samples, subjects), skipped };
}
