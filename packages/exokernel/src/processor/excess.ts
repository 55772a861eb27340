/**
 * Excess time: who is billed for the time that passes, and what an overrun costs.
 *
 * A slice may be overrun, because code is not interrupted. Every tick of the
 * interval timer that comes after the end of a slice is counted against whoever
 * is billed at that moment, and costs it one of its later slices (SOSP'95
 * section 5.1.1). The end itself and the quantum after it cost nothing.
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
  /** True while every synchronous transfer is billed to its callee. */
  isWatched: boolean;
  /** Slices forfeited by anybody since boot. */
  forfeits: number;
}

/** Nobody is billed. */
export const makeTimeAccount = (): TimeAccount => ({
  payer: undefined,
  since: 0,
  isWatched: false,
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
  if (now > end) noteTicks(kernel, payer, ticksAt(kernel, now, end) - ticksAt(kernel, since, end));
  return payer;
}

/** Ticks over `end` that have come by `time`. */
const ticksAt = (kernel: Kernel, time: number, end: number): number =>
  Math.max(0, Math.floor((time - end) / kernel.slices.quantum));

function noteTicks(kernel: Kernel, environment: Environment, ticks: number): void {
  if (ticks <= 0 || !environment.alive) return;
  environment.excess += ticks;
  kernel.trace.record(kernel.machine.clock, TRACE_EVENTS.excess, environment.id, ticks);
}

/** Ends an environment that owes as many slices as the kernel puts up with. Not while its code runs. */
export function settle(kernel: Kernel, environment: Environment): void {
  const { excess } = environment;
  if (excess > 0 && excess >= kernel.excessTicksMax) environmentRelease(kernel, environment);
}

/** True when `environment` owes a slice, which it pays with this one. */
export function forfeits(kernel: Kernel, environment: Environment): boolean {
  if (environment.excess === 0) return false;
  environment.excess -= 1;
  environment.forfeited += 1;
  kernel.account.forfeits += 1;
  kernel.trace.record(kernel.machine.clock, TRACE_EVENTS.forfeit, environment.id, environment.excess);
  return true;
}

/** Slices in which the transfers of an environment that overran are timed. */
const WATCHED_SLICES = 64;

/**
 * Begins to time the transfers of `environment`'s slice, if it overran lately.
 *
 * A clock costs more to read than a transfer to make. So the time of a transfer
 * is the caller's until a slice of the caller was overrun; from then on each
 * callee pays for its own.
 */
export function watch(kernel: Kernel, environment: Environment): void {
  kernel.account.isWatched = environment.watched > 0;
}

/** Ends that; `owed` is what the environment owed when the slice began. */
export function unwatch(kernel: Kernel, environment: Environment, owed: number): void {
  kernel.account.isWatched = false;
  if (environment.excess > owed) environment.watched = WATCHED_SLICES;
  else if (environment.watched > 0) environment.watched -= 1;
}
