/** Streams in memory: a pipe with two ends, and what begins or ends in the libOS. */
import { AGAIN, INPUT_RIGHTS, OUTPUT_RIGHTS, type Stream } from "./stream.ts";
import { refuse } from "../errno.ts";
import { FILE_TYPE, type FileType } from "../wasi/layout.ts";

/** Bytes that a pipe holds unless it is told otherwise. */
export const PIPE_BYTES = 65_536;

/** The two ends of a pipe. */
export interface Pipe {
  readonly reader: Stream;
  readonly writer: Stream;
}

/** The bytes between the two ends, in a ring. */
interface Ring {
  readonly bytes: Uint8Array;
  first: number;
  count: number;
  readers: number;
  writers: number;
  /** Who waits for bytes, and who for room. */
  readonly forBytes: Set<() => void>;
  readonly forRoom: Set<() => void>;
}

/** Tells all who wait, who are then forgotten. O(waiters). */
function tell(waiters: Set<() => void>): void {
  if (waiters.size === 0) return;
  const told = [...waiters];
  waiters.clear();
  for (const each of told) each();
}

/** Takes bytes off the ring; at most two pieces. */
function take(ring: Ring, into: Uint8Array, at: number, length: number): number {
  const count = Math.min(length, ring.count);
  const straight = Math.min(count, ring.bytes.length - ring.first);
  into.set(ring.bytes.subarray(ring.first, ring.first + straight), at);
  into.set(ring.bytes.subarray(0, count - straight), at + straight);
  ring.first = (ring.first + count) % ring.bytes.length;
  ring.count -= count;
  if (count > 0) tell(ring.forRoom);
  return count;
}

/** Puts bytes on the ring; at most two pieces. */
function put(ring: Ring, from: Uint8Array, at: number, length: number): number {
  const count = Math.min(length, ring.bytes.length - ring.count);
  const end = (ring.first + ring.count) % ring.bytes.length;
  const straight = Math.min(count, ring.bytes.length - end);
  ring.bytes.set(from.subarray(at, at + straight), end);
  ring.bytes.set(from.subarray(at + straight, at + count), 0);
  ring.count += count;
  if (count > 0) tell(ring.forBytes);
  return count;
}

const makeReader = (ring: Ring, fileType: FileType): Stream => {
  const readable = (): number => (ring.count === 0 && ring.writers > 0 ? AGAIN : ring.count);
  return {
    fileType,
    rights: INPUT_RIGHTS,
    waiters: ring.forBytes,
    read: (into, at, length) => {
      const there = readable();
      return there <= 0 ? there : take(ring, into, at, length);
    },
    write: () => refuse("badf"),
    readable,
    writable: () => refuse("badf"),
    close: () => {
      ring.readers = 0;
      ring.count = 0;
      tell(ring.forRoom);
    },
  };
};

const makeWriter = (ring: Ring, fileType: FileType): Stream => {
  const writable = (): number => {
    if (ring.readers === 0) return refuse("pipe");
    return ring.count === ring.bytes.length ? AGAIN : ring.bytes.length - ring.count;
  };
  return {
    fileType,
    rights: OUTPUT_RIGHTS,
    waiters: ring.forRoom,
    read: () => refuse("badf"),
    write: (from, at, length) => {
      const room = writable();
      return room < 0 ? room : put(ring, from, at, length);
    },
    readable: () => refuse("badf"),
    writable,
    close: () => {
      ring.writers = 0;
      tell(ring.forBytes);
    },
  };
};

/**
 * A pipe that holds at most `capacity` bytes.
 *
 * **Holds** what is written is read once, in order; the reader is at its end when
 * the writer is closed and nothing is left, and writing is refused with `pipe`
 * once the reader is closed. Who waits for an end is told when the other does something.
 */
export function makePipe(capacity: number = PIPE_BYTES, fileType: FileType = FILE_TYPE.unknown): Pipe {
  if (!Number.isInteger(capacity) || capacity < 1) throw new RangeError("a pipe holds at least one byte");
  const ring: Ring = {
    bytes: new Uint8Array(capacity),
    first: 0,
    count: 0,
    readers: 1,
    writers: 1,
    forBytes: new Set(),
    forRoom: new Set(),
  };
  return { reader: makeReader(ring, fileType), writer: makeWriter(ring, fileType) };
}

/** A stream that gives `bytes` and is then at its end. **Owner** `bytes` are its own from here on. */
export function openBytes(bytes: Uint8Array, fileType: FileType = FILE_TYPE.unknown): Stream {
  let position = 0;
  return {
    fileType,
    rights: INPUT_RIGHTS,
    read: (into, at, length) => {
      const count = Math.min(length, bytes.length - position);
      into.set(bytes.subarray(position, position + count), at);
      position += count;
      return count;
    },
    write: () => refuse("badf"),
    readable: () => bytes.length - position,
    writable: () => refuse("badf"),
    close: () => {
      position = bytes.length;
    },
  };
}

/** A stream that hands a copy of what is written to `sink`, at once. */
export const openSink = (
  sink: (bytes: Uint8Array) => void,
  fileType: FileType = FILE_TYPE.unknown,
): Stream => ({
  fileType,
  rights: OUTPUT_RIGHTS,
  read: () => refuse("badf"),
  write: (from, at, length) => {
    if (length > 0) sink(from.slice(at, at + length));
    return length;
  },
  readable: () => refuse("badf"),
  writable: () => PIPE_BYTES,
  close: () => undefined,
});
