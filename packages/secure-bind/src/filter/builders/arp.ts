/** Builders of packet filters for ARP (RFC 826), for Ethernet and IPv4. */
import { type Filter, equal } from "../term.ts";
import { ETHERNET_SOURCE, etherType, hardwareAddressAt } from "./ethernet.ts";
import { TYPE_IPV4, type SenderMatch } from "./ipv4.ts";

const TYPE_ARP = 0x0806;

// Offsets in bytes from the start of the frame.
const HARDWARE_TYPE = 14;
const PROTOCOL_TYPE = 16;
const LENGTHS = 18;
const SENDER_HARDWARE = 22;
const SENDER_ADDRESS = 28;
const TARGET_ADDRESS = 38;

/** All ARP packets for IPv4 over Ethernet (RFC 826). */
export const arp = (): Filter => [
  ...etherType(TYPE_ARP),
  equal(HARDWARE_TYPE, 2, 1),
  equal(PROTOCOL_TYPE, 2, TYPE_IPV4),
  equal(LENGTHS, 2, 0x0604),
];

/** ARP packets, requests and replies, whose target is `address`. */
export const arpFor = (address: number): Filter => [...arp(), equal(TARGET_ADDRESS, 4, address)];

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
  ...hardwareAddressAt(SENDER_HARDWARE, match.hardwareAddress),
  equal(SENDER_ADDRESS, 4, match.address),
];
