/** Runs kernels on the host: steps them while they work, and sleeps while they do not. */
import type { Clock } from "../clock.ts";
import type { Steppable } from "../machine.ts";
import { NEVER } from "../units.ts";
import { makeHostClock } from "./clock.ts";
import type { HostWaker } from "./waker.ts";

/** Milliseconds of stepping after which the host's own events have a turn. */
const BURST_MILLISECONDS = 1;

/** Times that work gathers in vain before the run sleeps. */
const PATIENCE = 10;

/** The longest wait of a host timer, milliseconds (2^31 - 1). */
const LONGEST_MILLISECONDS = 2_147_483_647;

/** How kernels are run. */
export interface RunOptions {
  /** Stops the run when it is aborted. */
  readonly signal?: AbortSignal;
  /**
   * Has the thread stand still for a moment, some tens of microseconds, so that work gathers; nothing unless given.
   *
   * Called while there was work just now and is none, before the run sleeps.
   */
  readonly coalesce?: () => void;
  /** The clock that the kernels' `wakeAt` refers to; `makeHostClock()` unless given. */
  readonly clock?: Clock;
}

/** A run that goes on in the background. */
export interface HostRun {
  /** Ends the run after the step in progress; resolves when no other will follow. */
  stop(): Promise<void>;
  /** Resolves when the run was stopped; rejects with what a step threw, a panic. */
  readonly done: Promise<void>;
}

interface Run {
  readonly parts: readonly Steppable[];
  readonly waker: HostWaker;
  readonly clock: Clock;
  readonly coalesce: (() => void) | undefined;
  /** Times that work may still gather before the run sleeps. */
  patience: number;
  readonly burstCycles: number;
  readonly cyclesPerMillisecond: number;
  /** A turn is on its way or in progress. */
  turning: boolean;
  stopping: boolean;
  ended: boolean;
  /** The time for which the host's timer is set, `NEVER` when it is not. */
  timerAt: number;
  timer: NodeJS.Timeout | undefined;
  /** Keeps the host process alive while every kernel sleeps. */
  keeper: NodeJS.Timeout | undefined;
  readonly turn: () => void;
  readonly rang: () => void;
  readonly finish: (error?: unknown) => void;
}

/** After the engine's own events, as soon as can be: timers of browsers wait some milliseconds. */
const soon: (turn: () => void) => void =
  typeof globalThis.setImmediate === "function"
    ? (turn) => void setImmediate(turn)
    : (turn) => {
        const { port1, port2 } = new MessageChannel();
        const turned = () => {
          port1.close();
          turn();
        };
        port1.addEventListener("message", turned, { once: true });
        port1.start();
        port2.postMessage(undefined);
      };

const schedule = (run: Run): void => {
  if (run.turning || run.ended) return;
  run.turning = true;
  soon(run.turn);
};

const stepAll = (run: Run): boolean => {
  let ran = false;
  for (const part of run.parts) if (part.step()) ran = true;
  return ran;
};

/** True if work may gather some more: that costs patience, and work gives it back. */
const coalesces = (run: Run): boolean => {
  if (run.coalesce === undefined || run.patience === 0) return false;
  run.patience -= 1;
  run.coalesce();
  return true;
};

/** Steps until all are idle or the burst is over; true if there may be more to do. */
const burst = (run: Run): boolean => {
  const end = run.clock.now() + run.burstCycles;
  do {
    run.waker.take();
    if (stepAll(run)) run.patience = Math.min(run.patience + 2, PATIENCE);
    else if (!run.waker.pending() && !coalesces(run)) return false;
  } while (!run.stopping && run.clock.now() < end);
  return true;
};

const earliest = (run: Run): number => {
  let at: number = NEVER;
  for (const part of run.parts) at = Math.min(at, part.wakeAt());
  return at;
};

const clearTimer = (run: Run): void => {
  clearTimeout(run.timer);
  run.timer = undefined;
  run.timerAt = NEVER;
};

