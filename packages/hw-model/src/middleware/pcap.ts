/**
 * Captures in the classic pcap format, which Wireshark and tshark open.
 *
 * The format is that of draft-ietf-opsawg-pcap sections 4 and 5; little-endian,
 * times in nanoseconds, link type 1 (Ethernet).
 */
import { makeGrowingBytes } from "../simulated/growing-bytes.ts";
import { SIMULATED_EPOCH } from "../simulated/clock.ts";
import type { FrameSink, TracedFrame } from "./traced-nic.ts";

/** Where the bytes of a capture go: memory, or whatever a host writes to. */
export interface ByteSink {
  /** Takes `length` bytes of `bytes` from `at`; they are reused after the call. */
  write(bytes: Uint8Array, at: number, length: number): void;
}

/** What turns a machine's cycles into the times of a capture. */
export interface PcapTime {
  /** Cycles a second of the traced machine. */
  readonly hertz: number;
  /** Wall clock at cycle 0, milliseconds since 1970; default that of simulated machines. */
  readonly epoch?: number;
}

/** Magic number of a capture with nanosecond times. */
const MAGIC_NANOSECONDS = 0xa1b23c4d;
const VERSION_MAJOR = 2;
const VERSION_MINOR = 4;
const LINKTYPE_ETHERNET = 1;
const SNAPSHOT_BYTES = 262_144;
const HEADER_BYTES = 24;
const RECORD_BYTES = 16;

const writeHeader = (sink: ByteSink): void => {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC_NANOSECONDS, true);
  view.setUint16(4, VERSION_MAJOR, true);
  view.setUint16(6, VERSION_MINOR, true);
  view.setUint32(16, SNAPSHOT_BYTES, true);
  view.setUint32(20, LINKTYPE_ETHERNET, true);
  sink.write(bytes, 0, HEADER_BYTES);
};

/** Writes a capture to `sink`: the header at once, then one record for each frame. O(bytes) a frame. */
export function makePcapWriter(sink: ByteSink, { hertz, epoch = SIMULATED_EPOCH }: PcapTime): FrameSink {
  const record = new Uint8Array(RECORD_BYTES);
  const view = new DataView(record.buffer);
  const epochSeconds = Math.floor(epoch / 1000);
  const epochNanoseconds = Math.round((epoch - epochSeconds * 1000) * 1e6);
  writeHeader(sink);
  const stamp = (now: number): void => {
    const whole = Math.floor(now / hertz);
    const nanoseconds = Math.floor(((now - whole * hertz) / hertz) * 1e9) + epochNanoseconds;
    view.setUint32(0, epochSeconds + whole + Math.floor(nanoseconds / 1e9), true);
    view.setUint32(4, nanoseconds % 1e9, true);
  };
  const frame = ({ now, bytes, at, length }: TracedFrame): void => {
    stamp(now);
    view.setUint32(8, length, true);
    view.setUint32(12, length, true);
    sink.write(record, 0, RECORD_BYTES);
    sink.write(bytes, at, length);
  };
  return { frame };
}

/** A capture kept in memory. */
export interface PcapCapture extends FrameSink {
  /** The capture so far, a copy. O(bytes). */
  bytes(): Uint8Array;
}

/** An empty capture in memory; it grows without bound. */
export function makePcapCapture(time: PcapTime): PcapCapture {
  const held = makeGrowingBytes(4096);
  const { frame } = makePcapWriter({ write: (bytes, at, length) => held.append(bytes, at, length) }, time);
  return { frame, bytes: () => held.copy() };
}
