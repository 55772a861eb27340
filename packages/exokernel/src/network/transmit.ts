/** Transmission: a gather list over the sender's windows, checked, one copy, one doorbell a batch. */
import { FRAME_BYTES, type PhysicalGather } from "@exolith/hw-model";
import { firstPiece, type ReplyList } from "@exolith/secure-bind";
import { ERRORS, type Sys } from "../abi/errors.ts";
import type { Environment } from "../environment/environment.ts";
import { rowFor, type Kernel, type NicState } from "../kernel.ts";
import { BoundWindow, GatherList, type GatherPieces } from "../memory/bound-window.ts";
import { ownBinding } from "../memory/window-calls.ts";
import { TRACE_EVENTS } from "../trace.ts";
import type { TransmitRow } from "./transmit-table.ts";

type TransmitRefusal = "BadBinding" | "BadWindow" | "BadRange" | "NoOffload" | "Forged" | "Full";

/** Queues one frame. O(bytes), no allocation. */
export function transmit(
  kernel: Kernel,
  caller: Environment,
  id: unknown,
  list: unknown,
): Sys<undefined, TransmitRefusal> {
  const binding = rowFor(kernel.transmits, id);
  if (binding === undefined || binding.user !== caller) return ERRORS.BadBinding;
  const pieces = GatherList.piecesOf(list);
  if (pieces === undefined) return ERRORS.BadRange;
  const refused = resolve(kernel, caller, pieces, (list as GatherList).count);
  if (refused !== undefined) return refused;
  return queue(kernel, binding, kernel.transmits.ids.rowOf(id), isAllowed);
}

/** Whether a binding allows the frame of a gather list. */
type Check = (kernel: Kernel, binding: TransmitRow, state: NicState, gather: PhysicalGather) => boolean;

/** Queues the frame that the kernel's gather list holds. O(bytes), no allocation. */
function queue(
  kernel: Kernel,
  binding: TransmitRow,
  row: number,
  check: Check,
): Sys<undefined, "BadBinding" | "BadRange" | "NoOffload" | "Forged" | "Full"> {
  const nic = kernel.machine.nics[binding.nic];
  const state = kernel.nics[binding.nic];
  if (nic === undefined || state === undefined) return ERRORS.BadBinding;
  const { gather } = kernel;
  const { frameBytes, segmentationBytes, transmitChecksum } = nic.hardware;
  const isLong = gather.segmentBytes > 0;
  if ((isLong && segmentationBytes === 0) || (gather.checksum && !transmitChecksum)) return ERRORS.NoOffload;
  if (gather.length === 0 || gather.length > (isLong ? segmentationBytes : frameBytes))
    return ERRORS.BadRange;
  if (!check(kernel, binding, state, gather)) {
    binding.refused += 1;
    kernel.trace.record(kernel.machine.clock, TRACE_EVENTS.forged, row, gather.length);
    return ERRORS.Forged;
  }
  if (!nic.transmit(kernel.machine.clock, kernel.machine.memory.bytes, gather)) return ERRORS.Full;
  state.queued = true;
  binding.sent += 1;
  kernel.machine.meter.charge("deviceAccess", 1);
  kernel.trace.record(kernel.machine.clock, TRACE_EVENTS.transmit, row, gather.length);
  return undefined;
}

/** Queues what a handler of `sender` sent by the binding `id`; how many messages were. O(bytes), no allocation. */
export function transmitReplies(kernel: Kernel, sender: Environment, id: number, replies: ReplyList): number {
  const binding = rowFor(kernel.transmits, id);
  if (binding === undefined || binding.user !== sender) return 0;
  const row = kernel.transmits.ids.rowOf(id);
  let sent = 0;
  for (let i = 0; i < replies.count; i++) {
    gatherReply(kernel, replies, i);
    if (queue(kernel, binding, row, isFirstAllowed) === undefined) sent += 1;
  }
  return sent;
}

