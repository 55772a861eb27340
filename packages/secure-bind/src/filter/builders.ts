/** Builders of packet filters for Ethernet frames: ARP, IPv4, ICMP, UDP and TCP. */
import { type Filter, type FilterTerm, equal, shift } from "./term.ts";

// Ethernet II header: offsets in bytes from the start of the frame.
const ETHERNET_SOURCE = 6;
const ETHERNET_TYPE = 12;
const ETHERNET_BYTES = 14;
const TYPE_IPV4 = 0x0800;
const TYPE_ARP = 0x0806;

// ARP packet for Ethernet and IPv4, RFC 826.
const ARP_HARDWARE_TYPE = 14;
const ARP_PROTOCOL_TYPE = 16;
const ARP_LENGTHS = 18;
const ARP_SENDER_HARDWARE = 22;
const ARP_SENDER_ADDRESS = 28;
const ARP_TARGET_ADDRESS = 38;

// IPv4 header, RFC 791 section 3.1.
const IPV4_VERSION_LENGTH = 14;
const IPV4_FRAGMENT = 20;
const IPV4_PROTOCOL = 23;
const IPV4_SOURCE = 26;
const IPV4_DESTINATION = 30;
const FRAGMENT_OFFSET_MASK = 0x1fff;

// Transport headers, from the base that the header length sets: RFC 9293 section 3.1, RFC 768.
const SOURCE_PORT = ETHERNET_BYTES;
const DESTINATION_PORT = ETHERNET_BYTES + 2;

const PROTOCOL_ICMP = 1;
const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;

/** Six octets of an Ethernet address, in the order they are sent. */
export type HardwareAddress = readonly number[];

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
}

/** The addresses that a sender may call its own. */
export interface SenderMatch {
  readonly hardwareAddress: HardwareAddress;
  readonly address: number;
}

const optional = (value: number | undefined, build: (value: number) => FilterTerm): Filter =>
  value === undefined ? [] : [build(value)];

/** A hardware address takes two terms: four octets, then two. */
function hardwareAddressAt(at: number, octets: HardwareAddress): Filter {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = octets;
  return [equal(at, 4, ((a << 24) | (b << 16) | (c << 8) | d) >>> 0), equal(at + 4, 2, (e << 8) | f)];
}

/** Frames whose Ethernet type is `type`. */
export const etherType = (type: number): Filter => [equal(ETHERNET_TYPE, 2, type)];

/** All ARP packets for IPv4 over Ethernet (RFC 826). */
export const arp = (): Filter => [
  ...etherType(TYPE_ARP),
  equal(ARP_HARDWARE_TYPE, 2, 1),
  equal(ARP_PROTOCOL_TYPE, 2, TYPE_IPV4),
  equal(ARP_LENGTHS, 2, 0x0604),
];

/** ARP packets, requests and replies, whose target is `address`. */
export const arpFor = (address: number): Filter => [...arp(), equal(ARP_TARGET_ADDRESS, 4, address)];

/** IPv4 packets as `match` says, fragments included. */
export const ipv4To = (match: Ipv4Match): Filter => [
  ...etherType(TYPE_IPV4),
  equal(IPV4_VERSION_LENGTH, 1, 0x40, 0xf0),
  ...optional(match.protocol, (protocol) => equal(IPV4_PROTOCOL, 1, protocol)),
  ...optional(match.source, (source) => equal(IPV4_SOURCE, 4, source)),
  equal(IPV4_DESTINATION, 4, match.destination),
];

/**
 * IPv4 packets which begin a datagram: whole ones and first fragments.
 *
 * Later fragments carry no ports; a filter that looks at one would read payload.
 */
const firstFragmentTo = (match: Ipv4Match): Filter => [
  ...ipv4To(match),
  equal(IPV4_FRAGMENT, 2, 0, FRAGMENT_OFFSET_MASK),
];

/** The base moves on by the length of the IPv4 header, options included (20 to 60 bytes). */
const pastIpv4Header = (): FilterTerm => shift(IPV4_VERSION_LENGTH, 1, 0x0f, 2);

function portsTo(protocol: number, match: PortMatch): Filter {
  const packet = firstFragmentTo({ destination: match.destination, source: match.source, protocol });
  const ports = [
    ...optional(match.sourcePort, (port) => equal(SOURCE_PORT, 2, port)),
    ...optional(match.port, (port) => equal(DESTINATION_PORT, 2, port)),
  ];
  return ports.length === 0 ? packet : [...packet, pastIpv4Header(), ...ports];
}

/** TCP segments as `match` says, behind an IPv4 header of any length; no later fragments. */
export const tcpTo = (match: PortMatch): Filter => portsTo(PROTOCOL_TCP, match);

/** UDP datagrams as `match` says, behind an IPv4 header of any length; no later fragments. */
export const udpTo = (match: PortMatch): Filter => portsTo(PROTOCOL_UDP, match);

/** ICMP messages to `destination`, of one `type` (RFC 792) if given; no later fragments. */
export const icmpTo = (match: {
  readonly destination: number;
  readonly type?: number | undefined;
}): Filter => [
  ...firstFragmentTo({ destination: match.destination, protocol: PROTOCOL_ICMP }),
  ...(match.type === undefined ? [] : [pastIpv4Header(), equal(ETHERNET_BYTES, 1, match.type)]),
];

/**
 * For a transmit binding: IPv4 packets from these addresses.
 *
 * Ethernet source and IPv4 source are both pinned; the rest is the sender's.
 */
export const ipv4From = (match: SenderMatch): Filter => [
  ...hardwareAddressAt(ETHERNET_SOURCE, match.hardwareAddress),
  ...etherType(TYPE_IPV4),
  equal(IPV4_VERSION_LENGTH, 1, 0x40, 0xf0),
  equal(IPV4_SOURCE, 4, match.address),
];

/**
 * For a transmit binding: ARP packets from these addresses.
 *
 * Ethernet source, ARP sender hardware address and ARP sender protocol address
 * are all pinned, so nobody else's address can be claimed. Probes (RFC 5227),
 * whose sender protocol address is zero, do not match.
 */
export const arpFrom = (match: SenderMatch): Filter => [
  ...hardwareAddressAt(ETHERNET_SOURCE, match.hardwareAddress),
  ...arp(),
  ...hardwareAddressAt(ARP_SENDER_HARDWARE, match.hardwareAddress),
  equal(ARP_SENDER_ADDRESS, 4, match.address),
];
