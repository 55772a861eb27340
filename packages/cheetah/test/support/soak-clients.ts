/** A program for tests: clients of every manner at once, from Linux's own TCP, which check every body that they get. */
import { connect, type Socket } from "node:net";
import { ResponseReader, type ReadResponse } from "../response-reader.ts";
import {
  answerWishes,
  noteComplaints,
  type ClientWish,
  type FileState,
  type Tally,
} from "./soak-messages.ts";
import { LARGE, MEDIUM, PASSING, SMALL, type SoakFile } from "./soak-site.ts";
import { pause } from "./waiting.ts";

const [address = ""] = process.argv.slice(2);

/** How many of each there are at once. */
const CROWD = { keepers: 12, passers: 8, breakers: 5, slow: 6, large: 2 };
/** Connections that fetch everything once. */
const SWEEPERS = 8;
/** Requests of somebody who only looks. */
const KNOCKS = 20;
/** Requests of one connection that is kept, at most. */
const KEPT_REQUESTS = 60;
/** Milliseconds after which a response that has not come is missing. */
const PATIENCE_MILLISECONDS = 60_000;
/** A slow reader takes what has come once in so many milliseconds, and Linux holds 64 KiB for it; it hurries when all go. */
const SLOW_MILLISECONDS = 60;
const WRONG_KEPT = 20;

const complaints = noteComplaints();
let counts: Record<string, number> = {};
const wrong: string[] = [];
const count = (what: string): void => void (counts[what] = (counts[what] ?? 0) + 1);
const isWrong = (what: string): void => {
  count("wrong");
  if (wrong.length < WRONG_KEPT) wrong.push(what);
};

/** What a path was, and when it was no longer. */
interface Era extends FileState {
  endedAt: number;
}
const book = new Map<string, Era[]>();

function may(states: readonly FileState[]): void {
  for (const state of states)
    book.set(state.path, [...(book.get(state.path) ?? []), { ...state, endedAt: Infinity }]);
}

/** From now on the newest state is the only one; what ended before any request under way was asked is forgotten. */
function must(paths: readonly string[]): void {
  const now = performance.now();
  for (const path of paths) {
    const eras = book.get(path) ?? [];
    for (const era of eras.slice(0, -1)) era.endedAt = Math.min(era.endedAt, now);
    book.set(
      path,
      eras.filter(({ endedAt }) => endedAt > now - PATIENCE_MILLISECONDS),
    );
  }
}

function check(path: string, askedAt: number, { status, digest }: ReadResponse): void {
  const said = status === 404 ? "absent" : status === 200 ? digest : `${status}`;
  const eras = book.get(path) ?? [];
  if (eras.some((era) => era.digest === said && era.endedAt >= askedAt)) {
    count("right");
    if (said === "absent") count("absent");
    return;
  }
  const was = eras.some((era) => era.digest === said) ? "an old version of it" : "none of its versions";
  isWrong(`${path}: ${status}, ${was}`);
}

/** Who waits for a response. */
interface Settle {
  readonly resolve: (response: ReadResponse) => void;
  readonly reject: (error: Error) => void;
}

/** One connection, with one request under way at a time. */
class Line {
  readonly socket: Socket;
  #settle: Settle | undefined;

