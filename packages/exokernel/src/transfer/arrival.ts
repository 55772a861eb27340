/** Where transfers arrive that are not made at once: asynchronous ones, and replies to callers that were kept. */
import type { Environment } from "../environment/environment.ts";
import { enterBy } from "../environment/upcall.ts";
import { rowFor, type Kernel } from "../kernel.ts";
import { switchTo } from "../processor/address-space.ts";
import { bill, settle, unwatch, watch } from "../processor/excess.ts";
import { TRACE_EVENTS } from "../trace.ts";

/**
 * Carries out the asynchronous transfer that an upcall of `from` initiated.
 *
 * It arrives although the slice may be over, or `from` dead; not when the callee
 * is. Whom the callee yields to gets what it leaves of the slice. Nests no deeper
 * than `TRANSFER_DEPTH`, because at that depth none is initiated.
 */
export function arrive(kernel: Kernel, from: Environment): void {
  const { target, registers } = from.transfers;
  from.transfers.target = undefined;
  const callee = rowFor(kernel.environments, target);
  const entry = callee?.upcalls?.transferAsync;
  if (callee === undefined || entry === undefined) return;
  kernel.trace.record(kernel.machine.clock, TRACE_EVENTS.control, from.id, callee.id);
  callee.yieldTarget = undefined;
  deliver(kernel, callee, entry as () => void, registers);
  from.yieldTarget = callee.yieldTarget;
  callee.yieldTarget = undefined;
}

/**
 * Enters `target` by a transfer, as a turn of its own; afterwards whoever ran before goes on.
 *
 * A transfer is charged as what it is, one way, and not as an upcall besides.
 */
export function deliver(
  kernel: Kernel,
  target: Environment,
  entry: (...registers: number[]) => unknown,
  registers: Float64Array,
): void {
  kernel.machine.meter.charge("transfer", 1);
  const payer = bill(kernel, target);
  const { account } = kernel;
  const { overrun, isShared, isWatched } = account;
  watch(kernel, target);
  kernel.transferDepth += 1;
  switchTo(kernel.addressSpaces, target);
  enterBy(kernel, target, entry, registers);
  kernel.transferDepth -= 1;
  if (kernel.running !== undefined) switchTo(kernel.addressSpaces, kernel.running);
  bill(kernel, payer);
  unwatch(kernel, target, overrun);
  account.isShared = isShared;
  account.isWatched = isWatched;
  settle(kernel, target);
}
