/** Addresses: 32-bit numbers for IPv4; octets, or 16 and 32 bits, for Ethernet. */
import type { Gate } from "@exolith/exokernel/abi";

/** Six octets of an Ethernet address, in the order they are sent. */
export type HardwareAddress = readonly number[];

/** Everybody on the link (RFC 919 section 7). */
export const BROADCAST = 0xffff_ffff;
/** High 16 and low 32 bits of the Ethernet broadcast address. */
export const BROADCAST_HIGH = 0xffff;
/** Low 32 bits of the Ethernet broadcast address. */
export const BROADCAST_LOW = 0xffff_ffff;

/** The first two octets of an Ethernet address. */
export const hardwareHigh = (octets: HardwareAddress): number => ((octets[0] ?? 0) << 8) | (octets[1] ?? 0);
/** The last four octets of an Ethernet address. */
export const hardwareLow = (octets: HardwareAddress): number =>
  octets.slice(2, 6).reduce((sum, octet) => sum * 256 + octet, 0);
/** True for a group address, which no station may claim as its own. */
export const isGroupHigh = (high: number): boolean => (high & 0x0100) !== 0;

/** The address of network interface `nic`, from the published table. */
export const nicAddress = (gate: Pick<Gate, "nics">, nic: number): HardwareAddress =>
  [0, 1, 2, 3, 4, 5].map((octet) => gate.nics.address(nic, octet));

const DOTTED = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

/** The address that `text`, such as `10.0.0.1`, names; `undefined` when it is not four decimal octets. */
export function parseAddress(text: string): number | undefined {
  const octets = DOTTED.exec(text)?.slice(1).map(Number);
  if (octets === undefined || octets.some((octet) => octet > 255)) return undefined;
  return octets.reduce((sum, octet) => sum * 256 + octet, 0);
}

/** `address` as four decimal octets with dots. */
export const formatAddress = (address: number): string =>
  [address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255].join(".");

/** `octets` as six hexadecimal octets with colons. */
export const formatHardware = (octets: HardwareAddress): string =>
  octets.map((octet) => octet.toString(16).padStart(2, "0")).join(":");

/** True for 127.0.0.0/8, which never appears on a link (RFC 1122 section 3.2.1.3). */
export const isLoopback = (address: number): boolean => address >>> 24 === 127;
/** True for 0.0.0.0/8: "this host on this network" (RFC 1122 section 3.2.1.3). */
export const isThisNetwork = (address: number): boolean => address >>> 24 === 0;
/** True for multicast, the reserved class E and the limited broadcast address. */
export const isGroupAddress = (address: number): boolean => address >>> 28 >= 14;
