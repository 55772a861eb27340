/**
 * One HTTP connection: a state machine over TCP's connection, without a socket.
 *
 * ```
 *   reading ──► responding ──► reading          next request, or one that waits already
 *      │             ├───────► skipping ──► reading    the request had a body
 *      └─────────────┴───────► finishing        close: FIN is sent, input is thrown away
 * ```
 *
 * While it responds, nothing more is taken from TCP, whose window closes: a client
 * that sends requests faster than it reads responses is held up, not stored.
 */
import type { Cycles, Window } from "@exolith/exokernel/abi";
import type { Connection } from "@exolith/libos-exos";
import { answerRequest, answerStatus, answerWhole, isConditional } from "../http/answer.ts";
import type { KnownRequest } from "../http/request-memo.ts";
import type { Persistence } from "../http/whole-head.ts";
import type { Status } from "../http/status.ts";
import { RequestReader } from "./request-reader.ts";
import { CROWDED_SECONDS, isCrowded } from "./room.ts";
import { ResponseWriter } from "./response-writer.ts";
import type { Services } from "./services.ts";
import { secondsIn } from "./services.ts";

type Phase = "unused" | "reading" | "responding" | "skipping" | "finishing";

/** One row of the server; used again for one connection after another. */
export class HttpConnection {
  readonly row: number;
  readonly #services: Services;
  readonly #reader: RequestReader;
  readonly #writer: ResponseWriter;
  #connection: Connection | undefined;
  #phase: Phase = "unused";
  #persistence: Persistence = "close";
  /** Bytes of a body that are still to be thrown away. */
  #skip = 0;
  /** TCP has bytes that were not taken; the peer has finished. */
  #leftBehind = false;
  #peerEnded = false;
  #receiving = false;
  #owesFin = false;
  /** When the current wait for a request, its end or the peer's began; and when the last acknowledgement came. */
  #since = 0 as Cycles;
  #acknowledgedAt = 0 as Cycles;
  #seenUnacknowledged = 0;
  /** When the last progress was, bytes acknowledged since then, and bytes queued when that was last looked at. */
  #progressAt = 0 as Cycles;
  #taken = 0;
  #queued = 0;

  constructor(services: Services, row: number) {
    this.row = row;
    this.#services = services;
    this.#reader = new RequestReader(services.limits, services.buffers, services.memo);
    this.#writer = new ResponseWriter(services, row);
  }

  /** True while it has a connection. */
  get isOpen(): boolean {
    return this.#phase !== "unused";
  }

  /** True when it waits for a request of which nothing has come. */
  get isIdle(): boolean {
    return this.#phase === "reading" && !this.#reader.begun && !this.#leftBehind;
  }

  /** True when it only waits for its peer. */
  get isFinishing(): boolean {
    return this.#phase === "finishing";
  }

  /** When its present wait began. */
  get since(): Cycles {
    return this.#since;
  }

  /** Since when it has made no progress: its client takes nothing, or says nothing whole. */
  get stuckSince(): Cycles {
    return this.#unacknowledged() > 0 ? this.#progressAt : this.#since;
  }

