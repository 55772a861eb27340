/** What a program waits for that made a call which could not be answered yet. */
import { AGAIN, type Stream } from "../descriptor/stream.ts";

/** What a call returns that has to be made again, with the same arguments, when `mayGoOn` says so. */
export const WAIT = -1;

/** What the call that returned `WAIT` waits for: the first of all these. */
export interface Waiting {
  /** A time of the monotonic clock, nanoseconds; infinite when no time ends it. */
  until: number;
  /** Streams, until they can be read or are at their end. */
  readonly reads: Stream[];
  /** Streams, until they can be written or never will be. */
  readonly writes: Stream[];
}

/** Nothing to wait for. */
export const makeWaiting = (): Waiting => ({ until: Number.POSITIVE_INFINITY, reads: [], writes: [] });

/** Forgets what was waited for. */
export function clearWaiting(waiting: Waiting): void {
  waiting.until = Number.POSITIVE_INFINITY;
  waiting.reads.length = 0;
  waiting.writes.length = 0;
}

/** Whether the call may be made again, at a time `now` of the monotonic clock. O(streams). */
export function mayGoOn(waiting: Waiting, now: number): boolean {
  if (now >= waiting.until) return true;
  for (const stream of waiting.reads) if (stream.readable() !== AGAIN) return true;
  for (const stream of waiting.writes) if (stream.writable() !== AGAIN) return true;
  return false;
}
