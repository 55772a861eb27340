/** Builders of packet filters for IPv6 (RFC 8200), and for ICMPv6, UDP and TCP over it. */
import { type Filter, type FilterTerm, equal, fragments, shift, skip } from "../term.ts";
import {
  ETHERNET_SOURCE,
  type HardwareAddress,
  etherType,
  hardwareAddressAt,
  optional,
  whole,
} from "./ethernet.ts";

const TYPE_IPV6 = 0x86dd;

// RFC 8200 section 3: offsets in bytes from the start of the frame.
const VERSION = 14;
const NEXT_HEADER = 20;
const SOURCE = 22;
const DESTINATION = 38;

/** What follows the IPv6 header; what follows each extension header, once the base has moved past that. */
export const BEHIND_IPV6 = 54;

// Extension headers, RFC 8200 sections 4.3 to 4.6: each begins with the number of the next one.
const EXTENSION_LENGTH = BEHIND_IPV6 + 1;
const EXTENSION_BYTES = 8;
const FRAGMENT = BEHIND_IPV6 + 2;
const IDENTIFICATION = BEHIND_IPV6 + 4;
const OFFSET_MASK = 0xfff8;
const MORE_MASK = 0x0001;

const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;
/** ICMPv6's protocol number. */
export const PROTOCOL_ICMP6 = 58;

const NUMBERS = { "hop-by-hop": 0, routing: 43, fragment: 44, destination: 60 } as const;

/** An IPv6 address: four unsigned 32-bit words, the first one first. */
export type Ipv6Address = readonly [number, number, number, number];

/** An extension header that filters know how to pass. */
export type ExtensionHeader = keyof typeof NUMBERS;

/** What a packet addressed to somebody looks like; what is absent is not asked for. */
export interface Ipv6Match {
  readonly destination: Ipv6Address;
  readonly source?: Ipv6Address | undefined;
  /** IANA protocol number of what follows the IPv6 header itself. */
  readonly protocol?: number | undefined;
}

/** What stands between the IPv6 header and the protocol. */
export interface ExtensionMatch {
  /** Extension headers, in order: just these, and by default none. */
  readonly behind?: readonly ExtensionHeader[] | undefined;
  /**
   * Later fragments too, known by those first ones that matched.
   *
   * It matters if the first of `behind` is a fragment header: one that stands
   * behind another extension header is passed in first fragments alone.
   */
  readonly fragments?: boolean | undefined;
}

/** What a segment or a datagram addressed to somebody looks like. */
export interface Port6Match extends ExtensionMatch {
  readonly destination: Ipv6Address;
  /** Destination port. */
  readonly port?: number | undefined;
  readonly source?: Ipv6Address | undefined;
  readonly sourcePort?: number | undefined;
}

/** What an ICMPv6 message addressed to somebody looks like. */
export interface Icmp6Match extends ExtensionMatch {
  readonly destination: Ipv6Address;
  /** RFC 4443. */
  readonly type?: number | undefined;
  readonly source?: Ipv6Address | undefined;
}

/** The addresses that a sender may call its own. */
export interface Sender6Match {
  readonly hardwareAddress: HardwareAddress;
  readonly address: Ipv6Address;
}

/** An IPv6 address takes four terms. */
export const ipv6AddressAt = (at: number, address: Ipv6Address): Filter =>
  address.map((word, i) => equal(at + 4 * i, 4, word));

/** All IPv6 packets. */
export const anyIpv6 = (): Filter => [...etherType(TYPE_IPV6), equal(VERSION, 1, 0x60, 0xf0)];

/** What follows the IPv6 header itself. */
export const nextHeader = (number: number): FilterTerm => equal(NEXT_HEADER, 1, number);

/** IPv6 packets as `match` says; extension headers are not looked at. */
export const ipv6To = (match: Ipv6Match): Filter => [
  ...anyIpv6(),
  ...optional(match.protocol, nextHeader),
  ...(match.source === undefined ? [] : ipv6AddressAt(SOURCE, match.source)),
  ...ipv6AddressAt(DESTINATION, match.destination),
];

/**
 * Later fragments, by what RFC 8200 section 4.5 puts fragments together by.
 *
 * Not by their protocol, which may differ; nor by the destination, of which
 * there is but one where the term stands.
 */
const laterByKey = (): FilterTerm =>
  fragments({ at: FRAGMENT, width: 2, mask: OFFSET_MASK }, { at: FRAGMENT, width: 2, mask: MORE_MASK }, [
    ...[0, 4, 8, 12].map((word) => whole(SOURCE + word, 4)),
    whole(IDENTIFICATION, 4),
  ]);

