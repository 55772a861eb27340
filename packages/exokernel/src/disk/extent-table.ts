/** Extents: runs of disk blocks bound to a guard before any layout exists on them. */
import { RIGHTS } from "@exolith/secure-bind";
import { ERRORS, type Sys } from "../abi/errors.ts";
import type { ExtentId } from "../abi/ids.ts";
import { authorise } from "../capability/authority.ts";
import { guardAt } from "../capability/capability-list.ts";
import { deviceGuard, type Guard } from "../capability/guard.ts";
import { dropList } from "../memory/frame-calls.ts";
import { isIndex, isRun } from "../check.ts";
import type { Environment } from "../environment/environment.ts";
import { rowFor, type Kernel } from "../kernel.ts";
import { isBacking } from "../revocation/backing.ts";
import type { Repossession } from "../revocation/revocation-state.ts";
import { claimBlocks, forgetHolder } from "./block-holders.ts";

/** One extent. */
export interface ExtentRow {
  readonly owner: Environment;
  readonly disk: number;
  readonly first: number;
  readonly blocks: number;
  guard: Guard;
  /** Transfers in flight. */
  transfers: number;
  /** Blocks whose bytes are another holder's, and are read as zeros until they are written; exact until it is an orphan. */
  stale: number;
  /** The owner died while transfers were in flight: freed with the last of them. */
  orphan: boolean;
}

/** One transfer in flight. */
export interface TransferRow {
  readonly kind: "read" | "write";
  readonly environment: Environment;
  readonly extentRow: number;
  /** Physical address of the completion word, and its frame; -1 when there is none. */
  readonly statusAddress: number;
  readonly statusFrame: number;
  /** First frame and number of frames that the device uses. */
  readonly firstFrame: number;
  readonly frames: number;
  /** First block on the disk, the one after the last, and the first that the device was not asked for yet. */
  readonly first: number;
  readonly end: number;
  next: number;
  /** The entry of a repossession vector that waits for it. */
  readonly saving: Repossession | undefined;
}

/** What `extentAlloc` is asked for. */
export interface ExtentRequest {
  readonly disk: unknown;
  readonly first: unknown;
  readonly count: unknown;
  readonly device: unknown;
  readonly guard: unknown;
}

type AllocRefusal = "NoDevice" | "BadRange" | "Busy" | "BadSlot" | "BadCapability" | "Full";

/** Binds a run of blocks. O(extents), and a look at those of the run that were written since boot. */
export function extentAlloc(
  kernel: Kernel,
  caller: Environment,
  request: ExtentRequest,
): Sys<ExtentId, AllocRefusal> {
  const { disk, first, count } = request;
  if (!isIndex(disk, kernel.machine.disks.length)) return ERRORS.NoDevice;
  const refused = authorise(kernel, caller, request.device, deviceGuard("disk", disk), RIGHTS.allocate);
  if (refused !== undefined) return refused;
  const guard = guardAt(caller.capabilities, request.guard);
  if (guard === undefined) return ERRORS.BadSlot;
  if (!isRun(first, count, kernel.machine.disks[disk]?.hardware.blocks ?? 0)) return ERRORS.BadRange;
  const run = { disk, first: first as number, blocks: count as number };
  if (kernel.extents.rows.some((other) => other !== undefined && overlaps(other, run))) return ERRORS.Busy;
  const row = kernel.extents.ids.take();
  if (row < 0) return ERRORS.Full;
  const blocks = kernel.blocks[disk];
  const stale = blocks === undefined ? 0 : claimBlocks(blocks, run.first, run.first + run.blocks, caller.id);
  kernel.extents.rows[row] = { owner: caller, ...run, guard, transfers: 0, stale, orphan: false };
  return kernel.extents.ids.idOf(row) as ExtentId;
}

const overlaps = (a: ExtentRow, b: { disk: number; first: number; blocks: number }): boolean =>
  a.disk === b.disk && a.first < b.first + b.blocks && b.first < a.first + a.blocks;

/** Gives the blocks back. */
export function extentFree(
  kernel: Kernel,
  caller: Environment,
  id: unknown,
  slot: unknown,
): Sys<undefined, "BadExtent" | "Busy" | "BadSlot" | "BadCapability"> {
  const extent = rowFor(kernel.extents, id);
  if (extent === undefined) return ERRORS.BadExtent;
  const refused = authorise(kernel, caller, slot, extent.guard, RIGHTS.write);
  if (refused !== undefined) return refused;
  if (extent.transfers > 0 || isBacking(kernel, extent)) return ERRORS.Busy;
  releaseExtent(kernel, kernel.extents.ids.rowOf(id));
  return undefined;
}

/** Nobody sees what an environment that ends has left on the disks. O(blocks written since boot), if it wrote any. */
export function releaseBlocks({ blocks }: Kernel, environment: Environment): void {
  for (const holders of blocks) forgetHolder(holders, environment.id);
}

/** Frees the extent in a row, now or when its last transfer is done. */
export function releaseExtent(kernel: Kernel, row: number): void {
  const extent = kernel.extents.rows[row];
  if (extent === undefined) return;
  if (extent.transfers > 0) {
    extent.orphan = true;
    return;
  }
  kernel.extents.rows[row] = undefined;
  kernel.extents.ids.free(row);
  dropList(kernel, extent.guard);
}
