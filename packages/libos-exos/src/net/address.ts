/** Addresses as numbers: 32 bits for IPv4, 48 bits for Ethernet. */
import type { Gate, Unit } from "@exolith/exokernel/abi";

/** A 48-bit Ethernet address as one number, first octet highest. */
export type HardwareAddress = Unit<number, "HardwareAddress">;

/** Everybody on the link (RFC 919 section 7). */
export const BROADCAST = 0xffff_ffff;
/** High 16 and low 32 bits of the Ethernet broadcast address. */
export const BROADCAST_HIGH = 0xffff;
/** Low 32 bits of the Ethernet broadcast address. */
export const BROADCAST_LOW = 0xffff_ffff;

/** The Ethernet address with these two halves: 16 bits and 32 bits. */
export const joinHardware = (high: number, low: number): HardwareAddress =>
  (high * 0x1_0000_0000 + low) as HardwareAddress;
/** The first two octets of an Ethernet address. */
export const hardwareHigh = (address: HardwareAddress): number => Math.floor(address / 0x1_0000_0000);
/** The last four octets of an Ethernet address. */
export const hardwareLow = (address: HardwareAddress): number => address >>> 0;
/** True for a group address, which no station may claim as its own. */
export const isGroupHigh = (high: number): boolean => (high & 0x0100) !== 0;

/** The address of network interface `nic`, from the published table. */
export function nicAddress(gate: Pick<Gate, "nics">, nic: number): HardwareAddress {
  let address = 0;
  for (let octet = 0; octet < 6; octet++) address = address * 256 + gate.nics.address(nic, octet);
  return address as HardwareAddress;
}

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

/** `address` as six hexadecimal octets with colons. */
export const formatHardware = (address: HardwareAddress): string =>
  address.toString(16).padStart(12, "0").replace(/..(?=.)/gu, "$&:");

/** True for 127.0.0.0/8, which never appears on a link (RFC 1122 section 3.2.1.3). */
export const isLoopback = (address: number): boolean => address >>> 24 === 127;
/** True for 0.0.0.0/8: "this host on this network" (RFC 1122 section 3.2.1.3). */
export const isThisNetwork = (address: number): boolean => address >>> 24 === 0;
/** True for multicast, the reserved class E and the limited broadcast address. */
export const isGroupAddress = (address: number): boolean => address >>> 28 >= 14;
