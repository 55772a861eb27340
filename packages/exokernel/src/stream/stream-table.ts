/** Streams: byte streams of a device, each bound to the environment that accepted it. */
import { STREAM_STATE, type StreamDevice } from "@exolith/hw-model";
import { RIGHTS } from "@exolith/secure-bind";
import { ERRORS, type Sys } from "../abi/errors.ts";
import type { StreamId } from "../abi/ids.ts";
import { authorise } from "../capability/authority.ts";
import { deviceGuard } from "../capability/guard.ts";
import { isIndex } from "../check.ts";
import { notify, type Environment } from "../environment/environment.ts";
import { rowFor, type Kernel } from "../kernel.ts";
import { rangeAt } from "../memory/window-calls.ts";

/** One bound stream. */
export interface StreamRow {
  readonly owner: Environment;
  readonly device: StreamDevice;
  readonly deviceIndex: number;
  /** The device's number for it. */
  readonly handle: number;
  /** It is in the owner's list of changed streams, between these two. */
  changed: boolean;
  earlier: StreamRow | undefined;
  later: StreamRow | undefined;
  /** The id that names it. */
  readonly id: StreamId;
}

/** Changed streams of one environment, oldest first; each is in it once at most. */
export interface ChangedStreams {
  oldest: StreamRow | undefined;
  newest: StreamRow | undefined;
}

function append(list: ChangedStreams, stream: StreamRow): void {
  if (stream.changed) return;
  stream.changed = true;
  stream.earlier = list.newest;
  stream.later = undefined;
  if (list.newest === undefined) list.oldest = stream;
  else list.newest.later = stream;
  list.newest = stream;
}

function unlink(list: ChangedStreams, stream: StreamRow): void {
  if (!stream.changed) return;
  stream.changed = false;
  if (stream.earlier === undefined) list.oldest = stream.later;
  else stream.earlier.later = stream.later;
  if (stream.later === undefined) list.newest = stream.earlier;
  else stream.later.earlier = stream.earlier;
  stream.earlier = undefined;
  stream.later = undefined;
}

/** Binds the next stream opened from outside to the caller, who is told of later ones. */
export function streamAccept(
  kernel: Kernel,
  caller: Environment,
  index: unknown,
  slot: unknown,
): Sys<StreamId, "NoDevice" | "Empty" | "Full" | "BadSlot" | "BadCapability"> {
  if (!isIndex(index, kernel.machine.streams.length)) return ERRORS.NoDevice;
  const refused = authorise(kernel, caller, slot, deviceGuard("stream", index), RIGHTS.none);
  if (refused !== undefined) return refused;
  const device = kernel.machine.streams[index];
  const rows = kernel.streamRows[index];
  if (device === undefined || rows === undefined) return ERRORS.NoDevice;
  kernel.acceptors[index]?.add(caller);
  if (kernel.streams.ids.left() === 0) return ERRORS.Full;
  const handle = device.accept();
  if (handle < 0) return ERRORS.Empty;
  const row = kernel.streams.ids.take();
  const id = kernel.streams.ids.idOf(row) as StreamId;
  const links = { changed: false, earlier: undefined, later: undefined };
  kernel.streams.rows[row] = { owner: caller, device, deviceIndex: index, handle, id, ...links };
  rows[handle] = row;
  return id;
}

/** Takes the oldest of the caller's changed streams. O(1). */
export function streamNext(caller: Environment): Sys<StreamId, "Empty"> {
  const stream = caller.changedStreams.oldest;
  if (stream === undefined) return ERRORS.Empty;
  unlink(caller.changedStreams, stream);
  return stream.id;
}

/** A move of bytes between a stream and memory. */
export interface StreamMove {
  readonly stream: unknown;
  readonly window: unknown;
  readonly at: unknown;
  readonly length: unknown;
}

/** Moves bytes between a stream and memory: `read` into memory, `write` from it. O(length). */
export function streamMove(
  kernel: Kernel,
  caller: Environment,
  move: StreamMove,
  direction: "read" | "write",
): Sys<number, "BadStream" | "BadWindow" | "BadRange"> {
  const stream = rowFor(kernel.streams, move.stream);
  if (stream === undefined || stream.owner !== caller) return ERRORS.BadStream;
  const address = rangeAt(caller, direction === "read", move.window, move.at, move.length);
  if (typeof address !== "number") return address;
  const { memory, meter } = kernel.machine;
  const moved = stream.device[direction](stream.handle, memory.bytes, address, move.length as number);
  meter.charge("copyByte", moved);
  return moved;
}

/** Ends one direction of a stream, or closes or resets it; the last two free its id. */
export function streamControl(
  kernel: Kernel,
  caller: Environment,
  id: unknown,
  operation: unknown,
): Sys<undefined, "BadStream" | "BadRange"> {
  const stream = rowFor(kernel.streams, id);
  if (stream === undefined || stream.owner !== caller) return ERRORS.BadStream;
  if (operation === "end") stream.device.control(stream.handle, "end");
  else if (operation === "close" || operation === "reset")
    releaseStream(kernel, kernel.streams.ids.rowOf(id), operation);
  else return ERRORS.BadRange;
  return undefined;
}

/** Frees the stream in a row. */
export function releaseStream(kernel: Kernel, row: number, operation: "close" | "reset"): void {
  const stream = kernel.streams.rows[row];
  if (stream === undefined) return;
  const rows = kernel.streamRows[stream.deviceIndex];
  if (rows !== undefined) rows[stream.handle] = 0;
  stream.device.control(stream.handle, operation);
  unlink(stream.owner.changedStreams, stream);
  kernel.streams.rows[row] = undefined;
  kernel.streams.ids.free(row);
}

/** The published state of the stream in a row. */
export const streamState = (kernel: Kernel, row: number): number => {
  const stream = typeof row === "number" ? kernel.streams.rows[row] : undefined;
  return stream === undefined ? STREAM_STATE.failed : stream.device.state(stream.handle);
};

/** Changes taken from one stream device in one step. */
const CHANGE_BATCH = 256;

/** Prepares the kernel's ends of the stream devices: to be called once. */
export function connectStreams(kernel: Kernel): void {
  for (const [i, rows] of kernel.streamRows.entries())
    kernel.streamChanges.push((handle) => {
      if (handle >= 0) streamChanged(kernel, rows[handle] ?? 0);
      else kernel.acceptors[i]?.forEach((acceptor) => notify(kernel, acceptor));
    });
}

/** Tells owners of changed streams, and acceptors of waiting ones; true if there was any. O(batch). */
export function reapStreams(kernel: Kernel): boolean {
  let any = false;
  for (let i = 0; i < kernel.streamChanges.length; i++) {
    const device = kernel.machine.streams[i];
    const changed = kernel.streamChanges[i];
    if (device !== undefined && changed !== undefined && device.reap(CHANGE_BATCH, changed) > 0) any = true;
  }
  return any;
}

function streamChanged(kernel: Kernel, row: number): void {
  const stream = kernel.streams.rows[row];
  if (stream === undefined) return;
  notify(kernel, stream.owner);
  append(stream.owner.changedStreams, stream);
}
