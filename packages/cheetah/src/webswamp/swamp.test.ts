import type { Cycles, Gate, Window } from "@exolith/exokernel/abi";
import { makeWindow } from "@exolith/exokernel/testing";
import type { CloseReason, Connection, ConnectionHandler, Tcp } from "@exolith/libos-exos";
import { expect, test } from "vitest";
import type { Plan } from "./plan.ts";
import type { Failure } from "./results.ts";
import { makeWebswamp, requestBytes, type Webswamp } from "./swamp.ts";

const HERTZ = 1_000_000;

/** A connection whose other end is the test. */
class Wire implements Connection {
  readonly localAddress = 1;
  readonly localPort = 2;
  readonly remoteAddress = 3;
  readonly remotePort = 4;
  context: unknown;
  readonly unacknowledged = 0;
  readonly handler: ConnectionHandler;
  /** What was asked, and how it ended. */
  asked = "";
  end: "finished" | "aborted" | undefined;
  constructor(handler: ConnectionHandler) {
    this.handler = handler;
  }
  send(window: Window, at: number, length: number): boolean {
    this.asked += window.text(at, length);
    return this.end === undefined;
  }
  finish(): void {
    this.end ??= "finished";
  }
  abort(): void {
    this.end ??= "aborted";
    this.closes("aborted");
  }
  resume(): void {}
  opens(): void {
    this.handler.opened(this);
  }
  /** Bytes arrive, `piece` at a time. */
  says(text: string, piece = text.length): void {
    const window = makeWindow(Math.max(1, text.length));
    for (let i = 0; i < text.length; i++) window.setU8(i, text.charCodeAt(i));
    for (let at = 0; at < text.length; at += piece) {
      const length = Math.min(piece, text.length - at);
      expect(this.handler.received(this, window, at, length)).toBe(length);
    }
  }
  ends(): void {
    this.handler.ended(this);
  }
  closes(reason: CloseReason): void {
    this.handler.closed(this, reason);
  }
}

interface Rig {
  readonly swamp: Webswamp;
  readonly wires: Wire[];
  /** Connections that can be had. */
  limit: number;
  wait(seconds: number): void;
  failures(): Partial<Record<Failure, number>>;
}

function makeRig(change: Partial<Plan> = {}): Rig {
  const wires: Wire[] = [];
  const time = { now: 1000 };
  const clock = { hertz: HERTZ, now: () => time.now as Cycles } as unknown as Gate["clock"];
  const rig = { limit: Infinity };
  const connect: Tcp["connect"] = (_, __, handler) => {
    if (wires.length >= rig.limit) return undefined;
    const wire = new Wire(handler);
    wires.push(wire);
    return wire;
  };
  const plan: Plan = {
    address: 3,
    port: 80,
    host: "0.0.0.3",
    pages: [{ target: "/a" }],
    concurrency: 1,
    requests: 2,
    seconds: Infinity,
    close: false,
    check: true,
    timeoutSeconds: 1,
    ...change,
  };
  const parts = {
    gate: { clock } as Gate,
    tcp: { connect } as Tcp,
    plan,
    memory: makeWindow(requestBytes(plan)),
  };
  const swamp = makeWebswamp(parts);
  swamp.poll();
  return Object.assign(rig, {
    swamp,
    wires,
    wait: (seconds: number) => {
      time.now += seconds * HERTZ;
      swamp.poll();
    },
    failures: () =>
      Object.fromEntries(Object.entries(swamp.results.failures).filter(([, count]) => count > 0)),
  });
}

