/** What the kernel is to reach, judged by the medians of one run. */
import type { Figure } from "../statistics.ts";
import { NODE_ROUTES } from "./peers/calls.ts";
import { NATIVE } from "./peers/native.ts";
import { NODE_PIPE } from "./peers/node-pipe.ts";
import { WORKERS } from "./peers/workers.ts";

/** A goal and what this run has to say of it. */
export interface Goal {
  readonly what: string;
  /** What was measured, for people. */
  readonly measured: string;
  /** `undefined` when what it is held against could not be measured. */
  readonly reached: boolean | undefined;
}

/** Nanoseconds and ratios that are to be kept. */
const NULL_CALL_NS = 15;
const WINDOW_RATIO = 1.3;
const TRANSFER_NS = 100;
const PIPE_RATIO = 20;
const MESSAGE_RATIO = 75;

/** A window access and the same over a `DataView`, by the names of their rows. */
export interface AccessNames {
  readonly what: string;
  readonly window: string;
  readonly view: string;
}

type Medians = (name: string) => number | undefined;

const nanoseconds = (value: number): string => `${value.toFixed(1)} ns`;

const atMost = (what: string, measured: number | undefined, most: number): Goal => ({
  what: `${what} <= ${most} ns`,
  measured: measured === undefined ? "not measured" : nanoseconds(measured),
  reached: measured === undefined ? undefined : measured <= most,
});

/** `ours` is to be `times` cheaper than `theirs`. */
function cheaper(what: string, ours: number | undefined, theirs: number | undefined, times: number): Goal {
  if (ours === undefined || theirs === undefined)
    return { what, measured: "not measured", reached: undefined };
  const ratio = theirs / ours;
  return {
    what,
    measured: `${nanoseconds(ours)} against ${nanoseconds(theirs)}: ${ratio.toFixed(1)}x`,
    reached: ratio >= times,
  };
}

/** The least of those that were measured. */
function cheapest(of: Medians, names: readonly string[]): number | undefined {
  const found = names.map(of).filter((value) => value !== undefined);
  return found.length === 0 ? undefined : Math.min(...found);
}

function windowGoal(of: Medians, { what, window, view }: AccessNames): Goal {
  const [ours, plain] = [of(window), of(view)];
  if (ours === undefined || plain === undefined)
    return { what: `window ${what}`, measured: "not measured", reached: undefined };
  const ratio = ours / plain;
  return {
    what: `window ${what} <= ${WINDOW_RATIO}x DataView`,
    measured: `${ours.toFixed(2)} ns against ${plain.toFixed(2)} ns: ${ratio.toFixed(2)}x`,
    reached: ratio <= WINDOW_RATIO,
  };
}

/** Judges a run by its figures. */
export function judge(
  figures: ReadonlyMap<string, Figure>,
  accesses: readonly AccessNames[],
): readonly Goal[] {
  const of: Medians = (name) => figures.get(name)?.median;
  const call = of("null call");
  const trip = of("transfer round trip");
  const pipe = of(NATIVE.pipe) ?? of(NODE_PIPE);
  return [
    atMost("null call", call, NULL_CALL_NS),
    cheaper("null call below getppid in C", call, of(NATIVE.getppid), 1),
    cheaper("null call below getppid, cheapest route in Node", call, cheapest(of, NODE_ROUTES), 1),
    ...accesses.map((names) => windowGoal(of, names)),
    atMost("transfer round trip", trip, TRANSFER_NS),
    cheaper(`transfer round trip >= ${PIPE_RATIO}x cheaper than the pipe's`, trip, pipe, PIPE_RATIO),
    cheaper(
      `transfer round trip >= ${MESSAGE_RATIO}x cheaper than postMessage's`,
      trip,
      of(WORKERS.messages),
      MESSAGE_RATIO,
    ),
  ];
}
