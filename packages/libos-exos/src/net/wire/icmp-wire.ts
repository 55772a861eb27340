/** ICMP messages: offsets and accessors over (window, at). */
import type { Window } from "@exolith/exokernel/abi";

// RFC 792. Offsets in bytes from the start of the message.
const TYPE = 0;
const CODE = 1;
const CHECKSUM = 2;
const IDENTIFIER = 4;
const SEQUENCE = 6;

/** Bytes of a header. */
export const ICMP_BYTES = 8;
/** Values of the type field. */
export const ICMP_TYPE = { echoReply: 0, unreachable: 3, echo: 8, timeExceeded: 11 } as const;
/** Codes of "destination unreachable". */
export const UNREACHABLE = { protocol: 2, port: 3 } as const;

/** True when `length` bytes hold a header; after it no accessor below can fail. */
export const icmpFits = (length: number): boolean => length >= ICMP_BYTES;
/** The type field. */
export const icmpType = (window: Window, at: number): number => window.getU8(at + TYPE);
/** The code field. */
export const icmpCode = (window: Window, at: number): number => window.getU8(at + CODE);
/** The checksum field. */
export const icmpChecksum = (window: Window, at: number): number => window.getU16(at + CHECKSUM);
/** Identifier of an echo or its reply. */
export const icmpIdentifier = (window: Window, at: number): number => window.getU16(at + IDENTIFIER);
/** Sequence number of an echo or its reply. */
export const icmpSequence = (window: Window, at: number): number => window.getU16(at + SEQUENCE);

/** Writes type and code, and the checksum field. */
export function setIcmp(window: Window, at: number, type: number, code: number, checksum: number): void {
  window.setU8(at + TYPE, type);
  window.setU8(at + CODE, code);
  window.setU16(at + CHECKSUM, checksum);
}
/** Writes the four bytes after the checksum as two fields. */
export function setIcmpRest(window: Window, at: number, identifier: number, sequence: number): void {
  window.setU16(at + IDENTIFIER, identifier);
  window.setU16(at + SEQUENCE, sequence);
}
