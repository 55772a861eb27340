/** The documents that are served, the same bytes by every server. */
import { FRAME_BYTES, must, type Window } from "@exolith/exokernel/abi";
import type { FramePool } from "@exolith/libos-exos";

/** Sizes as in the figure. */
export const SIZES: readonly number[] = [0, 100, 1024, 10_240, 102_400];

/** The name of the document of so many bytes. */
export const nameOf = (size: number): string => `d${size}.html`;

/** The bytes of the document of `size` bytes; of another of that size with another `seed`. */
export function bytesOf(size: number, seed: number = size): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let i = 0, state = seed | 1; i < size; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** A request for it, as clients send it. */
export const requestFor = (size: number): string =>
  `GET /${nameOf(size)} HTTP/1.0\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n`;

/** A document in memory. */
export interface Held {
  readonly window: Window;
  readonly size: number;
}

/** The document of `size` bytes in frames of `pool`. */
export function hold(pool: FramePool, size: number): Held {
  const window = must(pool.run(Math.max(1, Math.ceil(size / FRAME_BYTES))));
  window.write(0, bytesOf(size), 0, size);
  return { window, size };
}
