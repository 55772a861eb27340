/** Offers: a capability that one environment holds out and another takes (Xok's acquire). */
import type { Capability } from "@exolith/secure-bind";
import { ERRORS, type Sys } from "../abi/errors.ts";
import type { CapSlot, EnvId } from "../abi/ids.ts";
import type { Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";

/** One offer. */
export interface Offer {
  readonly to: EnvId;
  readonly capability: Capability;
}

/** Offers a capability to another environment. */
export function capabilityOffer(
  _kernel: Kernel,
  _caller: Environment,
  _to: unknown,
  _wanted: unknown,
  _slot: unknown,
): Sys<undefined, "BadEnvironment" | "BadName" | "BadSlot" | "BadCapability"> {
  return ERRORS.BadSlot;
}

/** Takes an offer. */
export function capabilityAcquire(
  _kernel: Kernel,
  _caller: Environment,
  _from: unknown,
): Sys<CapSlot, "BadEnvironment" | "Empty" | "BadSlot"> {
  return ERRORS.Empty;
}
