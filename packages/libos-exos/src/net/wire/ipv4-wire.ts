/** IPv4 header: offsets and accessors over (window, at). */
import type { Window } from "@exolith/exokernel/abi";

// RFC 791 section 3.1. Offsets in bytes from the start of the header.
const VERSION_LENGTH = 0;
const TOTAL_LENGTH = 2;
const IDENTIFICATION = 4;
const FLAGS_OFFSET = 6;
const TIME_TO_LIVE = 8;
const PROTOCOL = 9;
const CHECKSUM = 10;
const SOURCE = 12;
const DESTINATION = 16;

/** Bytes of a header without options. */
export const IPV4_BYTES = 20;
/** Bytes of the longest header. */
export const IPV4_BYTES_MAX = 60;
/** Values of the protocol field. */
export const PROTOCOLS = { icmp: 1, tcp: 6, udp: 17 } as const;
/** The "more fragments" bit and the offset: nonzero only in fragments. */
export const FRAGMENT_MASK = 0x3fff;

/** The version field; 4. */
export const ipVersion = (window: Window, at: number): number => window.getU8(at + VERSION_LENGTH) >>> 4;
/** Bytes of the header, options included. */
export const headerBytes = (window: Window, at: number): number =>
  (window.getU8(at + VERSION_LENGTH) & 15) * 4;
/** Bytes of the datagram, header included. */
export const totalBytes = (window: Window, at: number): number => window.getU16(at + TOTAL_LENGTH);
/** The identification field. */
export const identification = (window: Window, at: number): number => window.getU16(at + IDENTIFICATION);
/** True for any part of a fragmented datagram, the first included. */
export const isFragment = (window: Window, at: number): boolean =>
  (window.getU16(at + FLAGS_OFFSET) & FRAGMENT_MASK) !== 0;
/** Routers that may still forward it. */
export const timeToLive = (window: Window, at: number): number => window.getU8(at + TIME_TO_LIVE);
/** The protocol field. */
export const ipProtocol = (window: Window, at: number): number => window.getU8(at + PROTOCOL);
/** The checksum field. */
export const ipChecksum = (window: Window, at: number): number => window.getU16(at + CHECKSUM);
/** The source address. */
export const ipSource = (window: Window, at: number): number => window.getU32(at + SOURCE);
/** The destination address. */
export const ipDestination = (window: Window, at: number): number => window.getU32(at + DESTINATION);

/**
 * True when `length` bytes hold a header with its options that says IPv4; after it no accessor fails.
 *
 * It does not prove that the datagram is whole, nor that its checksum is right.
 */
export function ipv4Fits(window: Window, at: number, length: number): boolean {
  if (length < IPV4_BYTES || ipVersion(window, at) !== 4) return false;
  const header = headerBytes(window, at);
  return header >= IPV4_BYTES && header <= length;
}

/**
 * Writes the fields that never change: version, no options, no fragments, `timeToLive`. Routers may fragment what is
 * too long for them: nobody here would hear of it if they might not (RFC 1191 is not done).
 */
export function setIpv4Constants(window: Window, at: number, hops: number): void {
  window.setU16(at + VERSION_LENGTH, 0x4500);
  window.setU16(at + FLAGS_OFFSET, 0);
  window.setU8(at + TIME_TO_LIVE, hops);
}
/** Writes the total length and the identification. */
export function setIpv4Lengths(window: Window, at: number, total: number, id: number): void {
  window.setU16(at + TOTAL_LENGTH, total);
  window.setU16(at + IDENTIFICATION, id);
}
/** Writes the protocol and the addresses. */
export function setIpv4Ends(
  window: Window,
  at: number,
  protocol: number,
  source: number,
  destination: number,
): void {
  window.setU8(at + PROTOCOL, protocol);
  window.setU32(at + SOURCE, source);
  window.setU32(at + DESTINATION, destination);
}
/** Writes the checksum field. */
export const setIpv4Checksum = (window: Window, at: number, checksum: number): void =>
  window.setU16(at + CHECKSUM, checksum);
