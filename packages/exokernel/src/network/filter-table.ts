/** Packet filters: verified, merged, and guarded so that none can steal. */
import { RIGHTS, isRefusal, verifyFilter } from "@exolith/secure-bind";
import { ERRORS, type Sys } from "../abi/errors.ts";
import type { FilterId } from "../abi/ids.ts";
import { authorise } from "../capability/authority.ts";
import { capabilityAt, guardAt } from "../capability/capability-list.ts";
import { admits, deviceGuard, type Guard } from "../capability/guard.ts";
import { dropList } from "../memory/frame-calls.ts";
import { isIndex } from "../check.ts";
import type { Environment } from "../environment/environment.ts";
import { rowFor, type Kernel } from "../kernel.ts";
import { releaseHandler } from "./handler-table.ts";
import type { RingRow } from "./packet-ring.ts";

/** One installed filter. */
export interface FilterRow {
  readonly owner: Environment;
  readonly nic: number;
  /** Its index in the interface's demultiplexer. */
  readonly index: number;
  guard: Guard;
  /** Id of the ring that it feeds, and the ring itself, which may be gone. */
  readonly ring: number;
  readonly feeds: RingRow;
  /** Row of the handler that sees its frames first, `undefined` for none. */
  handler: number | undefined;
  matched: number;
}

/** What `filterInsert` is asked for. */
export interface FilterRequest {
  readonly nic: unknown;
  readonly filter: unknown;
  readonly ring: unknown;
  readonly device: unknown;
  readonly guard: unknown;
}

type InsertRefusal = "NoDevice" | "BadFilter" | "Overlap" | "BadRing" | "BadSlot" | "BadCapability" | "Full";

/** Installs a filter; alien objects are copied before any state is read. O(filters) for the check against theft, once. */
export function filterInsert(
  kernel: Kernel,
  caller: Environment,
  request: FilterRequest,
): Sys<FilterId, InsertRefusal> {
  const verified = verifyFilter(request.filter);
  const { nic, ring: ringId } = request;
  if (!isIndex(nic, kernel.nics.length)) return ERRORS.NoDevice;
  const refused = authorise(kernel, caller, request.device, deviceGuard("nic", nic), RIGHTS.allocate);
  if (refused !== undefined) return refused;
  const held = capabilityAt(caller.capabilities, request.guard);
  const guard = guardAt(caller.capabilities, request.guard);
  if (held === undefined || guard === undefined) return ERRORS.BadSlot;
  const ring = rowFor(kernel.rings, ringId);
  if (ring === undefined || ring.owner !== caller) return ERRORS.BadRing;
  if (isRefusal(verified)) return ERRORS.BadFilter;
  const demultiplexer = kernel.nics[nic]?.demultiplexer;
  if (demultiplexer === undefined) return ERRORS.NoDevice;
  for (const row of demultiplexer.lessSpecific(verified)) {
    const existing = kernel.filters.rows[row];
    if (existing !== undefined && !admits(kernel, held, existing.guard, RIGHTS.write))
      return ERRORS.BadCapability;
  }
  const row = kernel.filters.ids.take();
  if (row < 0) return ERRORS.Full;
  const index = demultiplexer.insert(verified, row);
  if (typeof index === "string") {
    kernel.filters.ids.free(row);
    return index === "overlap" ? ERRORS.Overlap : ERRORS.Full;
  }
  kernel.filters.rows[row] = {
    owner: caller,
    nic,
    index,
    guard,
    ring: ringId as number,
    feeds: ring,
    handler: undefined,
    matched: 0,
  };
  return kernel.filters.ids.idOf(row) as FilterId;
}

/** Removes a filter. */
export function filterRemove(
  kernel: Kernel,
  caller: Environment,
  id: unknown,
  slot: unknown,
): Sys<undefined, "NoFilter" | "BadSlot" | "BadCapability"> {
  const filter = rowFor(kernel.filters, id);
  if (filter === undefined) return ERRORS.NoFilter;
  const refused = authorise(kernel, caller, slot, filter.guard, RIGHTS.write);
  if (refused !== undefined) return refused;
  releaseFilter(kernel, kernel.filters.ids.rowOf(id));
  return undefined;
}

/** Takes the filter in a row out of its demultiplexer. */
export function releaseFilter(kernel: Kernel, row: number): void {
  const filter = kernel.filters.rows[row];
  if (filter === undefined) return;
  if (filter.handler !== undefined) releaseHandler(kernel, filter.handler);
  kernel.nics[filter.nic]?.demultiplexer.remove(filter.index);
  kernel.filters.rows[row] = undefined;
  kernel.filters.ids.free(row);
  dropList(kernel, filter.guard);
}
