/** Software regions: parts of a frame that are touched by calls only (SOSP'97 section 3.3). */
import { FRAME_BYTES } from "@exolith/hw-model";
import { RIGHTS } from "@exolith/secure-bind";
import type { RegionMove } from "../abi/calls/memory.ts";
import { ERRORS, type Sys } from "../abi/errors.ts";
import type { RegionId } from "../abi/ids.ts";
import { authorise } from "../capability/authority.ts";
import { guardAt } from "../capability/capability-list.ts";
import type { Guard } from "../capability/guard.ts";
import { isIndex, isRun } from "../check.ts";
import type { Environment } from "../environment/environment.ts";
import { rowFor, type Kernel } from "../kernel.ts";
import { authoriseFrames, dropList } from "./frame-calls.ts";
import { reach } from "./window-calls.ts";

/** One region. */
export interface RegionRow {
  readonly owner: Environment;
  guard: Guard;
  readonly frame: number;
  /** Byte offset in the frame, and bytes; they lie in it. */
  readonly at: number;
  readonly length: number;
}

/** What `regionCreate` is asked for. */
export interface RegionRequest {
  readonly frame: unknown;
  readonly at: unknown;
  readonly length: unknown;
  readonly slot: unknown;
}

/** Makes a region. O(1). */
export function regionCreate(
  kernel: Kernel,
  caller: Environment,
  request: RegionRequest,
): Sys<RegionId, "BadFrame" | "BadRange" | "BadSlot" | "BadCapability" | "Full"> {
  const { frame, at, length, slot } = request;
  if (!isIndex(frame, kernel.frames.count)) return ERRORS.BadFrame;
  if (!isRun(at, length, FRAME_BYTES)) return ERRORS.BadRange;
  const refused = authoriseFrames(kernel, caller, { first: frame, count: 1, slot, rights: RIGHTS.write });
  if (refused !== undefined) return refused;
  const guard = guardAt(caller.capabilities, slot);
  if (guard === undefined) return ERRORS.BadSlot;
  const row = kernel.regions.ids.take();
  if (row < 0) return ERRORS.Full;
  kernel.regions.rows[row] = { owner: caller, guard, frame, at: at as number, length: length as number };
  kernel.frames.regions[frame] = (kernel.frames.regions[frame] ?? 0) + 1;
  caller.regions += 1;
  return kernel.regions.ids.idOf(row) as RegionId;
}

/** Ends a region. */
export function regionDestroy(
  kernel: Kernel,
  caller: Environment,
  id: unknown,
  slot: unknown,
): Sys<undefined, "BadRegion" | "BadSlot" | "BadCapability"> {
  const region = rowFor(kernel.regions, id);
  if (region === undefined) return ERRORS.BadRegion;
  const refused = authorise(kernel, caller, slot, region.guard, RIGHTS.write);
  if (refused !== undefined) return refused;
  releaseRegion(kernel, kernel.regions.ids.rowOf(id));
  return undefined;
}

/** A move of bytes between a region and memory. */
export interface RegionAccess {
  readonly kind: "read" | "write";
  readonly region: unknown;
  readonly move: unknown;
  readonly slot: unknown;
}

const NOTHING = {};

/** Moves bytes between a region and memory; the alien record is read once, before any state. O(bytes), no allocation. */
export function regionMove(
  kernel: Kernel,
  caller: Environment,
  access: RegionAccess,
): Sys<undefined, "BadRegion" | "BadWindow" | "BadRange" | "BadSlot" | "BadCapability"> {
  const isRead = access.kind === "read";
  const { at, window, windowAt, length } = (access.move ?? NOTHING) as Partial<RegionMove>;
  const region = rowFor(kernel.regions, access.region);
  if (region === undefined) return ERRORS.BadRegion;
  const rights = isRead ? RIGHTS.none : RIGHTS.write;
  const refused = authorise(kernel, caller, access.slot, region.guard, rights);
  if (refused !== undefined) return refused;
  const address = reach(caller, isRead, window, windowAt, length);
  if (typeof address !== "number") return address;
  if (!isRun(at, length, region.length)) return ERRORS.BadRange;
  const inside = region.frame * FRAME_BYTES + region.at + (at as number);
  const bytes = length as number;
  const { memory, meter } = kernel.machine;
  if (isRead) memory.copy(address, inside, bytes);
  else memory.copy(inside, address, bytes);
  meter.charge("copyByte", bytes);
  return undefined;
}

/** Ends the region in a row. */
export function releaseRegion(kernel: Kernel, row: number): void {
  const region = kernel.regions.rows[row];
  if (region === undefined) return;
  kernel.regions.rows[row] = undefined;
  kernel.regions.ids.free(row);
  kernel.frames.regions[region.frame] = (kernel.frames.regions[region.frame] ?? 0) - 1;
  region.owner.regions -= 1;
  dropList(kernel, region.guard);
}

/** Ends every region on frames from `first` up to `end`. O(regions) when there is one. */
export function releaseRegionsOn(kernel: Kernel, first: number, end: number): void {
  const { frames, regions } = kernel;
  let left = 0;
  for (let f = first; f < end; f++) left += frames.regions[f] ?? 0;
  for (let row = 0; left > 0 && row < regions.rows.length; row++) {
    const region = regions.rows[row];
    if (region === undefined || region.frame < first || region.frame >= end) continue;
    releaseRegion(kernel, row);
    left -= 1;
  }
}
