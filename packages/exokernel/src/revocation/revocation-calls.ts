/** The revocation calls: who asks, where frames are saved, and which are never taken. */
import { RIGHTS } from "@exolith/secure-bind";
import { ERRORS, type Sys } from "../abi/errors.ts";
import { GUARANTEED_FRAMES } from "../abi/limits.ts";
import { authorise } from "../capability/authority.ts";
import { isIndex, isRun } from "../check.ts";
import type { Environment } from "../environment/environment.ts";
import { rowFor, type Kernel } from "../kernel.ts";
import { openDemand } from "./demand.ts";
import { holdings, isRevocable } from "./holdings.ts";

/** What `revocationAsk` is asked for. */
export interface AskRequest {
  readonly environment: unknown;
  readonly kind: unknown;
  readonly count: unknown;
  readonly slot: unknown;
}

/** Asks an environment for resources; it hears of it in the kernel's next step. O(rows of the kind). */
export function revocationAsk(
  kernel: Kernel,
  caller: Environment,
  request: AskRequest,
): Sys<undefined, "BadEnvironment" | "BadResource" | "BadRange" | "Busy" | "BadSlot" | "BadCapability"> {
  const { kind, count } = request;
  const environment = rowFor(kernel.environments, request.environment);
  if (environment === undefined) return ERRORS.BadEnvironment;
  if (!isRevocable(kind)) return ERRORS.BadResource;
  const refused = authorise(kernel, caller, request.slot, environment.guard, RIGHTS.write);
  if (refused !== undefined) return refused;
  if (!isIndex(count, holdings(kernel, environment, kind) + 1) || count < 1) return ERRORS.BadRange;
  if (environment.revocation.wanted[kind] !== 0) return ERRORS.Busy;
  openDemand(kernel, environment, kind, count);
  return undefined;
}

/** What `backingSet` is asked for. */
export interface BackingRequest {
  readonly extent: unknown;
  readonly block: unknown;
  readonly count: unknown;
  readonly slot: unknown;
}

/** Names blocks for frames that are taken by force; who may write them is settled here, once. */
export function backingSet(
  kernel: Kernel,
  caller: Environment,
  request: BackingRequest,
): Sys<undefined, "BadExtent" | "BadRange" | "BadSlot" | "BadCapability"> {
  const { block, count } = request;
  const extent = rowFor(kernel.extents, request.extent);
  if (extent === undefined || extent.orphan) return ERRORS.BadExtent;
  const refused = authorise(kernel, caller, request.slot, extent.guard, RIGHTS.write);
  if (refused !== undefined) return refused;
  if (!isIndex(count, extent.blocks + 1) || !isIndex(block, extent.blocks - count + 1))
    return ERRORS.BadRange;
  const { revocation } = caller;
  revocation.backing = count === 0 ? undefined : extent;
  revocation.backingExtent = count === 0 ? -1 : (request.extent as number);
  revocation.backingBlock = block;
  revocation.backingLeft = count;
  return undefined;
}

/** Adds own frames to the set that is never repossessed, or takes them out; all or none. O(count). */
export function framesGuarantee(
  kernel: Kernel,
  caller: Environment,
  first: unknown,
  count: unknown,
  isGuaranteed: unknown,
): Sys<undefined, "BadFrame" | "BadRange" | "Full"> {
  const { frames } = kernel;
  if (!isIndex(first, frames.count)) return ERRORS.BadFrame;
  if (!isRun(first, count, frames.count)) return ERRORS.BadRange;
  const end = first + (count as number);
  const flag = isGuaranteed === true ? 1 : 0;
  let changed = 0;
  for (let f = first; f < end; f++) {
    if (frames.owner[f] !== caller.id) return ERRORS.BadFrame;
    if (frames.guaranteed[f] !== flag) changed += 1;
  }
  const { revocation } = caller;
  const guaranteed = revocation.guaranteed + (flag === 1 ? changed : -changed);
  if (guaranteed > GUARANTEED_FRAMES) return ERRORS.Full;
  frames.guaranteed.fill(flag, first, end);
  revocation.guaranteed = guaranteed;
  return undefined;
}

/** Empties an environment's repossession vector. */
export function repossessionsClear({ revocation }: Environment): undefined {
  revocation.vector.length = 0;
  revocation.lost = 0;
  return undefined;
}
