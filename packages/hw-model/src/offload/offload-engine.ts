/** Offloads in software: what an interface puts on the wire for a gather list that asks for them. */
import type { PhysicalGather } from "../nic.ts";
import { copyGather } from "../simulated/frame-slots.ts";
import { completeChecksum } from "./complete-checksum.ts";
import { makeFrameHeaders, pseudoSum, readHeaders, type FrameHeaders } from "./frame-headers.ts";
import { foldSum, makeInternetSum, type InternetSum } from "./internet-sum.ts";
import { makeSegmentCutter } from "./segment-cutter.ts";

/** Makes ordinary frames of one gather list at a time. */
export interface OffloadEngine {
  /** Where `next` puts a frame. */
  readonly frame: Uint8Array;
  /** Copies a frame and does what it asks for; how many frames it becomes, 0 when it is lost. O(bytes). */
  take(memory: Uint8Array, gather: PhysicalGather): number;
  /** Puts the next frame in `frame`; its length, 0 when there is no other. O(bytes). */
  next(): number;
}

/** True if a gather list asks for anything. O(1). */
export const asksForOffload = ({ checksum, segmentBytes }: PhysicalGather): boolean =>
  checksum || segmentBytes > 0;

/** True if the frame at `bytes[at…]` has a transport checksum, and a right one. O(length). */
export const isChecksumGood = (
  bytes: Uint8Array,
  at: number,
  length: number,
  headers: FrameHeaders,
  sum: InternetSum,
): boolean => {
  if (!readHeaders(bytes, at, length, headers)) return false;
  const { transportAt, endAt, protocol } = headers;
  const bytesOf = endAt - transportAt;
  const total = pseudoSum(bytes, at, protocol, bytesOf) + foldSum(sum(bytes, at + transportAt, bytesOf));
  return foldSum(total) === 0xffff;
};

/** An engine for frames of at most `frameBytes`. */
export function makeOffloadEngine(frameBytes: number): OffloadEngine {
  const cutter = makeSegmentCutter();
  const headers = makeFrameHeaders();
  const sum = makeInternetSum();
  const frame = new Uint8Array(frameBytes);
  let whole = 0;
  const take: OffloadEngine["take"] = (memory, gather) => {
    cutter.clear();
    whole = 0;
    const length = copyGather(memory, gather, cutter.bytes, 0);
    if (gather.segmentBytes > 0 && cutter.load(length, gather.segmentBytes, frameBytes)) return cutter.left();
    if (length > frameBytes) return 0;
    whole = length;
    frame.set(cutter.bytes.subarray(0, length));
    if (gather.checksum && readHeaders(frame, 0, length, headers)) completeChecksum(frame, 0, headers, sum);
    return 1;
  };
  const next = (): number => {
    const length = whole > 0 ? whole : cutter.next(frame, 0);
    whole = 0;
    return length;
  };
  return Object.freeze({ frame, take, next });
}
