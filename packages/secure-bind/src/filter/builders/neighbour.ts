/** Builders of packet filters for neighbour discovery (RFC 4861), IPv6's counterpart of ARP. */
import { type Filter, equal } from "../term.ts";
import { hardwareAddressAt } from "./ethernet.ts";
import {
  BEHIND_IPV6,
  type Ipv6Address,
  PROTOCOL_ICMP6,
  type Sender6Match,
  anyIpv6,
  ipv6AddressAt,
  nextHeader,
  protocolFrom,
} from "./ipv6.ts";

// Offsets in bytes from the start of the frame: RFC 8200 section 3, RFC 4861 sections 4.3, 4.4 and 4.6.1.
const PAYLOAD_LENGTH = 18;
const HOP_LIMIT = 21;
const TYPE_CODE = BEHIND_IPV6;
const TARGET = BEHIND_IPV6 + 8;
const OPTION = BEHIND_IPV6 + 24;
const OPTION_ADDRESS = OPTION + 2;

const SOLICITATION = 0x8700;
const ADVERTISEMENT = 0x8800;

// An option's type, and its length of one unit of eight bytes.
const SOURCE_LINK_LAYER = 0x0101;
const TARGET_LINK_LAYER = 0x0201;

const MESSAGE_BYTES = 24;
const OPTION_BYTES = 8;

const UNSPECIFIED: Ipv6Address = [0, 0, 0, 0];

/**
 * Neighbour solicitations whose target is `address`: questions, and probes by who would have it.
 *
 * They go to `solicitedNode(address)` or to `address` itself. Only those that
 * no router passed on are valid: hop limit 255 (RFC 4861 section 7.1.1).
 * Answers to one's own questions are for `icmp6To({ destination, type: 136 })`.
 */
export const solicitationFor = (address: Ipv6Address): Filter => [
  ...anyIpv6(),
  nextHeader(PROTOCOL_ICMP6),
  equal(HOP_LIMIT, 1, 255),
  equal(TYPE_CODE, 2, SOLICITATION),
  ...ipv6AddressAt(TARGET, address),
];

/** The group that solicitations for `address` are sent to (RFC 4291 section 2.7.1). */
export const solicitedNode = (address: Ipv6Address): Ipv6Address => [
  0xff02_0000,
  0,
  1,
  ((address[3] & 0x00ff_ffff) | 0xff00_0000) >>> 0,
];

/** A message from `match`, with the one option that says its Ethernet address and nothing behind. */
const withOption = (match: Sender6Match, typeCode: number, option: number): Filter => [
  ...protocolFrom(match, PROTOCOL_ICMP6),
  equal(PAYLOAD_LENGTH, 2, MESSAGE_BYTES + OPTION_BYTES),
  equal(TYPE_CODE, 2, typeCode),
  equal(OPTION, 2, option),
  ...hardwareAddressAt(OPTION_ADDRESS, match.hardwareAddress),
];

/**
 * For transmit bindings: neighbour discovery that claims these addresses and no others.
 *
 * Three filters: solicitations, with the sender's own Ethernet address as the
 * only option; advertisements of its own address at its own Ethernet address;
 * and probes for its own address, from the unspecified one and without options
 * (RFC 4862 section 5.4). Payload lengths are pinned, so that no second option
 * says otherwise. Router advertisements and redirects match none.
 */
export const neighbourFrom = (match: Sender6Match): readonly Filter[] => [
  withOption(match, SOLICITATION, SOURCE_LINK_LAYER),
  [...withOption(match, ADVERTISEMENT, TARGET_LINK_LAYER), ...ipv6AddressAt(TARGET, match.address)],
  [
    ...protocolFrom({ ...match, address: UNSPECIFIED }, PROTOCOL_ICMP6),
    equal(PAYLOAD_LENGTH, 2, MESSAGE_BYTES),
    equal(TYPE_CODE, 2, SOLICITATION),
    ...ipv6AddressAt(TARGET, match.address),
  ],
];
