/** What the primitives of a filter expression compare, protocol by protocol; all of it over Ethernet. */
import { prefixMask } from "./address.ts";
import { field, fieldBehind, type Alternatives, type Conjunction } from "./conjunction.ts";

/** Ethernet types by their names in expressions. */
export const ETHER_TYPES: ReadonlyMap<string, number> = new Map([
  ["ip", 0x0800],
  ["arp", 0x0806],
  ["rarp", 0x8035],
  ["ip6", 0x86dd],
]);

/** IANA protocol numbers by their names in expressions. */
export const PROTOCOLS: ReadonlyMap<string, number> = new Map([
  ["icmp", 1],
  ["igmp", 2],
  ["tcp", 6],
  ["udp", 17],
  ["gre", 47],
  ["esp", 50],
  ["ah", 51],
  ["icmp6", 58],
  ["sctp", 132],
]);

/** Protocols with ports. */
export const PORTED: readonly string[] = ["tcp", "udp", "sctp"];

const VLAN_TYPES = [0x8100, 0x88a8, 0x9100];
const IPV6_FRAGMENT = 44;

/** Which end of a packet a primitive is about. */
export type Direction = "src" | "dst" | "either" | "both";

/** The two ends as a direction wants them: one, either or both must satisfy `at`. */
export function ends(direction: Direction, at: (isSource: boolean) => Alternatives): Alternatives {
  if (direction === "src") return at(true);
  if (direction === "dst") return at(false);
  if (direction === "either") return [...at(true), ...at(false)];
  return at(true).flatMap((a) => at(false).map((b) => [...a, ...b]));
}

/** The Ethernet type; `link` is the bytes of VLAN tags before it, here and below. */
export const etherTypeIs = (link: number, type: number): Conjunction => [field(link + 12, 2, type)];

/** An Ethernet address at one end; of the frame itself, whatever tags follow. */
export function hardwareIs(octets: readonly number[], isSource: boolean): Conjunction {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = octets;
  const at = isSource ? 6 : 0;
  return [field(at, 4, ((a << 24) | (b << 16) | (c << 8) | d) >>> 0), field(at + 4, 2, (e << 8) | f)];
}

/** Frames to a group: the lowest bit of the first octet. */
export const isMulticast = (): Conjunction => [field(0, 1, 1, 1)];

/** IPv4 packets to a group: 224.0.0.0 and above, as tcpdump has it. */
export const isIpv4Multicast = (link: number): Conjunction => [
  ...etherTypeIs(link, 0x0800),
  field(link + 30, 1, 0xe0, 0xe0),
];

/** IPv6 packets to a group (RFC 4291 section 2.7). */
export const isIpv6Multicast = (link: number): Conjunction => [
  ...etherTypeIs(link, 0x86dd),
  field(link + 38, 1, 0xff),
];

/** An IPv4 address, or a network of them, at one end of IPv4, ARP or RARP. */
export function ipv4Is(
  link: number,
  type: string,
  address: number,
  mask: number,
  isSource: boolean,
): Conjunction {
  const isPacket = type === "ip";
  const at = isPacket ? (isSource ? 26 : 30) : isSource ? 28 : 38;
  const compared = mask === 0 ? [] : [field(link + at, 4, address, mask)];
  return [...etherTypeIs(link, ETHER_TYPES.get(type) ?? 0), ...compared];
}

/** An IPv6 address, or a network of `bits` bits of them, at one end. */
export function ipv6Is(link: number, words: readonly number[], bits: number, isSource: boolean): Conjunction {
  const at = link + (isSource ? 22 : 38);
  const compared = words.flatMap((word, i) => {
    const mask = prefixMask(bits - 32 * i);
    return mask === 0 ? [] : [field(at + 4 * i, 4, word, mask)];
  });
  return [...etherTypeIs(link, ETHER_TYPES.get("ip6") ?? 0), ...compared];
}

/** IPv4 packets of a protocol, fragments included. */
export const ipv4Protocol = (link: number, protocol: number): Conjunction => [
  ...etherTypeIs(link, 0x0800),
  field(link + 23, 1, protocol),
];

/** IPv6 packets of a protocol: right behind the header, or behind a fragment header. */
export const ipv6Protocol = (link: number, protocol: number): Alternatives => [
  [...etherTypeIs(link, 0x86dd), field(link + 20, 1, protocol)],
  [...etherTypeIs(link, 0x86dd), field(link + 20, 1, IPV6_FRAGMENT), field(link + 54, 1, protocol)],
];

/** A masked port at one end over IPv4: whole datagrams and first fragments, with a header of any length. */
export const ipv4Port = (
  link: number,
  protocol: number,
  port: MaskedPort,
  isSource: boolean,
): Conjunction => [
  ...ipv4Protocol(link, protocol),
  field(link + 20, 2, 0, 0x1fff),
  fieldBehind(link + 14, link + (isSource ? 14 : 16), 2, port.value, port.mask),
];

/** The same over IPv6, without extension headers. */
export const ipv6Port = (
  link: number,
  protocol: number,
  port: MaskedPort,
  isSource: boolean,
): Conjunction => [
  ...etherTypeIs(link, 0x86dd),
  field(link + 20, 1, protocol),
  field(link + (isSource ? 54 : 56), 2, port.value, port.mask),
];

/** Ports that agree with `value` in the bits of `mask`. */
export interface MaskedPort {
  readonly value: number;
  readonly mask: number;
}

/** Frames with a VLAN tag, of one VLAN if `id` is not negative. */
export const vlan = (link: number, id: number): Alternatives =>
  VLAN_TYPES.map((type) => [
    ...etherTypeIs(link, type),
    ...(id < 0 ? [] : [field(link + 14, 2, id, 0x0fff)]),
  ]);
