/**
 * A program for tests: a client that behaves, and asks for so much and no more.
 *
 * So many requests a second go over connections that stay, one at a time on each; so many more on
 * connections of their own. A request whose turn comes while every connection is busy is not asked: what
 * the server keeps up with is what is counted. Every byte of every body is compared.
 */
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";

/** What the program is told, as JSON. */
export interface ClientWish {
  readonly server: string;
  /** Its ports for connections that stay. */
  readonly ports: readonly number[];
  /** Requests a second on connections that stay, and on new ones. */
  readonly kept: number;
  readonly fresh: number;
  /** What is asked for, by turns: the target and the file with what must come. */
  readonly pages: readonly { readonly target: string; readonly path: string }[];
}

/** What it has had, as a line of JSON ten times a second. */
export interface ClientTotals {
  /** Milliseconds on its own clock. */
  readonly at: number;
  /** Responses byte for byte, on connections that stay and on new ones. */
  readonly kept: number;
  readonly fresh: number;
  /** Requests whose connection broke or was too slow, by kind of connection. */
  readonly keptLost: number;
  readonly freshLost: number;
  /** Responses that were not what they should be. */
  readonly wrong: number;
  /** The longest wait for a response on a connection that stays, milliseconds, and the sum of all. */
  readonly longest: number;
}

const TICK_MILLISECONDS = 5;
const REPORT_MILLISECONDS = 100;
const PATIENCE_MILLISECONDS = 4000;
const FRESH_AT_ONCE = 200;

const wish = JSON.parse(process.argv[2] ?? "{}") as ClientWish;
const pages = wish.pages.map(({ target, path }) => ({ target, body: readFileSync(path) }));
const totals = { kept: 0, fresh: 0, keptLost: 0, freshLost: 0, wrong: 0, longest: 0 };
let turn = 0;
let freshNow = 0;

/** One response, as it comes in. */
class Exchange {
  readonly begun: number = performance.now();
  readonly request: string;
  readonly #body: Buffer;
  #received: Buffer[] = [];
  #length = 0;
  #wanted = -1;

  constructor(last: boolean) {
    const { target, body } = pages[turn++ % pages.length]!;
    this.#body = body;
    this.request = `GET ${target} HTTP/1.1\r\nHost: x\r\n${last ? "Connection: close\r\n" : ""}\r\n`;
  }

  /** Takes bytes; true when the response is whole. */
  take(bytes: Buffer): boolean {
    this.#received.push(bytes);
    this.#length += bytes.length;
    if (this.#wanted < 0) this.#readHead();
    return this.#wanted >= 0 && this.#length >= this.#wanted;
  }

  /** True when the whole response is the right one. */
  get isRight(): boolean {
    const all = Buffer.concat(this.#received);
    return (
      all.subarray(0, 12).toString() === "HTTP/1.1 200" && all.subarray(-this.#body.length).equals(this.#body)
    );
  }

  #readHead(): void {
    const all = Buffer.concat(this.#received);
    const end = all.indexOf("\r\n\r\n");
    if (end >= 0) this.#wanted = end + 4 + this.#body.length;
    this.#received = [all];
  }
}

/** A connection that stays, and is made again when it breaks. */
class Kept {
  readonly #port: number;
  #socket: Socket | undefined;
  #isReady = false;
  #exchange: Exchange | undefined;

  constructor(port: number) {
    this.#port = port;
    this.#open();
  }

  get isIdle(): boolean {
    return this.#isReady && this.#exchange === undefined;
  }

  ask(): void {
    this.#exchange = new Exchange(false);
    this.#socket?.write(this.#exchange.request);
  }

  look(now: number): void {
    if (this.#exchange !== undefined && now - this.#exchange.begun > PATIENCE_MILLISECONDS)
      this.#socket?.destroy();
  }

  #open(): void {
    const socket = connect({ host: wish.server, port: 80, localPort: this.#port, noDelay: true });
    this.#socket = socket;
    socket.on("connect", () => (this.#isReady = true));
    socket.on("data", (bytes: Buffer) => this.#take(bytes));
    socket.on("error", () => {});
    socket.on("close", () => this.#broke());
  }

  #take(bytes: Buffer): void {
    const exchange = this.#exchange;
    if (exchange?.take(bytes) !== true) return;
    this.#exchange = undefined;
    totals.longest = Math.max(totals.longest, performance.now() - exchange.begun);
    if (exchange.isRight) totals.kept += 1;
    else totals.wrong += 1;
  }

  #broke(): void {
    if (this.#exchange !== undefined) totals.keptLost += 1;
    this.#exchange = undefined;
    this.#isReady = false;
    setTimeout(() => this.#open(), 50);
  }
}

/** A request on a connection of its own. */
function askFresh(): void {
  if (freshNow >= FRESH_AT_ONCE) return;
  freshNow += 1;
  const exchange = new Exchange(true);
  const socket = connect({ host: wish.server, port: 80, noDelay: true });
  let isWhole = false;
  socket.setTimeout(PATIENCE_MILLISECONDS, () => socket.destroy());
  socket.on("connect", () => socket.write(exchange.request));
  socket.on("data", (bytes: Buffer) => {
    isWhole = exchange.take(bytes);
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    freshNow -= 1;
    if (!isWhole) totals.freshLost += 1;
    else if (exchange.isRight) totals.fresh += 1;
    else totals.wrong += 1;
  });
}

const connections = wish.ports.map((port) => new Kept(port));
let before = performance.now();
let [keptDue, freshDue] = [0, 0];

setInterval(() => {
  const now = performance.now();
  keptDue = Math.min(keptDue + ((now - before) / 1000) * wish.kept, connections.length);
  freshDue = Math.min(freshDue + ((now - before) / 1000) * wish.fresh, FRESH_AT_ONCE);
  before = now;
  for (const connection of connections) {
    connection.look(now);
    if (keptDue < 1 || !connection.isIdle) continue;
    keptDue -= 1;
    connection.ask();
  }
  for (; freshDue >= 1; freshDue--) askFresh();
}, TICK_MILLISECONDS);
setInterval(() => {
  console.log(`had ${JSON.stringify({ at: performance.now(), ...totals })}`);
  totals.longest = 0;
}, REPORT_MILLISECONDS);
