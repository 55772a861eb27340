/** The TCP header on the wire: offsets and fields (RFC 9293 section 3.1). */
import type { Window } from "@exolith/exokernel/abi";

const SOURCE_PORT = 0;
const DESTINATION_PORT = 2;
const SEQUENCE = 4;
const ACKNOWLEDGMENT = 8;
const DATA_OFFSET = 12;
const FLAGS = 13;
const WINDOW = 14;
const CHECKSUM = 16;
const URGENT = 18;

/** Bytes of a header without options. */
export const TCP_HEADER_BYTES = 20;
/** Bytes of the longest header: fifteen 32-bit words. */
export const TCP_HEADER_BYTES_MAX = 60;
/** The protocol number of TCP in IPv4. */
export const TCP_PROTOCOL = 6;

/** Control bits. */
export const FIN = 1;
/** Synchronise sequence numbers. */
export const SYN = 2;
/** Reset the connection. */
export const RST = 4;
/** Push. */
export const PSH = 8;
/** The acknowledgment field counts. */
export const ACK = 16;
/** The urgent pointer counts. */
export const URG = 32;

/** Every accessor needs `TCP_HEADER_BYTES` bytes at `at`; `at` is the first byte of the header. */
export const tcpSourcePort = (window: Window, at: number): number => window.getU16(at + SOURCE_PORT);
/** The port it is for. */
export const tcpDestinationPort = (window: Window, at: number): number =>
  window.getU16(at + DESTINATION_PORT);
/** The sequence number of its first byte (or of SYN), signed, as all of them are here. */
export const tcpSequence = (window: Window, at: number): number => window.getU32(at + SEQUENCE) | 0;
/** The next sequence number its sender expects; meaningful with `ACK`. */
export const tcpAcknowledgment = (window: Window, at: number): number =>
  window.getU32(at + ACKNOWLEDGMENT) | 0;
/** Bytes of header and options as claimed: 0 to 60, not checked. */
export const tcpHeaderBytes = (window: Window, at: number): number =>
  (window.getU8(at + DATA_OFFSET) >>> 4) * 4;
/** The control bits, without the two of RFC 3168. */
export const tcpFlags = (window: Window, at: number): number => window.getU8(at + FLAGS) & 0x3f;
/** The window field, not scaled. */
export const tcpWindow = (window: Window, at: number): number => window.getU16(at + WINDOW);

/** The fields of a header to write. */
export interface TcpHeader {
  localPort: number;
  remotePort: number;
  sequence: number;
  acknowledgment: number;
  flags: number;
  /** As it goes on the wire: scaled, 0 to 65535. */
  window: number;
  /** Bytes of options that follow, a multiple of 4. */
  optionBytes: number;
}

/** Writes a header from the local port to the remote one, its checksum field zero. */
export function writeTcpHeader(window: Window, at: number, header: TcpHeader): void {
  window.setU16(at + SOURCE_PORT, header.localPort);
  window.setU16(at + DESTINATION_PORT, header.remotePort);
  window.setU32(at + SEQUENCE, header.sequence);
  window.setU32(at + ACKNOWLEDGMENT, header.acknowledgment);
  window.setU8(at + DATA_OFFSET, ((TCP_HEADER_BYTES + header.optionBytes) / 4) << 4);
  window.setU8(at + FLAGS, header.flags);
  window.setU16(at + WINDOW, header.window);
  window.setU32(at + CHECKSUM, 0);
}

/** Fills in the checksum. */
export const setTcpChecksum = (window: Window, at: number, checksum: number): void =>
  window.setU16(at + CHECKSUM, checksum);

/** The urgent pointer; carried, never acted upon (RFC 6093). */
export const tcpUrgent = (window: Window, at: number): number => window.getU16(at + URGENT);
