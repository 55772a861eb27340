/** Addresses and numbers as they are written in filter expressions. */

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

/** The four 32-bit words of an IPv6 address (RFC 4291 section 2.2), or nothing. */
export function ipv6WordsOf(text: string): readonly number[] | undefined {
  if (!/^[\da-f:.]+$/i.test(text) || !text.includes(":")) return undefined;
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(groupsOf);
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array.from({ length: missing }, () => 0), ...(tail ?? [])];
  return [0, 2, 4, 6].map((i) => (groups[i] ?? 0) * 0x1_0000 + (groups[i + 1] ?? 0));
}

/** 16-bit groups of half an address; an IPv4 address at its end is two of them. */
function groupsOf(text: string): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    const octets = part.includes(".") && i === parts.length - 1 ? octetsOf(part) : undefined;
    if (octets?.length === 4) {
      const packed = packOctets(octets);
      groups.push(Math.floor(packed / 0x1_0000), packed % 0x1_0000);
    } else if (/^[\da-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
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