/** The base moves on past an extension header, by its length in units of eight bytes without the first. */
const past = (header: ExtensionHeader): Filter =>
  header === "fragment"
    ? [skip(EXTENSION_BYTES)]
    : [shift(EXTENSION_LENGTH, 1, 0xff, 3), skip(EXTENSION_BYTES)];

/** Packets whose `protocol` stands behind the headers that `match` names, with `terms` about its header. */
function behindHeaders(packet: Filter, protocol: number, terms: Filter, match: ExtensionMatch): Filter {
  const headers = match.behind ?? [];
  const numbers = [...headers.map((header) => NUMBERS[header]), protocol];
  const filter = [...packet, nextHeader(numbers[0] ?? protocol)];
  for (const [i, header] of headers.entries()) {
    if (header === "fragment") {
      const isKept = match.fragments === true && i === 0;
      filter.push(isKept ? laterByKey() : equal(FRAGMENT, 2, 0, OFFSET_MASK));
    }
    filter.push(equal(BEHIND_IPV6, 1, numbers[i + 1] ?? protocol));
    if (terms.length > 0 || i < headers.length - 1) filter.push(...past(header));
  }
  return [...filter, ...terms];
}

function portsTo(protocol: number, match: Port6Match): Filter {
  const { destination, source } = match;
  const ports = [
    ...optional(match.sourcePort, (port) => equal(BEHIND_IPV6, 2, port)),
    ...optional(match.port, (port) => equal(BEHIND_IPV6 + 2, 2, port)),
  ];
  return behindHeaders(ipv6To({ destination, source }), protocol, ports, match);
}

/** TCP segments over IPv6 as `match` says. */
export const tcp6To = (match: Port6Match): Filter => portsTo(PROTOCOL_TCP, match);

/** UDP datagrams over IPv6 as `match` says. */
export const udp6To = (match: Port6Match): Filter => portsTo(PROTOCOL_UDP, match);

/** ICMPv6 messages as `match` says. */
export function icmp6To(match: Icmp6Match): Filter {
  const { destination, source } = match;
  const type = optional(match.type, (value) => equal(BEHIND_IPV6, 1, value));
  return behindHeaders(ipv6To({ destination, source }), PROTOCOL_ICMP6, type, match);
}

/**
 * Every order of extension headers that RFC 8200 section 4.1 recommends, none first; 24 in all.
 *
 * A filter cannot loop, so it takes one filter for each:
 * `EXTENSION_CHAINS.map((behind) => tcp6To({ destination, port, behind }))`.
 * Authentication and encryption headers are in none.
 */
export const EXTENSION_CHAINS: readonly (readonly ExtensionHeader[])[] = Object.freeze(chains());

function chains(): (readonly ExtensionHeader[])[] {
  const found: (readonly ExtensionHeader[])[] = [];
  const routings = [[], ["routing"], ["destination", "routing"]] as const;
  for (const hops of [[], ["hop-by-hop"]] as const)
    for (const routing of routings)
      for (const fragment of [[], ["fragment"]] as const)
        for (const last of [[], ["destination"]] as const)
          found.push(Object.freeze([...hops, ...routing, ...fragment, ...last]));
  return found;
}

/** IPv6 packets of `protocol` from these addresses, without extension headers. */
export const protocolFrom = (match: Sender6Match, protocol: number): Filter => [
  ...hardwareAddressAt(ETHERNET_SOURCE, match.hardwareAddress),
  ...anyIpv6(),
  nextHeader(protocol),
  ...ipv6AddressAt(SOURCE, match.address),
];

/**
 * For transmit bindings: what a host sends from these addresses and claims no other by.
 *
 * Four filters: TCP, UDP, ICMPv6 errors, ICMPv6 echo. Ethernet source and IPv6
 * source are pinned. Neighbour discovery can claim addresses and is no more
 * than another type of ICMPv6, perhaps behind extension headers; so types are
 * pinned too, and there may be no such headers. See `neighbourFrom` for the rest.
 */
export const ipv6From = (match: Sender6Match): readonly Filter[] => [
  protocolFrom(match, PROTOCOL_TCP),
  protocolFrom(match, PROTOCOL_UDP),
  [...protocolFrom(match, PROTOCOL_ICMP6), equal(BEHIND_IPV6, 1, 0x00, 0x80)],
  [...protocolFrom(match, PROTOCOL_ICMP6), equal(BEHIND_IPV6, 1, 0x80, 0xfe)],
];
