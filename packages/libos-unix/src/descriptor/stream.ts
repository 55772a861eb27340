/** Streams: what is read and written without a position, and may have to be waited for. */
import { type Outcome, refuse } from "../errno.ts";
import type { FileType, RightSet } from "../wasi/layout.ts";
import { rights } from "../wasi/layout.ts";

/** The outcome of a stream that has nothing, or no room, at present. */
export const AGAIN: Outcome = refuse("again");

/** What a stream can allow at most. */
export const STREAM_RIGHTS: RightSet = rights(
  "fd_read",
  "fd_write",
  "fd_fdstat_set_flags",
  "fd_filestat_get",
  "poll_fd_readwrite",
);

/** All that can be done with a stream that is only read. */
export const INPUT_RIGHTS: RightSet = STREAM_RIGHTS & ~rights("fd_write");

/** All that can be done with a stream that is only written. */
export const OUTPUT_RIGHTS: RightSet = STREAM_RIGHTS & ~rights("fd_read");

/**
 * A stream of bytes. Nothing in it waits: what would is refused with `again`.
 *
 * Whoever waits asks `readable` and `writable` until they say something else.
 */
export interface Stream {
  /** A character device is taken for a terminal by most C libraries. */
  readonly fileType: FileType;
  /** Of `STREAM_RIGHTS`, what makes sense here. */
  readonly rights: RightSet;
  /** What is written is not looked at: `write` may be given anything of the right length. */
  readonly forgets?: true;
  /**
   * Who is to be told, once, when it may be ready: a stream that has this calls all
   * of them, and forgets them, whenever what `readable` or `writable` say may have changed.
   *
   * Who waits for a stream without it is woken from outside.
   */
  readonly waiters?: Set<() => void>;
  /** Moves at most `length` bytes to `into[at…]`: how many, 0 at the end, `again` when there are none yet. O(length). */
  read(into: Uint8Array, at: number, length: number): Outcome;
  /** Takes at most `length` bytes of `from[at…]`: how many, `again` when it is full, `pipe` when nobody reads. O(length). */
  write(from: Uint8Array, at: number, length: number): Outcome;
  /** Bytes that a read would find, 0 at the end, `again` when there are none yet. O(1). */
  readable(): Outcome;
  /** Bytes that a write would place, `again` when it is full, or why none ever will be. O(1). */
  writable(): Outcome;
  /** Gives back what it holds; called once, after which nothing else is. */
  close(): void;
}