function gatherReply({ gather }: Kernel, replies: ReplyList, i: number): void {
  const first = firstPiece(replies, i);
  const end = replies.ends[i] ?? first;
  gather.count = end - first;
  gather.length = 0;
  gather.checksum = false;
  gather.segmentBytes = 0;
  for (let piece = first; piece < end; piece++) {
    const length = replies.lengths[piece] ?? 0;
    gather.addresses[piece - first] = replies.addresses[piece] ?? 0;
    gather.lengths[piece - first] = length;
    gather.length += length;
  }
}

/** Turns the caller's pieces into physical ones, each checked against its window. */
function resolve(
  kernel: Kernel,
  caller: Environment,
  pieces: GatherPieces,
  count: number,
): Sys<undefined, "BadWindow" | "BadRange"> {
  const { gather } = kernel;
  const { checksum, segmentBytes } = pieces;
  if (typeof segmentBytes !== "number" || !isWithin(0, segmentBytes, SEGMENT_BYTES_MAX))
    return ERRORS.BadRange;
  gather.checksum = checksum === true;
  gather.segmentBytes = segmentBytes;
  gather.count = 0;
  gather.length = 0;
  for (let i = 0; i < count; i++) {
    const window = pieces.windows[i];
    const binding = ownBinding(caller, window);
    if (binding === undefined) return ERRORS.BadWindow;
    const offset = pieces.offsets[i] ?? 0;
    const length = pieces.lengths[i] ?? 0;
    if (!isWithin(offset, length, binding.count * FRAME_BYTES)) return ERRORS.BadRange;
    gather.addresses[i] = BoundWindow.addressOf(window as BoundWindow) + offset;
    gather.lengths[i] = length;
    gather.length += length;
    gather.count += 1;
  }
  return undefined;
}

/** Payload that no segment of a super-segment can have more of: what IPv4 counts with. */
const SEGMENT_BYTES_MAX = 0xffff;

/** True for whole numbers with `0 <= offset`, `0 <= length` and `offset + length <= size`. */
const isWithin = (offset: number, length: number, size: number): boolean =>
  offset >= 0 &&
  length >= 0 &&
  offset + length <= size &&
  Number.isInteger(offset) &&
  Number.isInteger(length);

/** Whether the first piece alone satisfies the binding. */
const isFirstAllowed: Check = ({ machine: { memory, meter } }, binding, _state, gather) => {
  meter.charge("classify", 1);
  return binding.allows(memory.bytes, gather.addresses[0] ?? 0, gather.lengths[0] ?? 0);
};

/** The first piece usually holds every header; if it does not satisfy the binding, as much as an ordinary frame is looked at. */
function isAllowed(kernel: Kernel, binding: TransmitRow, state: NicState, gather: PhysicalGather): boolean {
  const { bytes, copy } = kernel.machine.memory;
  const length = gather.lengths[0] ?? 0;
  kernel.machine.meter.charge("classify", 1);
  if (length > 0 && binding.allows(bytes, gather.addresses[0] ?? 0, length)) return true;
  if (gather.count < 2) return false;
  let at = state.staging;
  const end = at + Math.min(gather.length, kernel.machine.nics[binding.nic]?.hardware.frameBytes ?? 0);
  for (let i = 0; i < gather.count; i++) {
    const from = gather.addresses[i] ?? 0;
    const part = Math.min(gather.lengths[i] ?? 0, end - at);
    copy(at, from, part);
    at += part;
  }
  kernel.machine.meter.charge("copyByte", end - state.staging);
  return binding.allows(bytes, state.staging, end - state.staging);
}

/** Rings the doorbell of every interface with frames queued. */
export function flush(kernel: Kernel): void {
  for (let i = 0; i < kernel.nics.length; i++) {
    const state = kernel.nics[i];
    if (state === undefined || !state.queued) continue;
    state.queued = false;
    kernel.machine.nics[i]?.flush(kernel.machine.clock.now());
  }
}
