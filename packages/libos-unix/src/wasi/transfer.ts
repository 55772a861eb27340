/** Reading and writing: `fd_read`, `fd_write`, `fd_pread` and `fd_pwrite`. */
import { STAGING_BYTES, TRANSFER_BYTES, type WasiContext, toSize } from "./context.ts";
import { DESCRIPTOR_FLAGS, rights } from "./layout.ts";
import { LimitReached } from "./stop.ts";
import { WAIT } from "./waiting.ts";
import type { Descriptor } from "../descriptor/descriptor.ts";
import { AGAIN, type Stream } from "../descriptor/stream.ts";
import type { OpenFile } from "../filesystem/file-system.ts";
import { ERRNO, type Outcome, errnoOf, refuse } from "../errno.ts";
import { MemoryFault, type ProgramMemory } from "../memory/program-memory.ts";

const READ = rights("fd_read");
const WRITE = rights("fd_write");
const SEEK = rights("fd_seek");
const { append, dataSync, nonBlocking, readSync, sync } = DESCRIPTOR_FLAGS;
const SYNCHRONOUS = dataSync | readSync | sync;

/** Reads one chunk; the place for it is made sure of before anything is taken. */
function readChunk(context: WasiContext, from: Descriptor, position: number, length: number): Outcome {
  const { staging, pieces } = context.shared;
  const memory = context.memory();
  pieces.demand(memory, length, true);
  const { thing } = from;
  let got = refuse("isdir");
  if (thing.kind === "file") got = thing.file.read(position, staging, 0, length);
  else if (thing.kind === "stream") got = thing.stream.read(staging, 0, length);
  if (got > 0) pieces.put(memory, staging, got);
  return got;
}

/** What `length` bytes may be written to a stream; throws `LimitReached` when none may. */
function withinLimit(context: WasiContext, length: number): number {
  const left = context.outputLimit - context.ledger.outputBytes;
  if (left <= 0) throw new LimitReached("outputBytes");
  return Math.min(length, left);
}

/** Writes one chunk, which is read before anything is given. */
function writeChunk(context: WasiContext, to: Descriptor, position: number, length: number): Outcome {
  const { staging, pieces } = context.shared;
  const { thing } = to;
  if (thing.kind === "directory") return refuse("isdir");
  const count = thing.kind === "stream" ? withinLimit(context, length) : length;
  const memory = context.memory();
  if (thing.kind === "stream" && thing.stream.forgets === true) pieces.demand(memory, count, false);
  else pieces.peek(memory, staging, count);
  const put =
    thing.kind === "file"
      ? thing.file.write(position, staging, 0, count)
      : thing.stream.write(staging, 0, count);
  if (put <= 0) return put;
  // Here, not at the end of the call: the limit may stop it between two chunks.
  context.ledger.bytesWritten += put;
  if (thing.kind === "stream") context.ledger.outputBytes += put;
  pieces.skip(put);
  return put;
}

type Chunk = typeof readChunk;

/** Moves all that is loaded, chunk by chunk, until one falls short; how many bytes, or why the first did not move. */
function transfer(context: WasiContext, open: Descriptor, position: number, chunk: Chunk): Outcome {
  const total = Math.min(context.shared.pieces.total, TRANSFER_BYTES);
  if (total === 0) return 0;
  const first = chunk(context, open, position, Math.min(total, STAGING_BYTES));
  return first < STAGING_BYTES || first === total ? first : rest(context, open, position, chunk);
}

/** Goes on behind a first chunk that was moved whole. A fault ends it, with what was moved so far. */
function rest(context: WasiContext, open: Descriptor, position: number, chunk: Chunk): Outcome {
  const total = Math.min(context.shared.pieces.total, TRANSFER_BYTES);
  let done = STAGING_BYTES;
  try {
    while (done < total) {
      const length = Math.min(total - done, STAGING_BYTES);
      const moved = chunk(context, open, position + done, length);
      if (moved > 0) done += moved;
      if (moved < length) break;
    }
  } catch (error) {
    if (!(error instanceof MemoryFault)) throw error;
  }
  return done;
}

/** Loads the pieces and makes sure of the place for the result; an error number. */
function load(
  context: WasiContext,
  memory: ProgramMemory,
  list: number,
  count: number,
  result: number,
): number {
  const wrong = context.shared.pieces.load(memory, list >>> 0, count >>> 0);
  if (wrong === ERRNO.success) memory.demand(result >>> 0, 4, true);
  return wrong;
}

/** Waits for a stream, unless the descriptor is not to. */
function waitFor(context: WasiContext, open: Descriptor, stream: Stream, writes: boolean): number {
  if ((open.flags & nonBlocking) !== 0) return ERRNO.again;
  const waiting = context.waiting();
  (writes ? waiting.writes : waiting.reads).push(stream);
  return WAIT;
}

