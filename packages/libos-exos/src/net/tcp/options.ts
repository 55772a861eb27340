/** TCP options: segment size, window scale, timestamps (RFC 7323), selective acknowledgments (RFC 2018); others are skipped. */
import type { Window } from "@exolith/exokernel/abi";
import { sequenceOf } from "./sequence.ts";

const END = 0;
const NO_OPERATION = 1;
const MAXIMUM_SEGMENT_SIZE = 2;
const WINDOW_SCALE = 3;
const SELECTIVE_PERMITTED = 4;
const SELECTIVE = 5;
const TIMESTAMPS = 8;

// First words of options as they are written, each option on a word's edge.
const SEGMENT_SIZE_WORD = (MAXIMUM_SEGMENT_SIZE << 24) | (4 << 16);
const SCALE_WORD = (NO_OPERATION << 24) | (WINDOW_SCALE << 16) | (3 << 8);
const PERMITTED_WORD = (NO_OPERATION << 24) | (NO_OPERATION << 16) | (SELECTIVE_PERMITTED << 8) | 2;
const PERMITTED_TIMESTAMPS_WORD = (SELECTIVE_PERMITTED << 24) | (2 << 16) | (TIMESTAMPS << 8) | 10;
const TIMESTAMPS_WORD = (NO_OPERATION << 24) | (NO_OPERATION << 16) | (TIMESTAMPS << 8) | 10;
const SELECTIVE_WORD = (NO_OPERATION << 24) | (NO_OPERATION << 16) | (SELECTIVE << 8) | 2;

/** Largest shift that may be used (RFC 7323 section 2.3). */
export const WINDOW_SCALE_MAX = 14;
/** Bytes of the options of a SYN: segment size, SACK-permitted, timestamps, window scale. */
export const SYN_OPTION_BYTES_MAX = 20;
/** Bytes of the timestamps of a segment, aligned (RFC 7323 appendix A). */
export const TIMESTAMPS_BYTES = 12;
/** Blocks that the SACK option of one segment has room for. */
export const BLOCKS_MAX = 4;

/** The options of one segment; reused. */
export interface SegmentOptions {
  /** Bytes, 0 when absent (RFC 9293 section 3.7.1). */
  maximumSegmentSize: number;
  /** The shift, -1 when absent (RFC 7323 section 2.2). */
  windowScale: number;
  /** SACK-permitted was there (RFC 2018 section 2). */
  isSelectivePermitted: boolean;
  /** TSval and TSecr were there (RFC 7323 section 3.2). */
  hasTimestamps: boolean;
  timestamp: number;
  timestampEcho: number;
  /** Blocks of the SACK option, as the peer wrote them: nothing about them is checked. */
  blockCount: number;
  readonly blockStarts: Int32Array;
  readonly blockEnds: Int32Array;
}

/** No option at all. */
export const makeSegmentOptions = (): SegmentOptions => ({
  maximumSegmentSize: 0,
  windowScale: -1,
  isSelectivePermitted: false,
  hasTimestamps: false,
  timestamp: 0,
  timestampEcho: 0,
  blockCount: 0,
  blockStarts: new Int32Array(BLOCKS_MAX),
  blockEnds: new Int32Array(BLOCKS_MAX),
});

/** Forgets what was parsed. */
export function clearOptions(options: SegmentOptions): void {
  options.maximumSegmentSize = 0;
  options.windowScale = -1;
  options.isSelectivePermitted = false;
  options.hasTimestamps = false;
  options.blockCount = 0;
}

/**
 * Reads the option bytes from `at` to `end`.
 *
 * False at the first option with an illegal length: what came before it
 * counts, the rest is ignored. O(bytes), at most 40; O(1) for timestamps alone.
 */
export function parseOptions(options: SegmentOptions, window: Window, at: number, end: number): boolean {
  clearOptions(options);
  if (end - at === TIMESTAMPS_BYTES && window.getU32(at) === TIMESTAMPS_WORD) {
    readTimestamps(options, window, at + 4);
    return true;
  }
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
  switch (kind) {
    case MAXIMUM_SEGMENT_SIZE:
      if (length !== 2) return false;
      options.maximumSegmentSize = window.getU16(at);
      return true;
    case WINDOW_SCALE:
      if (length !== 1) return false;
      options.windowScale = Math.min(window.getU8(at), WINDOW_SCALE_MAX);
      return true;
    case SELECTIVE_PERMITTED:
      if (length !== 0) return false;
      options.isSelectivePermitted = true;
      return true;
    case SELECTIVE:
      return readBlocks(options, window, at, length);
    case TIMESTAMPS:
      if (length !== 8) return false;
      readTimestamps(options, window, at);
      return true;
    default:
      return true;
  }
}

function readTimestamps(options: SegmentOptions, window: Window, at: number): void {
  options.hasTimestamps = true;
  options.timestamp = sequenceOf(window.getU32(at));
  options.timestampEcho = sequenceOf(window.getU32(at + 4));
}

// Forty bytes of options have no room for more than `BLOCKS_MAX`.
function readBlocks(options: SegmentOptions, window: Window, at: number, length: number): boolean {
  if (length === 0 || length % 8 !== 0) return false;
  options.blockCount = length / 8;
  for (let block = 0; block < options.blockCount; block++) {
    options.blockStarts[block] = window.getU32(at + block * 8);
    options.blockEnds[block] = window.getU32(at + block * 8 + 4);
  }
  return true;
}

/** Writes the options of a SYN, those that are present. Returns their bytes, a multiple of 4. */
export function writeSynOptions(window: Window, at: number, options: SegmentOptions): number {
  window.setU32(at, SEGMENT_SIZE_WORD | options.maximumSegmentSize);
  let bytes = 4;
  if (options.hasTimestamps) {
    bytes += writeTimestamps(window, at + bytes, options.timestamp, options.timestampEcho);
    if (options.isSelectivePermitted) window.setU32(at + 4, PERMITTED_TIMESTAMPS_WORD);
  } else if (options.isSelectivePermitted) {
    window.setU32(at + bytes, PERMITTED_WORD);
    bytes += 4;
  }
  if (options.windowScale < 0) return bytes;
  window.setU32(at + bytes, SCALE_WORD | options.windowScale);
  return bytes + 4;
}

/** Writes the timestamps of a segment: `TIMESTAMPS_BYTES`. */
export function writeTimestamps(window: Window, at: number, timestamp: number, echo: number): number {
  window.setU32(at, TIMESTAMPS_WORD);
  window.setU32(at + 4, timestamp);
  window.setU32(at + 8, echo);
  return TIMESTAMPS_BYTES;
}

/** Bytes of a SACK option with `count` blocks, aligned; none without blocks. */
export const blocksBytes = (count: number): number => (count === 0 ? 0 : 4 + count * 8);

/** Writes the head of a SACK option whose `count` blocks follow. */
export const writeBlocksHead = (window: Window, at: number, count: number): void =>
  window.setU32(at, SELECTIVE_WORD + count * 8);

/** Writes block `index` of the SACK option at `at`. */
export function writeBlock(window: Window, at: number, index: number, start: number, end: number): void {
  window.setU32(at + 4 + index * 8, start);
  window.setU32(at + 8 + index * 8, end);
}

/** The shift with which a window of `bytes` fits in 16 bits. */
export function scaleFor(bytes: number): number {
  let scale = 0;
  while (scale < WINDOW_SCALE_MAX && Math.floor(bytes / 2 ** scale) > 0xffff) scale += 1;
  return scale;
}
