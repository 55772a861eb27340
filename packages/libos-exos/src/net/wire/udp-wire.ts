/** UDP header: offsets and accessors over (window, at). */
import type { Window } from "@exolith/exokernel/abi";

// RFC 768. Offsets in bytes from the start of the header.
const SOURCE_PORT = 0;
const DESTINATION_PORT = 2;
const LENGTH = 4;
const CHECKSUM = 6;

/** Bytes of a header. */
export const UDP_BYTES = 8;

/** True when `length` bytes hold a header; after it no accessor below can fail. */
export const udpFits = (length: number): boolean => length >= UDP_BYTES;
/** The source port. */
export const udpSourcePort = (window: Window, at: number): number => window.getU16(at + SOURCE_PORT);
/** The destination port. */
export const udpDestinationPort = (window: Window, at: number): number =>
  window.getU16(at + DESTINATION_PORT);
/** Bytes of header and payload. */
export const udpBytes = (window: Window, at: number): number => window.getU16(at + LENGTH);
/** The checksum field; 0 when the sender made none. */
export const udpChecksum = (window: Window, at: number): number => window.getU16(at + CHECKSUM);

/** Writes the ports. */
export function setUdpPorts(window: Window, at: number, source: number, destination: number): void {
  window.setU16(at + SOURCE_PORT, source);
  window.setU16(at + DESTINATION_PORT, destination);
}
/** Writes the length and the checksum field. */
export function setUdpLength(window: Window, at: number, length: number, checksum: number): void {
  window.setU16(at + LENGTH, length);
  window.setU16(at + CHECKSUM, checksum);
}
