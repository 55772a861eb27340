/** The dispatcher: round the slice vector, into whoever is runnable, and account for it. */
import { NEVER, type Cycles } from "../abi/ids.ts";
import { environmentRelease } from "../environment/destroy.ts";
import { isRunnable, userOf, type Environment } from "../environment/environment.ts";
import { upcall } from "../environment/upcall.ts";
import { rowFor, type Kernel } from "../kernel.ts";
import { TRACE_EVENTS } from "../trace.ts";
import { switchTo } from "./address-space.ts";
import { bill, forfeits, settle, unwatch, watch } from "./excess.ts";
import { chargeLook, dropPredicate } from "./predicate.ts";

/** Runs the next runnable environment for at most one slice; false when there is nothing to do. O(slices). */
export function dispatch(kernel: Kernel): boolean {
  const { clock, timer } = kernel.machine;
  const forfeited = kernel.account.forfeits;
  const chosen = nextRunnable(kernel, clock.now());
  if (chosen === undefined) return kernel.account.forfeits !== forfeited;
  timer.arm((clock.now() + kernel.slices.quantum) as Cycles);
  run(kernel, chosen);
  donate(kernel, chosen);
  timer.arm(NEVER);
  return true;
}

/**
 * Whoever uses the first position after the current one and can run.
 *
 * One that could, but owes a slice for excess time, pays with this position.
 */
function nextRunnable(kernel: Kernel, now: Cycles): Environment | undefined {
  const { slices } = kernel;
  const { held } = slices;
  let position = slices.current;
  let idle = 0;
  slices.scans += 1;
  for (let i = 0; i < held; i++) {
    position = slices.next[position] ?? 0;
    const holder = slices.owner[position] ?? 0;
    if (holder === idle) continue;
    const user = userAt(kernel, position);
    if (user === undefined || !mayRunNow(kernel, user, now)) {
      idle = holder;
      continue;
    }
    if (!user.alive) environmentRelease(kernel, user);
    else if (!forfeits(kernel, user)) {
      slices.current = position;
      return user;
    }
  }
  return undefined;
}

/** The same as `mayRun`, with one look at what it waits for in a scan: no word changes between its positions. */
function mayRunNow(kernel: Kernel, user: Environment, now: Cycles): boolean {
  const { scans } = kernel.slices;
  if (user.scanned !== scans) {
    user.scanned = scans;
    user.isReady = mayRun(kernel, user, now);
  }
  return user.isReady;
}

/** True when `user` is runnable; a look at what it waits for takes time. */
function mayRun(kernel: Kernel, user: Environment, now: Cycles): boolean {
  chargeLook(kernel, user);
  return isRunnable(user, now);
}

/** Who runs at a position: its holder, or whoever keeps the holder. */
function userAt({ slices, environments }: Kernel, position: number): Environment | undefined {
  const id = slices.owner[position];
  if (id === undefined || id === 0) return undefined;
  const holder = rowFor(environments, id);
  return holder === undefined ? undefined : userOf(holder);
}

/** Directed yields in one slice before the scheduler takes over. */
const DONATIONS = 64;

/** Follows directed yields, and transfers that were kept, while the slice lasts. */
function donate(kernel: Kernel, first: Environment): void {
  const { clock, timer } = kernel.machine;
  let from = first;
  for (let i = 0; i < DONATIONS; i++) {
    const target = heirOf(kernel, from);
    from.yieldTarget = undefined;
    if (target === undefined) return;
    const now = clock.now();
    if (timer.expired(now) || !mayRun(kernel, target, now)) return;
    run(kernel, target);
    from = target;
  }
  from.yieldTarget = undefined;
}

/** Who gets the rest of a slice: whoever keeps the environment that ran, else whom it named. */
function heirOf(kernel: Kernel, from: Environment): Environment | undefined {
  if (from.transfers.keptBy !== undefined) return userOf(from);
  return from.yieldTarget === undefined ? undefined : rowFor(kernel.environments, from.yieldTarget);
}

/** One slice of one environment: begin upcall, end upcall, time charged to it. */
function run(kernel: Kernel, environment: Environment): void {
  const { clock, meter } = kernel.machine;
  const position = kernel.slices.current;
  const { upcalls } = environment;
  if (upcalls === undefined) return;
  watch(kernel, environment);
  bill(kernel, environment);
  kernel.trace.record(clock, TRACE_EVENTS.sliceBegin, environment.id, position);
  meter.charge("environmentSwitch", 1);
  switchTo(kernel.addressSpaces, environment);
  wakeUp(kernel, environment);
  environment.yieldTarget = undefined;
  environment.slicesBegun += 1;
  upcall(kernel, environment, upcalls.sliceBegin);
  const { alive, transfers } = environment;
  if (alive && transfers.keptBy === undefined && upcalls.sliceEnd !== undefined)
    upcall(kernel, environment, upcalls.sliceEnd);
  environment.slicesEnded += 1;
  kernel.trace.record(clock, TRACE_EVENTS.sliceEnd, environment.id, position);
  bill(kernel, undefined);
  unwatch(kernel, environment);
  settle(kernel, environment);
}

/** What it waited for has come. */
function wakeUp(kernel: Kernel, environment: Environment): void {
  environment.sleeping = false;
  const { predicate } = environment;
  if (predicate === undefined) return;
  environment.tag = predicate.tag;
  kernel.trace.record(kernel.machine.clock, TRACE_EVENTS.predicate, environment.id, predicate.tag);
  dropPredicate(kernel, environment);
}

/** When the first environment will be runnable: now, a time, or `NEVER`. O(slices). */
export function runnableAt(kernel: Kernel, now: Cycles): Cycles {
  let at: number = NEVER;
  const scan = (kernel.slices.scans += 1);
  let before = 0;
  let position = kernel.slices.current;
  for (let i = 0; i < kernel.slices.held; i++) {
    position = kernel.slices.next[position] ?? 0;
    const holder = kernel.slices.owner[position] ?? 0;
    if (holder === before) continue;
    before = holder;
    const user = userAt(kernel, position);
    if (user?.upcalls === undefined || user.scanned === scan) continue;
    user.scanned = scan;
    if (isRunnable(user, now)) return now;
    at = Math.min(at, user.predicate === undefined ? user.until : user.predicate.holdsAt(now));
  }
  return at as Cycles;
}
