/** A frame that leaves by a call of its own: its virtio header and headers copied, the rest where it is. */
import type { PhysicalGather } from "../nic.ts";
import { HEADERS_MAX } from "../offload/frame-headers.ts";
import { copyBytes } from "../simulated/frame-slots.ts";
import { makeChecksumLeaver } from "./leave-checksum.ts";
import type { LinuxLibrary } from "./linux-library.ts";
import { VECTOR_BYTES, VECTOR_PIECES, setVector } from "./physical-base.ts";
import { VIRTIO_BYTES, clearHeader } from "./virtio-header.ts";

/** Describes one frame at a time to Linux. */
export interface LongFrame {
  /** Address of the vector that `gather` filled. */
  readonly vectorAt: number;
  /**
   * Describes a frame of `memory`, which lies at `base`, with what it asks for left to Linux.
   *
   * Pieces of the vector, valid while the memory stays as it is; 0 for a frame
   * that is too long and none that can be cut. O(pieces).
   */
  gather(memory: Uint8Array, base: number, gather: PhysicalGather): number;
}

/** Frames longer than `frameBytes` need to be cut. */
export function makeLongFrame(linux: LinuxLibrary, frameBytes: number): LongFrame {
  const head = new Uint8Array(VIRTIO_BYTES + HEADERS_MAX);
  const headAt = linux.address(head);
  const bytes = new Uint8Array((VECTOR_PIECES + 1) * VECTOR_BYTES);
  const vector = new DataView(bytes.buffer);
  const leaveChecksum = makeChecksumLeaver(frameBytes);

  /** Copies the first `present` bytes behind the virtio header, and names the others where they are. */
  const split = (memory: Uint8Array, base: number, gather: PhysicalGather, present: number): number => {
    let copied = 0;
    let pieces = 1;
    for (let i = 0; i < gather.count; i++) {
      const at = gather.addresses[i] ?? 0;
      const length = gather.lengths[i] ?? 0;
      const part = Math.min(length, present - copied);
      copyBytes(memory, at, head, VIRTIO_BYTES + copied, part);
      copied += part;
      if (part < length) setVector(vector, pieces++, base + at + part, length - part);
    }
    setVector(vector, 0, headAt, VIRTIO_BYTES + present);
    return pieces;
  };

  const gather: LongFrame["gather"] = (memory, base, list) => {
    const { length, segmentBytes } = list;
    const present = Math.min(length, HEADERS_MAX);
    clearHeader(head, 0);
    const pieces = split(memory, base, list, present);
    const isCut = segmentBytes > 0 && leaveChecksum(head, 0, length, present, segmentBytes);
    if (!isCut && list.checksum) leaveChecksum(head, 0, length, present, 0);
    return !isCut && length > frameBytes ? 0 : pieces;
  };
  return Object.freeze({ vectorAt: linux.address(bytes), gather });
}
