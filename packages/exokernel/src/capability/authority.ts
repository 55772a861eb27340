/** The check of a call's credential: does the capability in this slot reach that guard? */
import type { Rights } from "@exolith/secure-bind";
import { ERRORS, type Sys } from "../abi/errors.ts";
import type { Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";
import { capabilityAt } from "./capability-list.ts";
import { admits, type Guard } from "./guard.ts";

/** Why a credential does not do; `undefined` when it does. */
export type Refused = Sys<undefined, "BadSlot" | "BadCapability">;

/** Checks that the capability in `slot` reaches `guard` with `rights`. O(name bytes), O(entries). */
export function authorise(
  kernel: Kernel,
  caller: Environment,
  slot: unknown,
  guard: Guard,
  rights: Rights,
): Refused {
  const held = capabilityAt(caller.capabilities, slot);
  if (held === undefined) return ERRORS.BadSlot;
  kernel.machine.meter.charge("capabilityCheck", 1);
  return admits(kernel, held, guard, rights) ? undefined : ERRORS.BadCapability;
}
