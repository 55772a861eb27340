/**
 * Packet rings: arriving frames go into frames of memory that the owner supplied.
 *
 * Layout: frame 0 of the run holds one big-endian ownership word per slot; each
 * other frame holds two slots. Word 0: the kernel may fill the slot; otherwise
 * its length, with `RING_CHECKSUM_GOOD` if that is known of it, and the slot is
 * the owner's until it writes 0.
 */
import { FRAME_BYTES } from "@exolith/hw-model";
import { RIGHTS } from "@exolith/secure-bind";
import { ERRORS, type Sys } from "../abi/errors.ts";
import type { RingId } from "../abi/ids.ts";
import { RING_CHECKSUM_GOOD, RING_FRAMES_MAX, RING_SLOT_BYTES } from "../abi/limits.ts";
import { isIndex, isRun } from "../check.ts";
import { notify, type Environment } from "../environment/environment.ts";
import { rowFor, type Kernel } from "../kernel.ts";
import { authoriseFrames, pinFrames, unpinFrames } from "../memory/frame-calls.ts";
import { TRACE_EVENTS } from "../trace.ts";

/** One ring. */
export interface RingRow {
  readonly owner: Environment;
  readonly first: number;
  readonly frames: number;
  readonly slots: number;
  /** The slot that the kernel fills next. */
  next: number;
  delivered: number;
  dropped: number;
}

const SLOTS_PER_FRAME = FRAME_BYTES / RING_SLOT_BYTES;

/** Makes a ring of a run of frames and pins them. O(count). */
export function ringBind(
  kernel: Kernel,
  caller: Environment,
  first: unknown,
  count: unknown,
  slot: unknown,
): Sys<RingId, "BadFrame" | "BadRange" | "Pinned" | "BadSlot" | "BadCapability" | "Full"> {
  if (!isIndex(first, kernel.frames.count)) return ERRORS.BadFrame;
  if (!isRun(first, count, kernel.frames.count)) return ERRORS.BadRange;
  const frames = count as number;
  if (frames < 2 || frames > RING_FRAMES_MAX) return ERRORS.BadRange;
  const refused = authoriseFrames(kernel, caller, { first, count: frames, slot, rights: RIGHTS.write });
  if (refused !== undefined) return refused;
  for (let f = first; f < first + frames; f++) if (kernel.frames.pins[f] !== 0) return ERRORS.Pinned;
  const row = kernel.rings.ids.take();
  if (row < 0) return ERRORS.Full;
  pinFrames(kernel, first, frames);
  const slots = (frames - 1) * SLOTS_PER_FRAME;
  kernel.rings.rows[row] = { owner: caller, first, frames, slots, next: 0, delivered: 0, dropped: 0 };
  return kernel.rings.ids.idOf(row) as RingId;
}

/** Ends a ring of the caller's. O(frames). */
export function ringUnbind(kernel: Kernel, caller: Environment, id: unknown): Sys<undefined, "BadRing"> {
  const ring = rowFor(kernel.rings, id);
  if (ring === undefined || ring.owner !== caller) return ERRORS.BadRing;
  releaseRing(kernel, kernel.rings.ids.rowOf(id));
  return undefined;
}

/** Ends the ring in a row. */
export function releaseRing(kernel: Kernel, row: number): void {
  const ring = kernel.rings.rows[row];
  if (ring === undefined) return;
  kernel.rings.rows[row] = undefined;
  kernel.rings.ids.free(row);
  unpinFrames(kernel, ring.first, ring.frames);
}

/** Copies a frame of `length` bytes at `address` into the ring's next slot, or drops and counts it. O(length). */
export function deliver(kernel: Kernel, row: number, address: number, length: number, isGood: boolean): void {
  const ring = kernel.rings.rows[row];
  if (ring === undefined) return;
  const { memory, meter, clock } = kernel.machine;
  const word = ring.first * FRAME_BYTES + ring.next * 4;
  if (length > RING_SLOT_BYTES || memory.view.getUint32(word) !== 0) {
    ring.dropped += 1;
    kernel.trace.record(clock, TRACE_EVENTS.drop, row, length);
    return;
  }
  const at = (ring.first + 1) * FRAME_BYTES + ring.next * RING_SLOT_BYTES;
  memory.copy(at, address, length);
  meter.charge("copyByte", length);
  memory.view.setUint32(word, isGood ? length + RING_CHECKSUM_GOOD : length);
  ring.next = ring.next + 1 === ring.slots ? 0 : ring.next + 1;
  ring.delivered += 1;
  notify(kernel, ring.owner);
  kernel.trace.record(clock, TRACE_EVENTS.deliver, row, length);
}
