/** What programs are to cost, judged by the medians of one run. */
import type { Goal } from "../kernel/goals.ts";
import { CALL_NAMES, type CallName } from "./calls-module.ts";

/** A goal, or one beyond it: a stretch goal that is missed says so, and no more. */
export interface UnixGoal extends Goal {
  readonly isStretch: boolean;
}

/** What is judged; what was not measured is `undefined`. */
export interface Judged {
  /** The geometric mean of the ratios to raw, of a way to run programs. */
  mean(way: string): number | undefined;
  /** How often faster than `node:wasi` a call is, in a mode. */
  faster(call: CallName, mode: string): number | undefined;
  /** Megabytes that are rewritten in a second, in a mode. */
  speed(mode: string): number | undefined;
}

/** Multiples of raw, in a mode. */
const MEANS: readonly { readonly mode: string; readonly most: number; readonly isStretch: boolean }[] = [
  { mode: "segment", most: 1.4, isStretch: false },
  { mode: "paged", most: 1.9, isStretch: false },
  { mode: "segment", most: 1.25, isStretch: true },
  { mode: "paged", most: 1.6, isStretch: true },
];
const CALL_RATIO = 3;
const SPEEDS = { segment: 100, paged: 30 } as const;
const GOAL_MODES = ["segment", "paged"] as const;

function goal(
  what: string,
  value: number | undefined,
  unit: string,
  isReached: (value: number) => boolean,
): Goal {
  if (value === undefined) return { what, measured: "not measured", reached: undefined };
  return { what, measured: `${value.toFixed(2)}${unit}`, reached: isReached(value) };
}

const meanGoals = ({ mean }: Judged): readonly UnixGoal[] =>
  MEANS.map(({ mode, most, isStretch }) => ({
    ...goal(`computing in ${mode} <= ${most}x raw`, mean(mode), "x", (value) => value <= most),
    isStretch,
  }));

const callGoals = ({ faster }: Judged): readonly UnixGoal[] =>
  CALL_NAMES.flatMap((call) =>
    GOAL_MODES.map((mode) => {
      const what = `${call} in ${mode} >= ${CALL_RATIO}x faster than node:wasi`;
      return { ...goal(what, faster(call, mode), "x", (value) => value >= CALL_RATIO), isStretch: false };
    }),
  );

const speedGoals = ({ speed }: Judged): readonly UnixGoal[] =>
  GOAL_MODES.map((mode) => {
    const least = SPEEDS[mode];
    const what = `rewriting for ${mode} >= ${least} MB/s`;
    return { ...goal(what, speed(mode), " MB/s", (value) => value >= least), isStretch: false };
  });

/** Judges a run. */
export const judge = (judged: Judged): readonly UnixGoal[] => [
  ...meanGoals(judged),
  ...callGoals(judged),
  ...speedGoals(judged),
];

/** True when a goal is missed; stretch goals may be. */
export const isMissed = (goals: readonly UnixGoal[]): boolean =>
  goals.some(({ reached, isStretch }) => reached === false && !isStretch);