const wireOf = ({ wires }: Rig, index = 0): Wire => wires[index] as Wire;
const answer = (body: string, more = ""): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`;

test.each([1, 2, 3, 7, 1000])("an answer may come in pieces of %d bytes", (piece) => {
  const rig = makeRig({ requests: 3 });
  const wire = wireOf(rig);
  expect(wire.asked).toBe("GET /a HTTP/1.1\r\nHost: 0.0.0.3\r\n\r\n");
  wire.opens();
  for (let i = 0; i < 3; i++) wire.says(answer("hello"), piece);
  expect(rig.failures()).toEqual({});
  expect(rig.swamp.results).toMatchObject({ pages: 3, bodyBytes: 15, connections: 1 });
  expect(rig.swamp.finished()).toBe(true);
  expect(wire.end).toBe("finished");
});

test("a head that differs from the last one is read, not taken for it", () => {
  const rig = makeRig({ requests: 5, check: false });
  const wire = wireOf(rig);
  wire.opens();
  wire.says(answer("hello"));
  wire.says(answer("hello"));
  wire.says(answer("hell"));
  wire.says("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello");
  wire.says(answer("hello", "Connection: close\r\n"));
  expect(rig.failures()).toEqual({ length: 1, status: 1 });
  expect(rig.swamp.results.pages).toBe(3);
});

test("a long head is read whole", () => {
  const rig = makeRig({ requests: 2 });
  wireOf(rig).opens();
  for (let i = 0; i < 2; i++) wireOf(rig).says(answer("x", `X: ${"y".repeat(4000)}\r\n`));
  expect(rig.failures()).toEqual({});
  expect(rig.swamp.results.pages).toBe(2);
});

test("an interim answer is not the answer", () => {
  const rig = makeRig({ requests: 1 });
  wireOf(rig).opens();
  wireOf(rig).says(`HTTP/1.1 100 Continue\r\n\r\n${answer("hello")}`);
  expect(rig.swamp.results).toMatchObject({ pages: 1, bodyBytes: 5 });
});

test("a body without a length ends with the connection", () => {
  const rig = makeRig({ requests: 2 });
  const wire = wireOf(rig);
  wire.opens();
  wire.says("HTTP/1.0 200 OK\r\n\r\nhel");
  wire.says("lo");
  wire.ends();
  expect(rig.swamp.results).toMatchObject({ pages: 1, bodyBytes: 5 });
  rig.wait(0);
  expect(rig.wires).toHaveLength(2);
});

test("a server that closes is left, and visited again", () => {
  const rig = makeRig({ requests: 2 });
  wireOf(rig).opens();
  wireOf(rig).says(answer("hello", "Connection: close\r\n"));
  expect(wireOf(rig).end).toBeUndefined();
  wireOf(rig).ends();
  expect(wireOf(rig).end).toBe("finished");
  rig.wait(0);
  wireOf(rig, 1).opens();
  wireOf(rig, 1).says(answer("hello"));
  expect(rig.swamp.results).toMatchObject({ pages: 2, connections: 2 });
  expect(rig.failures()).toEqual({});
});

test("with a connection for each request it says so, and closes itself when the server does not", () => {
  const rig = makeRig({ close: true });
  expect(wireOf(rig).asked).toContain("\r\nConnection: close\r\n");
  wireOf(rig).opens();
  wireOf(rig).says(answer("hello"));
  expect(wireOf(rig).end).toBe("finished");
  rig.wait(0);
  expect(rig.wires).toHaveLength(2);
});

test.each<[string, Failure, (wire: Wire) => void]>([
  ["no answer at all", "malformed", (wire) => wire.says("SSH-2.0-x\r\n\r\n")],
  [
    "a transfer coding",
    "malformed",
    (wire) => wire.says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
  ],
  [
    "a head without an end",
    "malformed",
    (wire) => wire.says(`HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(5000)}`, 1000),
  ],
  ["an end before the answer", "short", (wire) => wire.ends()],
  ["an end within the head", "short", (wire) => (wire.says("HTTP/1.1 2"), wire.ends())],
  ["an end within the body", "short", (wire) => (wire.says(answer("hello").slice(0, -1)), wire.ends())],
  ["a reset", "reset", (wire) => wire.closes("reset")],
  ["a connection that is given up", "unreachable", (wire) => wire.closes("timeout")],
])("%s is a failure, and the next request is made", (_, failure, happen) => {
  const rig = makeRig({ requests: 2 });
  wireOf(rig).opens();
  happen(wireOf(rig));
  expect(rig.failures()).toEqual({ [failure]: 1 });
  expect(rig.swamp.finished()).toBe(false);
  rig.wait(0);
  wireOf(rig, 1).opens();
  wireOf(rig, 1).says(answer("hello"));
  expect(rig.swamp.results.pages).toBe(1);
  expect(rig.swamp.finished()).toBe(true);
  expect(rig.failures()).toEqual({ [failure]: 1 });
});

test("bytes that nobody asked for end the connection", () => {
  const rig = makeRig({ close: true, requests: 3 });
  wireOf(rig).opens();
  wireOf(rig).says(answer("hello", "Connection: close\r\n"));
  wireOf(rig).says("more");
  expect(rig.failures()).toEqual({ malformed: 1 });
  expect(wireOf(rig).end).toBe("aborted");
});

test("who says nothing for too long has failed", () => {
  const rig = makeRig({ requests: 2 });
  rig.wait(0.9);
  expect(rig.failures()).toEqual({});
  rig.wait(0.2);
  expect(rig.failures()).toEqual({ unreachable: 1 });
  wireOf(rig, 1).opens();
  rig.wait(0.9);
  wireOf(rig, 1).says("HTTP/1.1 200");
  rig.wait(0.9);
  expect(rig.swamp.finished()).toBe(false);
  rig.wait(0.2);
  expect(rig.failures()).toEqual({ unreachable: 1, timeout: 1 });
  expect(rig.swamp.finished()).toBe(true);
});

test("when no connection is to be had, it is tried again", () => {
  const rig = makeRig({ requests: 2, concurrency: 2 });
  expect(rig.wires).toHaveLength(2);
  const full = makeRig({ requests: 1 });
  full.limit = 1;
  full.wires[0]?.closes("refused");
  expect(full.swamp.finished()).toBe(true);
  const later = makeRig({ requests: 3, concurrency: 1 });
  later.limit = 1;
  wireOf(later).closes("refused");
  later.wait(0);
  expect(later.wires).toHaveLength(1);
  expect(later.swamp.wakeAt()).toBeLessThan(1000 + 0.01 * HERTZ);
  later.limit = 2;
  later.wait(0.01);
  expect(later.wires).toHaveLength(2);
  expect(later.failures()).toEqual({ refused: 1 });
});

test("when the time is over, what is under way is forgotten", () => {
  const rig = makeRig({ requests: Infinity, seconds: 0.5, concurrency: 2 });
  for (const wire of rig.wires) wire.opens();
  wireOf(rig).says(answer("hello"));
  rig.wait(0.6);
  expect(rig.swamp.finished()).toBe(true);
  expect(rig.swamp.gone()).toBe(true);
  expect(rig.wires.map(({ end }) => end)).toEqual(["aborted", "aborted"]);
  expect(rig.failures()).toEqual({});
  expect(rig.swamp.results.pages).toBe(1);
});
