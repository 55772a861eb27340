/**
 * What Linux says about a frame beside it: `struct virtio_net_hdr` (virtio 1.2, 5.1.6), ten bytes.
 *
 * In it are a checksum that was left to the interface, and the payload size of
 * a super-segment. Fields are in the host's order, which is the low byte first.
 */

/** Bytes of the header. */
export const VIRTIO_BYTES = 10;

/** Where the fields are: flags, kind, bytes of headers, bytes of a payload, the checksum's beginning and place. */
const FLAGS_AT = 0,
  KIND_AT = 1,
  HEADERS_AT = 2,
  SEGMENT_AT = 4,
  START_AT = 6,
  OFFSET_AT = 8;

/** The checksum is to be completed; it is known to be right. */
export const NEEDS_CHECKSUM = 1,
  DATA_VALID = 2;

/** Kinds of frames: an ordinary one, a super-segment of TCP over IPv4; a bit beside it says that it carries ECN. */
export const KIND = { ordinary: 0, segments: 1, ecn: 0x80 } as const;

const low = (bytes: Uint8Array, at: number): number => (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
const setLow = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
};

/** Readers of a header at `bytes[at…]`. */
export const headerFlags = (bytes: Uint8Array, at: number): number => bytes[at + FLAGS_AT] ?? 0;
export const headerKind = (bytes: Uint8Array, at: number): number => bytes[at + KIND_AT] ?? 0;
export const headerSegment = (bytes: Uint8Array, at: number): number => low(bytes, at + SEGMENT_AT);
export const headerStart = (bytes: Uint8Array, at: number): number => low(bytes, at + START_AT);
export const headerOffset = (bytes: Uint8Array, at: number): number => low(bytes, at + OFFSET_AT);

/** Says nothing about a frame. O(1). */
export const clearHeader = (bytes: Uint8Array, at: number): void => {
  for (let i = 0; i < VIRTIO_BYTES; i++) bytes[at + i] = 0;
};

/** Leaves the checksum from `start` on, which belongs `offset` further, to Linux; and the cutting, unless `segmentBytes` is 0. */
export const setHeader = (
  bytes: Uint8Array,
  at: number,
  frame: { readonly transportAt: number; readonly checksumAt: number; readonly payloadAt: number },
  segmentBytes: number,
): void => {
  bytes[at + FLAGS_AT] = NEEDS_CHECKSUM;
  bytes[at + KIND_AT] = segmentBytes === 0 ? KIND.ordinary : KIND.segments;
  setLow(bytes, at + HEADERS_AT, frame.payloadAt);
  setLow(bytes, at + SEGMENT_AT, segmentBytes);
  setLow(bytes, at + START_AT, frame.transportAt);
  setLow(bytes, at + OFFSET_AT, frame.checksumAt - frame.transportAt);
};
