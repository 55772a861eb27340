/**
 * One of the visitors that are there at once: asks, reads, and asks again.
 *
 * ```
 *   away ──► opening ──► head ──► body ──► waiting ──► away
 *                          ▲                   │         the server ends the connection
 *                          └───────────────────┘         a connection that stays
 * ```
 */
import type { Cycles, Window } from "@exolith/exokernel/abi";
import type { CloseReason, Connection, ConnectionHandler } from "@exolith/libos-exos";
import { crc32 } from "./crc32.ts";
import { HEAD, RESPONSE_HEAD_BYTES, UNTIL_END } from "./response-parser.ts";
import type { Failure } from "./results.ts";
import { KEPT_HEAD_BYTES, type PageRequest, type Swamp } from "./swamp.ts";

type Phase = "away" | "opening" | "head" | "body" | "waiting";

/** What the end of a connection means for a request that is under way. */
const REASONS: Readonly<Record<CloseReason, Failure>> = {
  done: "short",
  reset: "reset",
  refused: "refused",
  timeout: "unreachable",
  aborted: "reset",
};

/** Bytes looked at for the end of a head: first as many as one has that is kept, then more at a time. */
const HEAD_STEP_BYTES = 2048;

/** Handles its own connections, one after the other. */
export class Visitor implements ConnectionHandler {
  readonly #swamp: Swamp;
  #connection: Connection | undefined;
  #request: PageRequest | undefined;
  #phase: Phase = "away";
  #begun = 0 as Cycles;
  /** When the last byte came. */
  #heard = 0 as Cycles;
  /** The part of a head that has come without its end, if one ever did. */
  #part: Uint8Array | undefined;
  #partBytes = 0;
  #status = 0;
  #bodyBytes = 0;
  /** Bytes of the body still to come, or `UNTIL_END`; and the CRC of those that have. */
  #left = 0;
  #crc32 = 0;
  #keepsAlive = true;

  constructor(swamp: Swamp) {
    this.#swamp = swamp;
  }

  /** True while it has a connection. */
  get isOpen(): boolean {
    return this.#connection !== undefined;
  }

  /** Opens a connection for the next request, if one is wanted. False when there is no connection to be had. */
  begin(): boolean {
    const { tcp, plan, clock } = this.#swamp;
    const request = this.#request ?? this.#swamp.next();
    if (request === undefined) return true;
    this.#request = request;
    const connection = tcp.connect(plan.address, plan.port, this);
    if (connection === undefined) {
      this.#swamp.ready(this);
      return false;
    }
    this.#connection = connection;
    this.#phase = "opening";
    this.#begun = this.#heard = clock.now();
    this.#send(connection, request);
    return true;
  }

