/** A byte sequence that grows at its end. */

/** Bytes that are appended and read, never changed, and forgotten all together. */
export interface GrowingBytes {
  /** Appends `length` bytes of `memory` from `at`. Amortised O(length). */
  append(memory: Uint8Array, at: number, length: number): void;
  /** Bytes held. O(1). */
  length(): number;
  /** The bytes from `from` to `to`, valid until the next `append`. O(1). */
  view(from: number, to: number): Uint8Array;
  /** All bytes, as the caller's own copy. O(bytes). */
  copy(): Uint8Array;
  /** Forgets all bytes, and keeps their room. O(1). */
  clear(): void;
}

/** An empty sequence with room for `room` bytes before it first grows. */
export function makeGrowingBytes(room: number = 256): GrowingBytes {
  let bytes = new Uint8Array(Math.max(1, room));
  let used = 0;
  const append = (memory: Uint8Array, at: number, length: number): void => {
    if (used + length > bytes.length) {
      const larger = new Uint8Array(Math.max(2 * bytes.length, used + length));
      larger.set(bytes.subarray(0, used));
      bytes = larger;
    }
    bytes.set(memory.subarray(at, at + length), used);
    used += length;
  };
  return {
    append,
    length: () => used,
    view: (from, to) => bytes.subarray(from, to),
    copy: () => bytes.slice(0, used),
    clear: () => {
      used = 0;
    },
  };
}
