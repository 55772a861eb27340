/** Entering an environment's code: what it throws is its own fault, delivered to it. */
import { KERNEL, type EnvId } from "../abi/ids.ts";
import { FAULT_CAUSES, type FaultCause } from "../abi/upcalls.ts";
import type { Kernel } from "../kernel.ts";
import { disown, isMadeBy, isStackOverflow, passPanic } from "../panic.ts";
import { TRACE_EVENTS } from "../trace.ts";
import { environmentRelease } from "./destroy.ts";
import type { Environment } from "./environment.ts";

/** An entry point with numbers for arguments. */
type Entry = (...registers: number[]) => unknown;

/** What an upcall gave when it faulted. */
export const FAULTED: unique symbol = Symbol("faulted");

/**
 * Calls one entry point with at most five numbers; `FAULTED` when it threw or returned a promise.
 *
 * The environment runs in the meantime, and whoever ran before does so again
 * afterwards. No allocation.
 */
export function upcall(
  kernel: Kernel,
  environment: Environment,
  entry: Entry,
  registers: Float64Array | undefined = undefined,
): unknown {
  kernel.machine.meter.charge("upcall", 1);
  const before = kernel.running;
  kernel.running = environment;
  const self = environment.upcalls?.self;
  try {
    const returned =
      registers === undefined
        ? entry.call(self)
        : entry.call(
            self,
            registers[0] ?? 0,
            registers[1] ?? 0,
            registers[2] ?? 0,
            registers[3] ?? 0,
            registers[4] ?? 0,
          );
    if (typeof returned === "object" && returned !== null) refusePromise(returned);
    return returned;
  } catch (reason) {
    passPanic(reason);
    fault(kernel, environment, causeOf(reason), reason);
    return FAULTED;
  } finally {
    kernel.running = before;
  }
}

/** What an upcall must not do: the fault of it. */
class BadUpcall extends TypeError {}

/**
 * An upcall runs to completion. One that returns a promise goes on outside its
 * slice: that is a fault, and what the promise comes to is nobody's.
 */
function refusePromise(returned: object): void {
  if (!isMadeBy(returned, Promise)) return;
  disown(returned as Promise<unknown>);
  throw new BadUpcall("an upcall returned a promise");
}

const causeOf = (reason: unknown): FaultCause => {
  if (isMadeBy(reason, BadUpcall)) return FAULT_CAUSES.upcall;
  return isMadeBy(reason, RangeError) && !isStackOverflow(reason) ? FAULT_CAUSES.window : FAULT_CAUSES.thrown;
};

/** Delivers a fault; without an entry for it, or when that throws too, the environment is destroyed. */
export function fault(kernel: Kernel, environment: Environment, cause: FaultCause, reason: unknown): void {
  const blame = blameOf(environment, cause);
  environment.brokenBy = undefined;
  environment.faults += 1;
  kernel.trace.record(kernel.machine.clock, TRACE_EVENTS.fault, environment.id, cause);
  kernel.faulted(environment.id, reason);
  if (!environment.alive) return;
  const { upcalls } = environment;
  if (upcalls?.fault === undefined) {
    environmentRelease(kernel, environment);
    return;
  }
  try {
    upcalls.fault.call(upcalls.self, cause, reason, blame);
  } catch (second) {
    passPanic(second);
    environmentRelease(kernel, environment);
  }
}

/** Who caused a fault: whoever last broke one of its windows when it touched one, else the environment itself. */
const blameOf = (environment: Environment, cause: FaultCause): EnvId =>
  cause === FAULT_CAUSES.window ? (environment.brokenBy ?? environment.id) : environment.id;

/** Notes who broke a window of `environment`: the environment that runs, or the kernel. */
export function noteBreaker(kernel: Kernel, environment: Environment | undefined): void {
  if (environment === undefined || environment === kernel.running) return;
  environment.brokenBy = kernel.running?.id ?? KERNEL;
}
