/**
 * Message rings: short messages into frames that the receiver supplied.
 *
 * Layout: frame 0 of the run holds one big-endian ownership word per slot, and
 * from `SENDERS_AT` one with the sender; each other frame holds 64 slots. Word
 * 0: the kernel may fill the slot; otherwise the length of its message, and the
 * slot is the owner's until it writes 0.
 */
import { FRAME_BYTES } from "@exolith/hw-model";
import { RIGHTS } from "@exolith/secure-bind";
import { ERRORS, type Sys } from "../abi/errors.ts";
import type { MessageRingId } from "../abi/ids.ts";
import { MESSAGE_BYTES, MESSAGE_RING_FRAMES_MAX } from "../abi/limits.ts";
import { authorise } from "../capability/authority.ts";
import { guardAt } from "../capability/capability-list.ts";
import type { Guard } from "../capability/guard.ts";
import { isIndex, isRun } from "../check.ts";
import { notify, type Environment } from "../environment/environment.ts";
import { rowFor, type Kernel } from "../kernel.ts";
import { authoriseFrames, dropList, pinFrames, unpinFrames } from "../memory/frame-calls.ts";
import { reach } from "../memory/window-calls.ts";

/** One message ring. */
export interface MessageRingRow {
  readonly owner: Environment;
  guard: Guard;
  readonly first: number;
  readonly frames: number;
  readonly slots: number;
  /** The slot that the kernel fills next. */
  next: number;
  delivered: number;
  refused: number;
}

const WORD_BYTES = 4;
/** Byte offset of the senders in frame 0 of a ring. */
const SENDERS_AT: number = FRAME_BYTES / 2;
const SLOTS_PER_FRAME = FRAME_BYTES / MESSAGE_BYTES;

/** Makes a message ring of a run of frames and pins them. O(count). */
export function messageRingBind(
  kernel: Kernel,
  caller: Environment,
  first: unknown,
  count: unknown,
  slot: unknown,
): Sys<MessageRingId, "BadFrame" | "BadRange" | "Pinned" | "BadSlot" | "BadCapability" | "Full"> {
  if (!isIndex(first, kernel.frames.count)) return ERRORS.BadFrame;
  if (!isRun(first, count, kernel.frames.count)) return ERRORS.BadRange;
  const frames = count as number;
  if (frames < 2 || frames > MESSAGE_RING_FRAMES_MAX) return ERRORS.BadRange;
  const refused = authoriseFrames(kernel, caller, { first, count: frames, slot, rights: RIGHTS.write });
  if (refused !== undefined) return refused;
  const guard = guardAt(caller.capabilities, slot);
  if (guard === undefined) return ERRORS.BadSlot;
  for (let f = first; f < first + frames; f++) if (kernel.frames.pins[f] !== 0) return ERRORS.Pinned;
  const row = kernel.messageRings.ids.take();
  if (row < 0) return ERRORS.Full;
  pinFrames(kernel, first, frames);
  const slots = (frames - 1) * SLOTS_PER_FRAME;
  const counts = { next: 0, delivered: 0, refused: 0 };
  kernel.messageRings.rows[row] = { owner: caller, guard, first, frames, slots, ...counts };
  return kernel.messageRings.ids.idOf(row) as MessageRingId;
}

/** Ends a message ring of the caller's. O(frames). */
export function messageRingUnbind(
  kernel: Kernel,
  caller: Environment,
  id: unknown,
): Sys<undefined, "BadRing"> {
  if (rowFor(kernel.messageRings, id)?.owner !== caller) return ERRORS.BadRing;
  releaseMessageRing(kernel, kernel.messageRings.ids.rowOf(id));
  return undefined;
}

/** Ends the ring in a row. */
export function releaseMessageRing(kernel: Kernel, row: number): void {
  const ring = kernel.messageRings.rows[row];
  if (ring === undefined) return;
  kernel.messageRings.rows[row] = undefined;
  kernel.messageRings.ids.free(row);
  dropList(kernel, ring.guard);
  unpinFrames(kernel, ring.first, ring.frames);
}

/** A message to be sent. */
export interface MessageRequest {
  readonly ring: unknown;
  readonly window: unknown;
  readonly at: unknown;
  readonly length: unknown;
  readonly slot: unknown;
}

/** Sends one message. O(length). */
export function messageSend(
  kernel: Kernel,
  caller: Environment,
  { ring: id, window, at, length, slot }: MessageRequest,
): Sys<undefined, "BadRing" | "BadWindow" | "BadRange" | "Full" | "BadSlot" | "BadCapability"> {
  const ring = rowFor(kernel.messageRings, id);
  if (ring === undefined) return ERRORS.BadRing;
  const from = reach(caller, false, window, at, length);
  if (typeof from !== "number") return from;
  if (!isIndex(length, MESSAGE_BYTES + 1)) return ERRORS.BadRange;
  const refused = authorise(kernel, caller, slot, ring.guard, RIGHTS.none);
  if (refused !== undefined) return refused;
  return put(kernel, caller, ring, from, length) ? undefined : ERRORS.Full;
}

/** Fills the next slot and tells the owner; false when the slot is not the kernel's. */
function put(
  kernel: Kernel,
  sender: Environment,
  ring: MessageRingRow,
  address: number,
  length: number,
): boolean {
  const { memory, meter } = kernel.machine;
  const word = ring.first * FRAME_BYTES + ring.next * WORD_BYTES;
  if (memory.view.getUint32(word) !== 0) {
    ring.refused += 1;
    return false;
  }
  const at = (ring.first + 1) * FRAME_BYTES + ring.next * MESSAGE_BYTES;
  memory.copy(at, address, length);
  meter.charge("copyByte", length);
  memory.view.setUint32(word + SENDERS_AT, sender.id);
  memory.view.setUint32(word, length);
  ring.next = ring.next + 1 === ring.slots ? 0 : ring.next + 1;
  ring.delivered += 1;
  notify(kernel, ring.owner);
  return true;
}
