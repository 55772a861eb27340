/** One incoming segment, validated: the record is reused for every one. */
import type { Window } from "@exolith/exokernel/abi";
import {
  FIN,
  SYN,
  TCP_HEADER_BYTES,
  TCP_PROTOCOL,
  tcpAcknowledgment,
  tcpDestinationPort,
  tcpFlags,
  tcpHeaderBytes,
  tcpSequence,
  tcpSourcePort,
  tcpWindow,
} from "../wire/tcp-wire.ts";
import { pseudoHeaderSum } from "../checksum.ts";
import type { SegmentOptions } from "./options.ts";
import { clearOptions, makeSegmentOptions, parseOptions } from "./options.ts";

/** A segment that passed `parseSegment`. Valid until the next one, and as long as its packet. */
export interface Segment {
  remoteAddress: number;
  localAddress: number;
  remotePort: number;
  localPort: number;
  sequence: number;
  acknowledgment: number;
  flags: number;
  /** The window field, not scaled. */
  window: number;
  readonly options: SegmentOptions;
  /** Where the text lies; a trimmed segment starts later or ends earlier than it came. */
  packet: Window | undefined;
  textAt: number;
  textLength: number;
}

/** What is wrong with a packet, if anything. `badOptions` segments are valid all the same. */
export type Validity = "valid" | "badOptions" | "badChecksum" | "malformed";

/** An empty record. */
export const makeSegment = (): Segment => ({
  remoteAddress: 0,
  localAddress: 0,
  remotePort: 0,
  localPort: 0,
  sequence: 0,
  acknowledgment: 0,
  flags: 0,
  window: 0,
  options: makeSegmentOptions(),
  packet: undefined,
  textAt: 0,
  textLength: 0,
});

/**
 * Fills `segment` from `length` bytes at `at`; its addresses are set by the caller before.
 *
 * `isSummed`: the checksum is known to be right. O(length), or O(options) then.
 */
export function parseSegment(
  segment: Segment,
  packet: Window,
  at: number,
  length: number,
  isSummed: boolean = false,
): Validity {
  if (length < TCP_HEADER_BYTES) return "malformed";
  const headerBytes = tcpHeaderBytes(packet, at);
  if (headerBytes < TCP_HEADER_BYTES || headerBytes > length) return "malformed";
  if (!isSummed && !isSumRight(segment, packet, at, length)) return "badChecksum";
  segment.remotePort = tcpSourcePort(packet, at);
  segment.localPort = tcpDestinationPort(packet, at);
  if (segment.remotePort === 0 || segment.localPort === 0) return "malformed";
  readFields(segment, packet, at);
  segment.packet = packet;
  segment.textAt = at + headerBytes;
  segment.textLength = length - headerBytes;
  if (headerBytes === TCP_HEADER_BYTES) {
    clearOptions(segment.options);
    return "valid";
  }
  return parseOptions(segment.options, packet, at + TCP_HEADER_BYTES, segment.textAt)
    ? "valid"
    : "badOptions";
}

function isSumRight(segment: Segment, packet: Window, at: number, length: number): boolean {
  const pseudo = pseudoHeaderSum(segment.remoteAddress, segment.localAddress, TCP_PROTOCOL, length);
  return packet.checksum(at, length, pseudo) === 0xffff;
}

function readFields(segment: Segment, packet: Window, at: number): void {
  segment.sequence = tcpSequence(packet, at);
  segment.acknowledgment = tcpAcknowledgment(packet, at);
  segment.flags = tcpFlags(packet, at);
  segment.window = tcpWindow(packet, at);
}

/** True when the control bit `flag` is on. */
export const has = (segment: Segment, flag: number): boolean => (segment.flags & flag) !== 0;

/** SEG.LEN: text, and one each for SYN and FIN. */
export const sequenceLength = (segment: Segment): number =>
  segment.textLength + (has(segment, SYN) ? 1 : 0) + (has(segment, FIN) ? 1 : 0);
