/** The guard calls: entries, and more of them in a frame. */
import { RIGHTS, copyCapability, dominates, type Capability } from "@exolith/secure-bind";
import { ERRORS, type Sys } from "../abi/errors.ts";
import { GUARD_ENTRIES, GUARD_RECORDS } from "../abi/limits.ts";
import { RESOURCE_KINDS } from "../abi/resources.ts";
import { isIndex } from "../check.ts";
import type { Environment } from "../environment/environment.ts";
import { rowFor, type Kernel } from "../kernel.ts";
import { authoriseFrames, dropList, pinFrames } from "../memory/frame-calls.ts";
import { authorise } from "./authority.ts";
import { capabilityAt } from "./capability-list.ts";
import { withEntry, withList, type Guard } from "./guard.ts";

/** Something with a guard that can be replaced. */
interface Guarded {
  guard: Guard;
}

/** The guard of a resource; `undefined` when there is no such resource, or it is being taken back. O(1). */
export function guardOf(kernel: Kernel, kind: unknown, id: unknown): Guard | undefined {
  const { frames, slices } = kernel;
  if (kind === RESOURCE_KINDS.frame)
    return isIndex(id, frames.count) && frames.orphan[id] === 0 ? frames.guards[id] : undefined;
  if (kind === RESOURCE_KINDS.slice) return isIndex(id, slices.count) ? slices.guards[id] : undefined;
  return guardedRow(kernel, kind, id)?.guard;
}

function guardedRow(kernel: Kernel, kind: unknown, id: unknown): Guarded | undefined {
  switch (kind) {
    case RESOURCE_KINDS.environment:
      return rowFor(kernel.environments, id);
    case RESOURCE_KINDS.filter:
      return rowFor(kernel.filters, id);
    case RESOURCE_KINDS.transmit:
      return rowFor(kernel.transmits, id);
    case RESOURCE_KINDS.extent:
      return liveExtent(kernel, id);
    case RESOURCE_KINDS.region:
      return rowFor(kernel.regions, id);
    case RESOURCE_KINDS.messageRing:
      return rowFor(kernel.messageRings, id);
    default:
      return undefined;
  }
}

function liveExtent(kernel: Kernel, id: unknown): Guarded | undefined {
  const extent = rowFor(kernel.extents, id);
  return extent?.orphan === true ? undefined : extent;
}

function replaceGuard(kernel: Kernel, kind: unknown, id: unknown, guard: Guard): void {
  if (kind === RESOURCE_KINDS.frame) kernel.frames.guards[id as number] = guard;
  else if (kind === RESOURCE_KINDS.slice) kernel.slices.guards[id as number] = guard;
  else {
    const row = guardedRow(kernel, kind, id);
    if (row !== undefined) row.guard = guard;
  }
}

/** What `guardSet` is asked for. */
export interface EntryRequest {
  readonly kind: unknown;
  readonly id: unknown;
  readonly entry: unknown;
  readonly capability: unknown;
  readonly slot: unknown;
}

/** Sets or clears one entry of a guard. */
export function guardSet(
  kernel: Kernel,
  caller: Environment,
  request: EntryRequest,
): Sys<undefined, "BadResource" | "BadGuard" | "BadName" | "BadSlot" | "BadCapability"> {
  const { kind, id, entry, slot } = request;
  const isCleared = request.capability === undefined;
  const capability = isCleared ? undefined : copyCapability(request.capability);
  const guard = guardOf(kernel, kind, id);
  if (guard === undefined) return ERRORS.BadResource;
  if (!isIndex(entry, GUARD_ENTRIES)) return ERRORS.BadGuard;
  if (capability === undefined && !isCleared) return ERRORS.BadName;
  const refused = authorise(kernel, caller, slot, guard, RIGHTS.duplicate);
  if (refused !== undefined) return refused;
  if (entry === 0 && !mayAnswer(caller, slot, guard, capability)) return ERRORS.BadGuard;
  replaceGuard(kernel, kind, id, withEntry(guard, entry, capability));
  return undefined;
}

/**
 * Whether the first entry may become `capability`: who answers for a resource.
 *
 * It keeps all rights, and changes only at the hand of somebody who stands above
 * who answers for it now and who will: nobody whom an owner let in, with
 * whatever rights, can put himself or a stranger in the owner's place.
 */
function mayAnswer(
  caller: Environment,
  slot: unknown,
  guard: Guard,
  capability: Capability | undefined,
): boolean {
  const held = capabilityAt(caller.capabilities, slot);
  const now = guard.entries[0];
  if (held === undefined || now === undefined || capability?.rights !== RIGHTS.all) return false;
  return dominates(held, now) && dominates(held, capability);
}

/** What `guardExtend` is asked for. */
export interface ListRequest {
  readonly kind: unknown;
  readonly id: unknown;
  readonly list: unknown;
  readonly count: unknown;
  readonly slot: unknown;
}

/** Points a guard to more entries in a frame, or to none. */
export function guardExtend(
  kernel: Kernel,
  caller: Environment,
  request: ListRequest,
): Sys<undefined, "BadResource" | "BadFrame" | "BadRange" | "BadSlot" | "BadCapability"> {
  const { kind, id, list, count, slot } = request;
  const guard = guardOf(kernel, kind, id);
  if (guard === undefined) return ERRORS.BadResource;
  if (!isIndex(count, GUARD_RECORDS + 1)) return ERRORS.BadRange;
  const refused = authorise(kernel, caller, slot, guard, RIGHTS.duplicate);
  if (refused !== undefined) return refused;
  if (count > 0) {
    if (!isIndex(list, kernel.frames.count)) return ERRORS.BadFrame;
    const unreached = authoriseFrames(kernel, caller, { first: list, count: 1, slot, rights: RIGHTS.write });
    if (unreached !== undefined) return unreached;
    pinFrames(kernel, list, 1);
  }
  replaceGuard(kernel, kind, id, withList(guard, count > 0 ? (list as number) : -1, count));
  dropList(kernel, guard);
  return undefined;
}
