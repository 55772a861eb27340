/** Entering an environment's code: what it throws is its own fault, delivered to it. */
import { KERNEL, type EnvId } from "../abi/ids.ts";
import { FAULT_CAUSES, type FaultCause } from "../abi/upcalls.ts";
import type { Kernel } from "../kernel.ts";
import { disown, isMadeBy, isStackOverflow, passPanic } from "../panic.ts";
import { TRACE_EVENTS } from "../trace.ts";
import { arrive } from "../transfer/arrival.ts";
import { environmentRelease } from "./destroy.ts";
import type { Environment } from "./environment.ts";

/** An entry point with numbers for arguments. */
type Entry = (...registers: number[]) => unknown;

/** What an upcall gave when it faulted. */
export const FAULTED: unique symbol = Symbol("faulted");

/** Calls one entry point by an upcall, and charges for it; otherwise like `enterBy`. */
export function upcall(
  kernel: Kernel,
  environment: Environment,
  entry: Entry,
  registers: Float64Array | undefined = undefined,
): unknown {
  kernel.machine.meter.charge("upcall", 1);
  return enterBy(kernel, environment, entry, registers);
}

/**
 * Calls one entry point with at most five numbers; `FAULTED` when it threw or returned a promise.
 *
 * The environment runs in the meantime, and whoever ran before does so again
 * afterwards. A transfer that it initiated arrives before this returns. No allocation.
 */
export function enterBy(
  kernel: Kernel,
  environment: Environment,
  entry: Entry,
  registers: Float64Array | undefined,
): unknown {
  const { transfers } = environment;
  const before = kernel.running;
  const wasActive = transfers.active;
  kernel.running = environment;
  transfers.active = true;
  let returned: unknown;
  try {
    returned = call(environment, entry, registers);
    if (typeof returned === "object" && returned !== null) refusePromise(returned);
  } catch (reason) {
    returned = faultOf(kernel, environment, reason);
  }
  transfers.active = wasActive;
  kernel.running = before;
  if (transfers.target !== undefined) arrive(kernel, environment);
  return returned;
}

function call(environment: Environment, entry: Entry, registers: Float64Array | undefined): unknown {
  const self = environment.upcalls?.self;
  if (registers === undefined) return entry.call(self);
  return entry.call(
    self,
    registers[0] ?? 0,
    registers[1] ?? 0,
    registers[2] ?? 0,
    registers[3] ?? 0,
    registers[4] ?? 0,
  );
}

/** What an upcall must not do: the fault of it. */
export class BadUpcall extends TypeError {}

/**
 * An upcall runs to completion. One that returns a promise goes on outside its
 * slice: that is a fault, and what the promise comes to is nobody's.
 */
export function refusePromise(returned: object): void {
  if (!isMadeBy(returned, Promise)) return;
  disown(returned as Promise<unknown>);
  throw new BadUpcall("an upcall returned a promise");
}

const causeOf = (reason: unknown): FaultCause => {
  if (isMadeBy(reason, BadUpcall)) return FAULT_CAUSES.upcall;
  return isMadeBy(reason, RangeError) && !isStackOverflow(reason) ? FAULT_CAUSES.window : FAULT_CAUSES.thrown;
};

/** Delivers the fault of an upcall that threw `reason`; a panic of the kernel's own goes on up. */
export function faultOf(kernel: Kernel, environment: Environment, reason: unknown): typeof FAULTED {
  passPanic(reason);
  fault(kernel, environment, causeOf(reason), reason);
  return FAULTED;
}

/** Delivers a fault; without an entry for it, or when that fails too, the environment is destroyed. */
function fault(kernel: Kernel, environment: Environment, cause: FaultCause, reason: unknown): void {
  const blame = blameFor(environment, cause);
  environment.faults += 1;
  kernel.trace.record(kernel.machine.clock, TRACE_EVENTS.fault, environment.id, cause);
  kernel.faulted(environment.id, reason);
  if (!environment.alive) return;
  const { upcalls } = environment;
  if (upcalls?.fault === undefined) {
    environmentRelease(kernel, environment);
    return;
  }
  kernel.machine.meter.charge("upcall", 1);
  try {
    const returned: unknown = upcalls.fault.call(upcalls.self, cause, reason, blame);
    if (typeof returned === "object" && returned !== null) refusePromise(returned);
  } catch (second) {
    passPanic(second);
    environmentRelease(kernel, environment);
  }
}

/** Who caused a fault: whoever last broke one of its windows when it touched one, else the environment itself. */
function blameFor(environment: Environment, cause: FaultCause): EnvId {
  if (cause !== FAULT_CAUSES.window) return environment.id;
  const { brokenBy } = environment;
  environment.brokenBy = undefined;
  return brokenBy ?? environment.id;
}

/** Notes who broke a window of `environment`: the environment that runs, or the kernel. */
export function noteBreaker(kernel: Kernel, environment: Environment | undefined): void {
  if (environment === undefined || environment === kernel.running) return;
  environment.brokenBy = kernel.running?.id ?? KERNEL;
}
