/** What boards do to set an environment up: guard, code, capabilities. */
import { RIGHTS, type Capability } from "@exolith/secure-bind";
import { failed, type KernelError } from "./abi/errors.ts";
import { DEVICE_NAMES } from "./abi/limits.ts";
import type { Gate } from "./abi/gate.ts";
import { capSlot, type EnvId } from "./abi/ids.ts";
import type { Program } from "./abi/upcalls.ts";

/** An environment to be. */
export interface EnvironmentPlan {
  /** Name of the capability that guards it, which it gets with all rights in its slot 0. */
  readonly name: readonly number[];
  /** What else it gets, in slots 1, 2, 3 and so on. */
  readonly grants: readonly Capability[];
  readonly program: Program;
}

/**
 * Creates an environment with the authority in `root`'s slot 0, and grants it its capabilities.
 *
 * The grants are there from the first slice on, not yet while `program` runs.
 * Returns the first refusal; an environment that was already created is then destroyed.
 */
export function createEnvironment(root: Gate, plan: EnvironmentPlan): EnvId | KernelError {
  const own = capSlot(0);
  const guard = root.capabilityForge(own, { name: plan.name, rights: RIGHTS.all });
  if (failed(guard)) return guard;
  const environment = root.environmentCreate(plan.program, guard);
  root.capabilityDestroy(guard);
  if (failed(environment)) return environment;
  for (const capability of plan.grants) {
    const granted = root.capabilityGrant(environment, capability, own, own);
    if (!failed(granted)) continue;
    root.environmentDestroy(environment, own);
    return granted;
  }
  return environment;
}

/** The capability that names device `index` of a kind, with `rights`. */
export const deviceCapability = (
  kind: keyof typeof DEVICE_NAMES,
  index: number,
  rights: number,
): Capability => ({
  name: [DEVICE_NAMES[kind], index],
  rights,
});
