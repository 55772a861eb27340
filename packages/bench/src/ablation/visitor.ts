/** The client of an ablation: makes its visits one after the other, and looks at every byte of every answer. */
import {
  FRAME_BYTES,
  NEVER,
  capSlot,
  must,
  type Cycles,
  type Gate,
  type Program,
  type Window,
} from "@exolith/exokernel/abi";
import {
  eventProgram,
  makeFramePool,
  makeStack,
  type CloseReason,
  type Connection,
  type ConnectionHandler,
  type Pollable,
  type RouteOptions,
} from "@exolith/libos-exos";

/** One connection: what is asked for on it, one after the other. */
export interface Visit {
  readonly targets: readonly string[];
  /** True asks the server to close after the first answer. */
  readonly closes: boolean;
}

/** What a client is told. */
export interface VisitorOptions {
  readonly route: RouteOptions;
  readonly server: number;
  readonly port: number;
  /** What must come, by target without its slash. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly log: VisitLog;
}

/** What the client has seen, and what it is still to do. */
export interface VisitLog {
  /** Connections to make; whoever adds some has the client wake up within a millisecond. */
  readonly visits: Visit[];
  /** Heads of the answers, without their date, in order. */
  readonly heads: string[];
  requestBytes: number;
  /** Answers that were right to the last byte. */
  right: number;
  /** What was wrong, if anything was. */
  wrong: string | undefined;
  /** True while a visit is under way. */
  busy: boolean;
}

/** Nothing yet. */
export const makeVisitLog = (): VisitLog => ({
  visits: [],
  heads: [],
  requestBytes: 0,
  right: 0,
  wrong: undefined,
  busy: false,
});

const END = "\r\n\r\n";
const PORTS_FIRST = 1024;
const RING_SLOTS = 512;
const RECEIVE_BUFFERS = 256;

const requestFor = (target: string, closes: boolean): Uint8Array =>
  new TextEncoder().encode(
    `GET /${target} HTTP/1.1\r\nHost: ablation\r\nUser-Agent: bench\r\nAccept: */*\r\n${closes ? "Connection: close\r\n" : ""}\r\n`,
  );

/** Opens a connection to the server. */
type Connect = (handler: ConnectionHandler) => Connection | undefined;

/** One client. */
class Visitor implements ConnectionHandler {
  readonly #options: VisitorOptions;
  readonly #memory: Window;
  readonly #connect: Connect;
  #visit: Visit | undefined;
  #asked = 0;
  /** What has come of the answer to the target asked for last. */
  #answer = new Uint8Array(0);

  constructor(options: VisitorOptions, memory: Window, connect: Connect) {
    this.#options = options;
    this.#memory = memory;
    this.#connect = connect;
  }

  /** The next visit, if there is one. */
  next(): void {
    const { log } = this.#options;
    this.#visit = log.visits.shift();
    log.busy = this.#visit !== undefined;
    if (this.#visit === undefined) return;
    this.#asked = 0;
    const connection = this.#connect(this);
    if (connection === undefined) log.wrong ??= "no connection";
    else this.#ask(connection);
  }

  opened(): void {}

  received(connection: Connection, window: Window, at: number, length: number): number {
    const answer = new Uint8Array(this.#answer.length + length);
    answer.set(this.#answer);
    window.read(at, answer, this.#answer.length, length);
    this.#answer = answer;
    if (this.#isWhole()) this.#go(connection);
    return length;
  }

  acknowledged(): void {}

  ended(connection: Connection): void {
    connection.finish();
  }

  closed(_: Connection, reason: CloseReason): void {
    const { log } = this.#options;
    if (reason !== "done") log.wrong ??= `closed: ${reason}`;
    if (this.#asked !== this.#visit?.targets.length || this.#answer.length > 0)
      log.wrong ??= "closed too early";
    this.next();
  }

  get #target(): string {
    return this.#visit?.targets[this.#asked - 1] ?? "";
  }

  #ask(connection: Connection): void {
    const target = this.#visit?.targets[this.#asked];
    if (target === undefined) return connection.finish();
    this.#asked += 1;
    const request = requestFor(target, this.#visit?.closes === true);
    this.#options.log.requestBytes += request.length;
    this.#memory.write(0, request, 0, request.length);
    connection.send(this.#memory, 0, request.length, undefined, 0);
  }

  #isWhole(): boolean {
    const head = Buffer.from(this.#answer.buffer).indexOf(END);
    const size = this.#options.files.get(this.#target)?.length ?? 0;
    return head >= 0 && this.#answer.length >= head + END.length + size;
  }

  #go(connection: Connection): void {
    const { log, files } = this.#options;
    const answer = Buffer.from(this.#answer.buffer);
    const at = answer.indexOf(END) + END.length;
    const head = answer.toString("latin1", 0, at);
    const isRight =
      head.startsWith("HTTP/1.1 200 ") && answer.subarray(at).equals(files.get(this.#target) ?? answer);
    if (isRight) log.right += 1;
    else log.wrong ??= `${this.#target}: ${head.slice(0, head.indexOf("\r\n"))}`;
    log.heads.push(head.replace(/^Date: .*\r\n/m, ""));
    this.#answer = new Uint8Array(0);
    if (this.#visit?.closes !== true) this.#ask(connection);
  }
}

/** Begins with the visits when there are some. */
const starter = (gate: Gate, visitor: Visitor, log: VisitLog): Pollable => ({
  poll: () => {
    if (!log.busy && log.visits.length > 0) visitor.next();
    return false;
  },
  wakeAt: () => (log.busy ? NEVER : ((gate.clock.now() + gate.clock.hertz / 1000) as Cycles)),
});

/** The program of the client's machine, on network interface 0. */
export const visitorProgram = (options: VisitorOptions): Program =>
  eventProgram(4, (gate) => {
    const pool = makeFramePool(gate, capSlot(0));
    const { network, tcp } = makeStack(gate, {
      ...options.route,
      nic: 0,
      slots: { device: capSlot(1), guard: capSlot(0) },
      pool,
      ringSlots: RING_SLOTS,
      receiveBuffers: RECEIVE_BUFFERS,
      tcp: { ephemeralFirst: PORTS_FIRST },
    });
    const memory = must(pool.run(Math.ceil(1024 / FRAME_BYTES)));
    const visitor = new Visitor(options, memory, (handler) =>
      tcp.connect(options.server, options.port, handler),
    );
    return [network, starter(gate, visitor, options.log)];
  });
