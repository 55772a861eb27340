/** The capability calls: forge, destroy, grant. */
import { RIGHTS, copyCapability, dominates } from "@exolith/secure-bind";
import { ERRORS, type Sys } from "../abi/errors.ts";
import { CAPABILITY_SLOTS, WELL_KNOWN_SLOT } from "../abi/limits.ts";
import { capSlot, type CapSlot } from "../abi/ids.ts";
import { isIndex } from "../check.ts";
import type { Environment } from "../environment/environment.ts";
import { rowFor, type Kernel } from "../kernel.ts";
import { authorise } from "./authority.ts";
import { capabilityAt, putCapability } from "./capability-list.ts";

/** Puts a capability dominated by `slot`'s into a free slot. */
export function capabilityForge(
  kernel: Kernel,
  caller: Environment,
  slot: unknown,
  wanted: unknown,
): Sys<CapSlot, "BadSlot" | "BadCapability" | "BadName"> {
  const copy = copyCapability(wanted);
  const held = capabilityAt(caller.capabilities, slot);
  if (held === undefined) return ERRORS.BadSlot;
  if (copy === undefined) return ERRORS.BadName;
  kernel.machine.meter.charge("capabilityCheck", 1);
  if ((held.rights & RIGHTS.duplicate) === 0 || !dominates(held, copy)) return ERRORS.BadCapability;
  const put = putCapability(caller.capabilities, copy);
  return put < 0 ? ERRORS.BadSlot : capSlot(put);
}

/** Empties a slot. */
export function capabilityDestroy(_: Kernel, caller: Environment, slot: unknown): Sys<undefined, "BadSlot"> {
  if (!isIndex(slot, CAPABILITY_SLOTS) || caller.capabilities[slot] === undefined || slot === WELL_KNOWN_SLOT)
    return ERRORS.BadSlot;
  caller.capabilities[slot] = undefined;
  return undefined;
}

/** What `capabilityGrant` is asked for. */
export interface GrantRequest {
  readonly environment: unknown;
  readonly wanted: unknown;
  readonly offered: unknown;
  readonly slot: unknown;
}

/** Puts a capability dominated by one of the caller's into another environment's list. */
export function capabilityGrant(
  kernel: Kernel,
  caller: Environment,
  request: GrantRequest,
): Sys<CapSlot, "BadEnvironment" | "BadName" | "BadSlot" | "BadCapability"> {
  const copy = copyCapability(request.wanted);
  const target = rowFor(kernel.environments, request.environment);
  if (target === undefined) return ERRORS.BadEnvironment;
  const refused = authorise(kernel, caller, request.slot, target.guard, RIGHTS.write);
  if (refused !== undefined) return refused;
  const held = capabilityAt(caller.capabilities, request.offered);
  if (held === undefined) return ERRORS.BadSlot;
  if (copy === undefined) return ERRORS.BadName;
  if ((held.rights & RIGHTS.duplicate) === 0 || !dominates(held, copy)) return ERRORS.BadCapability;
  const put = putCapability(target.capabilities, copy);
  return put < 0 ? ERRORS.BadSlot : capSlot(put);
}
