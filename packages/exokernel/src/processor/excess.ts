/**
 * Excess time: who is billed for the time that passes, and what an overrun costs.
 *
 * A slice may be overrun, because code is not interrupted. Every whole quantum
 * after the end of a slice is a tick, and costs whoever used it one of its later
 * slices (SOSP'95 section 5.1.1). The end itself and the quantum after it cost
 * nothing.
 *
 * Time is counted by turns: a slice, or one entry by a transfer that is timed.
 * Whoever has the turn owes its whole quanta; what is left of one is of the turn
 * in which it was let in, and so on out. So nobody owes a tick for an answer
 * that takes less than a quantum, however late it is asked for; and none is lost
 * between many who take a little less each.
 */
import { environmentRelease } from "../environment/destroy.ts";
import type { Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";
import { TRACE_EVENTS } from "../trace.ts";

/** Where the time goes. */
export interface TimeAccount {
  /** Who is billed, and since when; nobody between slices. */
  payer: Environment | undefined;
  since: number;
  /** Cycles of this turn after the end of the slice. */
  overrun: number;
  /** True while every synchronous transfer is billed to its callee, as a turn of its own. */
  isWatched: boolean;
  /** True when this turn holds the time of callees that is not told from its own. */
  isShared: boolean;
  /** Slices forfeited by anybody since boot. */
  forfeits: number;
}

/** Nobody is billed. */
export const makeTimeAccount = (): TimeAccount => ({
  payer: undefined,
  since: 0,
  overrun: 0,
  isWatched: false,
  isShared: false,
  forfeits: 0,
});

/** Bills the time since the last call to whoever had it, and from now on `next`; returns the former. O(1). */
export function bill(kernel: Kernel, next: Environment | undefined): Environment | undefined {
  const { account, machine } = kernel;
  const { payer, since } = account;
  const now = machine.clock.now();
  account.payer = next;
  account.since = now;
  if (payer === undefined) return undefined;
  payer.cyclesUsed += now - since;
  const end = machine.timer.deadline();
  if (now > end) account.overrun += now - Math.max(since, end);
  return payer;
}

/**
 * Ends a turn of `environment`: its whole quanta are its ticks, the rest is of the turn around it.
 *
 * @param outer overrun of that turn so far, 0 without one
 */
export function conclude(kernel: Kernel, environment: Environment, outer: number): void {
  const { account, slices } = kernel;
  const { overrun } = account;
  const ticks = Math.floor(overrun / slices.quantum);
  account.overrun = outer + overrun - ticks * slices.quantum;
  if (ticks > 0 && environment.alive) noteTicks(kernel, environment, ticks);
}

/** Slices in which the transfers of an environment that overran are timed. */
const WATCHED_SLICES = 64;

/** Ticks that callees may have used do not end anybody: from now on it can be told. */
function noteTicks(kernel: Kernel, environment: Environment, ticks: number): void {
  const { excess } = environment;
  const limit = kernel.account.isShared ? Math.max(excess, kernel.excessTicksMax - 1) : Infinity;
  const noted = Math.min(excess + ticks, limit) - excess;
  environment.watched = WATCHED_SLICES;
  environment.excess += noted;
  kernel.trace.record(kernel.machine.clock, TRACE_EVENTS.excess, environment.id, noted);
}

/** Ends an environment that owes as many slices as the kernel puts up with. Not while its code runs. */
export function settle(kernel: Kernel, environment: Environment): void {
  const { excess } = environment;
  if (excess > 0 && excess >= kernel.excessTicksMax) environmentRelease(kernel, environment);
}

/** True when `environment` owes a slice, which it pays with this one. */
export function forfeits(kernel: Kernel, environment: Environment): boolean {
  if (environment.excess > 0) environment.excess -= 1;
  else if (owesForHandlers(kernel, environment)) environment.handlerCycles -= kernel.slices.quantum;
  else return false;
  environment.forfeited += 1;
  kernel.account.forfeits += 1;
  kernel.trace.record(kernel.machine.clock, TRACE_EVENTS.forfeit, environment.id, environment.excess);
  return true;
}

/**
 * Begins a turn of `environment`, and to time its transfers if it overran lately.
 *
 * A clock costs more to read than a transfer to make. So the time of a transfer
 * is the caller's until a turn of the caller was overrun; from then on each
 * callee pays for its own.
 */
export function watch({ account }: Kernel, environment: Environment): void {
  account.overrun = 0;
  account.isShared = false;
  account.isWatched = environment.watched > 0;
}

/** Ends that, with the overrun of the turn around it. */
export function unwatch(kernel: Kernel, environment: Environment, outer = 0): void {
  if (environment.watched > 0) environment.watched -= 1;
  conclude(kernel, environment, outer);
  kernel.account.isShared = false;
  kernel.account.isWatched = false;
}

/**
 * Bills work that a handler gave the processor to its environment. O(1).
 *
 * It is counted, not timed: two clock readings would cost as much as a short run.
 */
export function billHandler(environment: Environment, work: number): void {
  environment.cyclesUsed += work;
  environment.handlerCycles += work;
}

/** True when the handlers of `environment` have used a slice that it has not paid for. */
export const owesForHandlers = ({ slices }: Kernel, { handlerCycles }: Environment): boolean =>
  handlerCycles >= slices.quantum;
