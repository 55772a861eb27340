/** ICMP of a host: answers echo, sends echo, says "port unreachable" (RFC 792, RFC 1122 section 3.2.2). */
import type { Gate, Window } from "@exolith/exokernel/abi";
import { finishChecksum, updateChecksum } from "./checksum.ts";
import { publishCounters } from "./counters.ts";
import type { Ipv4 } from "./ipv4.ts";
import type { RateLimit } from "./rate-limit.ts";
import { makeRateLimit } from "./rate-limit.ts";
import type { SendResult, Transport } from "./segment-output.ts";
import * as wire from "./wire/icmp-wire.ts";
import { PROTOCOLS, headerBytes, ipProtocol } from "./wire/ipv4-wire.ts";

/** Errors sent in a second in the long run, and at once (RFC 1812 section 4.3.2.8 asks for a limit). */
export const ERRORS_PER_SECOND = 100;
/** Transport bytes of the datagram that an error quotes (RFC 792). */
export const QUOTED_BYTES = 8;

/** What ICMP counts. */
export interface IcmpCounters {
  received: number;
  malformed: number;
  badChecksum: number;
  echoesAnswered: number;
  echoesSent: number;
  repliesReceived: number;
  /** Errors that told us of trouble elsewhere; they change nothing here. */
  errorsReceived: number;
  errorsSent: number;
  /** Errors not sent because of the rate limit. */
  limited: number;
  /** Of other types. */
  ignored: number;
}

/** Hears the replies to its echo requests: `length` payload bytes at `at`, in place. */
export type EchoHandler = (
  source: number,
  sequence: number,
  window: Window,
  at: number,
  length: number,
) => void;

