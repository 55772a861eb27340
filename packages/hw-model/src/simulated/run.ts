/**
 * Drives simulated machines: always the one whose local time is earliest.
 *
 * A machine that is idle until a time counts as being at that time, and is asked
 * again every round, for another one may have sent it something meanwhile. So
 * no machine sees an arrival later than one step of another machine is long.
 */
import type { Steppable } from "../machine.ts";
import { NEVER, type Cycles } from "../units.ts";
import type { SimulatedClock } from "./clock.ts";

/** One machine's clock, and what runs on it. */
export interface SimulatedPart {
  readonly clock: SimulatedClock;
  readonly steppable: Steppable;
}

/** When to stop; the first that holds. */
export interface RunLimits {
  /** Steps at most, over all parts; default 10,000,000. */
  readonly steps?: number;
  /** Asked before every step. */
  readonly until?: () => boolean;
  /** Simulated seconds at most, counted from the latest clock at the start; default no limit. */
  readonly seconds?: number;
}

/** Why a run stopped: `idle`, nothing will ever happen; `stuck`, a part was due but did nothing, again and again. */
export type RunEnd = "until" | "steps" | "time" | "idle" | "stuck";

/** What came of a run. */
export interface RunResult {
  readonly why: RunEnd;
  /** Steps made. */
  readonly steps: number;
  /** The latest local time of all parts, in seconds since they were switched on. */
  readonly seconds: number;
}

/** Steps without work or time passing after which a run is stuck. */
const FRUITLESS_STEPS = 1000;

interface Runner {
  readonly parts: readonly SimulatedPart[];
  /** For each part: it did work when last stepped, or was never stepped. */
  readonly running: boolean[];
  /** Steps in a row that neither did work nor let time pass. */
  fruitless: number;
}

const latest = (parts: readonly SimulatedPart[]): number => {
  let seconds = 0;
  for (const { clock } of parts) seconds = Math.max(seconds, clock.now() / clock.hertz);
  return seconds;
};

/** When the part at `index` next does something, in cycles of its own clock. */
const dueCycles = (runner: Runner, index: number, { clock, steppable }: SimulatedPart): Cycles => {
  const now = clock.now();
  if (runner.running[index] === true) return now;
  const due = steppable.wakeAt();
  return due > now ? due : now;
};

/** Lets the part at `index` step at `due`, and notes whether it got anywhere. */
const stepPart = (runner: Runner, index: number, { clock, steppable }: SimulatedPart, due: Cycles): void => {
  const before = clock.now();
  clock.advance(Math.ceil(due) as Cycles);
  const started = clock.now();
  const worked = steppable.step();
  if (worked && clock.now() === started) clock.advance((started + 1) as Cycles);
  runner.running[index] = worked;
  runner.fruitless = worked || clock.now() > before ? 0 : runner.fruitless + 1;
};

/** One round: the earliest part steps. Undefined when the run goes on. */
const round = (runner: Runner, limit: number): RunEnd | undefined => {
  let chosen = -1;
  let earliest = Infinity;
  let due: Cycles = NEVER;
  for (const [index, part] of runner.parts.entries()) {
    const at = dueCycles(runner, index, part);
    if (at / part.clock.hertz >= earliest) continue;
    chosen = index;
    earliest = at / part.clock.hertz;
    due = at;
  }
  const part = runner.parts[chosen];
  if (part === undefined) return "idle";
  if (earliest > limit) return "time";
  stepPart(runner, chosen, part, due);
  return runner.fruitless >= FRUITLESS_STEPS ? "stuck" : undefined;
};

/**
 * Runs `parts` until a limit is reached or nothing will ever happen.
 *
 * Every part is stepped at least once, so that what was put into a device
 * between two runs is noticed. A step that did work takes at least one cycle.
 */
export function runSimulated(parts: readonly SimulatedPart[], limits: RunLimits = {}): RunResult {
  const { steps = 10_000_000, until, seconds = Infinity } = limits;
  const runner: Runner = { parts, running: parts.map(() => true), fruitless: 0 };
  const limit = latest(parts) + seconds;
  for (let made = 0; ; made++) {
    if (until !== undefined && until()) return { why: "until", steps: made, seconds: latest(parts) };
    if (made >= steps) return { why: "steps", steps: made, seconds: latest(parts) };
    const why = round(runner, limit);
    if (why !== undefined) return { why, steps: made, seconds: latest(parts) };
  }
}
