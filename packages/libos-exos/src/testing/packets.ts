/** Packets for tests, built from the layouts with independent sums. */
import type { Window } from "@exolith/exokernel/abi";
import { makeWindow } from "@exolith/exokernel/testing";
import { finishChecksum, pseudoHeaderSum } from "../net/checksum.ts";
import { setArp, setArpSender, setArpTarget } from "../net/wire/arp-wire.ts";
import { ICMP_BYTES, setIcmp, setIcmpRest } from "../net/wire/icmp-wire.ts";
import {
  IPV4_BYTES,
  setIpv4Checksum,
  setIpv4Constants,
  setIpv4Ends,
  setIpv4Lengths,
} from "../net/wire/ipv4-wire.ts";
import { UDP_BYTES, setUdpLength, setUdpPorts } from "../net/wire/udp-wire.ts";

/** What an ARP packet says; halves of Ethernet addresses are 16 and 32 bits. */
export interface ArpPacket {
  readonly operation: number;
  readonly sender: readonly [high: number, low: number, address: number];
  readonly target: readonly [high: number, low: number, address: number];
}

/** An ARP packet. */
export function arpPacket(packet: ArpPacket): Window {
  const window = makeWindow(28);
  setArp(window, 0, packet.operation);
  setArpSender(window, 0, ...packet.sender);
  setArpTarget(window, 0, ...packet.target);
  return window;
}

/** What an IPv4 packet says besides its payload. */
export interface Ipv4Packet {
  readonly source: number;
  readonly destination: number;
  readonly protocol: number;
}

/** An IPv4 packet around `payload`. */
export function ipv4Packet(packet: Ipv4Packet, payload: Window): Window {
  const window = makeWindow(IPV4_BYTES + payload.length);
  setIpv4Constants(window, 0, 64);
  setIpv4Lengths(window, 0, window.length, 7);
  setIpv4Ends(window, 0, packet.protocol, packet.source, packet.destination);
  setIpv4Checksum(window, 0, finishChecksum(window.checksum(0, IPV4_BYTES, 0)));
  window.copy(IPV4_BYTES, payload, 0, payload.length);
  return window;
}

/** An echo request or reply. */
export function echoPacket(type: number, identifier: number, sequence: number, payload: Window): Window {
  const window = makeWindow(ICMP_BYTES + payload.length);
  setIcmpRest(window, 0, identifier, sequence);
  window.copy(ICMP_BYTES, payload, 0, payload.length);
  setIcmp(window, 0, type, 0, 0);
  setIcmp(window, 0, type, 0, finishChecksum(window.checksum(0, window.length, 0)));
  return window;
}

/** What a UDP datagram says besides its payload. */
export interface UdpPacket {
  readonly source: number;
  readonly sourcePort: number;
  readonly destination: number;
  readonly destinationPort: number;
}

/** A UDP datagram around `payload`. */
export function udpPacket(packet: UdpPacket, payload: Window): Window {
  const window = makeWindow(UDP_BYTES + payload.length);
  setUdpPorts(window, 0, packet.sourcePort, packet.destinationPort);
  setUdpLength(window, 0, window.length, 0);
  window.copy(UDP_BYTES, payload, 0, payload.length);
  const sum = window.checksum(
    0,
    window.length,
    pseudoHeaderSum(packet.source, packet.destination, 17, window.length),
  );
  setUdpLength(window, 0, window.length, finishChecksum(sum) || 0xffff);
  return window;
}
