/** TCP options: maximum segment size and window scale; others are skipped. */
import type { Window } from "@exolith/exokernel/abi";

const END = 0;
const NO_OPERATION = 1;
const MAXIMUM_SEGMENT_SIZE = 2;
const WINDOW_SCALE = 3;

/** Largest shift that may be used (RFC 7323 section 2.3). */
export const WINDOW_SCALE_MAX = 14;
/** Bytes of the options of a SYN: segment size, and with a no-operation the window scale. */
export const SYN_OPTION_BYTES_MAX = 8;

/** The options of one segment; reused. SACK and timestamps get their fields here. */
export interface SegmentOptions {
  /** Bytes, 0 when absent (RFC 9293 section 3.7.1). */
  maximumSegmentSize: number;
  /** The shift, -1 when absent (RFC 7323 section 2.2). */
  windowScale: number;
}

/** No option at all. */
export const makeSegmentOptions = (): SegmentOptions => ({ maximumSegmentSize: 0, windowScale: -1 });

/** Forgets what was parsed. */
export function clearOptions(options: SegmentOptions): void {
  options.maximumSegmentSize = 0;
  options.windowScale = -1;
}

/**
 * Reads the option bytes from `at` to `end`.
 *
 * False at the first option with an illegal length: what came before it
 * counts, the rest is ignored. O(bytes), at most 40.
 */
export function parseOptions(options: SegmentOptions, window: Window, at: number, end: number): boolean {
  clearOptions(options);
  let next = at;
  while (next < end) {
    const kind = window.getU8(next);
    if (kind === END) return true;
    if (kind === NO_OPERATION) {
      next += 1;
      continue;
    }
    const length = next + 1 < end ? window.getU8(next + 1) : 0;
    if (length < 2 || next + length > end) return false;
    if (!readOption(options, kind, window, next + 2, length - 2)) return false;
    next += length;
  }
  return true;
}

// False for a known option of the wrong length.
function readOption(
  options: SegmentOptions,
  kind: number,
  window: Window,
  at: number,
  length: number,
): boolean {
  if (kind === MAXIMUM_SEGMENT_SIZE) {
    if (length !== 2) return false;
    options.maximumSegmentSize = window.getU16(at);
  } else if (kind === WINDOW_SCALE) {
    if (length !== 1) return false;
    options.windowScale = Math.min(window.getU8(at), WINDOW_SCALE_MAX);
  }
  return true;
}

/** Writes the options of a SYN; a negative scale leaves window scaling out. Returns their bytes, a multiple of 4. */
export function writeSynOptions(
  window: Window,
  at: number,
  segmentBytes: number,
  windowScale: number,
): number {
  window.setU8(at, MAXIMUM_SEGMENT_SIZE);
  window.setU8(at + 1, 4);
  window.setU16(at + 2, segmentBytes);
  if (windowScale < 0) return 4;
  window.setU8(at + 4, NO_OPERATION);
  window.setU8(at + 5, WINDOW_SCALE);
  window.setU8(at + 6, 3);
  window.setU8(at + 7, windowScale);
  return SYN_OPTION_BYTES_MAX;
}

/** The shift with which a window of `bytes` fits in 16 bits. */
export function scaleFor(bytes: number): number {
  let scale = 0;
  while (scale < WINDOW_SCALE_MAX && Math.floor(bytes / 2 ** scale) > 0xffff) scale += 1;
  return scale;
}
