/** IPv4 of a host: headers out, headers in, no fragments (RFC 791, RFC 1122 section 3). */
// Heads up! Read RFC 1122 section 3.2 before editing this file.
import type { Window } from "@exolith/exokernel/abi";
import { BROADCAST_HIGH, BROADCAST_LOW } from "./address.ts";
import type { Arp } from "./arp.ts";
import { ARP_UNREACHABLE } from "./arp.ts";
import { foldSum, sumOf32 } from "./checksum.ts";
import { publishCounters } from "./counters.ts";
import type { Link, LinkResult } from "./link.ts";
import { FRAME_KIND } from "./link.ts";
import { PieceList } from "./piece-list.ts";
import type { Route } from "./route.ts";
import type { Offload, SegmentOutput, SendResult, Transport } from "./segment-output.ts";
import { ETHERNET_BYTES } from "./wire/ethernet-wire.ts";
import * as wire from "./wire/ipv4-wire.ts";

/** Routers that our datagrams may pass (RFC 1700: 64). */
export const TIME_TO_LIVE = 64;
/** Longest transport header that the scratch memory has room for, bytes. */
export const TRANSPORT_HEADER_BYTES = 60;
/** Bytes of scratch memory that IPv4 needs for its headers and a transport's. */
export const IPV4_SCRATCH_BYTES: number = ETHERNET_BYTES + wire.IPV4_BYTES + TRANSPORT_HEADER_BYTES;

/** What IPv4 counts. Every datagram received is delivered or counted once below. */
export interface Ipv4Counters {
  received: number;
  delivered: number;
  /** Too short, not version 4, or a length that contradicts the frame. */
  malformed: number;
  badChecksum: number;
  /** Refused: reassembly is not implemented. */
  fragments: number;
  /** A source that no datagram may come from. */
  martians: number;
  /** For somebody else. */
  notOurs: number;
  /** For a protocol that nobody attached, or a broadcast that it does not take. */
  unknownProtocol: number;
  sent: number;
  /** Not sent: the next hop was not known yet. */
  unresolved: number;
  /** Not sent: no route, nobody answered, too long, or no binding lets it pass. */
  unreachable: number;
  /** Not sent: the interface had no room. */
  full: number;
}

/** What IPv4 is made from. */
export interface Ipv4Options {
  readonly link: Link;
  readonly arp: Arp;
  readonly route: Route;
  /** Memory for the headers of one datagram, `IPV4_SCRATCH_BYTES` from `scratchAt`. */
  readonly scratch: Window;
  readonly scratchAt: number;
}

/** `0x4500` and the hops: what every header of ours sums to before the rest. */
const CONSTANT_SUM = 0x4500 + (TIME_TO_LIVE << 8);
const NO_COUNTS: Ipv4Counters = {
  received: 0,
  delivered: 0,
  malformed: 0,
  badChecksum: 0,
  fragments: 0,
  martians: 0,
  notOurs: 0,
  unknownProtocol: 0,
  sent: 0,
  unresolved: 0,
  unreachable: 0,
  full: 0,
};

/**
 * One address on one link.
 *
 * Out: a `SegmentOutput` that transports share; one datagram is built and sent
 * at a time. In: what is whole, ours and not a fragment goes to the transport
 * of its protocol, in place. Options are skipped, source routes with them.
 */
export class Ipv4 implements SegmentOutput {
  readonly header: Window;
  readonly transportAt: number;
  readonly transportBytes: number = TRANSPORT_HEADER_BYTES;
  readonly payload: PieceList = new PieceList();
  readonly offload: Offload;
  readonly counters: Readonly<Ipv4Counters>;
  readonly #counts: Ipv4Counters = { ...NO_COUNTS };
  readonly #link: Link;
  readonly #arp: Arp;
  readonly #route: Route;
  readonly #frameAt: number;
  readonly #headerAt: number;
  readonly #transports = new Array<Transport | undefined>(256).fill(undefined);
  readonly #takesBroadcast = new Uint8Array(256);
  #identification = 0;
  #datagramAt = 0;
  readonly #arrived: { -readonly [K in keyof Offload]: Offload[K] };

