/** ARP: from IPv4 addresses to Ethernet addresses (RFC 826, RFC 1122 section 2.3.2). */
// Heads up! Read RFC 826 "Packet Reception" and RFC 5227 before editing this file.
import type { Gate, Window } from "@exolith/exokernel/abi";
import { BROADCAST_HIGH, BROADCAST_LOW, isGroupHigh } from "./address.ts";
import type { ArpReaders } from "./arp-table.ts";
import { ARP_ROWS, ARP_STATE, ArpTable, isEmpty } from "./arp-table.ts";
import { publishCounters } from "./counters.ts";
import type { Link } from "./link.ts";
import { FRAME_KIND } from "./link.ts";
import type { RateLimit } from "./rate-limit.ts";
import { makeRateLimit } from "./rate-limit.ts";
import type { Route } from "./route.ts";
import * as wire from "./wire/arp-wire.ts";
import { ETHERNET_BYTES } from "./wire/ethernet-wire.ts";

/** Seconds that a mapping is believed after it was heard (RFC 1122 section 2.3.2.1 suggests a minute). */
export const REACHABLE_SECONDS = 60;
/** Seconds between requests for one address; no more than one a second (RFC 1122 section 2.3.2.1). */
export const RETRY_SECONDS = 1;
/** Requests for one address before it is unreachable. */
export const REQUESTS_MAX = 3;
/** Seconds that an unreachable address is not asked for again. */
export const HOLD_DOWN_SECONDS = 5;
/** Seconds within which the holder of a fresh mapping is not asked whether he still is, whoever else claims to be. */
export const LOCK_SECONDS = 1;
/** Announcements of our own address, and seconds between them (RFC 5227 section 1.1). */
export const ANNOUNCEMENTS = 2;
/** Seconds between two announcements (RFC 5227 section 1.1). */
export const ANNOUNCE_SECONDS = 2;
/**
 * ARP frames sent in a second in the long run, and at once: so many replies, so many requests for addresses that have
 * no mapping, and so many for those that have one. Strangers who ask, and silent neighbours, do not use up the rest.
 */
export const SENT_PER_SECOND = 100;

/** Answers of `lookup` that are no row. */
export const ARP_UNRESOLVED = -1;
/** Nobody answered, and the hold-down has not ended. */
export const ARP_UNREACHABLE = -2;

/** What ARP counts. */
export interface ArpCounters {
  received: number;
  /** Not ARP for IPv4 over Ethernet, or from an impossible sender. */
  malformed: number;
  requestsSent: number;
  repliesSent: number;
  /** Somebody else claimed our address, or that of a neighbour whose holder had not been asked in vain. */
  conflicts: number;
  /** Frames not sent because of the rate limit. */
  limited: number;
  /** Rows thrown out to make room for others. */
  evicted: number;
}

/** What ARP is made from. */
export interface ArpOptions {
  readonly link: Link;
  readonly route: Route;
  /** Memory of the table, `ARP_TABLE_BYTES` from `tableAt`. */
  readonly table: Window;
  readonly tableAt: number;
  /** Memory for one frame, `ARP_FRAME_BYTES` from `scratchAt`. */
  readonly scratch: Window;
  readonly scratchAt: number;
  /** Called when an address that was asked for is known. */
  readonly resolved: (address: number) => void;
}

/** Bytes of the longest frame that ARP sends. */
export const ARP_FRAME_BYTES: number = ETHERNET_BYTES + wire.ARP_BYTES;

/**
 * Resolves addresses and answers for ours.
 *
 * **Holds**: a mapping is learnt only from a packet that is addressed to us, or
 * for an address that already has a row; one that somebody else claims is
 * replaced only when its holder has not answered; our own address is never
 * learnt. Who comes first is believed, and who answers for a neighbour that is
 * gone: ARP authenticates nobody.
 */
