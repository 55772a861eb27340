/** Clients: many at once, a connection for each request, every byte of every answer looked at. */
import {
  FRAME_BYTES,
  NEVER,
  must,
  type Cycles,
  type Gate,
  type Program,
  type Window,
} from "@exolith/exokernel/abi";
import {
  eventProgram,
  type CloseReason,
  type Connection,
  type ConnectionHandler,
  type FramePool,
  type Pollable,
  type Tcp,
} from "@exolith/libos-exos";
import { LINKS, PORT, makeStacks, poolOf, serverAddress } from "./computers.ts";
import { hold, requestFor, type Held } from "./documents.ts";

/** What the clients have seen. */
export interface ClientCounters {
  /** Answers that were whole and right, to the last byte and the end of the connection. */
  right: number;
  /** Answers that were not, and connections that failed. */
  wrong: number;
  /** Why the first one was not. */
  firstWrong: string | undefined;
  /** Requests that are still to be made; whoever is idle looks for some every millisecond. */
  left: number;
}

/** How the clients ask. */
export interface ClientOptions {
  /** Bytes of the document that they ask for. */
  readonly size: number;
  /** Clients on each link. */
  readonly clients: number;
  readonly counters: ClientCounters;
}

/** Longest head that is looked for. */
const HEAD_MOST = 1024;
const END = "\r\n\r\n";

/** What a client shares with the others on its link. */
interface Shared {
  readonly tcp: Tcp;
  readonly link: number;
  readonly request: Window;
  readonly requestBytes: number;
  readonly document: Held;
  readonly counters: ClientCounters;
  /** Clients that have nothing to do. */
  readonly idle: Client[];
}

/** One client, which asks again and again. */
class Client implements ConnectionHandler {
  readonly #shared: Shared;
  /** Bytes of the head; -1 before its end was seen. */
  #head = -1;
  /** Bytes of the body. */
  #body = 0;
  #fault: string | undefined;

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  /** One request more, if there is one left; else it is idle. */
  ask(): void {
    const { tcp, link, request, requestBytes, counters, idle } = this.#shared;
    if (counters.left === 0) {
      idle.push(this);
      return;
    }
    counters.left -= 1;
    this.#head = -1;
    this.#body = 0;
    this.#fault = undefined;
    const connection = tcp.connect(serverAddress(link), PORT, this);
    if (connection?.send(request, 0, requestBytes, undefined, 0) !== true) this.#failed("no connection");
  }

  opened(): void {}

  received(_: Connection, window: Window, at: number, length: number): number {
    const skipped = this.#head < 0 ? this.#readHead(window, at, length) : 0;
    if (this.#head < 0) return skipped;
    this.#readBody(window, at + skipped, length - skipped);
    return length;
  }

  acknowledged(): void {}

  ended(connection: Connection): void {
    connection.finish();
  }

  closed(_: Connection, reason: CloseReason): void {
    if (reason !== "done") this.#fault ??= `closed: ${reason}`;
    if (this.#head < 0) this.#fault ??= "no head";
    const { document } = this.#shared;
    if (this.#body !== document.size) this.#fault ??= `${this.#body} bytes of ${document.size}`;
    if (this.#fault === undefined) this.#shared.counters.right += 1;
    else this.#failed(this.#fault);
    this.ask();
  }

  #failed(why: string): void {
    this.#shared.counters.wrong += 1;
    this.#shared.counters.firstWrong ??= why;
  }

  /** Bytes of the head, once it is whole; before that none are taken. */
  #readHead(window: Window, at: number, length: number): number {
    const text = window.text(at, Math.min(length, HEAD_MOST));
    const end = text.indexOf(END);
    if (end < 0) {
      if (length >= HEAD_MOST) this.#fault ??= "a head without an end";
      return length >= HEAD_MOST ? length : 0;
    }
    this.#head = end + END.length;
    if (!/^HTTP\/1\.[01] 200 /.test(text)) this.#fault ??= text.slice(0, text.indexOf("\r\n"));
    return this.#head;
  }

  #readBody(window: Window, at: number, length: number): void {
    const { document } = this.#shared;
    const expected = Math.min(length, document.size - this.#body);
    if (expected < length || !window.equals(at, document.window, this.#body, expected))
      this.#fault ??= "other bytes than the document's";
    this.#body += length;
  }
}

const requestIn = (pool: FramePool, size: number): { request: Window; requestBytes: number } => {
  const text = new TextEncoder().encode(requestFor(size));
  const request = must(pool.run(Math.ceil(text.length / FRAME_BYTES)));
  request.write(0, text, 0, text.length);
  return { request, requestBytes: text.length };
};

/** Sets idle clients to work while there are requests left. */
const starter = (gate: Gate, idle: Client[], counters: ClientCounters): Pollable => ({
  poll: () => {
    for (let waiting = counters.left > 0 ? idle.length : 0; waiting > 0; waiting--) idle.shift()?.ask();
    return false;
  },
  wakeAt: () => (idle.length > 0 ? ((gate.clock.now() + gate.clock.hertz / 1000) as Cycles) : NEVER),
});

/** The program of the clients' machine. */
export const clientProgram = ({ size, clients, counters }: ClientOptions): Program =>
  eventProgram(4, (gate) => {
    const pool = poolOf(gate);
    const stacks = makeStacks(gate, pool, "client");
    const document = hold(pool, size);
    const idle: Client[] = [];
    const shared = stacks.map(({ tcp }, link): Shared => {
      return { tcp, link, ...requestIn(pool, size), document, counters, idle };
    });
    for (let i = 0; i < clients * LINKS; i++) idle.push(new Client(shared[i % LINKS] as Shared));
    const begin = starter(gate, idle, counters);
    return [...stacks.map(({ network }) => network), begin];
  });