/** Echo and errors over IPv4. Attach it as protocol 1, without broadcasts. */
export class Icmp implements Transport {
  readonly counters: Readonly<IcmpCounters>;
  readonly #counts: IcmpCounters = {
    received: 0,
    malformed: 0,
    badChecksum: 0,
    echoesAnswered: 0,
    echoesSent: 0,
    repliesReceived: 0,
    errorsReceived: 0,
    errorsSent: 0,
    limited: 0,
    ignored: 0,
  };
  readonly #clock: Gate["clock"];
  readonly #ipv4: Ipv4;
  readonly #limit: RateLimit;
  readonly #handlers = new Map<number, EchoHandler>();

  constructor(gate: Pick<Gate, "clock">, ipv4: Ipv4) {
    this.#clock = gate.clock;
    this.#ipv4 = ipv4;
    this.#limit = makeRateLimit(gate.clock.hertz, ERRORS_PER_SECOND, ERRORS_PER_SECOND);
    this.counters = publishCounters(this.#counts);
  }

  input(source: number, destination: number, window: Window, at: number, length: number): void {
    this.#counts.received += 1;
    if (!wire.icmpFits(length)) this.#counts.malformed += 1;
    else if (window.checksum(at, length, 0) !== 0xffff) this.#counts.badChecksum += 1;
    else this.#accept(source, destination, window, at, length);
  }

  /** Nothing waits for a link address here. */
  resolved(_nextHop: number): void {}
  /** Nothing is ever due. */
  poll(): void {}
  wakeAt(): number {
    return Infinity;
  }

  /** Hands replies that carry `identifier` to `handler`, or to nobody when it is `undefined`. */
  listen(identifier: number, handler: EchoHandler | undefined): void {
    if (handler === undefined) this.#handlers.delete(identifier);
    else this.#handlers.set(identifier, handler);
  }

  /** Sends an echo request with `length` payload bytes of `window` from `at`; none when it is `undefined`. */
  echo(destination: number, identifier: number, sequence: number, data?: EchoData): SendResult {
    const { header, transportAt } = this.#ipv4;
    wire.setIcmp(header, transportAt, wire.ICMP_TYPE.echo, 0, 0);
    wire.setIcmpRest(header, transportAt, identifier, sequence);
    const sum = data === undefined ? 0 : data.window.checksum(data.at, data.length, 0);
    if (data !== undefined) this.#ipv4.payload.add(data.window, data.at, data.length);
    const checksum = finishChecksum(header.checksum(transportAt, wire.ICMP_BYTES, sum));
    wire.setIcmp(header, transportAt, wire.ICMP_TYPE.echo, 0, checksum);
    const result = this.#send(destination);
    if (result === "sent") this.#counts.echoesSent += 1;
    return result;
  }

  /**
   * Tells `source` that the datagram being delivered, in `window`, found no port; limited in rate.
   *
   * Never for a broadcast or an error: IPv4 hands neither to a transport that calls this (RFC 1122 section 3.2.2).
   */
  portUnreachable(source: number, window: Window): void {
    const at = this.#ipv4.datagramAt;
    if (ipProtocol(window, at) === PROTOCOLS.icmp) return;
    if (!this.#limit.take(this.#clock.now())) {
      this.#counts.limited += 1;
      return;
    }
    const { header, transportAt } = this.#ipv4;
    const quoted = headerBytes(window, at) + QUOTED_BYTES;
    const head = (wire.ICMP_TYPE.unreachable << 8) | wire.UNREACHABLE.port;
    wire.setIcmp(header, transportAt, wire.ICMP_TYPE.unreachable, wire.UNREACHABLE.port, 0);
    wire.setIcmpRest(header, transportAt, 0, 0);
    header.setU16(transportAt + 2, finishChecksum(window.checksum(at, quoted, head)));
    this.#ipv4.payload.add(window, at, quoted);
    if (this.#send(source) === "sent") this.#counts.errorsSent += 1;
  }

  #accept(source: number, destination: number, window: Window, at: number, length: number): void {
    switch (wire.icmpType(window, at)) {
      case wire.ICMP_TYPE.echo:
        if (destination === this.#ipv4.sourceFor(source)) this.#answer(source, window, at, length);
        return;
      case wire.ICMP_TYPE.echoReply:
        this.#counts.repliesReceived += 1;
        this.#handlers.get(wire.icmpIdentifier(window, at))?.(
          source,
          wire.icmpSequence(window, at),
          window,
          at + wire.ICMP_BYTES,
          length - wire.ICMP_BYTES,
        );
        return;
      case wire.ICMP_TYPE.unreachable:
      case wire.ICMP_TYPE.timeExceeded:
        this.#counts.errorsReceived += 1;
        return;
      default:
        this.#counts.ignored += 1;
    }
  }

  /** The request's own bytes go out again, from the ring; only its type and so its checksum change. */
  #answer(source: number, window: Window, at: number, length: number): void {
    const { header, transportAt } = this.#ipv4;
    const before = (wire.ICMP_TYPE.echo << 8) | wire.icmpCode(window, at);
    const checksum = updateChecksum(wire.icmpChecksum(window, at), before, wire.ICMP_TYPE.echoReply << 8);
    wire.setIcmp(header, transportAt, wire.ICMP_TYPE.echoReply, 0, checksum);
    wire.setIcmpRest(header, transportAt, wire.icmpIdentifier(window, at), wire.icmpSequence(window, at));
    if (length > wire.ICMP_BYTES)
      this.#ipv4.payload.add(window, at + wire.ICMP_BYTES, length - wire.ICMP_BYTES);
    if (this.#send(source) === "sent") this.#counts.echoesAnswered += 1;
  }

  #send(destination: number): SendResult {
    return this.#ipv4.send(this.#ipv4.sourceFor(destination), destination, PROTOCOLS.icmp, wire.ICMP_BYTES);
  }
}

/** Payload of an echo request: bytes of the caller's own memory. */
export interface EchoData {
  readonly window: Window;
  readonly at: number;
  readonly length: number;
}

/** ICMP over `ipv4`. */
export const makeIcmp = (gate: Pick<Gate, "clock">, ipv4: Ipv4): Icmp => new Icmp(gate, ipv4);
