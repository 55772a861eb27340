/** The frame calls: claim by name, give back, change the guard. */
import { FRAME_BYTES } from "@exolith/hw-model";
import { RIGHTS } from "@exolith/secure-bind";
import { ERRORS, type Sys } from "../abi/errors.ts";
import { frame, type FrameNumber } from "../abi/ids.ts";
import { authorise, type Refused } from "../capability/authority.ts";
import { guardAt } from "../capability/capability-list.ts";
import type { Guard } from "../capability/guard.ts";
import { isIndex, isRun } from "../check.ts";
import type { Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";
import { breakTranslationsOn } from "../translation/space-table.ts";
import { cancelDmaOn } from "./dma.ts";
import { releaseRegionsOn } from "./region-table.ts";
import { breakWindowsOn } from "./window-calls.ts";

/** Claims `count` named frames, all or none. O(count), plus clearing what another environment left. */
export function framesAlloc(
  kernel: Kernel,
  caller: Environment,
  first: unknown,
  count: unknown,
  slot: unknown,
): Sys<FrameNumber, "BadFrame" | "BadRange" | "Busy" | "BadSlot"> {
  const guard = guardAt(caller.capabilities, slot);
  if (guard === undefined) return ERRORS.BadSlot;
  if (!isIndex(first, kernel.frames.count)) return ERRORS.BadFrame;
  if (!isRun(first, count, kernel.frames.count)) return ERRORS.BadRange;
  const end = first + (count as number);
  for (let f = first; f < end; f++) if (kernel.frames.owner[f] !== 0) return ERRORS.Busy;
  for (let f = first; f < end; f++) claim(kernel, caller, f, guard);
  return frame(first);
}

/** Claims any free frame. O(frames) at worst; the search goes on where the last one ended. */
export function frameAllocAny(
  kernel: Kernel,
  caller: Environment,
  slot: unknown,
): Sys<FrameNumber, "Full" | "BadSlot"> {
  const guard = guardAt(caller.capabilities, slot);
  if (guard === undefined) return ERRORS.BadSlot;
  const { frames } = kernel;
  if (frames.free === 0) return ERRORS.Full;
  let f = frames.hint;
  while (frames.owner[f] !== 0) f = (f + 1) % frames.count;
  frames.hint = (f + 1) % frames.count;
  claim(kernel, caller, f, guard);
  return frame(f);
}

/** A frame that another environment held last is cleared; one that stays with its owner costs nothing. */
function claim(kernel: Kernel, caller: Environment, f: number, guard: Guard): void {
  const { frames } = kernel;
  const last = frames.lastOwner[f];
  if (last !== 0 && last !== caller.id) {
    kernel.machine.memory.bytes.fill(0, f * FRAME_BYTES, (f + 1) * FRAME_BYTES);
    kernel.machine.meter.charge("touchByte", FRAME_BYTES);
  }
  frames.owner[f] = caller.id;
  frames.lastOwner[f] = caller.id;
  frames.guards[f] = guard;
  frames.free -= 1;
  caller.frames += 1;
}

/** Gives frames back, all or none; every window on them dies. O(count + windows). */
export function framesFree(
  kernel: Kernel,
  caller: Environment,
  first: unknown,
  count: unknown,
  slot: unknown,
): Sys<undefined, "BadFrame" | "BadRange" | "Pinned" | "BadSlot" | "BadCapability"> {
  if (!isIndex(first, kernel.frames.count)) return ERRORS.BadFrame;
  if (!isRun(first, count, kernel.frames.count)) return ERRORS.BadRange;
  const refused = authoriseFrames(kernel, caller, {
    first,
    count: count as number,
    slot,
    rights: RIGHTS.write,
  });
  if (refused !== undefined) return refused;
  const end = first + (count as number);
  for (let f = first; f < end; f++) if (kernel.frames.pins[f] !== 0) return ERRORS.Pinned;
  breakWindowsOn(kernel, first, end);
  breakTranslationsOn(kernel, first, end);
  releaseRegionsOn(kernel, first, end);
  cancelDmaOn(kernel, first, end);
  for (let f = first; f < end; f++) releaseFrame(kernel, f);
  return undefined;
}

/** A run of frames and the credential for it. */
export interface FrameClaim {
  readonly first: number;
  readonly count: number;
  readonly slot: unknown;
  readonly rights: number;
}

/** Checks the credential against the guard of every frame of a run that is in range. O(count). */
export function authoriseFrames(
  kernel: Kernel,
  caller: Environment,
  claimed: FrameClaim,
): Refused | (typeof ERRORS)["BadFrame"] {
  let checked: Guard | undefined;
  for (let f = claimed.first; f < claimed.first + claimed.count; f++) {
    const guard = kernel.frames.guards[f];
    if (guard === undefined || kernel.frames.orphan[f] === 1) return ERRORS.BadFrame;
    if (guard === checked) continue;
    const refused = authorise(kernel, caller, claimed.slot, guard, claimed.rights);
    if (refused !== undefined) return refused;
    checked = guard;
  }
  return undefined;
}

/**
 * Marks a frame free; nothing may be bound to it any more.
 *
 * Its guard may have pinned a frame with more entries, which may be an orphan
 * that waited for just this, and so on: a chain, gone along without recursion.
 */
export function releaseFrame(kernel: Kernel, f: number): void {
  for (let next = f; next >= 0;) next = releaseOne(kernel, next);
}

/** Frees one frame; the orphan that this set free in turn, or -1. */
function releaseOne(kernel: Kernel, f: number): number {
  const { frames } = kernel;
  const owner = kernel.environments.rows[(frames.owner[f] ?? 0) & 0xffff];
  if (owner !== undefined && owner.id === frames.owner[f]) {
    owner.frames -= 1;
    if (frames.guaranteed[f] === 1) owner.revocation.guaranteed -= 1;
  }
  const list = frames.guards[f]?.list ?? -1;
  frames.owner[f] = 0;
  frames.orphan[f] = 0;
  frames.guaranteed[f] = 0;
  frames.guards[f] = undefined;
  frames.free += 1;
  return list >= 0 && unpin(kernel, list) ? list : -1;
}

/** Takes one pin off; true when that leaves an orphan with none. */
function unpin({ frames }: Kernel, f: number): boolean {
  frames.pins[f] = (frames.pins[f] ?? 0) - 1;
  return frames.orphan[f] === 1 && frames.pins[f] === 0;
}

/** Pins a run once more. O(count). */
export function pinFrames({ frames }: Kernel, first: number, count: number): void {
  for (let f = first; f < first + count; f++) frames.pins[f] = (frames.pins[f] ?? 0) + 1;
}

/** Takes one pin off each frame of a run; an orphan that loses its last is freed. O(count). */
export function unpinFrames(kernel: Kernel, first: number, count: number): void {
  for (let f = first; f < first + count; f++) if (unpin(kernel, f)) releaseFrame(kernel, f);
}

/** Lets go of the frame that a guard points to, when its resource is freed or it is replaced. */
export function dropList(kernel: Kernel, guard: Guard | undefined): void {
  if (guard !== undefined && guard.list >= 0) unpinFrames(kernel, guard.list, 1);
}