  opened(connection: Connection): void {
    if (connection !== this.#connection) return;
    this.#swamp.results.connections += 1;
    this.#phase = "head";
    this.#heard = this.#swamp.clock.now();
  }

  received(connection: Connection, window: Window, at: number, length: number): number {
    if (connection !== this.#connection) return length;
    this.#heard = this.#swamp.clock.now();
    let taken = 0;
    while (taken < length && connection === this.#connection)
      taken += this.#take(window, at + taken, length - taken);
    return length;
  }

  acknowledged(): void {}

  ended(connection: Connection): void {
    if (connection !== this.#connection) return;
    if (this.#phase === "body" && this.#left === UNTIL_END) this.#complete();
    if (this.#request !== undefined) this.#fail("short");
    else if (this.#connection !== undefined) this.#leave();
  }

  closed(connection: Connection, reason: CloseReason): void {
    if (connection !== this.#connection) return;
    this.#connection = undefined;
    if (this.#request !== undefined) this.#fail(REASONS[reason]);
    else this.#again();
  }

  /** Ends a request that has waited too long. O(1). */
  checkTime(now: Cycles): void {
    const { plan, clock } = this.#swamp;
    if (this.#connection === undefined || now - this.#heard < plan.timeoutSeconds * clock.hertz) return;
    if (this.#request === undefined) return this.#abort();
    this.#fail(this.#phase === "opening" ? "unreachable" : "timeout");
  }

  /** No more is wanted: lets the connection go; a request under way is forgotten. */
  leave(): void {
    if (this.#request === undefined) return this.#leave();
    this.#request = undefined;
    this.#abort();
  }

  #send(connection: Connection, { window, at, length }: PageRequest): void {
    this.#partBytes = 0;
    if (!connection.send(window, at, length, undefined, 0)) this.#fail("reset");
  }

  #take(window: Window, at: number, length: number): number {
    if (this.#phase === "head") return this.#takeHead(window, at, length);
    if (this.#phase === "body") return this.#takeBody(window, at, length);
    // Nobody has asked for these.
    if (this.#request === undefined) this.#swamp.results.failures.malformed += 1;
    this.#abort();
    return length;
  }

  #takeHead(window: Window, at: number, length: number): number {
    const { scratch } = this.#swamp;
    const held = this.#partBytes;
    if (held === 0 && this.#isKnown(window, at, length)) return this.#knownHead();
    if (held > 0 && this.#part !== undefined) scratch.set(this.#part.subarray(0, held));
    const step = held === 0 ? KEPT_HEAD_BYTES : Math.min(HEAD_STEP_BYTES, RESPONSE_HEAD_BYTES + 1 - held);
    const count = Math.min(length, step);
    window.read(at, scratch, held, count);
    const head = this.#swamp.parser.parse(scratch, held + count);
    if (head === HEAD.malformed) this.#fail("malformed");
    else if (head === HEAD.incomplete) this.#keep(scratch, held + count);
    else {
      this.#partBytes = 0;
      if (held === 0) this.#keepHead(window, at, head);
      this.#headDone(head);
      return head - held;
    }
    return count;
  }

  /** True when the head is the one that the last answer for this page had, date and all. */
  #isKnown(window: Window, at: number, length: number): boolean {
    const request = this.#request as PageRequest;
    const { headBytes } = request;
    return (
      headBytes > 0 && length >= headBytes && window.equals(at, request.window, request.headAt, headBytes)
    );
  }

  #knownHead(): number {
    const { headBytes, status, answerBytes, keepsAlive } = this.#request as PageRequest;
    const { parser } = this.#swamp;
    parser.status = status;
    parser.bodyBytes = answerBytes;
    parser.keepsAlive = keepsAlive;
    this.#headDone(headBytes);
    return headBytes;
  }

  #keepHead(window: Window, at: number, headBytes: number): void {
    const request = this.#request as PageRequest;
    const { parser } = this.#swamp;
    if (headBytes > KEPT_HEAD_BYTES) return;
    request.window.copy(request.headAt, window, at, headBytes);
    request.headBytes = headBytes;
    request.status = parser.status;
    request.answerBytes = parser.bodyBytes;
    request.keepsAlive = parser.keepsAlive;
  }

  #keep(bytes: Uint8Array, count: number): void {
    this.#part ??= new Uint8Array(RESPONSE_HEAD_BYTES + 1);
    this.#part.set(bytes.subarray(0, count));
    this.#partBytes = count;
  }

  #headDone(headBytes: number): void {
    const { parser, results } = this.#swamp;
    results.headBytes += headBytes;
    // An interim response; the final one follows (RFC 9110 section 15.2).
    if (parser.status < 200) return;
    this.#status = parser.status;
    this.#keepsAlive = parser.keepsAlive;
    this.#left = parser.bodyBytes;
    this.#bodyBytes = 0;
    this.#crc32 = 0;
    this.#phase = "body";
    if (this.#left === 0) this.#complete();
  }

  #takeBody(window: Window, at: number, length: number): number {
    const count = this.#left === UNTIL_END ? length : Math.min(length, this.#left);
    if (this.#swamp.plan.check) this.#sum(window, at, count);
    this.#bodyBytes += count;
    if (this.#left === UNTIL_END) return count;
    this.#left -= count;
    if (this.#left === 0) this.#complete();
    return count;
  }

  #sum(window: Window, at: number, length: number): void {
    const { scratch } = this.#swamp;
    for (let done = 0; done < length; done += scratch.length) {
      const count = Math.min(scratch.length, length - done);
      window.read(at + done, scratch, 0, count);
      this.#crc32 = crc32(this.#crc32, scratch, count);
    }
  }

  /** A whole response has come. */
  #complete(): void {
    const request = this.#request as PageRequest;
    const { results, clock } = this.#swamp;
    const failure = this.#wrong(request);
    if (failure === undefined) {
      results.pages += 1;
      results.bodyBytes += this.#bodyBytes;
      results.latency.record(((this.#heard - this.#begun) * 1e6) / clock.hertz);
    } else results.failures[failure] += 1;
    this.#request = undefined;
    this.#phase = "waiting";
    this.#swamp.over();
    this.#goOn();
  }

  /** What is wrong with the response; the first one that is right says what others have to be. */
  #wrong(request: PageRequest): Failure | undefined {
    if (this.#status !== 200) return "status";
    if (request.bodyBytes < 0) request.bodyBytes = this.#bodyBytes;
    if (request.bodyBytes !== this.#bodyBytes) return "length";
    if (!this.#swamp.plan.check) return undefined;
    if (request.crc32 < 0) request.crc32 = this.#crc32;
    return request.crc32 === this.#crc32 ? undefined : "contents";
  }

  /** The next request, on this connection if it stays. */
  #goOn(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    // The server ends it first, which has come with the last byte or comes soon.
    if (!this.#keepsAlive) return;
    if (this.#swamp.plan.close) return this.#leave();
    const request = this.#swamp.next();
    if (request === undefined) return this.#leave();
    this.#request = request;
    this.#phase = "head";
    this.#begun = this.#heard;
    this.#send(connection, request);
  }

  /** The request has failed, and its connection with it. */
  #fail(failure: Failure): void {
    this.#request = undefined;
    this.#swamp.results.failures[failure] += 1;
    this.#abort();
    this.#swamp.over();
  }

  /** Says that nothing more comes, and goes on elsewhere: what is left of the connection is TCP's. */
  #leave(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.finish();
    this.#again();
  }

  #abort(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.abort();
    this.#again();
  }

  #again(): void {
    if (this.#phase === "away") return;
    this.#phase = "away";
    this.#swamp.ready(this);
  }
}
