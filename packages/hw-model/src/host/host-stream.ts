/** One connection of the host as a stream: two bounded buffers and a few bits. */
import type { Socket } from "node:net";
import { STREAM_STATE } from "../stream-device.ts";
import { makeByteQueue } from "./byte-queue.ts";
import type { ByteQueue } from "./byte-queue.ts";
import { gatherWrites } from "./write-gathering.ts";
import type { GatheredWrites } from "./write-gathering.ts";

/** Milliseconds a closed stream may go without moving a byte while it empties its buffer. */
const IDLE_MILLISECONDS = 30_000;

/** Milliseconds a closed stream, all sent, waits for the other end to close too. */
const LINGER_MILLISECONDS = 2_000;

/** Bytes that the host may hand over at once. */
const CHUNK_BYTES = 65_536;

/** A stream that is carried. */
export interface HostStream {
  /** `STREAM_STATE` bits. O(1). */
  state(): number;
  /** `StreamDevice.read`. */
  read(memory: Uint8Array, at: number, length: number): number;
  /** `StreamDevice.write`. */
  write(memory: Uint8Array, at: number, length: number): number;
  /** Sends no more. */
  end(): void;
  /** Breaks the connection off and tells the other end. */
  reset(): void;
  /** Lets go of the connection, which is the caller's now. */
  detach(): Socket;
}

interface Carried {
  readonly connection: Socket;
  readonly arrived: ByteQueue;
  readonly bufferBytes: number;
  /** Bytes at which the host is told to stop: one more chunk still fits, if the buffer is not tiny. */
  readonly pauseBytes: number;
  readonly changed: () => void;
  paused: boolean;
  ended: boolean;
  finished: boolean;
  failed: boolean;
  /** There was no room when last asked; the next room is news. */
  full: boolean;
  /** The number was given back; nothing is held and nobody is told any more. */
  detached: boolean;
  /** Writes of this turn, on their way to the connection. */
  readonly leaving: GatheredWrites;
}

const room = (stream: Carried): number =>
  Math.max(0, stream.bufferBytes - stream.connection.writableLength - stream.leaving.length);

const canWrite = (stream: Carried): boolean => !stream.finished && !stream.failed && room(stream) > 0;

const state = (stream: Carried): number => {
  if (stream.failed) return STREAM_STATE.failed;
  const readable = stream.arrived.length() > 0 ? STREAM_STATE.readable : 0;
  const writable = canWrite(stream) ? STREAM_STATE.writable : 0;
  return readable | writable | (stream.ended ? STREAM_STATE.ended : 0);
};

const receive = (stream: Carried, chunk: Buffer): void => {
  if (stream.detached) return;
  const before = stream.arrived.length();
  stream.arrived.push(chunk);
  if (stream.arrived.length() >= stream.pauseBytes) {
    stream.paused = true;
    stream.connection.pause();
  }
  if (before === 0) stream.changed();
};

const read = (stream: Carried, memory: Uint8Array, at: number, length: number): number => {
  if (stream.failed) return 0;
  const moved = stream.arrived.read(memory, at, Math.min(length, stream.bufferBytes));
  if (stream.paused && stream.arrived.length() < stream.pauseBytes / 2) {
    stream.paused = false;
    stream.connection.resume();
  }
  return moved;
};

/** The host took a write: there is news if that made room where there was none. */
const written = (stream: Carried): void => {
  if (!stream.full || room(stream) < stream.bufferBytes / 2) return;
  stream.full = false;
  stream.changed();
};

const write = (stream: Carried, memory: Uint8Array, at: number, length: number): number => {
  if (stream.failed || stream.finished) return 0;
  const free = room(stream);
  const taken = Math.min(length, free);
  stream.full ||= taken < length || taken === free;
  if (taken === 0) return 0;
  stream.leaving.add(memory, at, taken);
  return taken;
};

const fail = (stream: Carried): void => {
  if (stream.failed || stream.detached) return;
  stream.failed = true;
  stream.leaving.discard();
  stream.arrived.clear();
  stream.changed();
};

const endOfInput = (stream: Carried): void => {
  stream.ended = true;
  if (!stream.detached) stream.changed();
};

const end = (stream: Carried): void => {
  if (stream.finished || stream.failed) return;
  stream.finished = true;
  stream.leaving.flush();
  stream.connection.end();
};

/** From here on the connection belongs to somebody else: its events say nothing about this stream. */
const detach = (stream: Carried): Socket => {
  stream.detached = true;
  stream.full = false;
  stream.leaving.flush();
  stream.arrived.clear();
  return stream.connection;
};

/** A connection that is gone without having ended in both directions has failed. */
const gone = (stream: Carried): void => {
  if (!stream.ended || !stream.finished) fail(stream);
};

const attach = (stream: Carried): void => {
  const { connection } = stream;
  connection.on("data", (chunk: Buffer) => receive(stream, chunk));
  connection.on("end", () => endOfInput(stream));
  connection.on("error", () => fail(stream));
  connection.on("close", () => gone(stream));
  connection.resume();
};

/**
 * Carries `connection`, which is paused and unread.
 *
 * `changed` is called when the stream becomes readable, has room again after
 * it was full (at least half of the buffer), ends or fails.
 */
export const openHostStream = (connection: Socket, bufferBytes: number, changed: () => void): HostStream => {
  const bits = { paused: false, ended: false, finished: false, failed: false };
  const arrived = makeByteQueue();
  const leaving = gatherWrites(connection, () => written(stream));
  const more = { full: false, detached: false, leaving };
  const pauseBytes = Math.max(bufferBytes / 2, bufferBytes - CHUNK_BYTES);
  const stream: Carried = { connection, arrived, bufferBytes, pauseBytes, changed, ...bits, ...more };
  attach(stream);
  return {
    state: () => state(stream),
    read: (memory, at, length) => read(stream, memory, at, length),
    write: (memory, at, length) => write(stream, memory, at, length),
    end: () => end(stream),
    reset: () => void detach(stream).resetAndDestroy(),
    detach: () => detach(stream),
  };
};

/** Connections that nobody carries any more, on their way out. */
export interface Parting {
  /** Sends what is buffered, ends, and lets go as soon as the other end does, or in the end without it. */
  leave(connection: Socket): void;
  /** Breaks all of them off. */
  breakOff(): void;
}

/** Everything is sent: the other end may still finish its own sentence, which nobody hears. */
const linger = (connection: Socket): void => {
  const timer = setTimeout(() => connection.destroy(), LINGER_MILLISECONDS);
  connection.once("close", () => clearTimeout(timer));
};

const wave = (connection: Socket): void => {
  connection.setTimeout(IDLE_MILLISECONDS, () => connection.destroy());
  connection.resume();
  if (connection.writableFinished) return linger(connection);
  connection.once("finish", () => linger(connection));
  connection.end();
};

const breakOff = (leaving: Set<Socket>): void => {
  for (const connection of leaving) connection.resetAndDestroy();
  leaving.clear();
};

const leave = (leaving: Set<Socket>, connection: Socket, most: number): void => {
  if (connection.destroyed) return;
  const [oldest] = leaving;
  if (leaving.size >= most) oldest?.resetAndDestroy();
  leaving.add(connection);
  connection.once("close", () => leaving.delete(connection));
  wave(connection);
};

/** Sees off at most `most` connections at once; one more breaks off the oldest. */
export const parting = (most: number): Parting => {
  const leaving = new Set<Socket>();
  return {
    leave: (connection) => leave(leaving, connection, most),
    breakOff: () => breakOff(leaving),
  };
};
