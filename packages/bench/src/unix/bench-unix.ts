/** `bench unix`: programs that somebody else wrote, isolated, beside the same programs as they were written. */
import { describeHost, type HostDescription } from "../host.ts";
import { measureCalls, type Calls } from "./calls.ts";
import { measureComputing, type Computing } from "./computing.ts";
import { measureFaults, type FaultRow } from "./faults.ts";
import { judge, type UnixGoal } from "./goals.ts";
import { benchBoard } from "./on-board.ts";
import { measureRewriting, type Rewriting } from "./rewriting.ts";
import { measureStarts, type Starts } from "./starts.ts";
import { measureSuspension, type SuspensionRow } from "./suspension.ts";
import { WORKLOADS } from "./workloads.ts";

/** What can be measured by itself. */
export const UNIX_PARTS = ["computing", "calls", "suspension", "faults", "starts", "rewriting"] as const;

/** A part of the bench. */
export type UnixPart = (typeof UNIX_PARTS)[number];

/** How much. */
export interface UnixBenchOptions {
  /** Rounds that count. */
  readonly rounds: number;
  /** Parts, or programs of `computing`; everything when absent. */
  readonly only?: readonly string[];
}

/** A whole run; a part that was not asked for is absent. */
export interface UnixBenchReport {
  readonly host: HostDescription;
  readonly options: UnixBenchOptions;
  readonly computing?: Computing;
  readonly calls?: Calls;
  readonly suspension?: readonly SuspensionRow[];
  readonly faults?: readonly FaultRow[];
  readonly starts?: Starts;
  readonly rewriting?: Rewriting;
  readonly goals: readonly UnixGoal[];
}

/** What `only` may name. */
export const UNIX_NAMES: readonly string[] = [...UNIX_PARTS, ...WORKLOADS.map(({ program }) => program)];

/** Rounds before those that count: until the compilers of the engine are done. */
const WARM_UP = 4;
/** What takes seconds, or compiles: fewer rounds of it. */
const FEW = { most: 5, warmUp: 1 };

type Parts = Omit<UnixBenchReport, "host" | "options" | "goals">;

function goalsOf({ computing, calls, rewriting }: Parts, isWhole: boolean): readonly UnixGoal[] {
  return judge({
    // A mean over some programs is not the one that the goal is about.
    mean: (way) => (isWhole ? computing?.means[way] : undefined),
    faster: (call, mode) => calls?.faster.find((one) => one.call === call && one.by === mode)?.times,
    speed: (mode) => rewriting?.speed[mode],
  });
}

/** One run. */
export async function benchUnix(
  options: UnixBenchOptions,
  say: (line: string) => void,
): Promise<UnixBenchReport> {
  const host = describeHost();
  const { only = UNIX_PARTS } = options;
  const programs = WORKLOADS.filter(({ program }) => only.includes(program));
  const wants = (part: UnixPart): boolean =>
    only.includes(part) || (part === "computing" && programs.length > 0);
  const workloads = programs.length > 0 ? programs : WORKLOADS;
  const rounds = { counted: options.rounds, warmUp: WARM_UP };
  const few = { counted: Math.min(options.rounds, FEW.most), warmUp: FEW.warmUp };
  const board = benchBoard();
  const measured: { -readonly [K in keyof Parts]: Parts[K] } = {};
  try {
    if (wants("computing")) measured.computing = await measureComputing(workloads, board, rounds, say);
    if (wants("calls")) measured.calls = await measureCalls(board, rounds, say);
    if (wants("suspension")) measured.suspension = await measureSuspension(rounds, say);
    if (wants("faults")) measured.faults = await measureFaults(board, rounds, say);
  } finally {
    await board.close();
  }
  if (wants("starts")) measured.starts = await measureStarts(few, say);
  if (wants("rewriting")) measured.rewriting = await measureRewriting(few, say);
  const isWhole = measured.computing?.rows.length === WORKLOADS.length;
  return { host, options, ...measured, goals: goalsOf(measured, isWhole) };
}
