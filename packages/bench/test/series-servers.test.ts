/** The servers of `bench series` with clients that are slow, wrong or gone: they answer whoever comes next. */
import { NEVER, must, type Gate, type Program } from "@exolith/exokernel/abi";
import { PENTIUM_PRO_200 } from "@exolith/hw-model";
import { eventProgram, type CloseReason, type Connection, type ConnectionHandler } from "@exolith/libos-exos";
import { expect, test } from "vitest";
import { PORT, makeComputers, makeStacks, poolOf, serverAddress } from "../src/series/computers.ts";
import { bytesOf, requestFor } from "../src/series/documents.ts";
import { SERVERS, type Server } from "../src/series/servers.ts";

const SIZE = 10_240;

/** What one connection sends, and what it does when something comes. */
interface Visit {
  readonly request: string;
  /** Bytes of the request in one piece; all when absent. */
  readonly pieceBytes?: number;
  /** True resets the connection at the first byte of the answer. */
  readonly resets?: boolean;
  /** True ends the sending side at once. */
  readonly ends?: boolean;
}

/** What came of it. */
interface Outcome {
  readonly bytes: Uint8Array;
  readonly reason: CloseReason;
}

/** Makes one visit after the other. */
class Visitor implements ConnectionHandler {
  readonly outcomes: Outcome[] = [];
  readonly #visits: readonly Visit[];
  readonly #connect: () => Connection;
  readonly #memory: ReturnType<typeof memoryOf>;
  #sent = 0;
  #got: number[] = [];

  constructor(gate: Gate, visits: readonly Visit[]) {
    const pool = poolOf(gate);
    const stacks = makeStacks(gate, pool, "client");
    this.parts = stacks.map(({ network }) => network);
    this.#memory = memoryOf(pool);
    this.#visits = visits;
    this.#connect = () => {
      const connection = stacks[0]?.tcp.connect(serverAddress(0), PORT, this);
      if (connection === undefined) throw new Error("no connection");
      return connection;
    };
  }

  readonly parts: ReturnType<typeof makeStacks>[number]["network"][];

  next(): void {
    if (this.outcomes.length === this.#visits.length) return;
    this.#sent = 0;
    this.#got = [];
    this.#connect();
  }

  opened(connection: Connection): void {
    const { request, ends } = this.#visit;
    const bytes = new TextEncoder().encode(request);
    this.#memory.write(0, bytes, 0, bytes.length);
    this.#send(connection);
    if (ends === true) connection.finish();
  }

  received(connection: Connection, window: typeof this.memory, at: number, length: number): number {
    if (this.#visit.resets === true) {
      connection.abort();
      return length;
    }
    const bytes = new Uint8Array(length);
    window.read(at, bytes, 0, length);
    this.#got.push(...bytes);
    return length;
  }

  acknowledged(connection: Connection): void {
    this.#send(connection);
  }

  ended(connection: Connection): void {
    connection.finish();
  }

  closed(_: Connection, reason: CloseReason): void {
    this.outcomes.push({ bytes: Uint8Array.from(this.#got), reason });
    this.next();
  }

  get memory(): ReturnType<typeof memoryOf> {
    return this.#memory;
  }

  get #visit(): Visit {
    return this.#visits[this.outcomes.length] as Visit;
  }

  #send(connection: Connection): void {
    const { request, pieceBytes = Infinity } = this.#visit;
    const length = Math.min(pieceBytes, request.length - this.#sent);
    if (length <= 0) return;
    connection.send(this.#memory, this.#sent, length, undefined, 0);
    this.#sent += length;
  }
}

const memoryOf = (pool: ReturnType<typeof poolOf>) => must(pool.run(1));

/** All visits to a server, one after the other. */
function visit(server: Server, visits: readonly Visit[]): readonly Outcome[] {
  const state: { isReady: boolean; visitor?: Visitor } = { isReady: false };
  const client: Program = eventProgram(4, (gate) => {
    const visitor = new Visitor(gate, visits);
    let hasBegun = false;
    state.visitor = visitor;
    const starter = {
      poll: () => {
        if (!hasBegun && state.isReady) visitor.next();
        hasBegun ||= state.isReady;
        return false;
      },
      wakeAt: () => (hasBegun ? NEVER : ((gate.clock.now() + 1e6) as typeof NEVER)),
    };
    return [...visitor.parts, starter];
  });
  const { run } = makeComputers(
    { ...server.kernel.computer(PENTIUM_PRO_200), seed: 1 },
    (labour) => server.program({ labour, size: SIZE, ready: () => (state.isReady = true) }),
    client,
  );
  run({ until: () => state.visitor?.outcomes.length === visits.length, seconds: 60 });
  return state.visitor?.outcomes ?? [];
}

const GOOD: Visit = { request: requestFor(SIZE) };
const DOCUMENT = bytesOf(SIZE);

const textOf = ({ bytes }: Outcome): string => String.fromCharCode(...bytes);
const isWhole = (outcome: Outcome): boolean =>
  outcome.reason === "done" &&
  textOf(outcome).startsWith("HTTP/1.1 200 ") &&
  Buffer.from(outcome.bytes.subarray(-SIZE)).equals(DOCUMENT);

for (const server of SERVERS) {
  const { name } = server;
  test(`${name}: a request that comes byte by byte is answered whole`, () => {
    const outcomes = visit(server, [{ ...GOOD, pieceBytes: 1 }, GOOD]);
    expect(outcomes.map(isWhole)).toEqual([true, true]);
  });

  test(`${name}: what is not there is not found, and the next one is served`, () => {
    const [missing, good] = visit(server, [{ request: "GET /nothing HTTP/1.0\r\n\r\n" }, GOOD]);
    expect(textOf(missing as Outcome)).toMatch(/^HTTP\/1\.1 404 /);
    expect(isWhole(good as Outcome)).toBe(true);
  });

  test(`${name}: more connections than it has sockets, all reset in the middle, leave it as it was`, () => {
    const resets = Array.from({ length: 300 }, () => ({ ...GOOD, resets: true }));
    const outcomes = visit(server, [...resets, GOOD]);
    expect(outcomes.slice(0, 300).every(({ reason }) => reason === "aborted")).toBe(true);
    expect(isWhole(outcomes[300] as Outcome)).toBe(true);
  });
}

for (const server of SERVERS.filter(({ name }) => name !== "Cheetah"))
  test(`${server.name}: too long a request, half of one and none at all are closed without an answer`, () => {
    const bad = [{ request: "x".repeat(600) }, { request: "GET /", ends: true }, { request: "", ends: true }];
    const outcomes = visit(server, [...bad, GOOD]);
    expect(outcomes.map(({ bytes }) => bytes.length > 0)).toEqual([false, false, false, true]);
    expect(isWhole(outcomes[3] as Outcome)).toBe(true);
  });