/** Sets the host's timer, never early. One that is set for sooner is left: it costs one needless turn. */
const setTimer = (run: Run, at: number, now: number): void => {
  if (at >= run.timerAt) return;
  clearTimer(run);
  const milliseconds = Math.ceil((at - now) / run.cyclesPerMillisecond);
  run.timerAt = at;
  run.timer = setTimeout(run.rang, Math.min(Math.max(milliseconds, 1), LONGEST_MILLISECONDS));
};

/** Everyone is idle: wait for the earliest of them, or for a device. */
const sleep = (run: Run): void => {
  const at = earliest(run);
  const now = run.clock.now();
  if (at <= now) schedule(run);
  else setTimer(run, at, now);
};

const turn = (run: Run): void => {
  if (run.stopping) return run.finish();
  try {
    const more = burst(run);
    run.turning = false;
    if (more || run.stopping) schedule(run);
    else sleep(run);
  } catch (error) {
    run.finish(error ?? new Error("a step threw nothing"));
  }
};

const finish = (run: Run, settle: () => void): void => {
  if (run.ended) return;
  run.ended = true;
  run.waker.listen(() => {});
  clearTimer(run);
  clearInterval(run.keeper);
  settle();
};

const rang = (run: Run): void => {
  run.timer = undefined;
  run.timerAt = NEVER;
  schedule(run);
};

interface Outcome {
  readonly done: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const makeOutcome = (): Outcome => {
  let resolve: Outcome["resolve"] = () => {};
  let reject: Outcome["reject"] = () => {};
  const done = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { done, resolve, reject };
};

const makeRun = (
  parts: readonly Steppable[],
  waker: HostWaker,
  clock: Clock,
  coalesce: (() => void) | undefined,
  outcome: Outcome,
): Run => {
  const run: Run = {
    parts: [...parts],
    waker,
    clock,
    coalesce,
    patience: 0,
    burstCycles: (clock.hertz / 1000) * BURST_MILLISECONDS,
    cyclesPerMillisecond: clock.hertz / 1000,
    turning: false,
    stopping: false,
    ended: false,
    timerAt: NEVER,
    timer: undefined,
    keeper: setInterval(() => {}, LONGEST_MILLISECONDS),
    turn: () => turn(run),
    rang: () => rang(run),
    finish: (error) => finish(run, error === undefined ? outcome.resolve : () => outcome.reject(error)),
  };
  return run;
};

/** Resolves when the run has ended, however it did. */
const stop = async (run: Run, done: Promise<void>): Promise<void> => {
  run.stopping = true;
  schedule(run);
  await done.then(
    () => {},
    () => {},
  );
};

/** Calls `abort` when `signal` is aborted, unless the run is over by then. */
const follow = (signal: AbortSignal | undefined, abort: () => void, done: Promise<void>): void => {
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort);
  const forget = (): void => signal?.removeEventListener("abort", abort);
  done.then(forget, forget);
};

/**
 * Runs `parts` until stopped.
 *
 * All are stepped in turn while any works, with a turn for the host's own
 * events at least every millisecond or so. When all are idle nothing runs until
 * the earliest `wakeAt` (rounded up to a millisecond) or `waker.wake`, which
 * brings the next step within the same turn of the host's event loop. The run
 * keeps the host process alive. A step that throws ends it.
 */
export const runOnHost = (
  parts: readonly Steppable[],
  waker: HostWaker,
  options: RunOptions = {},
): HostRun => {
  const outcome = makeOutcome();
  const run = makeRun(parts, waker, options.clock ?? makeHostClock(), options.coalesce, outcome);
  const stopped = (): Promise<void> => stop(run, outcome.done);
  waker.listen(() => schedule(run));
  const abort = (): void => void stopped();
  schedule(run);
  follow(options.signal, abort, outcome.done);
  return Object.freeze({ stop: stopped, done: outcome.done });
};
