/** What Linux left to the interface on arriving frames: checksums to complete, super-segments to cut. */
import type { NicArrival } from "../nic.ts";
import { DATAGRAM_SUM_AT, PROTOCOL, setWord } from "../offload/frame-headers.ts";
import { SUPER_SEGMENT_BYTES, makeSegmentCutter } from "../offload/segment-cutter.ts";
import { checksumOf } from "../offload/transport-checksum.ts";
import { makeMemoryUnits } from "./memory-units.ts";
import {
  DATA_VALID,
  KIND,
  NEEDS_CHECKSUM,
  VIRTIO_BYTES,
  headerFlags,
  headerKind,
  headerOffset,
  headerSegment,
  headerStart,
} from "./virtio-header.ts";

/** Makes whole frames of what arrives, and says what is known about them. */
export interface Arrivals {
  /** About the frame that was last completed or cut. */
  readonly arrival: NicArrival;
  /** Where a long frame is read to, its virtio header in front, before `cut`. */
  readonly long: Uint8Array;
  /** Takes note of the virtio header at `bytes[headerAt…]`, and does to the frame at `memory[at…]` what it leaves to do. O(length). */
  complete(bytes: Uint8Array, headerAt: number, memory: Uint8Array, at: number, length: number): void;
  /** Has the `bytes` bytes in `long` cut; false, and nothing is to be handed out, when they are no segments. */
  cut(bytes: number): boolean;
  /** The next frame that was cut, to `memory[at…]`; 0 when there is none. O(bytes). */
  next(memory: Uint8Array, at: number): number;
  /** Frames that `next` has. O(1). */
  left(): number;
  /** Lets go of the memory that frames were completed in. */
  clear(): void;
}

/** Frames of at most `frameBytes`. */
export const makeArrivals = (frameBytes: number): Arrivals => {
  const arrival: NicArrival = { checksumGood: false };
  const cutter = makeSegmentCutter(VIRTIO_BYTES);
  const held = cutter.memory;
  const long = held.bytes.subarray(0, VIRTIO_BYTES + SUPER_SEGMENT_BYTES);
  const units = makeMemoryUnits(held.physical);
  const complete: Arrivals["complete"] = (bytes, headerAt, memory, at, length) => {
    const flags = headerFlags(bytes, headerAt);
    arrival.checksumGood = (flags & (NEEDS_CHECKSUM | DATA_VALID)) !== 0;
    if ((flags & NEEDS_CHECKSUM) === 0) return;
    const start = headerStart(bytes, headerAt);
    const offset = headerOffset(bytes, headerAt);
    if (start + offset + 2 > length) {
      arrival.checksumGood = false;
      return;
    }
    const protocol = offset === DATAGRAM_SUM_AT ? PROTOCOL.datagrams : PROTOCOL.segments;
    setWord(memory, at + start + offset, checksumOf(units.sum(memory, at + start, length - start), protocol));
  };
  const cut: Arrivals["cut"] = (bytes) => {
    const isSegments = (headerKind(long, 0) & ~KIND.ecn) === KIND.segments;
    return isSegments && cutter.load(bytes - VIRTIO_BYTES, headerSegment(long, 0), frameBytes);
  };
  const next: Arrivals["next"] = (memory, at) => {
    const length = cutter.next(memory, at);
    if (length > 0) arrival.checksumGood = true;
    return length;
  };
  return { arrival, long, complete, cut, next, left: cutter.left, clear: units.clear };
};
