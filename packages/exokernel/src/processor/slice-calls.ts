/** The slice calls: positions of the vector, yield, sleep and wake. */
import { RIGHTS } from "@exolith/secure-bind";
import { ERRORS, type Sys } from "../abi/errors.ts";
import { NEVER, type Cycles, type EnvId, type SliceIndex } from "../abi/ids.ts";
import { authorise } from "../capability/authority.ts";
import { guardAt } from "../capability/capability-list.ts";
import { isIndex } from "../check.ts";
import { dropList } from "../memory/frame-calls.ts";
import { dropPredicate } from "./predicate.ts";
import { setHolder } from "./slice-vector.ts";
import { notify, type Environment } from "../environment/environment.ts";
import { rowFor, type Kernel } from "../kernel.ts";

/** Claims a named position. */
export function sliceAlloc(
  kernel: Kernel,
  caller: Environment,
  index: unknown,
  slot: unknown,
): Sys<SliceIndex, "BadSlice" | "Busy" | "BadSlot"> {
  const guard = guardAt(caller.capabilities, slot);
  if (guard === undefined) return ERRORS.BadSlot;
  if (!isIndex(index, kernel.slices.count)) return ERRORS.BadSlice;
  if (kernel.slices.owner[index] !== 0) return ERRORS.Busy;
  setHolder(kernel.slices, index, caller.id);
  kernel.slices.guards[index] = guard;
  caller.slices += 1;
  return index as SliceIndex;
}

/** Gives a position back. */
export function sliceFree(
  kernel: Kernel,
  caller: Environment,
  index: unknown,
  slot: unknown,
): Sys<undefined, "BadSlice" | "BadSlot" | "BadCapability"> {
  if (!isIndex(index, kernel.slices.count)) return ERRORS.BadSlice;
  const guard = kernel.slices.guards[index];
  if (guard === undefined) return ERRORS.BadSlice;
  const refused = authorise(kernel, caller, slot, guard, RIGHTS.write);
  if (refused !== undefined) return refused;
  releaseSlice(kernel, index);
  return undefined;
}

/** Frees a position. */
export function releaseSlice(kernel: Kernel, index: number): void {
  const owner = kernel.environments.rows[(kernel.slices.owner[index] ?? 0) & 0xffff];
  if (owner !== undefined) owner.slices -= 1;
  const guard = kernel.slices.guards[index];
  setHolder(kernel.slices, index, 0);
  kernel.slices.guards[index] = undefined;
  dropList(kernel, guard);
}

/** Notes where the rest of the slice goes. */
export function yieldTo(
  kernel: Kernel,
  caller: Environment,
  target: unknown,
): Sys<undefined, "BadEnvironment"> {
  caller.yieldTarget = undefined;
  if (target !== undefined && rowFor(kernel.environments, target) === undefined) return ERRORS.BadEnvironment;
  caller.yieldTarget = target as EnvId | undefined;
  return undefined;
}

/** Notes until when the caller is not to be run. A time that is no number is never. */
export function sleep(kernel: Kernel, caller: Environment, seen: unknown, until: unknown): undefined {
  dropPredicate(kernel, caller);
  caller.sleeping = true;
  caller.seen = typeof seen === "number" ? seen : -1;
  caller.until = typeof until === "number" && until === until ? (until as Cycles) : NEVER;
  return undefined;
}

/** Adds one to an environment's event count. */
export function wake(
  kernel: Kernel,
  caller: Environment,
  id: unknown,
  slot: unknown,
): Sys<undefined, "BadEnvironment" | "BadSlot" | "BadCapability"> {
  const environment = rowFor(kernel.environments, id);
  if (environment === undefined) return ERRORS.BadEnvironment;
  const refused = authorise(kernel, caller, slot, environment.guard, RIGHTS.none);
  if (refused !== undefined) return refused;
  notify(kernel, environment);
  return undefined;
}
