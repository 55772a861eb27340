/** One host over a recorded link: real ARP, IPv4, ICMP and UDP, with a peer who is known. */
import type { Window } from "@exolith/exokernel/abi";
import { makeWindow } from "@exolith/exokernel/testing";
import type { Arp } from "../net/arp.ts";
import { ARP_FRAME_BYTES, makeArp } from "../net/arp.ts";
import { ARP_TABLE_BYTES } from "../net/arp-table.ts";
import type { Icmp } from "../net/icmp.ts";
import { makeIcmp } from "../net/icmp.ts";
import type { Ipv4 } from "../net/ipv4.ts";
import { IPV4_SCRATCH_BYTES, makeIpv4 } from "../net/ipv4.ts";
import { makeRoute } from "../net/route.ts";
import type { Udp } from "../net/udp.ts";
import { makeUdp } from "../net/udp.ts";
import type { HandClock, RecordedLink } from "./recorded-link.ts";
import { makeHandClock, makeRecordedLink } from "./recorded-link.ts";

/** Addresses of the host and of its peer, in 10.0.0.0/24. */
export const HOST = 0x0a00_0001;
/** The peer, whose link address is known. */
export const PEER = 0x0a00_0002;

/** The host, and everything it sends. */
export interface PacketHost {
  readonly link: RecordedLink;
  readonly clock: HandClock;
  readonly arp: Arp;
  readonly ipv4: Ipv4;
  readonly icmp: Icmp;
  readonly udp: Udp;
  /** Delivers one IPv4 packet. */
  arrives(packet: Window): void;
}

/** A host at `HOST` on a link that keeps what it sends. */
export function makePacketHost(): PacketHost {
  const link = makeRecordedLink([2, 0, 0, 0, 0, 1]);
  const clock = makeHandClock();
  const route = makeRoute({ address: HOST, prefixLength: 24 });
  const scratch = makeWindow(ARP_FRAME_BYTES + IPV4_SCRATCH_BYTES);
  const table = makeWindow(ARP_TABLE_BYTES);
  const resolved = (): void => {};
  const arp = makeArp({ clock }, { link, route, table, tableAt: 0, scratch, scratchAt: 0, resolved });
  const ipv4 = makeIpv4({ link, arp, route, scratch, scratchAt: ARP_FRAME_BYTES });
  const icmp = makeIcmp({ clock }, ipv4);
  const udp = makeUdp(ipv4, icmp);
  ipv4.attach(1, icmp);
  ipv4.attach(17, udp, true);
  arp.addPermanent(PEER, 0x0200, 2);
  const arrives = (packet: Window): void => ipv4.input(packet, 0, packet.length);
  return { link, clock, arp, ipv4, icmp, udp, arrives };
}
