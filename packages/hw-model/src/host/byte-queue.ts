/** Bytes that arrived in chunks and leave in any lengths. */

/** A first-in first-out queue of bytes that keeps the chunks it is given, uncopied. */
export interface ByteQueue {
  /** Bytes waiting. O(1). */
  length(): number;
  /** Appends a chunk, which belongs to the queue from now on. O(1). */
  push(chunk: Buffer): void;
  /** Moves at most `length` bytes to `memory[at…]`; returns how many. O(length). */
  read(memory: Uint8Array, at: number, length: number): number;
  /** Throws everything away. O(1). */
  clear(): void;
}

const EMPTY: Buffer = Buffer.alloc(0);

/** An empty queue. Every byte is copied once, by `read`; nothing is allocated a read. */
export const makeByteQueue = (): ByteQueue => {
  const chunks: Buffer[] = [];
  let head = 0;
  let consumed = 0;
  let waiting = 0;

  const clear = (): void => {
    chunks.length = 0;
    head = 0;
    consumed = 0;
    waiting = 0;
  };

  const push = (chunk: Buffer): void => {
    if (chunk.length === 0) return;
    if (head > 32 && head * 2 > chunks.length) {
      chunks.splice(0, head);
      head = 0;
    }
    chunks.push(chunk);
    waiting += chunk.length;
  };

  const release = (): void => {
    chunks[head] = EMPTY;
    head++;
    consumed = 0;
  };

  const readOne = (memory: Uint8Array, at: number, length: number): number => {
    const chunk = chunks[head] ?? EMPTY;
    const moved = Math.min(length, chunk.length - consumed);
    chunk.copy(memory, at, consumed, consumed + moved);
    consumed += moved;
    if (consumed === chunk.length) release();
    return moved;
  };

  const read = (memory: Uint8Array, at: number, length: number): number => {
    const wanted = Math.min(length, waiting);
    let moved = 0;
    while (moved < wanted) moved += readOne(memory, at + moved, wanted - moved);
    waiting -= moved;
    if (waiting === 0) clear();
    return moved;
  };

  return { length: () => waiting, push, read, clear };
};
