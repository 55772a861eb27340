/** A network on one interface: link, ARP, IPv4, ICMP and UDP, composed; transports plug in. */
import type { CapSlot, Cycles, Filter, FilterId, Gate, Window } from "@exolith/exokernel/abi";
import { failed, must } from "@exolith/exokernel/abi";
import type { FramePool } from "../memory/frame-pool.ts";
import { framesFor } from "../memory/frame-pool.ts";
import type { Pollable } from "../schedule/event-loop.ts";
import type { Arp, ArpCounters } from "./arp.ts";
import { ARP_FRAME_BYTES, makeArp } from "./arp.ts";
import { ARP_TABLE_BYTES } from "./arp-table.ts";
import { receiveFilters } from "./filters.ts";
import type { Icmp, IcmpCounters } from "./icmp.ts";
import { makeIcmp } from "./icmp.ts";
import type { Ipv4, Ipv4Counters } from "./ipv4.ts";
import { makeIpv4 } from "./ipv4.ts";
import type { Link, LinkCounters } from "./link.ts";
import { makeLink } from "./link.ts";
import type { FrameInput, PacketReceiver, PacketRing } from "./packet-receiver.ts";
import { closePacketRing, makePacketReceiver, makePacketRing } from "./packet-receiver.ts";
import type { RouteOptions } from "./route.ts";
import { makeRoute } from "./route.ts";
import type { SegmentOutput, Transport } from "./segment-output.ts";
import type { Udp, UdpCounters } from "./udp.ts";
import { makeUdp } from "./udp.ts";
import { ETHERNET_BYTES, ETHER_TYPE, ethernetFits, etherType } from "./wire/ethernet-wire.ts";
import { PROTOCOLS } from "./wire/ipv4-wire.ts";

/** Frames taken from the ring between two polls of the transports. */
export const RECEIVE_LIMIT = 64;
/** Slots of a packet ring unless it is told otherwise. */
export const RING_SLOTS = 256;

/** What a network is made from. */
export interface NetworkOptions extends RouteOptions {
  /** Network interface, by index. */
  readonly nic: number;
  /** `device`: a capability that dominates the interface's name. `guard`: guards our ring and filters. */
  readonly slots: { readonly device: CapSlot; readonly guard: CapSlot };
  /** Slots of the packet ring, 2,048 bytes each; `RING_SLOTS` when absent. */
  readonly ringSlots?: number;
  /** Frames of the ring, the headers and the ARP table come from here. */
  readonly pool: FramePool;
  /** What to receive; `receiveFilters(address)` when absent. */
  readonly filters?: readonly Filter[];
}

/** Everything that the parts of a network count. */
export interface NetworkCounters {
  readonly link: Readonly<LinkCounters>;
  readonly arp: Readonly<ArpCounters>;
  readonly ipv4: Readonly<Ipv4Counters>;
  readonly icmp: Readonly<IcmpCounters>;
  readonly udp: Readonly<UdpCounters>;
}

/** A network; serve it in an event loop. Its parts are primitives that can be used without it. */
export interface Network extends Pollable {
  readonly link: Link;
  readonly arp: Arp;
  readonly ipv4: Ipv4;
  readonly icmp: Icmp;
  readonly udp: Udp;
  /** Where transports send. */
  readonly output: SegmentOutput;
  readonly counters: NetworkCounters;
  /** The memory of the ARP table: others may bind its frame read-only, and make `arpReaders` over it. */
  readonly arpTable: Window;
  /** The filters that feed the ring, as they were inserted. */
  readonly filters: readonly FilterId[];
  /** Delivers IPv4 `protocol` to `transport`, and serves its timers from now on. */
  attach(protocol: number, transport: Transport): void;
  /** Removes the filters, ends the ring and gives every frame back; true when all of it went. Nothing works afterwards. */
  close(): boolean;
}

/**
 * Makes a network: claims memory, binds the ring and inserts the filters.
 *
 * The transmit bindings are the board's: see `transmitFilters`. They need not
 * exist yet. Throws, which is a fault of the environment, when something is refused.
 */
export const makeNetwork = (gate: Gate, options: NetworkOptions): Network =>
  new ComposedNetwork(gate, options);

