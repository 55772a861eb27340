/** The dispatcher: round the slice vector, into whoever is runnable, and account for it. */
import { NEVER, type Cycles } from "../abi/ids.ts";
import { environmentRelease } from "../environment/destroy.ts";
import { isRunnable, type Environment } from "../environment/environment.ts";
import { rowFor, type Kernel } from "../kernel.ts";
import { upcall } from "../environment/upcall.ts";
import { TRACE_EVENTS } from "../trace.ts";
import { arrive } from "../transfer/transfer.ts";
import { switchTo } from "./address-space.ts";

/** Runs the next runnable environment for at most one slice; false when none is runnable. O(slices). */
export function dispatch(kernel: Kernel): boolean {
  const { clock, timer } = kernel.machine;
  const start = clock.now();
  const chosen = nextRunnable(kernel, start);
  if (chosen === undefined) return false;
  timer.arm((start + kernel.slices.quantum) as Cycles);
  run(kernel, chosen);
  donate(kernel, chosen);
  timer.arm(NEVER);
  return true;
}

/** The environment at the first position after the current one whose holder can run. */
function nextRunnable(kernel: Kernel, now: Cycles): Environment | undefined {
  const { slices } = kernel;
  let position = slices.current;
  for (let i = 0; i < slices.count; i++) {
    position = position + 1 === slices.count ? 0 : position + 1;
    const id = slices.owner[position];
    if (id === undefined || id === 0) continue;
    const environment = rowFor(kernel.environments, id);
    if (environment === undefined || !isRunnable(environment, now)) continue;
    if (!environment.alive) {
      environmentRelease(kernel, environment);
      continue;
    }
    slices.current = position;
    return environment;
  }
  return undefined;
}

/** Directed yields in one slice before the scheduler takes over. */
const DONATIONS = 64;

/** Follows directed yields while the slice lasts. */
function donate(kernel: Kernel, first: Environment): void {
  const { clock, timer } = kernel.machine;
  let from = first;
  for (let i = 0; i < DONATIONS; i++) {
    const target = from.yieldTarget === undefined ? undefined : rowFor(kernel.environments, from.yieldTarget);
    from.yieldTarget = undefined;
    const now = clock.now();
    if (target === undefined || timer.expired(now) || !isRunnable(target, now)) return;
    run(kernel, target);
    from = target;
  }
  from.yieldTarget = undefined;
}

/** One slice of one environment: begin upcall, end upcall, what it initiated, time charged to it. */
function run(kernel: Kernel, environment: Environment): void {
  const { clock, meter } = kernel.machine;
  const { upcalls } = environment;
  if (upcalls === undefined) return;
  const position = kernel.slices.current;
  const begun = clock.now();
  kernel.trace.record(clock, TRACE_EVENTS.sliceBegin, environment.id, position);
  meter.charge("environmentSwitch", 1);
  switchTo(kernel.addressSpaces, environment);
  environment.sleeping = false;
  environment.slicesBegun += 1;
  upcall(kernel, environment, upcalls.sliceBegin);
  if (environment.alive && upcalls.sliceEnd !== undefined) upcall(kernel, environment, upcalls.sliceEnd);
  environment.slicesEnded += 1;
  const ended = clock.now();
  environment.cyclesUsed += ended - begun;
  kernel.trace.record(clock, TRACE_EVENTS.sliceEnd, environment.id, position);
  arrive(kernel, environment);
}

/** When the first environment will be runnable: now, a time, or `NEVER`. O(slices). */
export function runnableAt(kernel: Kernel, now: Cycles): Cycles {
  let at: number = NEVER;
  const { owner, count } = kernel.slices;
  for (let i = 0; i < count; i++) {
    const id = owner[i];
    if (id === undefined || id === 0) continue;
    const environment = rowFor(kernel.environments, id);
    if (environment?.upcalls === undefined) continue;
    if (isRunnable(environment, now)) return now;
    at = Math.min(at, environment.until);
  }
  return at as Cycles;
}
