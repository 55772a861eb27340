/**
 * The headers of a frame as an interface with offloads reads them, by itself.
 *
 * Ethernet (IEEE 802.3), IPv4 (RFC 791), and behind it segments (RFC 9293) or
 * datagrams (RFC 768). Nobody tells the interface where a checksum is, so
 * nobody can make it write elsewhere.
 */

/** Bytes of an Ethernet header, and where its type is. */
export const ETHERNET_BYTES = 14;
const TYPE_AT = 12,
  IPV4_TYPE = 0x0800;

/** Offsets in an IPv4 header. */
const LENGTH_AT = 2,
  FRAGMENT_AT = 6,
  PROTOCOL_AT = 9,
  ADDRESSES_AT = 12,
  /** Don't-fragment and the reserved bit are no sign of a fragment. */
  FRAGMENT_MASK = 0x3fff;

/** Protocols whose checksum an interface computes. */
export const PROTOCOL = { segments: 6, datagrams: 17 } as const;

/** Bytes that the headers of a frame have at most: Ethernet, and two headers with all options. */
export const HEADERS_MAX: number = ETHERNET_BYTES + 60 + 60;

const SEGMENT_OFFSET_AT = 12,
  SEGMENT_LEAST = 20,
  SEGMENT_SUM_AT = 16,
  DATAGRAM_BYTES = 8;
/** Where a datagram's checksum is in its header. */
export const DATAGRAM_SUM_AT = 6;

/** What `readHeaders` found; offsets are bytes from the beginning of the frame. Reused from frame to frame. */
export interface FrameHeaders {
  protocol: number;
  /** Where the transport's header begins, where its checksum is, and where it ends. */
  transportAt: number;
  checksumAt: number;
  payloadAt: number;
  /** Where the packet ends, by its own length; padding comes after it. */
  endAt: number;
}

/** A record for `readHeaders`. */
export const makeFrameHeaders = (): FrameHeaders => ({
  protocol: 0,
  transportAt: 0,
  checksumAt: 0,
  payloadAt: 0,
  endAt: 0,
});

/** The big-endian word at `at`. O(1). */
export const word = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

/** Writes the big-endian word at `at`. O(1). */
export const setWord = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
};

const readTransport = (bytes: Uint8Array, at: number, headers: FrameHeaders): void => {
  const { transportAt, protocol } = headers;
  const isSegment = protocol === PROTOCOL.segments;
  headers.checksumAt = transportAt + (isSegment ? SEGMENT_SUM_AT : DATAGRAM_SUM_AT);
  const header = isSegment ? ((bytes[at + transportAt + SEGMENT_OFFSET_AT] ?? 0) >>> 4) * 4 : DATAGRAM_BYTES;
  headers.payloadAt = transportAt + Math.max(header, isSegment ? SEGMENT_LEAST : DATAGRAM_BYTES);
};

/**
 * Reads the headers of a frame of `length` bytes, of which the first `present` are at `bytes[at…]`.
 *
 * False, and nothing to be relied on in `headers`, unless it is a whole IPv4
 * packet of a protocol with a checksum, with its headers among the bytes
 * present. O(1), no allocation.
 */
export const readHeaders = (
  bytes: Uint8Array,
  at: number,
  length: number,
  headers: FrameHeaders,
  present: number = length,
): boolean => {
  if (present < ETHERNET_BYTES + 20 || word(bytes, at + TYPE_AT) !== IPV4_TYPE) return false;
  const ip = at + ETHERNET_BYTES;
  const first = bytes[ip] ?? 0;
  const protocol = bytes[ip + PROTOCOL_AT] ?? 0;
  if (first >>> 4 !== 4 || (first & 15) < 5 || (word(bytes, ip + FRAGMENT_AT) & FRAGMENT_MASK) !== 0)
    return false;
  if (protocol !== PROTOCOL.segments && protocol !== PROTOCOL.datagrams) return false;
  headers.protocol = protocol;
  headers.transportAt = ETHERNET_BYTES + (first & 15) * 4;
  headers.endAt = ETHERNET_BYTES + word(bytes, ip + LENGTH_AT);
  if (present < headers.transportAt + DATAGRAM_BYTES) return false;
  if (protocol === PROTOCOL.segments && present < headers.transportAt + SEGMENT_LEAST) return false;
  readTransport(bytes, at, headers);
  return headers.payloadAt <= present && headers.payloadAt <= headers.endAt && headers.endAt <= length;
};

/** The sum of the pseudo header for `bytes` of transport, not folded. O(1). */
export const pseudoSum = (frame: Uint8Array, at: number, protocol: number, bytes: number): number => {
  const ip = at + ETHERNET_BYTES + ADDRESSES_AT;
  return word(frame, ip) + word(frame, ip + 2) + word(frame, ip + 4) + word(frame, ip + 6) + protocol + bytes;
};
