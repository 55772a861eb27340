/** A test's own segments: made, and checked, by the definition of the checksum, byte by byte. */
import { makePhysicalGather, type Nic } from "../nic.ts";
import type { Cycles } from "../units.ts";

/** Bytes of headers in front of the payload: Ethernet, IPv4, and twelve bytes of options. */
export const SEGMENT_HEADERS: number = 14 + 20 + 32;

/** The ones'-complement sum of `bytes` from `from` on (RFC 1071), folded. */
const sumOf = (bytes: Uint8Array, from: number, to: number, start: number): number => {
  let sum = start;
  for (let i = from; i < to; i++) sum += (bytes[i] ?? 0) << ((i - from) % 2 === 0 ? 8 : 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000);
  return sum;
};

const put = (frame: Uint8Array, at: number, value: number, bytes: number): void => {
  for (let i = 0; i < bytes; i++) frame[at + i] = Math.floor(value / 256 ** (bytes - 1 - i)) & 0xff;
};

const take = (frame: Uint8Array, at: number, bytes: number): number =>
  frame.subarray(at, at + bytes).reduce((value, byte) => value * 256 + byte, 0);

/** The sum of the transport of a frame, with its pseudo header: 0xffff when its checksum is right. */
const transportSum = (frame: Uint8Array): number => {
  const end = 14 + take(frame, 16, 2);
  return sumOf(frame, 34, end, sumOf(frame, 26, 34, (frame[23] ?? 0) + end - 34));
};

/** What a segment says. */
export interface SegmentFields {
  readonly sequence?: number;
  readonly identification?: number;
  /** FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128. */
  readonly flags?: number;
}

/** A segment to everyone with `payload`, and with both checksums right. */
export const segmentFrame = (payload: Uint8Array, fields: SegmentFields = {}): Uint8Array => {
  const { sequence = 1000, identification = 7, flags = 0x10 } = fields;
  const frame = new Uint8Array(SEGMENT_HEADERS + payload.length);
  frame.fill(0xff, 0, 6);
  frame.set([0x02, 0, 0, 0, 0xee, 1, 8, 0, 0x45, 0], 6);
  put(frame, 16, frame.length - 14, 2);
  put(frame, 18, identification, 2);
  frame.set([0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 0x13, 0x88, 0, 80], 20);
  put(frame, 38, sequence, 4);
  frame.set([0, 0, 0, 9, 0x80, flags, 1, 0, 0, 0, 0, 0, 1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8], 42);
  frame.set(payload, SEGMENT_HEADERS);
  put(frame, 24, ~sumOf(frame, 14, 34, 0) & 0xffff, 2);
  put(frame, 50, ~transportSum(frame) & 0xffff, 2);
  return frame;
};

/** `length` bytes that differ by where they are. */
export const somePayload = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8) * 31) & 0xff);

/** What a test wants to know about a segment that it got. */
export interface SeenSegment extends Required<SegmentFields> {
  readonly payload: Uint8Array;
  /** Both checksums, and both lengths. */
  readonly isSound: boolean;
}

/** Reads a segment with the headers of `segmentFrame`. */
export const seeSegment = (frame: Uint8Array): SeenSegment => ({
  sequence: take(frame, 38, 4),
  identification: take(frame, 18, 2),
  flags: frame[47] ?? 0,
  payload: frame.slice(SEGMENT_HEADERS),
  isSound:
    14 + take(frame, 16, 2) === frame.length &&
    sumOf(frame, 14, 34, 0) === 0xffff &&
    transportSum(frame) === 0xffff,
});

/** What a sender leaves to its interface. */
export interface LeftToNic {
  readonly checksum?: boolean;
  readonly segmentBytes?: number;
  /** Where the frame is split into pieces; in one piece unless given. */
  readonly cuts?: readonly number[];
}

/** Queues `frame` in pieces that lie apart; false when the ring is full. The frame itself is not changed. */
export const sendLeaving = (nic: Nic, now: Cycles, frame: Uint8Array, left: LeftToNic = {}): boolean => {
  const ends = [...(left.cuts ?? []), frame.length];
  const gather = makePhysicalGather(ends.length);
  const memory = new Uint8Array(frame.length + 16 * ends.length);
  let from = 0;
  for (const [i, end] of ends.entries()) {
    const at = from + 16 * i + (i % 3);
    memory.set(frame.subarray(from, end), at);
    gather.addresses[i] = at;
    gather.lengths[i] = end - from;
    from = end;
  }
  gather.count = ends.length;
  gather.length = frame.length;
  gather.checksum = left.checksum ?? false;
  gather.segmentBytes = left.segmentBytes ?? 0;
  const before = memory.slice();
  const taken = nic.transmit({ now: () => now }, memory, gather);
  if (memory.some((byte, i) => byte !== before[i])) throw new Error("the interface changed the memory");
  memory.fill(0);
  return taken;
};