  constructor(options: Ipv4Options) {
    const { transmitChecksum, segmentationBytes } = options.link;
    this.#link = options.link;
    this.#arrived = { transmitChecksum, segmentationBytes, checksumGood: false };
    this.offload = this.#arrived;
    this.#arp = options.arp;
    this.#route = options.route;
    this.header = options.scratch;
    this.#frameAt = options.scratchAt;
    this.#headerAt = options.scratchAt + ETHERNET_BYTES;
    this.transportAt = this.#headerAt + wire.IPV4_BYTES;
    this.counters = publishCounters(this.#counts);
    options.link.prepare(FRAME_KIND.ipv4, options.scratch, options.scratchAt);
    wire.setIpv4Constants(options.scratch, this.#headerAt, TIME_TO_LIVE);
  }

  /** Delivers `protocol` to `transport`; broadcasts too if `broadcast`. Replaces an earlier one. */
  attach(protocol: number, transport: Transport, broadcast: boolean = false): void {
    this.#transports[protocol & 255] = transport;
    this.#takesBroadcast[protocol & 255] = broadcast ? 1 : 0;
  }

  /** Offset of the IPv4 header of the datagram that is being delivered. */
  get datagramAt(): number {
    return this.#datagramAt;
  }

  mtu(_destination: number): number {
    return this.#link.packetBytes;
  }

  nextHop(destination: number): number {
    return this.#route.nextHop(destination);
  }

  sourceFor(_destination: number): number {
    return this.#route.address;
  }

  send(source: number, destination: number, protocol: number, transportLength: number): SendResult {
    const result = this.#dispatch(source, destination, protocol, transportLength);
    this.payload.clear();
    this.#counts[result] += 1;
    return result;
  }

  /**
   * One packet of the link: `length` bytes at `at`. Never throws, reads nothing outside.
   *
   * `checksumGood`: the interface knows that the transport's checksum is right.
   */
  input(window: Window, at: number, length: number, checksumGood: boolean = false): void {
    const counts = this.#counts;
    this.#arrived.checksumGood = checksumGood;
    counts.received += 1;
    if (!wire.ipv4Fits(window, at, length)) counts.malformed += 1;
    else {
      const header = wire.headerBytes(window, at);
      const total = wire.totalBytes(window, at);
      if (total < header || total > length) counts.malformed += 1;
      else if (window.checksum(at, header, 0) !== 0xffff) counts.badChecksum += 1;
      else if (wire.isFragment(window, at)) counts.fragments += 1;
      else if (this.#route.isMartian(wire.ipSource(window, at))) counts.martians += 1;
      else this.#deliver(window, at, header, total);
    }
  }

  #deliver(window: Window, at: number, header: number, total: number): void {
    const destination = wire.ipDestination(window, at);
    const own = destination === this.#route.address;
    if (!own && !this.#route.isBroadcast(destination)) {
      this.#counts.notOurs += 1;
      return;
    }
    const protocol = wire.ipProtocol(window, at);
    const transport = this.#transports[protocol];
    if (transport === undefined || (!own && this.#takesBroadcast[protocol] === 0)) {
      this.#counts.unknownProtocol += 1;
      return;
    }
    this.#counts.delivered += 1;
    this.#datagramAt = at;
    transport.input(wire.ipSource(window, at), destination, window, at + header, total - header);
  }

  #dispatch(source: number, destination: number, protocol: number, transportLength: number): SendResult {
    const total = wire.IPV4_BYTES + transportLength + this.payload.length;
    const hop = this.#route.nextHop(destination);
    if (hop === 0 || total > this.#longest() || source !== this.#route.address) return "unreachable";
    if (this.#route.isBroadcast(hop)) {
      this.#link.address(this.header, this.#frameAt, BROADCAST_HIGH, BROADCAST_LOW);
    } else {
      const row = this.#arp.lookup(hop);
      if (row < 0) return row === ARP_UNREACHABLE ? "unreachable" : "unresolved";
      this.#link.address(this.header, this.#frameAt, this.#arp.high(row), this.#arp.low(row));
    }
    this.#build(source, destination, protocol, total);
    return this.#transmit(transportLength);
  }

  /** The longest packet of the link: a super-segment is cut by the interface. */
  #longest(): number {
    const { packetBytes, segmentationBytes } = this.#link;
    return this.payload.segmentBytes > 0 ? segmentationBytes : packetBytes;
  }

  /** Identifications that the packet takes: one for each segment that the interface makes of it. */
  #packets(): number {
    const { segmentBytes, length } = this.payload;
    return segmentBytes > 0 ? Math.max(1, Math.ceil(length / segmentBytes)) : 1;
  }

  #transmit(transportLength: number): SendResult {
    const length = ETHERNET_BYTES + wire.IPV4_BYTES + transportLength;
    const result: LinkResult = this.#link.send(
      FRAME_KIND.ipv4,
      this.header,
      this.#frameAt,
      length,
      this.payload,
    );
    return result === "refused" ? "unreachable" : result;
  }

  /** Writes what differs from the last header; the checksum is summed from the values, not read back. */
  #build(source: number, destination: number, protocol: number, total: number): void {
    const id = (this.#identification + 1) & 0xffff;
    this.#identification = id + this.#packets() - 1;
    const ends = sumOf32(source) + sumOf32(destination);
    const checksum = ~foldSum(CONSTANT_SUM + total + id + protocol + ends) & 0xffff;
    wire.setIpv4Lengths(this.header, this.#headerAt, total, id);
    wire.setIpv4Ends(this.header, this.#headerAt, protocol, source, destination);
    wire.setIpv4Checksum(this.header, this.#headerAt, checksum);
  }
}

/** IPv4 on `options.link`. */
export const makeIpv4 = (options: Ipv4Options): Ipv4 => new Ipv4(options);
