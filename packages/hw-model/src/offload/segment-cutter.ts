/** Cuts a super-segment into the ordinary frames that it stands for. */
import {
  ETHERNET_BYTES,
  PROTOCOL,
  makeFrameHeaders,
  pseudoSum,
  readHeaders,
  setWord,
  word,
  type FrameHeaders,
} from "./frame-headers.ts";
import { foldSum, makeSummedMemory, sumBytes, type SummedMemory } from "./internet-sum.ts";
import { checksumOf } from "./transport-checksum.ts";

/** The longest super-segment: the longest IPv4 packet, and its Ethernet header. */
export const SUPER_SEGMENT_BYTES: number = 65_535 + ETHERNET_BYTES;

/** Offsets in an IPv4 header, and in the header of a segment. */
const LENGTH_AT = 2,
  IDENTIFICATION_AT = 4,
  SUM_AT = 10,
  SEQUENCE_AT = 4,
  FLAGS_AT = 13;

/** Flags of a segment that only the last one of several keeps (FIN, PSH), and only the first (CWR). */
const LAST_FLAGS = 0x09,
  FIRST_FLAGS = 0x80;

/** Holds one super-segment and hands out its frames. */
export interface SegmentCutter {
  /** Where a super-segment is put, from `start` on, before `load`. */
  readonly memory: SummedMemory;
  readonly start: number;
  /** Frames that `next` has to hand out still. O(1). */
  left(): number;
  /**
   * Takes the `length` bytes put there, to be cut into payloads of `segmentBytes`.
   *
   * False, and nothing is left, when it is no segment that can be cut into frames of `frameBytes` at most. O(1).
   */
  load(length: number, segmentBytes: number, frameBytes: number): boolean;
  /** Writes the next frame, whole, to `memory[at…]`; its length, 0 when none is left. O(bytes). */
  next(memory: Uint8Array, at: number): number;
  /** Throws away what is left. */
  clear(): void;
}

interface Cutter {
  readonly held: SummedMemory;
  readonly start: number;
  readonly headers: FrameHeaders;
  segmentBytes: number;
  /** Where the payload of the next frame begins, counted from `start`. */
  at: number;
  /** Frames cut so far. */
  cut: number;
}

/** A segment with payload, without padding behind it. */
const isSegment = ({ protocol, payloadAt, endAt }: FrameHeaders, length: number): boolean =>
  protocol === PROTOCOL.segments && endAt === length && payloadAt < endAt;

const load = (cutter: Cutter, length: number, segmentBytes: number, frameBytes: number): boolean => {
  const { headers, held, start } = cutter;
  cutter.at = headers.endAt = 0;
  const isPacket = length <= SUPER_SEGMENT_BYTES && readHeaders(held.bytes, start, length, headers);
  const fits = segmentBytes > 0 && headers.payloadAt + segmentBytes <= frameBytes;
  if (!isPacket || !fits || !isSegment(headers, length)) {
    headers.endAt = 0;
    return false;
  }
  cutter.segmentBytes = segmentBytes;
  cutter.at = headers.payloadAt;
  cutter.cut = 0;
  return true;
};

const adjustNetwork = ({ headers, cut }: Cutter, memory: Uint8Array, at: number, length: number): void => {
  const ip = at + ETHERNET_BYTES;
  setWord(memory, ip + LENGTH_AT, length - ETHERNET_BYTES);
  setWord(memory, ip + IDENTIFICATION_AT, (word(memory, ip + IDENTIFICATION_AT) + cut) & 0xffff);
  setWord(memory, ip + SUM_AT, 0);
  const header = sumBytes(memory, ip, headers.transportAt - ETHERNET_BYTES);
  setWord(memory, ip + SUM_AT, ~foldSum(header) & 0xffff);
};

const adjustTransport = (cutter: Cutter, memory: Uint8Array, at: number, isLast: boolean): void => {
  const { headers, cut, segmentBytes } = cutter;
  const transport = at + headers.transportAt;
  const sequence =
    word(memory, transport + SEQUENCE_AT) * 0x1_0000 + word(memory, transport + SEQUENCE_AT + 2);
  const next = (sequence + cut * segmentBytes) % 0x1_0000_0000;
  setWord(memory, transport + SEQUENCE_AT, Math.floor(next / 0x1_0000));
  setWord(memory, transport + SEQUENCE_AT + 2, next & 0xffff);
  let flags = memory[transport + FLAGS_AT] ?? 0;
  if (!isLast) flags &= ~LAST_FLAGS;
  if (cut > 0) flags &= ~FIRST_FLAGS;
  memory[transport + FLAGS_AT] = flags;
};

/** Writes the checksum of the frame at `memory[at…]`, whose headers are right and whose payload is next. */
const writeChecksum = (cutter: Cutter, memory: Uint8Array, at: number, payload: number): void => {
  const { headers, held, start } = cutter;
  const { protocol, transportAt, checksumAt, payloadAt } = headers;
  setWord(memory, at + checksumAt, 0);
  const header = payloadAt - transportAt;
  const sum =
    pseudoSum(memory, at, protocol, header + payload) +
    sumBytes(memory, at + transportAt, header) +
    held.sum(start + cutter.at, payload);
  setWord(memory, at + checksumAt, checksumOf(sum, protocol));
};

const next = (cutter: Cutter, memory: Uint8Array, at: number): number => {
  const { headers, held, start } = cutter;
  const { payloadAt, endAt } = headers;
  const payload = Math.min(cutter.segmentBytes, endAt - cutter.at);
  if (payload <= 0) return 0;
  const from = start + cutter.at;
  memory.set(held.bytes.subarray(start, start + payloadAt), at);
  memory.set(held.bytes.subarray(from, from + payload), at + payloadAt);
  adjustNetwork(cutter, memory, at, payloadAt + payload);
  adjustTransport(cutter, memory, at, cutter.at + payload === endAt);
  writeChecksum(cutter, memory, at, payload);
  cutter.at += payload;
  cutter.cut += 1;
  return payloadAt + payload;
};

/** A cutter with nothing in it, whose super-segments lie from `start` on. */
export function makeSegmentCutter(start: number = 0): SegmentCutter {
  const cutter: Cutter = {
    held: makeSummedMemory(start + SUPER_SEGMENT_BYTES),
    start,
    headers: makeFrameHeaders(),
    segmentBytes: 1,
    at: 0,
    cut: 0,
  };
  return Object.freeze({
    memory: cutter.held,
    start,
    left: () => Math.ceil(Math.max(0, cutter.headers.endAt - cutter.at) / cutter.segmentBytes),
    load: (length: number, segmentBytes: number, frameBytes: number) =>
      load(cutter, length, segmentBytes, frameBytes),
    next: (memory: Uint8Array, at: number) => next(cutter, memory, at),
    clear: () => void (cutter.at = cutter.headers.endAt),
  });
}
