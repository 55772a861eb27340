/** Addresses as people write them: IPv4, prefixes, Ethernet. */
import { parseAddress } from "@exolith/libos-exos";

/** Thrown for an option that makes no sense; its message is for the person who wrote it. */
export class OptionError extends Error {
  override readonly name: string = "OptionError";
}

/** `10.0.0.1` as an unsigned 32-bit number. */
export function readAddress(text: string): number {
  const address = parseAddress(text);
  if (address === undefined) throw new OptionError(`not an IPv4 address: ${text}`);
  return address;
}

/** An address and the length of its prefix, such as `192.0.2.10/24`. */
export interface PrefixedAddress {
  readonly address: number;
  /** 0 to 32 bits. */
  readonly prefixLength: number;
}

/** `192.0.2.10/24`; without a prefix, 24. */
export function readPrefixedAddress(text: string): PrefixedAddress {
  const [address = "", prefix = "24", ...rest] = text.split("/");
  const prefixLength = /^\d{1,2}$/.test(prefix) ? Number(prefix) : 33;
  if (prefixLength > 32 || rest.length > 0) throw new OptionError(`not an address with a prefix: ${text}`);
  return { address: readAddress(address), prefixLength };
}

/** `02:00:00:00:00:01` as six octets; the address of one interface, not of a group. */
export function readHardwareAddress(text: string): readonly number[] {
  const octets = text.split(":").map((part) => (/^[0-9a-f]{2}$/i.test(part) ? parseInt(part, 16) : 256));
  if (octets.length !== 6 || octets.some((octet) => octet > 255))
    throw new OptionError(`not an Ethernet address: ${text}`);
  if (((octets[0] ?? 0) & 1) === 1) throw new OptionError(`the Ethernet address of a group: ${text}`);
  return octets;
}
