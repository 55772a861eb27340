/** Builders of packet filters for IPv4 (RFC 791), and for ICMP, UDP and TCP over it. */
import { type Filter, type FilterTerm, equal, fragments, shift } from "../term.ts";
import {
  ETHERNET_BYTES,
  ETHERNET_SOURCE,
  type HardwareAddress,
  etherType,
  hardwareAddressAt,
  optional,
  whole,
} from "./ethernet.ts";

/** IPv4's Ethernet type. */
export const TYPE_IPV4 = 0x0800;

// RFC 791 section 3.1: offsets in bytes from the start of the frame.
const VERSION_LENGTH = 14;
const IDENTIFICATION = 18;
const FRAGMENT = 20;
const PROTOCOL = 23;
const SOURCE = 26;
const DESTINATION = 30;
const OFFSET_MASK = 0x1fff;
const MORE_MASK = 0x2000;

// Transport headers, from the base that the header length sets: RFC 9293 section 3.1, RFC 768.
const SOURCE_PORT = ETHERNET_BYTES;
const DESTINATION_PORT = ETHERNET_BYTES + 2;

const PROTOCOL_ICMP = 1;
const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;

/** What a packet addressed to somebody looks like; what is absent is not asked for. */
export interface Ipv4Match {
  /** IPv4 address as an unsigned 32-bit number, here and everywhere. */
  readonly destination: number;
  readonly source?: number | undefined;
  /** IANA protocol number. */
  readonly protocol?: number | undefined;
}

/** What a segment or a datagram addressed to somebody looks like. */
export interface PortMatch {
  readonly destination: number;
  /** Destination port. */
  readonly port?: number | undefined;
  readonly source?: number | undefined;
  readonly sourcePort?: number | undefined;
  /** Later fragments too, known by those first ones that matched. */
  readonly fragments?: boolean | undefined;
}

/** What an ICMP message addressed to somebody looks like. */
export interface IcmpMatch {
  readonly destination: number;
  /** RFC 792. */
  readonly type?: number | undefined;
  readonly source?: number | undefined;
  /** Later fragments too, known by those first ones that matched. */
  readonly fragments?: boolean | undefined;
}

/** The addresses that a sender may call its own. */
export interface SenderMatch {
  readonly hardwareAddress: HardwareAddress;
  readonly address: number;
}

const anyIpv4 = (): Filter => [...etherType(TYPE_IPV4), equal(VERSION_LENGTH, 1, 0x40, 0xf0)];

/** IPv4 packets as `match` says, fragments included. */
export const ipv4To = (match: Ipv4Match): Filter => [
  ...anyIpv4(),
  ...optional(match.protocol, (protocol) => equal(PROTOCOL, 1, protocol)),
  ...optional(match.source, (source) => equal(SOURCE, 4, source)),
  equal(DESTINATION, 4, match.destination),
];

/** Packets which begin a datagram: whole ones and first fragments. */
const isFirst = (): FilterTerm => equal(FRAGMENT, 2, 0, OFFSET_MASK);

/** Later fragments, by what RFC 791 section 3.2 puts fragments together by. */
const laterByKey = (): FilterTerm =>
  fragments({ at: FRAGMENT, width: 2, mask: OFFSET_MASK }, { at: FRAGMENT, width: 2, mask: MORE_MASK }, [
    whole(SOURCE, 4),
    whole(DESTINATION, 4),
    whole(PROTOCOL, 1),
    whole(IDENTIFICATION, 2),
  ]);

/** The base moves on by the length of the IPv4 header, options included (20 to 60 bytes). */
const pastHeader = (): FilterTerm => shift(VERSION_LENGTH, 1, 0x0f, 2);

/** Packets of which the first has `terms` behind its header; later fragments carry no such thing. */
function behindHeader(packet: Filter, terms: Filter, withFragments: boolean): Filter {
  if (terms.length > 0) return [...packet, withFragments ? laterByKey() : isFirst(), pastHeader(), ...terms];
  return withFragments ? packet : [...packet, isFirst()];
}

function portsTo(protocol: number, match: PortMatch): Filter {
  const packet = ipv4To({ destination: match.destination, source: match.source, protocol });
  const ports = [
    ...optional(match.sourcePort, (port) => equal(SOURCE_PORT, 2, port)),
    ...optional(match.port, (port) => equal(DESTINATION_PORT, 2, port)),
  ];
  return behindHeader(packet, ports, match.fragments === true);
}

/** TCP segments as `match` says, behind an IPv4 header of any length; later fragments if asked for. */
export const tcpTo = (match: PortMatch): Filter => portsTo(PROTOCOL_TCP, match);

/** UDP datagrams as `match` says, behind an IPv4 header of any length; later fragments if asked for. */
export const udpTo = (match: PortMatch): Filter => portsTo(PROTOCOL_UDP, match);

/** ICMP messages as `match` says, behind an IPv4 header of any length; later fragments if asked for. */
export function icmpTo(match: IcmpMatch): Filter {
  const { destination, source } = match;
  const packet = ipv4To({ destination, source, protocol: PROTOCOL_ICMP });
  const type = optional(match.type, (value) => equal(ETHERNET_BYTES, 1, value));
  return behindHeader(packet, type, match.fragments === true);
}

/**
 * For a transmit binding: IPv4 packets from these addresses.
 *
 * Ethernet source and IPv4 source are both pinned; the rest is the sender's.
 */
export const ipv4From = (match: SenderMatch): Filter => [
  ...hardwareAddressAt(ETHERNET_SOURCE, match.hardwareAddress),
  ...anyIpv4(),
  equal(SOURCE, 4, match.address),
];
