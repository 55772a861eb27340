/** Ethernet II header: offsets and accessors over (window, at). */
import type { Window } from "@exolith/exokernel/abi";

// IEEE 802.3 clause 3.2. Offsets in bytes from the start of the frame.
const DESTINATION = 0;
const SOURCE = 6;
const TYPE = 12;

/** Bytes of the header, without tags. */
export const ETHERNET_BYTES = 14;
/** Values of the type field (RFC 894, RFC 826). */
export const ETHER_TYPE = { ipv4: 0x0800, arp: 0x0806 } as const;

/** True when `length` bytes hold a header; after it no accessor below can fail. */
export const ethernetFits = (length: number): boolean => length >= ETHERNET_BYTES;
/** First two octets of the destination. */
export const destinationHigh = (window: Window, at: number): number => window.getU16(at + DESTINATION);
/** Last four octets of the destination. */
export const destinationLow = (window: Window, at: number): number => window.getU32(at + DESTINATION + 2);
/** First two octets of the source. */
export const sourceHigh = (window: Window, at: number): number => window.getU16(at + SOURCE);
/** Last four octets of the source. */
export const sourceLow = (window: Window, at: number): number => window.getU32(at + SOURCE + 2);
/** The type field. */
export const etherType = (window: Window, at: number): number => window.getU16(at + TYPE);

/** Writes the destination. */
export function setDestination(window: Window, at: number, high: number, low: number): void {
  window.setU16(at + DESTINATION, high);
  window.setU32(at + DESTINATION + 2, low);
}
/** Writes the source. */
export function setSource(window: Window, at: number, high: number, low: number): void {
  window.setU16(at + SOURCE, high);
  window.setU32(at + SOURCE + 2, low);
}
/** Writes the type field. */
export const setEtherType = (window: Window, at: number, type: number): void =>
  window.setU16(at + TYPE, type);
