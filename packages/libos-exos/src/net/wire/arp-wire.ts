/** ARP packets for Ethernet and IPv4: offsets and accessors over (window, at). */
import type { Window } from "@exolith/exokernel/abi";

// RFC 826, "Packet format". Offsets in bytes from the start of the packet.
const HARDWARE = 0;
const PROTOCOL = 2;
const LENGTHS = 4;
const OPERATION = 6;
const SENDER_HARDWARE = 8;
const SENDER_ADDRESS = 14;
const TARGET_HARDWARE = 18;
const TARGET_ADDRESS = 24;

const ETHERNET = 1;
const IPV4 = 0x0800;
const SIX_AND_FOUR = 0x0604;

/** Bytes of a packet. */
export const ARP_BYTES = 28;
/** Values of the operation field. */
export const ARP_OPERATION = { request: 1, reply: 2 } as const;

/** True for a whole packet that maps IPv4 to Ethernet; after it no accessor below can fail. */
export const isArp = (window: Window, at: number, length: number): boolean =>
  length >= ARP_BYTES &&
  window.getU16(at + HARDWARE) === ETHERNET &&
  window.getU16(at + PROTOCOL) === IPV4 &&
  window.getU16(at + LENGTHS) === SIX_AND_FOUR;

/** The operation field. */
export const arpOperation = (window: Window, at: number): number => window.getU16(at + OPERATION);
/** First two octets of the sender's Ethernet address. */
export const senderHigh = (window: Window, at: number): number => window.getU16(at + SENDER_HARDWARE);
/** Last four octets of the sender's Ethernet address. */
export const senderLow = (window: Window, at: number): number => window.getU32(at + SENDER_HARDWARE + 2);
/** The sender's IPv4 address. */
export const senderAddress = (window: Window, at: number): number => window.getU32(at + SENDER_ADDRESS);
/** First two octets of the target's Ethernet address. */
export const targetHigh = (window: Window, at: number): number => window.getU16(at + TARGET_HARDWARE);
/** Last four octets of the target's Ethernet address. */
export const targetLow = (window: Window, at: number): number => window.getU32(at + TARGET_HARDWARE + 2);
/** The target's IPv4 address. */
export const targetAddress = (window: Window, at: number): number => window.getU32(at + TARGET_ADDRESS);

/** Writes the fixed fields and the operation. */
export function setArp(window: Window, at: number, operation: number): void {
  window.setU16(at + HARDWARE, ETHERNET);
  window.setU16(at + PROTOCOL, IPV4);
  window.setU16(at + LENGTHS, SIX_AND_FOUR);
  window.setU16(at + OPERATION, operation);
}
/** Writes the sender. */
export function setArpSender(window: Window, at: number, high: number, low: number, address: number): void {
  window.setU16(at + SENDER_HARDWARE, high);
  window.setU32(at + SENDER_HARDWARE + 2, low);
  window.setU32(at + SENDER_ADDRESS, address);
}
/** Writes the target. */
export function setArpTarget(window: Window, at: number, high: number, low: number, address: number): void {
  window.setU16(at + TARGET_HARDWARE, high);
  window.setU32(at + TARGET_HARDWARE + 2, low);
  window.setU32(at + TARGET_ADDRESS, address);
}
