/** Leaves the checksum of a frame, and its cutting, to Linux. */
import { PROTOCOL, makeFrameHeaders, pseudoSum, readHeaders, setWord } from "../offload/frame-headers.ts";
import { foldSum } from "../offload/internet-sum.ts";
import { VIRTIO_BYTES, setHeader } from "./virtio-header.ts";

/**
 * Fills the virtio header at `bytes[at…]` for the frame of `length` bytes behind it.
 *
 * The first `present` bytes are there. The checksum's place gets the sum of the
 * pseudo header, which Linux goes on from. False, and nothing said to Linux,
 * if the frame is none for that. O(1), no allocation.
 */
export type LeaveChecksum = (
  bytes: Uint8Array,
  at: number,
  length: number,
  present: number,
  segmentBytes: number,
) => boolean;

/** For an interface whose frames have at most `frameBytes` bytes. */
export function makeChecksumLeaver(frameBytes: number): LeaveChecksum {
  const headers = makeFrameHeaders();
  const isCuttable = (length: number, segmentBytes: number): boolean =>
    headers.protocol === PROTOCOL.segments &&
    headers.endAt === length &&
    headers.payloadAt + segmentBytes <= frameBytes;
  return (bytes, at, length, present, segmentBytes) => {
    const frame = at + VIRTIO_BYTES;
    if (!readHeaders(bytes, frame, length, headers, present)) return false;
    if (segmentBytes > 0 && !isCuttable(length, segmentBytes)) return false;
    const { protocol, transportAt, checksumAt, payloadAt, endAt } = headers;
    setWord(bytes, frame + checksumAt, foldSum(pseudoSum(bytes, frame, protocol, endAt - transportAt)));
    setHeader(bytes, at, headers, payloadAt + segmentBytes < length ? segmentBytes : 0);
    return true;
  };
}