  /** True when its client has taken everything and has said what it has to say: it is not stuck. */
  get isWaiting(): boolean {
    return this.hasNothingQueued || (this.isIdle && this.#unacknowledged() === 0);
  }

  /** True while it responds and nothing of that is queued: it waits for a slot or a chunk, or else its client is gone. */
  get hasNothingQueued(): boolean {
    return this.#phase === "responding" && this.#unacknowledged() === 0;
  }

  /** True while its client has not taken what others may wait for. */
  get isHolding(): boolean {
    return this.#writer.isHolding;
  }

  /** True once its client has taken a whole response, or `stuckBytes` of one. */
  get hasTaken(): boolean {
    return this.#writer.hasTaken;
  }

  /** Serves `connection` from now on. */
  open(connection: Connection): void {
    this.#connection = connection;
    this.#phase = "reading";
    this.#skip = 0;
    this.#leftBehind = this.#peerEnded = this.#owesFin = false;
    this.#taken = this.#queued = 0;
    this.#writer.open(connection);
    this.#reader.reset();
    this.#touch();
  }

  /** The connection is gone. */
  closed(): void {
    if (this.#phase === "responding") this.#conclude();
    this.#reader.reset();
    this.#phase = "unused";
    this.#connection = undefined;
  }

  /** Bytes from the peer; returns how many were taken. */
  received(window: Window, at: number, length: number): number {
    let taken = 0;
    this.#receiving = true;
    while (taken < length && this.#mayTake()) taken += this.#take(window, at + taken, length - taken);
    this.#receiving = false;
    this.#leftBehind = taken < length;
    this.#finishIfEnded();
    return taken;
  }

  /** Pieces were acknowledged. */
  acknowledged(): void {
    this.#acknowledgedAt = this.#services.now();
    this.#writer.noteTaken();
    this.#noteTaken(this.#acknowledgedAt);
    if (this.#phase === "finishing") this.#touch();
    if (this.#phase === "responding") this.run();
    else this.#takeMore();
  }

  /** The peer has finished. */
  ended(): void {
    this.#peerEnded = true;
    this.#finishIfEnded();
  }

  /** Goes on with the response, after whatever it waited for. */
  run(): void {
    if (this.#owesFin) return this.#sendFin();
    if (this.#phase !== "responding") return;
    const idle = this.#unacknowledged() === 0;
    const progress = this.#writer.advance();
    if (idle) this.#acknowledgedAt = this.#progressAt = this.#services.now();
    this.#queued = this.#unacknowledged();
    if (progress === "failed") return this.abort();
    if (progress === "done") this.#complete();
  }

  /** Stops as soon as it may: at once when idle, else after the response under way. */
  drain(): void {
    if (this.isIdle) this.finish();
  }

  /** Sends FIN after what is queued. */
  finish(): void {
    if (this.#phase === "finishing" || this.#phase === "unused") return;
    this.#phase = "finishing";
    this.#reader.reset();
    this.#touch();
    const { later } = this.#services;
    this.#owesFin = true;
    if (later === undefined || this.#unacknowledged() === 0) this.#sendFin();
    else later.add(this.row);
    this.#takeMore();
  }

  #sendFin(): void {
    this.#owesFin = false;
    this.#connection?.finish();
  }

  /** Resets the connection. */
  abort(): void {
    if (this.#phase === "responding") this.#conclude();
    if (this.#phase !== "unused") this.#phase = "finishing";
    this.#connection?.abort();
  }

  /** Ends what has taken too long. O(1). */
  checkTime(now: Cycles): void {
    const { limits, counters } = this.#services;
    if (this.#unacknowledged() > 0) {
      this.#noteProgress(now);
      if (now - this.#acknowledgedAt < secondsIn(this.#services.clock, limits.stallSeconds)) return;
      counters.stalls += 1;
      return this.abort();
    }
    if (this.#phase === "finishing") {
      if (!this.#peerEnded && this.#hasWaited(now, this.#lingerSeconds())) this.abort();
    } else if (this.#phase === "skipping" && this.#hasWaited(now, limits.requestSeconds)) this.finish();
    else if (this.#phase === "reading") this.#checkReading(now);
  }

  /** A client that takes a byte now and then does not get on. */
  #noteTaken(now: Cycles): void {
    const left = this.#unacknowledged();
    this.#taken += this.#queued - left;
    this.#queued = left;
    if (left > 0 && this.#taken < this.#services.limits.stuckBytes) return;
    this.#taken = 0;
    this.#writer.hasTaken = true;
    this.#progressAt = now;
  }

  /** A client that takes a piece byte by byte is slow, not gone. */
  #noteProgress(now: Cycles): void {
    if (this.#unacknowledged() !== this.#seenUnacknowledged) this.#acknowledgedAt = now;
    this.#seenUnacknowledged = this.#unacknowledged();
  }

  #checkReading(now: Cycles): void {
    const { limits, counters } = this.#services;
    if (!this.#reader.begun) {
      if (this.#hasWaited(now, limits.idleSeconds)) this.finish();
      return;
    }
    if (!this.#hasWaited(now, limits.requestSeconds)) return;
    counters.timeouts += 1;
    this.#refuse(408);
  }

  #lingerSeconds(): number {
    const { counters, limits } = this.#services;
    return isCrowded(counters.open, limits.connections) ? CROWDED_SECONDS : limits.lingerSeconds;
  }

  #unacknowledged(): number {
    return this.#connection?.unacknowledged ?? 0;
  }

  #hasWaited(now: Cycles, seconds: number): boolean {
    return now - this.#since >= secondsIn(this.#services.clock, seconds);
  }

  #touch(): void {
    this.#since = this.#services.now();
  }

  #mayTake(): boolean {
    if (this.#phase === "responding") return false;
    if (this.#phase !== "reading") return true;
    return this.#unacknowledged() < this.#services.limits.queuedBytes;
  }

  #take(window: Window, at: number, length: number): number {
    if (this.#phase === "reading") return this.#read(window, at, length);
    if (this.#phase !== "skipping") return length;
    const count = Math.min(length, this.#skip);
    this.#skip -= count;
    if (this.#skip > 0) return count;
    this.#phase = "reading";
    this.#touch();
    return count;
  }

  #read(window: Window, at: number, length: number): number {
    if (!this.#reader.begun) this.#touch();
    const count = this.#reader.read(window, at, length);
    if (this.#reader.result === "complete") this.#respond();
    else if (this.#reader.result === "refused") this.#refuse(this.#reader.parser.status || 400);
    return count;
  }

  #respond(): void {
    const { request, known } = this.#reader;
    const { site, limits, wallclock } = this.#services;
    const body = Math.max(0, request.contentLength);
    if (body > limits.bodyBytes) return this.#refuse(413);
    const { served } = site;
    const { answer } = this.#writer;
    if (known?.file !== undefined && known.generation === served?.generation)
      answerWhole(answer, known.file, request.method === "HEAD");
    else {
      answerRequest(request, { site: served, now: wallclock(), ranges: limits.ranges }, answer);
      if (known !== undefined) this.#remember(known, served?.generation ?? 0);
    }
    this.#skip = body;
    this.#start(this.#persistenceOf(body));
  }

  /** An answer that depends on nothing but the request and the site is the next one too. */
  #remember(known: KnownRequest, generation: number): void {
    const { file, status } = this.#writer.answer;
    known.generation = generation;
    known.file = status === 200 && !isConditional(known.request) ? file : undefined;
  }

  /** A body whose end is unknown, or that the client may not send at all, ends the connection. */
  #persistenceOf(body: number): Persistence {
    const { request } = this.#reader;
    const unsure = request.chunked || (request.expectsContinue && body > 0);
    if (!request.keepAlive || unsure || this.#services.draining()) return "close";
    return request.minor === 0 ? "keep-named" : "keep";
  }

  #refuse(status: Status): void {
    answerStatus(this.#writer.answer, status, this.#reader.request.method === "HEAD");
    this.#skip = 0;
    this.#start("close");
  }

  #start(persistence: Persistence): void {
    this.#persistence = persistence;
    this.#phase = "responding";
    this.#touch();
    this.#writer.start(persistence);
    const { later } = this.#services;
    if (later === undefined) this.run();
    else later.add(this.row);
  }

  #complete(): void {
    this.#conclude();
    this.#reader.reset();
    this.#touch();
    if (this.#persistence === "close" || this.#services.draining()) return this.finish();
    this.#phase = this.#skip > 0 ? "skipping" : "reading";
    this.#takeMore();
    this.#finishIfEnded();
  }

  /** Counts and logs the response, and gives back what it used. */
  #conclude(): void {
    const { counters, log, wallclock } = this.#services;
    const { answer, bodyBytes } = this.#writer;
    const { status } = answer;
    counters.requests += 1;
    counters.bodyBytes += bodyBytes;
    counters.responses[status]! += 1;
    const { hasRequestLine, request: read } = this.#reader;
    const request = hasRequestLine || read.line !== "" ? read : undefined;
    log?.add(this.#connection?.remoteAddress ?? 0, request, status, bodyBytes, wallclock());
    this.#writer.stop();
  }

  /** Asks TCP for what was left behind; not while TCP is offering it anyway. */
  #takeMore(): void {
    if (this.#leftBehind && !this.#receiving && this.#mayTake()) this.#connection?.resume();
  }

  #finishIfEnded(): void {
    const waiting = this.#phase === "reading" || this.#phase === "skipping";
    if (this.#peerEnded && waiting && !this.#leftBehind && !this.#receiving) this.finish();
  }
}
