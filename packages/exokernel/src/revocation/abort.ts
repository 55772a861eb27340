/** Abort: resources taken by force, every binding broken, each noted in its owner's vector. */
import { RESOURCE_KINDS } from "../abi/resources.ts";
import { releaseExtent } from "../disk/extent-table.ts";
import type { Environment } from "../environment/environment.ts";
import type { Kernel, Rows } from "../kernel.ts";
import { releaseFilter } from "../network/filter-table.ts";
import { releaseRing } from "../network/packet-ring.ts";
import { releaseRegion } from "../memory/region-table.ts";
import { releaseSlice } from "../processor/slice-calls.ts";
import { releaseMessageRing } from "../transfer/message-ring.ts";
import { isBacking } from "./backing.ts";
import { takeFrames } from "./frame-abort.ts";
import { noteLoss, type Losses } from "./revocation-state.ts";

/** What is to be taken. */
export interface Abort {
  readonly kind: number;
  readonly count: number;
  /** Filled with whoever lost something. */
  readonly losses: Losses;
}

/** Takes `count` resources of a kind from `victim`, or as many as may be taken. O(rows of the kind); O(all tables) a frame that is pinned. */
export function abort(kernel: Kernel, victim: Environment, what: Abort): void {
  switch (what.kind) {
    case RESOURCE_KINDS.frame:
      return takeFrames(kernel, victim, what);
    case RESOURCE_KINDS.slice:
      return takeSlices(kernel, victim, what);
    case RESOURCE_KINDS.filter:
      return takeRows(kernel, victim, what, { table: kernel.filters, release: releaseFilter });
    case RESOURCE_KINDS.ring:
      return takeRows(kernel, victim, what, { table: kernel.rings, release: releaseRing });
    case RESOURCE_KINDS.region:
      return takeRows(kernel, victim, what, { table: kernel.regions, release: releaseRegion });
    case RESOURCE_KINDS.messageRing:
      return takeRows(kernel, victim, what, { table: kernel.messageRings, release: releaseMessageRing });
    default:
      return takeExtents(kernel, victim, what);
  }
}

function takeSlices(kernel: Kernel, victim: Environment, { kind, count, losses }: Abort): void {
  let left = count;
  for (let index = kernel.slices.count - 1; index >= 0 && left > 0; index--) {
    if (kernel.slices.owner[index] !== victim.id) continue;
    releaseSlice(kernel, index);
    noteLoss(losses, victim, kind, index);
    left -= 1;
  }
}

/** A kind of resource with rows of its own, and how one is freed. */
interface Kind {
  readonly table: Rows<{ readonly owner: Environment }>;
  readonly release: (kernel: Kernel, row: number) => void;
}

function takeRows(kernel: Kernel, victim: Environment, what: Abort, { table, release }: Kind): void {
  let left = what.count;
  for (let row = 0; row < table.rows.length && left > 0; row++) {
    if (table.rows[row]?.owner !== victim) continue;
    const id = table.ids.idOf(row);
    release(kernel, row);
    noteLoss(what.losses, victim, what.kind, id);
    left -= 1;
  }
}

/** First those that are nobody's backing. One with transfers in flight is free when the last is done. */
function takeExtents(kernel: Kernel, victim: Environment, { kind, count, losses }: Abort): void {
  const { rows, ids } = kernel.extents;
  let left = count;
  for (const takesBacking of [false, true])
    for (let row = 0; row < rows.length && left > 0; row++) {
      const extent = rows[row];
      if (extent?.owner !== victim || extent.orphan || (!takesBacking && isBacking(kernel, extent))) continue;
      noteLoss(losses, victim, kind, ids.idOf(row));
      releaseExtent(kernel, row);
      left -= 1;
    }
}
