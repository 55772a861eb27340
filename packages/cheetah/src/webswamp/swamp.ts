/** The load generator: a part of an environment's event loop, over TCP's connections, without sockets. */
import { NEVER } from "@exolith/exokernel/abi";
import type { Cycles, Gate, Window } from "@exolith/exokernel/abi";
import type { Pollable, Tcp } from "@exolith/libos-exos";
import { ResponseParser } from "./response-parser.ts";
import type { Page, Plan } from "./plan.ts";
import { Results } from "./results.ts";
import { Visitor } from "./visitor.ts";

/** What visitors share. */
export interface Swamp {
  readonly plan: Plan;
  readonly clock: Gate["clock"];
  readonly results: Results;
  readonly parser: ResponseParser;
  /** Where bytes are looked at. */
  readonly scratch: Uint8Array;
  readonly tcp: Tcp;
  readonly requests: readonly PageRequest[];
  /** The next request to be made; `undefined` when no more are wanted. */
  next(): PageRequest | undefined;
  /** `visitor` wants to open a connection, or tried and could not. */
  ready(visitor: Visitor): void;
  /** A request is over, well or not. */
  over(): void;
}

/** A request as it lies in memory, and what its answers have to be. */
export interface PageRequest {
  readonly page: Page;
  readonly window: Window;
  readonly at: number;
  readonly length: number;
  /** Where the head of the last answer is kept, and what it said: the next one is mostly the same. */
  readonly headAt: number;
  headBytes: number;
  status: number;
  answerBytes: number;
  keepsAlive: boolean;
  /** What a body has to be: bytes, -1 until they are known, and its CRC. */
  bodyBytes: number;
  crc32: number;
}

/** A load generator at work. */
export interface Webswamp extends Pollable {
  readonly results: Results;
  /** True once everything has been asked for and answered, or the time is over. */
  finished(): boolean;
  /** True once it has finished and no connection is left. */
  gone(): boolean;
}

/** What it is made of. */
export interface WebswampParts {
  readonly gate: Gate;
  readonly tcp: Tcp;
  readonly plan: Plan;
  /** Memory for the requests. */
  readonly memory: Window;
}

/** Bytes looked at at once. */
const SCRATCH_BYTES = 32_768;
/** Connections opened in one poll, before packets get their turn. */
const OPEN_BATCH = 64;
/** Seconds between two looks at the time of every request. */
const SWEEP_SECONDS = 0.1;
/** Seconds until a full table of connections is tried again. */
const RETRY_SECONDS = 0.001;

/** Longest head that is kept to compare others with, bytes. */
export const KEPT_HEAD_BYTES = 512;

/** Bytes of memory that the requests of `plan` need, with a head of an answer for each. */
export const requestBytes = (plan: Plan): number =>
  plan.pages.reduce((sum, page) => sum + requestText(plan, page).length + KEPT_HEAD_BYTES, 0);

const requestText = ({ host, close }: Plan, { target }: Page): string =>
  `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${close ? "Connection: close\r\n" : ""}\r\n`;

/** Writes the requests one behind the other. */
function writeRequests(plan: Plan, memory: Window): readonly PageRequest[] {
  let at = 0;
  return plan.pages.map((page) => {
    const bytes = Uint8Array.from(requestText(plan, page), (character) => character.charCodeAt(0));
    memory.write(at, bytes, 0, bytes.length);
    const { bytes: bodyBytes, crc32 } = page.body ?? { bytes: -1, crc32: -1 };
    const length = bytes.length;
    const headAt = at + length;
    const kept = { headAt, headBytes: 0, status: 0, answerBytes: 0, keepsAlive: false };
    const request = { page, window: memory, at, length, ...kept, bodyBytes, crc32 };
    at = headAt + KEPT_HEAD_BYTES;
    return request;
  });
}

/** Makes a load generator; it begins with the first poll. */
export const makeWebswamp = (parts: WebswampParts): Webswamp => new Load(parts);

class Load implements Webswamp, Swamp {
  readonly plan: Plan;
  readonly clock: Gate["clock"];
  readonly tcp: Tcp;
  readonly results = new Results();
  readonly parser = new ResponseParser();
  readonly scratch = new Uint8Array(SCRATCH_BYTES);
  readonly requests: readonly PageRequest[];
  readonly #visitors: readonly Visitor[];
  readonly #ready: Visitor[] = [];
  #begun: Cycles = NEVER;
  #end: Cycles = NEVER;
  #nextSweep: Cycles = NEVER;
  /** Requests made, requests that are over, and which page is next. */
  #made = 0;
  #over = 0;
  #page = 0;
  #finished = false;
  /** A visitor found no connection free. */
  #isFull = false;

  constructor({ gate, tcp, plan, memory }: WebswampParts) {
    this.plan = plan;
    this.clock = gate.clock;
    this.tcp = tcp;
    this.requests = writeRequests(plan, memory);
    this.#visitors = Array.from({ length: plan.concurrency }, () => new Visitor(this));
  }

  finished(): boolean {
    return this.#finished;
  }

  gone(): boolean {
    return this.#finished && this.#visitors.every(({ isOpen }) => !isOpen);
  }

  next(): PageRequest | undefined {
    if (this.#finished || this.#made >= this.plan.requests) return undefined;
    this.#made += 1;
    const request = this.requests[this.#page];
    this.#page = (this.#page + 1) % this.requests.length;
    return request;
  }

  ready(visitor: Visitor): void {
    this.#ready.push(visitor);
  }

  over(): void {
    this.#over += 1;
    if (this.#over >= this.plan.requests) this.#finish();
  }

  poll(): boolean {
    const now = this.clock.now();
    if (this.#begun === NEVER) this.#begin(now);
    if (!this.#finished && now >= this.#end) this.#finish();
    if (now >= this.#nextSweep) this.#sweep(now);
    this.#isFull = false;
    let opened = 0;
    while (opened < OPEN_BATCH && !this.#isFull) {
      const visitor = this.#ready.pop();
      if (visitor === undefined) break;
      this.#isFull = !visitor.begin();
      opened += 1;
    }
    return opened > 0 && !this.#isFull;
  }

  wakeAt(): Cycles {
    const due = Math.min(this.#nextSweep, this.#finished ? NEVER : this.#end) as Cycles;
    if (this.#ready.length === 0) return due;
    const now = this.clock.now();
    return this.#isFull ? (Math.min(due, now + RETRY_SECONDS * this.clock.hertz) as Cycles) : now;
  }

  #begin(now: Cycles): void {
    const { seconds } = this.plan;
    this.#begun = now;
    this.#nextSweep = now;
    this.#end = seconds === Infinity ? NEVER : ((now + seconds * this.clock.hertz) as Cycles);
    this.#ready.push(...this.#visitors);
  }

  #sweep(now: Cycles): void {
    for (const visitor of this.#visitors) visitor.checkTime(now);
    if (!this.#finished) this.results.seconds = (now - this.#begun) / this.clock.hertz;
    this.#nextSweep = this.gone() ? NEVER : ((now + SWEEP_SECONDS * this.clock.hertz) as Cycles);
  }

  #finish(): void {
    this.#finished = true;
    this.results.seconds = (this.clock.now() - this.#begun) / this.clock.hertz;
    this.#ready.length = 0;
    for (const visitor of this.#visitors) visitor.leave();
  }
}