class ComposedNetwork implements Network {
  readonly link: Link;
  readonly arp: Arp;
  readonly ipv4: Ipv4;
  readonly icmp: Icmp;
  readonly udp: Udp;
  readonly output: SegmentOutput;
  readonly counters: NetworkCounters;
  readonly arpTable: Window;
  readonly filters: readonly FilterId[];
  readonly #gate: Gate;
  readonly #options: NetworkOptions;
  readonly #ring: PacketRing;
  readonly #receiver: PacketReceiver;
  readonly #memory: ReturnType<typeof claimMemory>;
  readonly #transports: Transport[] = [];

  constructor(gate: Gate, options: NetworkOptions) {
    const { pool, slots } = options;
    const route = makeRoute(options);
    const memory = claimMemory(pool);
    const { scratch, table } = memory;
    const resolved = (address: number): void => this.#resolved(address);
    this.#gate = gate;
    this.#options = options;
    this.#memory = memory;
    this.arpTable = table;
    this.link = makeLink(gate, options.nic);
    this.arp = makeArp(gate, { link: this.link, route, table, tableAt: 0, scratch, scratchAt: 0, resolved });
    this.ipv4 = makeIpv4({ link: this.link, arp: this.arp, route, scratch, scratchAt: IPV4_AT });
    this.icmp = makeIcmp(gate, this.ipv4);
    this.udp = makeUdp(this.ipv4, this.icmp);
    this.output = this.ipv4;
    this.ipv4.attach(PROTOCOLS.icmp, this.icmp);
    this.ipv4.attach(PROTOCOLS.udp, this.udp, true);
    this.counters = gatherCounters(this);
    this.#ring = makePacketRing(gate, pool, options.ringSlots ?? RING_SLOTS, slots.guard);
    this.#receiver = makePacketReceiver(this.#ring, makeFrameInput(this.arp, this.ipv4));
    this.filters = insertFilters(gate, options, this.#ring);
  }

  attach(protocol: number, transport: Transport): void {
    this.ipv4.attach(protocol, transport);
    this.#transports.push(transport);
  }

  poll(): boolean {
    for (const transport of this.#transports) transport.arriving?.();
    const taken = this.#receiver.poll(RECEIVE_LIMIT);
    this.arp.poll();
    for (const transport of this.#transports) transport.poll();
    return taken === RECEIVE_LIMIT;
  }

  wakeAt(): Cycles {
    let at = this.arp.wakeAt();
    for (const transport of this.#transports) at = Math.min(at, transport.wakeAt());
    return at as Cycles;
  }

  close(): boolean {
    const { pool, slots } = this.#options;
    let clean = true;
    for (const filter of this.filters)
      if (failed(this.#gate.filterRemove(filter, slots.guard))) clean = false;
    if (!closePacketRing(this.#gate, pool, this.#ring)) clean = false;
    for (const window of Object.values(this.#memory)) if (!pool.release(window)) clean = false;
    return clean;
  }

  #resolved(address: number): void {
    for (const transport of this.#transports) transport.resolved(address);
  }
}

/** Offset of IPv4's headers in the scratch frame: above ARP's. */
const IPV4_AT = ARP_FRAME_BYTES;

const claimMemory = (pool: FramePool): { readonly scratch: Window; readonly table: Window } => ({
  scratch: must(pool.run(1)),
  table: must(pool.run(framesFor(ARP_TABLE_BYTES))),
});

const gatherCounters = (parts: Network): NetworkCounters =>
  Object.freeze({
    link: parts.link.counters,
    arp: parts.arp.counters,
    ipv4: parts.ipv4.counters,
    icmp: parts.icmp.counters,
    udp: parts.udp.counters,
  });

const insertFilters = (gate: Gate, options: NetworkOptions, ring: PacketRing): FilterId[] =>
  (options.filters ?? receiveFilters(options.address)).map((filter) =>
    must(gate.filterInsert(options.nic, filter, ring.id, options.slots.device, options.slots.guard)),
  );

/** Hands a frame to the layer that its type names; others are not ours. */
export function makeFrameInput(arp: Arp, ipv4: Ipv4): FrameInput {
  return (window, at, length, checksumGood) => {
    if (!ethernetFits(length)) return;
    const type = etherType(window, at);
    if (type === ETHER_TYPE.ipv4)
      ipv4.input(window, at + ETHERNET_BYTES, length - ETHERNET_BYTES, checksumGood);
    else if (type === ETHER_TYPE.arp) arp.input(window, at + ETHERNET_BYTES, length - ETHERNET_BYTES);
  };
}
