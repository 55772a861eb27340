/** Transmit bindings: who may send frames that look like what. */
import { RIGHTS, compileFilter, isRefusal, verifyFilter } from "@exolith/secure-bind";
import { ERRORS, type Sys } from "../abi/errors.ts";
import type { TransmitId } from "../abi/ids.ts";
import { authorise } from "../capability/authority.ts";
import { guardAt } from "../capability/capability-list.ts";
import { deviceGuard, type Guard } from "../capability/guard.ts";
import { dropList } from "../memory/frame-calls.ts";
import { isIndex } from "../check.ts";
import type { Environment } from "../environment/environment.ts";
import { rowFor, type Kernel } from "../kernel.ts";

/** One transmit binding. */
export interface TransmitRow {
  /** The environment that made it; it dies with either. */
  readonly owner: Environment;
  readonly user: Environment;
  readonly nic: number;
  guard: Guard;
  /** True for a frame that the binding allows. */
  readonly allows: (memory: Uint8Array, at: number, length: number) => boolean;
  sent: number;
  refused: number;
}

/** What `transmitBind` is asked for. */
export interface TransmitRequest {
  readonly nic: unknown;
  readonly filter: unknown;
  readonly user: unknown;
  readonly device: unknown;
  readonly guard: unknown;
}

type BindRefusal = "NoDevice" | "BadFilter" | "BadEnvironment" | "BadSlot" | "BadCapability" | "Full";

/** Lets an environment transmit frames that match a filter. */
export function transmitBind(
  kernel: Kernel,
  caller: Environment,
  request: TransmitRequest,
): Sys<TransmitId, BindRefusal> {
  const verified = verifyFilter(request.filter);
  const { nic } = request;
  if (!isIndex(nic, kernel.nics.length)) return ERRORS.NoDevice;
  const refused = authorise(kernel, caller, request.device, deviceGuard("nic", nic), RIGHTS.write);
  if (refused !== undefined) return refused;
  const guard = guardAt(caller.capabilities, request.guard);
  if (guard === undefined) return ERRORS.BadSlot;
  const user = rowFor(kernel.environments, request.user);
  if (user === undefined) return ERRORS.BadEnvironment;
  if (isRefusal(verified)) return ERRORS.BadFilter;
  const row = kernel.transmits.ids.take();
  if (row < 0) return ERRORS.Full;
  const allows = compileFilter(verified);
  kernel.transmits.rows[row] = { owner: caller, user, nic, guard, allows, sent: 0, refused: 0 };
  return kernel.transmits.ids.idOf(row) as TransmitId;
}

/** Ends a transmit binding. */
export function transmitUnbind(
  kernel: Kernel,
  caller: Environment,
  id: unknown,
  slot: unknown,
): Sys<undefined, "BadBinding" | "BadSlot" | "BadCapability"> {
  const binding = rowFor(kernel.transmits, id);
  if (binding === undefined) return ERRORS.BadBinding;
  const refused = authorise(kernel, caller, slot, binding.guard, RIGHTS.write);
  if (refused !== undefined) return refused;
  releaseTransmit(kernel, kernel.transmits.ids.rowOf(id));
  return undefined;
}

/** Frees the binding in a row. */
export function releaseTransmit(kernel: Kernel, row: number): void {
  const binding = kernel.transmits.rows[row];
  if (binding === undefined) return;
  kernel.transmits.rows[row] = undefined;
  kernel.transmits.ids.free(row);
  dropList(kernel, binding.guard);
}
