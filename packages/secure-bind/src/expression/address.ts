/** Addresses and numbers as they are written in filter expressions. */
import type { Ipv6Address } from "../filter/builders.ts";

const OCTET = /^\d{1,3}$/;

/** The unsigned number of a decimal or hexadecimal word up to `most`, or -1. */
export function numberOf(text: string, most: number): number {
  if (!/^(?:\d+|0x[\da-f]+)$/i.test(text)) return -1;
  const value = Number(text);
  return value <= most ? value : -1;
}

/** The first octets of an IPv4 address, one to four, or nothing. */
export function octetsOf(text: string): readonly number[] | undefined {
  const parts = text.split(".");
  if (parts.length > 4 || !parts.every((part) => OCTET.test(part) && Number(part) < 256)) return undefined;
  return parts.map(Number);
}

/** Octets as a number, the first in the highest byte, missing ones 0. */
export const packOctets = (octets: readonly number[]): number =>
  [0, 1, 2, 3].reduce((sum, i) => sum * 256 + (octets[i] ?? 0), 0);

/** The words of an IPv6 address (RFC 4291 section 2.2), or nothing. */
export function ipv6WordsOf(text: string): Ipv6Address | undefined {
  if (!/^[\da-f:.]+$/i.test(text) || !text.includes(":")) return undefined;
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const isShort = halves.length === 2;
  const head = groupsOf(halves[0] ?? "", !isShort);
  const tail = groupsOf(halves[1] ?? "", true);
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (isShort ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array.from({ length: missing }, () => 0), ...tail];
  const word = (i: number): number => (groups[2 * i] ?? 0) * 0x1_0000 + (groups[2 * i + 1] ?? 0);
  return [word(0), word(1), word(2), word(3)];
}

/** 16-bit groups of half an address; an IPv4 address, which only the very end may be, is two of them. */
function groupsOf(text: string, isEnd: boolean): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    const packed = isEnd && i === parts.length - 1 ? ipv4Of(part) : undefined;
    if (packed !== undefined) groups.push(Math.floor(packed / 0x1_0000), packed % 0x1_0000);
    else if (/^[\da-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

/** A whole IPv4 address as a number, or nothing; zeros in front, which some read as octal, are none. */
function ipv4Of(text: string): number | undefined {
  const octets = /(?:^|\.)0\d/.test(text) ? undefined : octetsOf(text);
  return octets?.length === 4 ? packOctets(octets) : undefined;
}

/**
 * The IPv4 address that `text` spells, four decimal octets between dots, as an unsigned number.
 *
 * **Fails** throws `RangeError` for anything else.
 */
export function parseIpv4(text: string): number {
  const address = ipv4Of(text);
  if (address === undefined) throw new RangeError(`malformed IPv4 address: ${text}`);
  return address;
}

/**
 * The IPv6 address that `text` spells in any form of RFC 4291 section 2.2: `2001:db8::1`, `::ffff:10.0.0.1`.
 *
 * **Fails** throws `RangeError` for anything else, zones and prefix lengths included.
 */
export function parseIpv6(text: string): Ipv6Address {
  const address = ipv6WordsOf(text);
  if (address === undefined) throw new RangeError(`malformed IPv6 address: ${text}`);
  return address;
}

/** The six octets of an Ethernet address, or nothing. */
export function hardwareOctetsOf(text: string): readonly number[] | undefined {
  const parts = text.split(/[:-]/);
  if (parts.length !== 6 || !parts.every((part) => /^[\da-f]{1,2}$/i.test(part))) return undefined;
  return parts.map((part) => Number.parseInt(part, 16));
}

/** The mask of the first `bits` bits of a 32-bit word, clamped to 0 and 32. */
export const prefixMask = (bits: number): number =>
  bits <= 0 ? 0 : bits >= 32 ? 0xffff_ffff : (0xffff_ffff << (32 - bits)) >>> 0;

/** Values and masks that together are just the 16-bit numbers from `low` to `high`. At most 30. */
export function rangeMasks(low: number, high: number): readonly { value: number; mask: number }[] {
  const found: { value: number; mask: number }[] = [];
  for (let from = low; from <= high;) {
    let size = from === 0 ? 0x1_0000 : from & -from;
    while (from + size - 1 > high) size /= 2;
    found.push({ value: from, mask: 0xffff & ~(size - 1) });
    from += size;
  }
  return found;
}
