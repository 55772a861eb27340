/** The check of a call's credential: does the capability in this slot reach that guard? */
import { RIGHTS, makeCapability, reaches, type Capability, type Rights } from "@exolith/secure-bind";
import { ERRORS, type Sys } from "../abi/errors.ts";
import { DEVICE_NAMES } from "../abi/limits.ts";
import type { Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";
import { capabilityAt } from "./capability-list.ts";

/** Why a credential does not do; `undefined` when it does. */
export type Refused = Sys<undefined, "BadSlot" | "BadCapability">;

/** Checks that the capability in `slot` reaches `guard` with `rights`. O(name bytes). */
export function authorise(
  kernel: Kernel,
  caller: Environment,
  slot: unknown,
  guard: Capability,
  rights: Rights,
): Refused {
  const held = capabilityAt(caller.capabilities, slot);
  if (held === undefined) return ERRORS.BadSlot;
  kernel.machine.meter.charge("capabilityCheck", 1);
  return reaches(held, guard, rights) ? undefined : ERRORS.BadCapability;
}

/** The guard of device `index` of a kind: only the root and whoever was granted its name reach it. */
export function deviceGuard(kind: keyof typeof DEVICE_NAMES, index: number): Capability {
  const key = DEVICE_NAMES[kind] * 256 + index;
  const known = deviceGuards.get(key);
  if (known !== undefined) return known;
  const guard = makeCapability([DEVICE_NAMES[kind], index], RIGHTS.all);
  deviceGuards.set(key, guard);
  return guard;
}

const deviceGuards = new Map<number, Capability>();
