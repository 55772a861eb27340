/** Offers: a capability that one environment holds out and another takes (Xok's acquire). */
import { RIGHTS, copyCapability, dominates, type Capability } from "@exolith/secure-bind";
import { ERRORS, type Sys } from "../abi/errors.ts";
import { capSlot, type CapSlot, type EnvId } from "../abi/ids.ts";
import type { Environment } from "../environment/environment.ts";
import { rowFor, type Kernel } from "../kernel.ts";
import { capabilityAt, putCapability } from "./capability-list.ts";

/** One offer. It dies with either side. */
export interface Offer {
  readonly to: EnvId;
  readonly capability: Capability;
}

/** Offers a capability dominated by `slot`'s to another environment, in place of an earlier offer. */
export function capabilityOffer(
  kernel: Kernel,
  caller: Environment,
  to: unknown,
  wanted: unknown,
  slot: unknown,
): Sys<undefined, "BadEnvironment" | "BadName" | "BadSlot" | "BadCapability"> {
  const capability = copyCapability(wanted);
  const target = rowFor(kernel.environments, to);
  if (target === undefined) return ERRORS.BadEnvironment;
  const held = capabilityAt(caller.capabilities, slot);
  if (held === undefined) return ERRORS.BadSlot;
  if (capability === undefined) return ERRORS.BadName;
  kernel.machine.meter.charge("capabilityCheck", 1);
  if ((held.rights & RIGHTS.duplicate) === 0 || !dominates(held, capability)) return ERRORS.BadCapability;
  caller.offer = { to: target.id, capability };
  return undefined;
}

/** Takes what another environment offers to the caller. */
export function capabilityAcquire(
  kernel: Kernel,
  caller: Environment,
  from: unknown,
): Sys<CapSlot, "BadEnvironment" | "Empty" | "BadSlot"> {
  const source = rowFor(kernel.environments, from);
  if (source === undefined) return ERRORS.BadEnvironment;
  const { offer } = source;
  if (offer === undefined || offer.to !== caller.id) return ERRORS.Empty;
  const put = putCapability(caller.capabilities, offer.capability);
  if (put < 0) return ERRORS.BadSlot;
  source.offer = undefined;
  return capSlot(put);
}
