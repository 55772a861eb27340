/** Memory for received bytes, lent to a connection only while it has some to keep. */
import type { Window } from "@exolith/exokernel/abi";
import type { BufferSlot } from "../../memory/buffer-slots.ts";

export type { BufferSlot };

/** Lends buffers, all of the same size. */
export interface ReceiveMemory {
  /** Bytes of every buffer; the receive window of a connection. */
  readonly bytes: number;
  /** A buffer, or `undefined` when all are lent. O(1). */
  allocate(): BufferSlot | undefined;
  /** Takes a buffer back. O(1). */
  release(slot: BufferSlot): void;
}

/** The receive memory that cuts `window` into buffers of `bytes`. Nobody else may write there. */
export function makeReceiveMemory(
  window: Window,
  bytes: number,
): ReceiveMemory & { readonly free: () => number } {
  const count = Math.floor(window.length / bytes);
  const slots: BufferSlot[] = Array.from({ length: count }, (_, index) => ({ window, at: index * bytes }));
  return Object.freeze({
    bytes,
    free: () => slots.length,
    allocate: () => slots.pop(),
    release: (slot: BufferSlot) => {
      slots.push(slot);
    },
  });
}
