/** UDP: datagrams in place to whoever bound the port (RFC 768, RFC 1122 section 4.1). */
import type { Window } from "@exolith/exokernel/abi";
import { finishChecksum, pseudoHeaderSum } from "./checksum.ts";
import { publishCounters } from "./counters.ts";
import type { Icmp } from "./icmp.ts";
import type { SegmentOutput, SendResult, Transport } from "./segment-output.ts";
import { PROTOCOLS } from "./wire/ipv4-wire.ts";
import * as wire from "./wire/udp-wire.ts";

/** Hears a port: `length` payload bytes at `at`, in place, valid until this returns. */
export type DatagramHandler = (
  window: Window,
  at: number,
  length: number,
  source: number,
  sourcePort: number,
) => void;

/** What UDP counts. */
export interface UdpCounters {
  received: number;
  delivered: number;
  /** A length field that contradicts the datagram. */
  malformed: number;
  badChecksum: number;
  /** For a port that nobody bound. */
  noPort: number;
  sent: number;
}

/** Bytes to send, and between which ports. */
export interface Datagram {
  readonly sourcePort: number;
  readonly destination: number;
  readonly destinationPort: number;
  readonly window: Window;
  readonly at: number;
  /** May be 0. */
  readonly length: number;
}

/** Lowest port that `bindAny` hands out (RFC 6335 section 6). */
export const DYNAMIC_PORTS = 49_152;
const PORTS = 65_536;

/** UDP over an output. Attach it as protocol 17, with broadcasts. */
export class Udp implements Transport {
  readonly counters: Readonly<UdpCounters>;
  readonly #counts: UdpCounters = {
    received: 0,
    delivered: 0,
    malformed: 0,
    badChecksum: 0,
    noPort: 0,
    sent: 0,
  };
  readonly #output: SegmentOutput;
  readonly #icmp: Icmp | undefined;
  readonly #ports = new Map<number, DatagramHandler>();
  #dynamic = DYNAMIC_PORTS;

  constructor(output: SegmentOutput, icmp: Icmp | undefined) {
    this.#output = output;
    this.#icmp = icmp;
    this.counters = publishCounters(this.#counts);
  }

  /** Hands datagrams for `port` to `handler`; false when the port is taken or not 1 to 65,535. */
  bind(port: number, handler: DatagramHandler): boolean {
    if (!(port > 0 && port < PORTS) || this.#ports.has(port)) return false;
    this.#ports.set(port, handler);
    return true;
  }

  /** Binds a free dynamic port and returns it; 0 when there is none. */
  bindAny(handler: DatagramHandler): number {
    for (let tries = DYNAMIC_PORTS; tries < PORTS; tries++) {
      const port = this.#dynamic;
      this.#dynamic = port + 1 === PORTS ? DYNAMIC_PORTS : port + 1;
      if (this.bind(port, handler)) return port;
    }
    return 0;
  }

  /** Frees a port. */
  unbind(port: number): void {
    this.#ports.delete(port);
  }

  /** Sends one datagram; on return its bytes have been copied, or were not sent. `unreachable` also when too long. */
  send(datagram: Datagram): SendResult {
    const { header, transportAt, payload } = this.#output;
    const { destination, window, at, length } = datagram;
    const source = this.#output.sourceFor(destination);
    const total = wire.UDP_BYTES + length;
    if (total > 0xffff) return "unreachable";
    wire.setUdpPorts(header, transportAt, datagram.sourcePort, datagram.destinationPort);
    wire.setUdpLength(header, transportAt, total, 0);
    if (this.#output.offload?.transmitChecksum === true) payload.offload?.(true, 0);
    else {
      const pseudo = pseudoHeaderSum(source, destination, PROTOCOLS.udp, total);
      const sum = window.checksum(at, length, header.checksum(transportAt, wire.UDP_BYTES, pseudo));
      wire.setUdpLength(header, transportAt, total, finishChecksum(sum) || 0xffff);
    }
    if (length > 0) payload.add(window, at, length);
    const result = this.#output.send(source, destination, PROTOCOLS.udp, wire.UDP_BYTES);
    if (result === "sent") this.#counts.sent += 1;
    return result;
  }

  input(source: number, destination: number, window: Window, at: number, length: number): void {
    this.#counts.received += 1;
    const total = wire.udpFits(length) ? wire.udpBytes(window, at) : 0;
    if (total < wire.UDP_BYTES || total > length) this.#counts.malformed += 1;
    else if (!this.#isKnownGood() && !isIntact(source, destination, window, at, total))
      this.#counts.badChecksum += 1;
    else this.#deliver(source, destination, window, at, total);
  }

  /** Nothing waits for a link address here: what was not sent is the sender's to repeat. */
  resolved(_nextHop: number): void {}
  /** Nothing is ever due. */
  poll(): void {}
  wakeAt(): number {
    return Infinity;
  }

  /** True when the interface has looked at the checksum of the datagram that is being delivered. */
  #isKnownGood(): boolean {
    return this.#output.offload?.checksumGood === true;
  }

  #deliver(source: number, destination: number, window: Window, at: number, total: number): void {
    const handler = this.#ports.get(wire.udpDestinationPort(window, at));
    if (handler !== undefined) {
      this.#counts.delivered += 1;
      handler(window, at + wire.UDP_BYTES, total - wire.UDP_BYTES, source, wire.udpSourcePort(window, at));
      return;
    }
    this.#counts.noPort += 1;
    if (destination === this.#output.sourceFor(source)) this.#icmp?.portUnreachable(source, window);
  }
}

/** True when the checksum holds, or the sender made none. */
function isIntact(source: number, destination: number, window: Window, at: number, total: number): boolean {
  if (wire.udpChecksum(window, at) === 0) return true;
  return window.checksum(at, total, pseudoHeaderSum(source, destination, PROTOCOLS.udp, total)) === 0xffff;
}

/** UDP over `output`; with `icmp`, ports that nobody bound are answered "unreachable". */
export const makeUdp = (output: SegmentOutput, icmp: Icmp | undefined): Udp => new Udp(output, icmp);