/** `fd_read`: reads where the descriptor stands, and moves it. */
export const fdRead =
  (context: WasiContext) =>
  (fd: number, list: number, count: number, result: number): number => {
    const open = context.table.get(fd >>> 0);
    if (open === undefined) return ERRNO.badf;
    if (open.thing.kind === "directory") return ERRNO.isdir;
    if ((open.rights & READ) === 0) return ERRNO.notcapable;
    const memory = context.memory();
    const wrong = load(context, memory, list, count, result);
    if (wrong !== ERRNO.success) return wrong;
    const got = transfer(context, open, open.position, readChunk);
    if (got === AGAIN && open.thing.kind === "stream")
      return waitFor(context, open, open.thing.stream, false);
    if (got < 0) return errnoOf(got);
    if (open.thing.kind === "file") open.position += got;
    context.ledger.bytesRead += got;
    memory.setU32LE(result >>> 0, got);
    return ERRNO.success;
  };

/** Brings what was written to the medium, when the descriptor's flags want that. */
function settle(open: Descriptor): Outcome {
  if ((open.flags & SYNCHRONOUS) === 0 || open.thing.kind !== "file") return 0;
  return open.thing.file.sync((open.flags & (sync | readSync)) === 0);
}

/** Where a write of `length` bytes begins, or a refusal. */
function placeOf(open: Descriptor, file: OpenFile, length: number): Outcome {
  const at = (open.flags & append) === 0 ? open.position : file.size();
  return at + length > Number.MAX_SAFE_INTEGER ? refuse("fbig") : at;
}

/** `fd_write`: writes where the descriptor stands, or at the end, and moves it. */
export const fdWrite =
  (context: WasiContext) =>
  (fd: number, list: number, count: number, result: number): number => {
    const open = context.table.get(fd >>> 0);
    if (open === undefined) return ERRNO.badf;
    const { thing } = open;
    if (thing.kind === "directory") return ERRNO.isdir;
    if ((open.rights & WRITE) === 0) return ERRNO.notcapable;
    const memory = context.memory();
    const wrong = load(context, memory, list, count, result);
    if (wrong !== ERRNO.success) return wrong;
    const at = thing.kind === "file" ? placeOf(open, thing.file, context.shared.pieces.total) : 0;
    if (at < 0) return errnoOf(at);
    const put = transfer(context, open, at, writeChunk);
    if (put === AGAIN && thing.kind === "stream") return waitFor(context, open, thing.stream, true);
    if (put < 0) return errnoOf(put);
    if (thing.kind === "file") open.position = at + put;
    memory.setU32LE(result >>> 0, put);
    return errnoOf(settle(open));
  };

/** The regular file behind `fd` with `needed`; an error number otherwise. */
function positioned(context: WasiContext, fd: number, needed: number): Descriptor | number {
  const open = context.table.get(fd >>> 0);
  if (open === undefined) return ERRNO.badf;
  if (open.thing.kind !== "file") return open.thing.kind === "directory" ? ERRNO.isdir : ERRNO.spipe;
  return (open.rights & needed) === needed ? open : ERRNO.notcapable;
}

/** Moves bytes at a place that is given; what comes of it is said by `finish`, with the error number. */
const transferAt =
  (needed: number, chunk: Chunk, finish: (context: WasiContext, open: Descriptor, moved: number) => number) =>
  (context: WasiContext) =>
  (fd: number, list: number, count: number, offset: bigint, result: number): number => {
    const open = positioned(context, fd, needed);
    if (typeof open === "number") return open;
    const memory = context.memory();
    const wrong = load(context, memory, list, count, result);
    if (wrong !== ERRNO.success) return wrong;
    const at = toSize(offset);
    if (at < 0 || at + context.shared.pieces.total > Number.MAX_SAFE_INTEGER) return ERRNO.inval;
    const moved = transfer(context, open, at, chunk);
    if (moved < 0) return errnoOf(moved);
    memory.setU32LE(result >>> 0, moved);
    return finish(context, open, moved);
  };

type Positioned = ReturnType<typeof transferAt>;

/** `fd_pread`: reads at a place that is given. */
export const fdPread: Positioned = transferAt(READ | SEEK, readChunk, (context, _open, moved) => {
  context.ledger.bytesRead += moved;
  return ERRNO.success;
});

/** `fd_pwrite`: writes at a place that is given, whatever the descriptor's flags say of the end. */
export const fdPwrite: Positioned = transferAt(WRITE | SEEK, writeChunk, (_context, open) =>
  errnoOf(settle(open)),
);
