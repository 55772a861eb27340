/** Frames taken by force: unbound, unpinned, saved if there is a place, and free. */
import { KERNEL } from "../abi/ids.ts";
import { RESOURCE_KINDS } from "../abi/resources.ts";
import { withList, type Guard } from "../capability/guard.ts";
import type { Environment } from "../environment/environment.ts";
import { notify } from "../environment/environment.ts";
import type { Kernel, Rows } from "../kernel.ts";
import { cancelDmaOn } from "../memory/dma.ts";
import { releaseFrame, unpinFrames } from "../memory/frame-calls.ts";
import { releaseRegionsOn } from "../memory/region-table.ts";
import { breakWindowsOn } from "../memory/window-calls.ts";
import { releaseHandler } from "../network/handler-table.ts";
import { releaseRing } from "../network/packet-ring.ts";
import type { ProgramRow } from "../program/loaded-program.ts";
import { releaseProgram } from "../program/program-table.ts";
import { dropPredicate } from "../processor/predicate.ts";
import { breakTranslationsOn } from "../translation/space-table.ts";
import { releaseMessageRing } from "../transfer/message-ring.ts";
import { planSave } from "./backing.ts";
import { noteLoss, noteTaken, type Losses } from "./revocation-state.ts";

/** How a frame may be used, and still be chosen: in the first round it may not be pinned at all, in the last a disk may be at it. */
const ROUNDS = [0, 1, 2] as const;

/**
 * Takes `count` frames of `victim`, but none that is guaranteed.
 *
 * First those that nothing pins, then those of rings, handlers, programs, guards
 * and predicates, which are broken, and last those that a disk transfer uses.
 * O(frames), and O(all tables) a frame that is pinned.
 */
export function takeFrames(
  kernel: Kernel,
  victim: Environment,
  { count, losses }: { readonly count: number; readonly losses: Losses },
): void {
  const { frames } = kernel;
  const used = transferFrames(kernel);
  let left = count;
  for (const round of ROUNDS)
    for (let f = 0; f < frames.count && left > 0; f++) {
      if (frames.owner[f] !== victim.id || frames.guaranteed[f] === 1) continue;
      if ((frames.pins[f] ?? 0) > 0 && (round === 0 || (round === 1 && used.has(f)))) continue;
      takeFrame(kernel, victim, f, losses);
      left -= 1;
    }
}

/** Every frame that a disk transfer of an environment uses. */
function transferFrames({ transfers }: Kernel): ReadonlySet<number> {
  const used = new Set<number>();
  for (const { firstFrame, frames, statusFrame } of transfers.values()) {
    for (let f = firstFrame; f < firstFrame + frames; f++) used.add(f);
    used.add(statusFrame);
  }
  return used;
}

/**
 * Unbinds one frame and takes it. While a transfer or a save still pins it, it is
 * the kernel's and an orphan, and free with the last pin.
 */
function takeFrame(kernel: Kernel, victim: Environment, f: number, losses: Losses): void {
  const { frames } = kernel;
  if ((frames.pins[f] ?? 0) > 0) breakPins(kernel, f, losses);
  breakWindowsOn(kernel, f, f + 1);
  breakTranslationsOn(kernel, f, f + 1);
  if (frames.regions[f] !== 0)
    noteRows(kernel.regions, RESOURCE_KINDS.region, losses, ({ frame }) => frame === f);
  releaseRegionsOn(kernel, f, f + 1);
  cancelDmaOn(kernel, f, f + 1);
  const saved = planSave(kernel, victim, f);
  if (saved === undefined) noteLoss(losses, victim, RESOURCE_KINDS.frame, f);
  else noteTaken(losses, victim, saved);
  if (frames.pins[f] === 0) return releaseFrame(kernel, f);
  frames.owner[f] = KERNEL;
  frames.orphan[f] = 1;
  victim.frames -= 1;
}

/** Ends whatever pins a frame, but for disk transfers. O(all tables). */
function breakPins(kernel: Kernel, f: number, losses: Losses): void {
  const covers = ({ first, frames }: { first: number; frames: number }): boolean =>
    f >= first && f < first + frames;
  for (const row of noteRows(kernel.rings, RESOURCE_KINDS.ring, losses, covers)) releaseRing(kernel, row);
  for (const row of noteRows(kernel.messageRings, RESOURCE_KINDS.messageRing, losses, covers))
    releaseMessageRing(kernel, row);
  for (const row of noteRows(kernel.handlers, RESOURCE_KINDS.handler, losses, covers))
    releaseHandler(kernel, row);
  const holds = ({ context, segment }: ProgramRow): boolean =>
    [context, segment].some((run) => covers({ first: run.first, frames: run.count }));
  for (const row of noteRows(kernel.programs, RESOURCE_KINDS.program, losses, holds))
    releaseProgram(kernel, row);
  for (const environment of kernel.environments.rows) {
    if (environment?.predicate?.frames.includes(f) !== true) continue;
    dropPredicate(kernel, environment);
    notify(kernel, environment);
  }
  breakGuards(kernel, f);
}

/** Notes the loss of every row that `isHit` for its owner; which rows. O(rows). */
function noteRows<T extends { readonly owner: Environment }>(
  { rows, ids }: Rows<T>,
  kind: number,
  losses: Losses,
  isHit: (row: T) => boolean,
): readonly number[] {
  const hit: number[] = [];
  for (const [row, held] of rows.entries()) {
    if (held === undefined || !isHit(held)) continue;
    noteLoss(losses, held.owner, kind, ids.idOf(row));
    hit.push(row);
  }
  return hit;
}

/** Guards that have more entries in frame `f` keep only those that the kernel holds itself. O(all tables). */
function breakGuards(kernel: Kernel, f: number): void {
  const { frames, slices } = kernel;
  const cut = (guard: Guard): Guard => {
    unpinFrames(kernel, f, 1);
    return withList(guard, -1, 0);
  };
  for (const guards of [frames.guards, slices.guards])
    for (const [index, guard] of guards.entries()) if (guard?.list === f) guards[index] = cut(guard);
  const tables: readonly Rows<{ guard: Guard }>[] = [
    kernel.environments,
    kernel.filters,
    kernel.transmits,
    kernel.extents,
    kernel.regions,
    kernel.messageRings,
  ];
  for (const { rows } of tables)
    for (const row of rows) if (row?.guard.list === f) row.guard = cut(row.guard);
}
