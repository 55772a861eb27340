/** Frames that were taken by force, saved to the blocks that their owner named. */
import { TRANSFER_STATUS } from "../abi/calls/disk.ts";
import { rowOf } from "../abi/ids.ts";
import { RESOURCE_KINDS } from "../abi/resources.ts";
import type { ExtentRow } from "../disk/extent-table.ts";
import { saveFrame } from "../disk/transfer.ts";
import { notify, type Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";
import { pinFrames, unpinFrames } from "../memory/frame-calls.ts";
import { hasRoom, type Repossession, type Save } from "./revocation-state.ts";

/** True when an extent is somebody's backing with blocks left, or a frame waits to be saved there. O(environments + queued). */
export function isBacking({ environments: { rows }, revocations }: Kernel, extent: ExtentRow): boolean {
  for (let row = 0; row < rows.length; row++) {
    const revocation = rows[row]?.revocation;
    if (revocation?.backing === extent && revocation.backingLeft > 0) return true;
  }
  return revocations.queued.some((save) => save.extent === extent);
}

/**
 * Takes the next backing block of `owner` for frame `f`, which is pinned until it is written.
 *
 * What the vector is to say of it; `undefined` when it cannot be saved, or when
 * nobody could find it because the vector is full.
 */
export function planSave(kernel: Kernel, owner: Environment, f: number): Repossession | undefined {
  const { revocation } = owner;
  const { backing: extent } = revocation;
  const extentRow = rowOf(revocation.backingExtent);
  if (extent === undefined || kernel.extents.rows[extentRow] !== extent || extent.orphan) return undefined;
  if (revocation.backingLeft === 0 || !hasRoom(revocation)) return undefined;
  const block = revocation.backingBlock;
  revocation.backingBlock += 1;
  revocation.backingLeft -= 1;
  const entry: Repossession = {
    kind: RESOURCE_KINDS.frame,
    what: f,
    extent: revocation.backingExtent,
    block,
    status: TRANSFER_STATUS.pending,
  };
  pinFrames(kernel, f, 1);
  kernel.revocations.queued.push({ environment: owner, frame: f, extent, extentRow, block, entry });
  return entry;
}

/** Has the disks save what they have room for; a frame that another transfer uses waits for its end. O(queued). */
export function submitSaves(kernel: Kernel): boolean {
  const { queued } = kernel.revocations;
  const before = queued.length;
  let kept = 0;
  for (const save of queued) if (!isOver(kernel, save)) queued[kept++] = save;
  queued.length = kept;
  return kept < before;
}

/** True when a save is now a disk's, or given up because its extent is gone; the frame's pin is then another's. */
function isOver(kernel: Kernel, save: Save): boolean {
  const { environment, frame, extent, extentRow, entry } = save;
  if (kernel.extents.rows[extentRow] !== extent) {
    entry.status = TRANSFER_STATUS.failed;
    if (environment.alive) notify(kernel, environment);
  } else if (kernel.frames.pins[frame] !== 1 || !saveFrame(kernel, save)) return false;
  unpinFrames(kernel, frame, 1);
  return true;
}

/** Gives up the saves for an environment that ends, but for those that a disk is at. O(queued). */
export function dropSaves(kernel: Kernel, owner: Environment): void {
  const { queued } = kernel.revocations;
  const dropped = queued.filter(({ environment }) => environment === owner);
  let kept = 0;
  for (const save of queued) if (save.environment !== owner) queued[kept++] = save;
  queued.length = kept;
  for (const { frame } of dropped) unpinFrames(kernel, frame, 1);
}

/** Frames that are free once they are saved. O(transfers). */
export function framesBeingSaved({ revocations, transfers }: Kernel): number {
  let count = revocations.queued.length;
  for (const { saving } of transfers.values()) if (saving !== undefined) count += 1;
  return count;
}
