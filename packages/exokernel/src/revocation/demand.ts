/** Demands: what is wanted of an environment, from the request to the answer or the abort. */
import { NEVER, type Cycles } from "../abi/ids.ts";
import { upcall } from "../environment/upcall.ts";
import { notify, type Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";
import { switchTo } from "../processor/address-space.ts";
import { bill, settle, unwatch, watch } from "../processor/excess.ts";
import { TRACE_EVENTS } from "../trace.ts";
import { abort } from "./abort.ts";
import { holdings, stillWanted } from "./holdings.ts";
import { KINDS, type Losses } from "./revocation-state.ts";

/** Wants `count` resources of a kind of `environment`, which holds that many; the next step delivers it. */
export function openDemand(kernel: Kernel, environment: Environment, kind: number, count: number): void {
  const { wanted, target, delivered, deadline } = environment.revocation;
  wanted[kind] = count;
  target[kind] = holdings(kernel, environment, kind) - count;
  delivered[kind] = 0;
  deadline[kind] = NEVER;
  kernel.revocations.open.add(environment);
}

function closeDemand({ revocations }: Kernel, environment: Environment, kind: number): void {
  const { wanted, deadline } = environment.revocation;
  wanted[kind] = 0;
  deadline[kind] = NEVER;
  if (wanted.every((count) => count === 0)) revocations.open.delete(environment);
}

/** Forgets what is wanted of an environment that ends. */
export function dropDemands({ revocations }: Kernel, environment: Environment): void {
  environment.revocation.wanted.fill(0);
  environment.revocation.deadline.fill(NEVER);
  revocations.open.delete(environment);
}

/** Demands that are delivered or aborted in one step. */
const DEMAND_BATCH = 16;

/** Sees to every demand: answered, to be delivered, or overdue; true if there was one. O(demands), O(batch) upcalls. */
export function attendDemands(kernel: Kernel): boolean {
  let done = 0;
  for (const environment of kernel.revocations.open)
    for (let kind = 0; kind < KINDS; kind++) {
      if (done === DEMAND_BATCH) return true;
      if (environment.revocation.wanted[kind] !== 0 && attend(kernel, environment, kind)) done += 1;
    }
  return done > 0;
}

/** True unless the demand only waits. */
function attend(kernel: Kernel, environment: Environment, kind: number): boolean {
  const { delivered, deadline } = environment.revocation;
  const missing = stillWanted(kernel, environment, kind);
  if (missing === 0) answered(kernel, environment, kind);
  else if (delivered[kind] === 0) deliver(kernel, environment, kind, missing);
  else if (kernel.machine.clock.now() >= (deadline[kind] ?? NEVER))
    overdue(kernel, environment, kind, missing);
  else return false;
  return true;
}

/** Met, by whatever calls; what is held again later is no debt. One that was never delivered was no request. */
function answered(kernel: Kernel, environment: Environment, kind: number): void {
  if (environment.revocation.delivered[kind] === 1) kernel.revocations.answered += 1;
  closeDemand(kernel, environment, kind);
}

function deliver(kernel: Kernel, environment: Environment, kind: number, count: number): void {
  const { revocation } = environment;
  const { clock } = kernel.machine;
  const deadline = clock.now() + kernel.revocationCycles;
  revocation.delivered[kind] = 1;
  revocation.deadline[kind] = deadline;
  kernel.revocations.asked += 1;
  kernel.trace.record(clock, TRACE_EVENTS.revoke, environment.id, (kind << 16) | count);
  notify(kernel, environment);
  enter(kernel, environment, environment.upcalls?.revoke, [kind, count, deadline]);
  if (environment.alive && stillWanted(kernel, environment, kind) === 0) answered(kernel, environment, kind);
}

/** The demand ends here: what cannot be taken, because it is guaranteed, stays. */
function overdue(kernel: Kernel, environment: Environment, kind: number, count: number): void {
  closeDemand(kernel, environment, kind);
  kernel.revocations.aborted += 1;
  const losses: Losses = new Map();
  abort(kernel, environment, { kind, count, losses });
  for (const [loser, entries] of losses) {
    if (!loser.alive) continue;
    kernel.trace.record(kernel.machine.clock, TRACE_EVENTS.repossess, loser.id, (kind << 16) | entries);
    notify(kernel, loser);
    enter(kernel, loser, loser.upcalls?.repossessed, [entries]);
  }
}

/**
 * Enters an environment between slices, on its own time.
 *
 * It has a quantum for it, and pays for all that it takes: each whole quantum,
 * added up over its answers, is a tick like one that comes after the end of a
 * slice. So nobody gains time by being asked, least of all by itself.
 */
function enter(
  kernel: Kernel,
  environment: Environment,
  entry: ((...registers: never[]) => void) | undefined,
  registers: readonly number[],
): void {
  if (entry === undefined) return;
  const { clock, timer } = kernel.machine;
  const { revocation } = environment;
  const { quantum } = kernel.slices;
  const begun = clock.now();
  timer.arm((begun + quantum) as Cycles);
  watch(kernel, environment);
  bill(kernel, environment);
  switchTo(kernel.addressSpaces, environment);
  upcall(kernel, environment, entry as () => void, Float64Array.from(registers));
  bill(kernel, undefined);
  kernel.account.overrun += revocation.debt + Math.min(clock.now() - begun, quantum);
  unwatch(kernel, environment);
  revocation.debt = kernel.account.overrun;
  timer.arm(NEVER);
  settle(kernel, environment);
}

/** When the next demand is to be delivered or falls due. O(demands). */
export function demandAt(kernel: Kernel): Cycles {
  let at: number = NEVER;
  for (const { revocation } of kernel.revocations.open)
    for (let kind = 0; kind < KINDS; kind++) {
      if (revocation.wanted[kind] === 0) continue;
      if (revocation.delivered[kind] === 0) return kernel.machine.clock.now();
      at = Math.min(at, revocation.deadline[kind] ?? NEVER);
    }
  return at as Cycles;
}
