/** Many small writes of one turn, given to the host as few large ones. */
import type { Socket } from "node:net";

/** Bytes of the first chunk of a turn, and of those after it. */
const SMALL_BYTES = 4096;
const LARGE_BYTES = 65_536;

/** Chunks kept for reuse, of each size. */
const KEPT = 64;

/** Bytes on their way to one connection. */
export interface GatheredWrites {
  /** Bytes gathered that the connection was not given yet. */
  readonly length: number;
  /** Adds `length` bytes of `memory` from `at`; they leave at the end of this turn at the latest. O(length). */
  add(memory: Uint8Array, at: number, length: number): void;
  /** Gives the connection what is gathered. */
  flush(): void;
  /** Forgets what is gathered. */
  discard(): void;
}

const smallChunks: Buffer[] = [];
const largeChunks: Buffer[] = [];

const takeChunk = (isFirst: boolean): Buffer => {
  const kept = isFirst ? smallChunks : largeChunks;
  return kept.pop() ?? Buffer.allocUnsafeSlow(isFirst ? SMALL_BYTES : LARGE_BYTES);
};

const giveBack = (chunk: Buffer | undefined): void => {
  if (chunk === undefined) return;
  const kept = chunk.length === SMALL_BYTES ? smallChunks : largeChunks;
  if (kept.length < KEPT) kept.push(chunk);
};

/**
 * Gathers writes to `connection`; `written` is called whenever the host has taken some.
 *
 * A chunk is used again only after the host is done with it.
 */
export function gatherWrites(connection: Socket, written: () => void): GatheredWrites {
  const handed: Buffer[] = [];
  let chunk: Buffer | undefined;
  let used = 0;
  let isScheduled = false;
  let isFirst = true;
  const taken = (error?: Error | null): void => {
    const done = handed.shift();
    if (error === undefined || error === null) giveBack(done);
    written();
  };
  const hand = (): void => {
    if (chunk === undefined || used === 0) return;
    const full = chunk;
    const bytes = used;
    chunk = undefined;
    used = 0;
    isFirst = false;
    handed.push(full);
    connection.write(full.subarray(0, bytes), taken);
  };
  const endOfTurn = (): void => {
    isScheduled = false;
    hand();
    isFirst = true;
  };
  const add = (memory: Uint8Array, at: number, length: number): void => {
    for (let moved = 0; moved < length;) {
      chunk ??= takeChunk(isFirst);
      const part = Math.min(length - moved, chunk.length - used);
      chunk.set(memory.subarray(at + moved, at + moved + part), used);
      used += part;
      moved += part;
      if (used === chunk.length) hand();
    }
    if (isScheduled) return;
    isScheduled = true;
    queueMicrotask(endOfTurn);
  };
  const discard = (): void => {
    giveBack(chunk);
    chunk = undefined;
    used = 0;
  };
  return {
    get length() {
      return used;
    },
    add,
    flush: hand,
    discard,
  };
}
