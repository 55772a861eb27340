/** Byte streams from outside the machine, such as the host's own connections. */

/** What a stream device is. */
export interface StreamHardware {
  /** Streams it carries at once; more wait outside. */
  readonly streams: number;
  /** Bytes it buffers for one stream in each direction. */
  readonly bufferBytes: number;
}

/** What became of a stream, as bits in one number. */
export const STREAM_STATE = {
  /** Bytes are waiting to be read. */
  readable: 1,
  /** At least one byte of room to write. */
  writable: 2,
  /** The other end will send no more; what is buffered can still be read. */
  ended: 4,
  /** The stream is dead in both directions. */
  failed: 8,
} as const;

/**
 * A device that carries many byte streams, named by small integers.
 *
 * A number is handed out by `accept`, and again only after `close`. Each
 * direction ends by itself (half-close) and pushes back by itself: a stream
 * that is not read stops its sender, one that is not drained takes no bytes.
 */
export interface StreamDevice {
  readonly hardware: StreamHardware;
  /** The next stream that somebody outside opened, or -1. O(1). */
  accept(): number;
  /** The `STREAM_STATE` bits of `stream`; `failed` for a number not handed out. O(1). */
  state(stream: number): number;
  /** Moves at most `length` bytes to `memory[at…]`; returns how many. O(length). */
  read(stream: number, memory: Uint8Array, at: number, length: number): number;
  /** Takes at most `length` bytes of `memory` from `at`; returns how many. O(length). */
  write(stream: number, memory: Uint8Array, at: number, length: number): number;
  /** `end`: no more bytes will be written. `close`: the number is given back, unread bytes are lost; `reset`: so, and the other end is told. O(1). */
  control(stream: number, operation: "end" | "close" | "reset"): void;
  /** Hands at most `limit` streams whose state changed since last asked to `changed` (-1: one can be accepted); returns how many. O(limit). */
  reap(limit: number, changed: (stream: number) => void): number;
}