  constructor() {
    const reader = new ResponseReader((response) => this.#end()?.resolve(response));
    this.socket = connect({ host: address, port: 80, noDelay: true });
    this.socket.on("data", (chunk: Buffer) => reader.read(chunk));
    this.socket.on("error", (error) => this.#end()?.reject(error));
    this.socket.on("close", () => this.#end()?.reject(new Error("the connection ended in a response")));
  }

  #end(): Settle | undefined {
    const settle = this.#settle;
    this.#settle = undefined;
    return settle;
  }

  ask(path: string, field = "Accept: */*"): Promise<ReadResponse> {
    this.socket.write(`GET /${path} HTTP/1.1\r\nHost: soak\r\n${field}\r\n\r\n`);
    const timer = setTimeout(
      () => this.#end()?.reject(new Error("nothing came for a minute")),
      PATIENCE_MILLISECONDS,
    );
    return new Promise<ReadResponse>((resolve, reject) => (this.#settle = { resolve, reject })).finally(() =>
      clearTimeout(timer),
    );
  }

  /** Asks for a file and checks what comes. */
  async fetch(path: string, field?: string): Promise<void> {
    const askedAt = performance.now();
    check(path, askedAt, await this.ask(path, field));
  }

  close(): void {
    this.socket.destroy();
  }
}

const below = (limit: number): number => Math.floor(Math.random() * limit);
const any = <T>(of: readonly T[]): T => of[below(of.length)] as T;
const pages: readonly SoakFile[] = [...SMALL, ...SMALL, ...PASSING, ...MEDIUM];
const rest = (milliseconds: number): Promise<void> => pause(milliseconds / 2 + below(milliseconds));

/** Keeps a connection for many requests. */
async function keep(): Promise<void> {
  const line = new Line();
  try {
    for (let left = 1 + below(KEPT_REQUESTS); left > 0 && coming; left--) {
      await line.fetch(any(pages).path);
      await rest(60);
    }
    count("keptConnections");
  } finally {
    line.close();
  }
}

/** A connection for one request; either end closes it first. */
async function passBy(): Promise<void> {
  const line = new Line();
  try {
    await line.fetch(any(pages).path, below(2) === 0 ? "Connection: close" : undefined);
    count("passing");
  } finally {
    line.close();
  }
  await rest(80);
}

/** Goes away in the middle: of a request, of a response, or before either. */
async function breakOff(): Promise<void> {
  const line = new Line();
  const { socket } = line;
  line.ask(any([...LARGE, ...MEDIUM]).path).catch(() => {});
  const way = below(4);
  if (way !== 1) await new Promise((resolve) => socket.once("connect", resolve).once("close", resolve));
  if (way === 0) socket.end("GET /");
  if (way === 1) await pause(below(10));
  if (way >= 2) {
    const enough = below(400_000);
    let got = 0;
    socket.on("data", (chunk: Buffer) => (got += chunk.length));
    for (let looks = 0; looks < 100 && got < enough && !socket.destroyed; looks++) await pause(5);
  }
  if (way === 1 || way === 3) socket.destroy();
  else socket.resetAndDestroy();
  count("brokenOff");
  await rest(150);
}

/** Reads a little at a time. */
async function readSlowly(): Promise<void> {
  const line = new Line();
  const { socket } = line;
  socket.on("data", () => {
    if (!coming) return;
    socket.pause();
    setTimeout(() => socket.resume(), SLOW_MILLISECONDS).unref();
  });
  try {
    await line.fetch(any([...MEDIUM, ...MEDIUM, ...LARGE]).path);
    count("slowlyRead");
  } finally {
    line.close();
  }
}

/** Fetches the largest there is. */
async function fetchLarge(): Promise<void> {
  const line = new Line();
  try {
    await line.fetch(any(LARGE).path);
    count("large");
  } finally {
    line.close();
  }
  await rest(600);
}

/** Fetches something, a few times. */
async function knock(): Promise<void> {
  const line = new Line();
  for (const { path } of SMALL.slice(0, KNOCKS)) await line.fetch(path);
  line.close();
}

let coming = false;
let present: Promise<void>[] = [];

async function repeat(manner: () => Promise<void>): Promise<void> {
  while (coming)
    try {
      await manner();
    } catch (error) {
      isWrong(`${manner.name}: ${String(error)}`);
      await pause(100);
    }
}

function come(): void {
  coming = true;
  const manners: readonly [() => Promise<void>, number][] = [
    [keep, CROWD.keepers],
    [passBy, CROWD.passers],
    [breakOff, CROWD.breakers],
    [readSlowly, CROWD.slow],
    [fetchLarge, CROWD.large],
  ];
  present = manners.flatMap(([manner, among]) => Array.from({ length: among }, () => repeat(manner)));
}

async function go(): Promise<void> {
  coming = false;
  await Promise.all(present);
}

/** Fetches everything once, over some connections. */
async function sweep(): Promise<void> {
  const paths = book.keys();
  const take = async (): Promise<void> => {
    const line = new Line();
    for (const path of paths) await line.fetch(path);
    line.close();
  };
  await Promise.all(Array.from({ length: SWEEPERS }, take));
}

answerWishes((wish: ClientWish): unknown => {
  switch (wish.kind) {
    case "may":
      return may(wish.states);
    case "must":
      return must(wish.paths);
    case "come":
      return come();
    case "go":
      return go();
    case "sweep":
      return sweep();
    case "knock":
      return knock();
    case "forget":
      return void (counts = {});
    default:
      return { counts, wrong: [...wrong, ...complaints] } satisfies Tally;
  }
});
process.on("disconnect", () => process.exit(0));