export class Arp {
  readonly readers: ArpReaders;
  readonly counters: Readonly<ArpCounters>;
  readonly #counts: ArpCounters = {
    received: 0,
    malformed: 0,
    requestsSent: 0,
    repliesSent: 0,
    conflicts: 0,
    limited: 0,
    evicted: 0,
  };
  readonly #clock: Gate["clock"];
  readonly #second: number;
  readonly #options: ArpOptions;
  readonly #table: ArpTable;
  readonly #replies: RateLimit;
  readonly #searches: RateLimit;
  readonly #renewals: RateLimit;
  #due: number;
  #announcements = ANNOUNCEMENTS;
  #announceAt = 0;

  constructor(gate: Pick<Gate, "clock">, options: ArpOptions) {
    this.#clock = gate.clock;
    this.#second = gate.clock.hertz;
    this.#options = options;
    this.#table = new ArpTable(options.table, options.tableAt);
    const limit = (): RateLimit => makeRateLimit(this.#second, SENT_PER_SECOND, SENT_PER_SECOND);
    this.#replies = limit();
    this.#searches = limit();
    this.#renewals = limit();
    this.#due = this.#announceAt;
    this.readers = this.#table.readers;
    this.counters = publishCounters(this.#counts);
    options.link.prepare(FRAME_KIND.arp, options.scratch, options.scratchAt);
  }

  /**
   * The row of a next hop that can be sent to, `ARP_UNRESOLVED` while it is
   * being asked for, or `ARP_UNREACHABLE`. Asks if need be. O(1) when known.
   */
  lookup(address: number): number {
    const row = this.#table.find(address);
    if (row < 0) return this.#ask(address);
    this.#table.touch(row);
    switch (this.#table.state(row)) {
      case ARP_STATE.incomplete:
        return ARP_UNRESOLVED;
      case ARP_STATE.unreachable:
        return ARP_UNREACHABLE;
      case ARP_STATE.stale:
        this.#request(row, ARP_STATE.probing, 1);
    }
    return row;
  }

  /** First two octets of the Ethernet address in `row`. */
  high(row: number): number {
    return this.#table.high(row);
  }
  /** Last four octets of the Ethernet address in `row`. */
  low(row: number): number {
    return this.#table.low(row);
  }

  /** Adds a mapping by hand; false when the table is full of such. */
  addPermanent(address: number, high: number, low: number): boolean {
    const found = this.#table.find(address);
    const row = found >= 0 ? found : this.#table.insert(address);
    if (row < 0) return false;
    this.#table.map(row, high, low, this.#seconds());
    this.#table.change(row, ARP_STATE.permanent, 0, Infinity);
    return true;
  }

  /** One ARP packet: `length` bytes at `at`. Never throws, reads nothing outside. O(1). */
  input(window: Window, at: number, length: number): void {
    this.#counts.received += 1;
    const sender = wire.isArp(window, at, length) ? wire.senderAddress(window, at) : -1;
    if (sender < 0 || this.#isImpossible(window, at)) this.#counts.malformed += 1;
    else if (sender === this.#options.route.address) this.#counts.conflicts += 1;
    else this.#accept(window, at, sender);
  }

  /** Sends what is due: announcements, repeated requests; ages the table. O(rows) when anything is due. */
  poll(): void {
    const now = this.#clock.now();
    if (now < this.#due) return;
    if (this.#announcements > 0 && now >= this.#announceAt) this.#announce(now);
    let due = this.#announcements > 0 ? this.#announceAt : Infinity;
    for (let row = 0; row < ARP_ROWS; row++) {
      if ((this.#table.due[row] ?? Infinity) <= now) this.#expire(row, now);
      due = Math.min(due, this.#table.due[row] ?? Infinity);
    }
    this.#due = due;
  }

  /** When `poll` is next needed, in cycles. O(1). */
  wakeAt(): number {
    return this.#due;
  }

  #accept(window: Window, at: number, sender: number): void {
    const { route } = this.#options;
    const forUs = wire.targetAddress(window, at) === route.address;
    const row = this.#table.find(sender);
    if (row >= 0) this.#learn(row, window, at);
    else if (forUs && sender !== 0 && route.onLink(sender) && !route.isMartian(sender)) {
      const fresh = this.#insert(sender);
      if (fresh >= 0) this.#learn(fresh, window, at);
    }
    if (forUs && wire.arpOperation(window, at) === wire.ARP_OPERATION.request) this.#reply(window, at);
  }

  #learn(row: number, window: Window, at: number): void {
    const table = this.#table;
    const state = table.state(row);
    if (state === ARP_STATE.permanent) return;
    const high = wire.senderHigh(window, at);
    const low = wire.senderLow(window, at);
    const now = this.#clock.now();
    if (!isEmpty(state) && !this.#isHeldBy(row, high, low) && !this.#mayReplace(row, state, now)) {
      this.#counts.conflicts += 1;
      return;
    }
    table.map(row, high, low, this.#seconds());
    this.#schedule(row, ARP_STATE.reachable, 0, now + REACHABLE_SECONDS * this.#second);
    if (state === ARP_STATE.incomplete || state === ARP_STATE.unreachable)
      this.#options.resolved(wire.senderAddress(window, at));
  }

  #isHeldBy(row: number, high: number, low: number): boolean {
    return this.#table.high(row) === high && this.#table.low(row) === low;
  }

  /** A mapping that somebody else claims is kept while its holder answers: he is asked, once a second at most. */
  #mayReplace(row: number, state: number, now: number): boolean {
    if (state === ARP_STATE.probing) return this.readers.requests(row) >= REQUESTS_MAX;
    const heard = (this.#table.due[row] ?? 0) - REACHABLE_SECONDS * this.#second;
    if (state === ARP_STATE.stale || now - heard >= LOCK_SECONDS * this.#second)
      this.#request(row, ARP_STATE.probing, 1);
    return false;
  }

  #isImpossible(window: Window, at: number): boolean {
    const high = wire.senderHigh(window, at);
    return isGroupHigh(high) || (high === 0 && wire.senderLow(window, at) === 0);
  }

  #insert(address: number): number {
    const row = this.#table.insert(address);
    this.#counts.evicted = this.#table.evicted;
    return row;
  }

  /** While the limit holds requests back no row is taken for one: it would only push out another that waits for its answer. */
  #ask(address: number): number {
    if (!this.#mayTake(this.#searches)) return ARP_UNRESOLVED;
    const row = this.#insert(address);
    if (row < 0) return ARP_UNREACHABLE;
    this.#wait(row, ARP_STATE.incomplete, this.#sendRequest(row, ARP_STATE.incomplete, 1) ? 1 : 0);
    return ARP_UNRESOLVED;
  }

  #schedule(row: number, state: number, requests: number, due: number): void {
    this.#table.change(row, state, requests, due);
    this.#due = Math.min(this.#due, due);
  }

  /** Sends a request, unless the limit holds it back; then it does not count: it proves nothing. */
  #request(row: number, state: number, requests: number): void {
    const limit = state === ARP_STATE.probing ? this.#renewals : this.#searches;
    const isSent = this.#mayTake(limit) && this.#sendRequest(row, state, requests);
    this.#wait(row, state, isSent ? requests : requests - 1);
  }

  /** `requests` were sent for a row; it is looked at again when the next is due. */
  #wait(row: number, state: number, requests: number): void {
    this.#schedule(row, state, requests, this.#clock.now() + RETRY_SECONDS * this.#second);
  }

  /** To the last known holder while probing (RFC 1122 section 2.3.2.1), else to everybody. */
  #sendRequest(row: number, state: number, requests: number): boolean {
    const toHolder = state === ARP_STATE.probing && requests < REQUESTS_MAX;
    const high = toHolder ? this.#table.high(row) : BROADCAST_HIGH;
    const low = toHolder ? this.#table.low(row) : BROADCAST_LOW;
    const { scratch, scratchAt } = this.#options;
    wire.setArpTarget(scratch, scratchAt + ETHERNET_BYTES, 0, 0, this.readers.address(row));
    const isSent = this.#send(wire.ARP_OPERATION.request, high, low);
    if (isSent) this.#counts.requestsSent += 1;
    return isSent;
  }

  #reply(window: Window, at: number): void {
    const { scratch, scratchAt } = this.#options;
    const high = wire.senderHigh(window, at);
    const low = wire.senderLow(window, at);
    wire.setArpTarget(scratch, scratchAt + ETHERNET_BYTES, high, low, wire.senderAddress(window, at));
    if (this.#mayTake(this.#replies) && this.#send(wire.ARP_OPERATION.reply, high, low))
      this.#counts.repliesSent += 1;
  }

  #announce(now: number): void {
    const { scratch, scratchAt, route } = this.#options;
    this.#announcements -= 1;
    this.#announceAt = now + ANNOUNCE_SECONDS * this.#second;
    wire.setArpTarget(scratch, scratchAt + ETHERNET_BYTES, 0, 0, route.address);
    if (
      this.#mayTake(this.#renewals) &&
      this.#send(wire.ARP_OPERATION.request, BROADCAST_HIGH, BROADCAST_LOW)
    )
      this.#counts.requestsSent += 1;
  }

  #mayTake(limit: RateLimit): boolean {
    if (limit.take(this.#clock.now())) return true;
    this.#counts.limited += 1;
    return false;
  }

  #send(operation: number, high: number, low: number): boolean {
    const { link, route, scratch, scratchAt } = this.#options;
    wire.setArp(scratch, scratchAt + ETHERNET_BYTES, operation);
    wire.setArpSender(scratch, scratchAt + ETHERNET_BYTES, link.high, link.low, route.address);
    link.address(scratch, scratchAt, high, low);
    return link.send(FRAME_KIND.arp, scratch, scratchAt, ARP_FRAME_BYTES, undefined) === "sent";
  }

  #expire(row: number, now: number): void {
    const state = this.#table.state(row);
    const requests = this.readers.requests(row);
    if (state === ARP_STATE.reachable) this.#schedule(row, ARP_STATE.stale, 0, Infinity);
    else if (state === ARP_STATE.unreachable) this.#table.remove(row);
    else if (requests < REQUESTS_MAX) this.#request(row, state, requests + 1);
    else this.#schedule(row, ARP_STATE.unreachable, requests, now + HOLD_DOWN_SECONDS * this.#second);
  }

  #seconds(): number {
    return Math.floor(this.#clock.now() / this.#second);
  }
}

/** ARP on `options.link`. */
export const makeArp = (gate: Pick<Gate, "clock">, options: ArpOptions): Arp => new Arp(gate, options);
