/** Offloads in software: what an interface puts on the wire for a gather list that asks for them. */
import type { PhysicalGather } from "../nic.ts";
import { copyGather } from "../simulated/frame-slots.ts";
import { makeFrameHeaders, readHeaders } from "./frame-headers.ts";
import { makeSegmentCutter } from "./segment-cutter.ts";
import { completeChecksum } from "./transport-checksum.ts";

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

/** An engine for frames of at most `frameBytes`. */
export function makeOffloadEngine(frameBytes: number): OffloadEngine {
  const cutter = makeSegmentCutter();
  const { bytes } = cutter.memory;
  const headers = makeFrameHeaders();
  const frame = new Uint8Array(frameBytes);
  let whole = 0;
  const take: OffloadEngine["take"] = (memory, gather) => {
    cutter.clear();
    whole = 0;
    const length = copyGather(memory, gather, bytes, 0);
    if (gather.segmentBytes > 0 && cutter.load(length, gather.segmentBytes, frameBytes)) return cutter.left();
    if (length > frameBytes) return 0;
    whole = length;
    if (gather.checksum && readHeaders(bytes, 0, length, headers)) completeChecksum(cutter.memory, headers);
    frame.set(bytes.subarray(0, length));
    return 1;
  };
  const next = (): number => {
    const length = whole > 0 ? whole : cutter.next(frame, 0);
    whole = 0;
    return length;
  };
  return Object.freeze({ frame, take, next });
}
