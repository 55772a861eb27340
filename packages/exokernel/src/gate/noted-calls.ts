/** Calls that a trace of every kernel call sees from inside: refusals, and the calls of batches. */
import { CALLS } from "../abi/calls.ts";
import { failed, type KernelError } from "../abi/errors.ts";
import type { GateCalls } from "../abi/gate.ts";
import type { Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";
import { TRACE_EVENTS } from "../trace.ts";

type AnyCall = (...args: readonly unknown[]) => unknown;

/** The way in of a call that a batch makes: it enters with the batch. */
export const BATCH_WAY = 3;

const CALL_NAMES = Object.keys(CALLS) as (keyof GateCalls)[];

/** `calls` with something around each. */
function around(calls: GateCalls, wrap: (call: AnyCall, number: number) => AnyCall): GateCalls {
  const wrapped: Partial<Record<keyof GateCalls, AnyCall>> = {};
  for (const name of CALL_NAMES) wrapped[name] = wrap(calls[name] as AnyCall, CALLS[name].number);
  return wrapped as GateCalls;
}

/** `calls` with every refusal noted; they themselves when calls are not traced. */
export function withRefusalsNoted(kernel: Kernel, environment: Environment, calls: GateCalls): GateCalls {
  const { trace, machine } = kernel;
  if (!kernel.isTraced) return calls;
  return around(calls, (call, number) => (...args) => {
    const result = call(...args);
    if (failed(result)) {
      const { code } = result as KernelError;
      trace.record(machine.clock, TRACE_EVENTS.refused, environment.id, (code << 8) | number);
    }
    return result;
  });
}

/** `calls` as a batch makes them: each noted as a call; they themselves when calls are not traced. */
export function asBatched(kernel: Kernel, environment: Environment, calls: GateCalls): GateCalls {
  const { trace, machine } = kernel;
  if (!kernel.isTraced) return calls;
  return around(calls, (call, number) => (...args) => {
    trace.record(machine.clock, TRACE_EVENTS.call, environment.id, (BATCH_WAY << 8) | number);
    return call(...args);
  });
}
