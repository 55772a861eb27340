/** Handshakes: passive, active, simultaneous, refused, flooded. */
import { describe, expect, test } from "vitest";
import { makeConversation, openedByPeer } from "../../testing/conversation.ts";

describe("passive open", () => {
  test("a SYN is answered with SYN,ACK, an ACK opens", () => {
    const talk = makeConversation();
    talk.listen();
    talk.arrives({ flags: "S", seq: 0, mss: 1000 });
    expect(talk.sends()).toMatchObject([{ flags: "SA", seq: 0, ack: 1, mss: 1460, scale: -1, window: 4096 }]);
    expect(talk.events).toEqual([]);
    talk.arrives({ seq: 1, ack: 1 });
    expect(talk.events).toEqual(["opened"]);
    expect(talk.sends()).toEqual([]);
    expect(talk.tcp.use.halfOpen()).toBe(0);
    expect(talk.tcp.wakeAt()).toBe(Infinity);
  });
  test("text on the ACK of the handshake is received", () => {
    const talk = makeConversation();
    talk.listen();
    talk.arrives({ flags: "S", seq: 0 });
    talk.sends();
    talk.arrives({ seq: 1, ack: 1, payload: "hello" });
    expect(talk.events).toEqual(["opened", "received hello"]);
  });
  test("SYN,ACK is sent again with growing pauses, then the half-open connection is forgotten in silence", () => {
    const talk = makeConversation();
    talk.listen();
    talk.arrives({ flags: "S", seq: 0 });
    talk.sends();
    talk.passes(62_999);
    expect(talk.sends().map((sent) => sent.flags)).toEqual(["SA", "SA", "SA", "SA", "SA"]);
    talk.passes(2);
    expect(talk.sends()).toEqual([]);
    expect(talk.tcp.use.connections()).toBe(0);
    expect(talk.tcp.counters.halfOpenExpired).toBe(1);
    expect(talk.events).toEqual([]);
  });
  test("the SYN again brings the SYN,ACK again", () => {
    const talk = makeConversation();
    talk.listen();
    talk.arrives({ flags: "S", seq: 0 });
    talk.sends();
    talk.arrives({ flags: "S", seq: 0 });
    expect(talk.sends()).toMatchObject([{ flags: "SA", seq: 0, ack: 1 }]);
    expect(talk.tcp.use.connections()).toBe(1);
  });
  test("a wrong ACK is reset, the half-open connection stays", () => {
    const talk = makeConversation();
    talk.listen();
    talk.arrives({ flags: "S", seq: 0 });
    talk.sends();
    talk.arrives({ seq: 1, ack: 77 });
    expect(talk.sends()).toMatchObject([{ flags: "R", seq: 77 }]);
    talk.arrives({ seq: 1, ack: 1 });
    expect(talk.events).toEqual(["opened"]);
  });
  test("RST drops a half-open connection", () => {
    const talk = makeConversation();
    talk.listen();
    talk.arrives({ flags: "S", seq: 0 });
    talk.sends();
    talk.arrives({ flags: "R", seq: 1 });
    expect(talk.tcp.use.connections()).toBe(0);
    expect(talk.sends()).toEqual([]);
    expect(talk.events).toEqual([]);
  });
  test("an ACK to a listening port is reset, a RST is ignored, neither SYN nor ACK is dropped", () => {
    const talk = makeConversation();
    talk.listen();
    talk.arrives({ seq: 5, ack: 9 });
    expect(talk.sends()).toMatchObject([{ flags: "R", seq: 9 }]);
    talk.arrives({ flags: "R", seq: 5 });
    talk.arrives({ flags: "F", seq: 5 });
    expect(talk.sends()).toEqual([]);
  });
  test("FIN on the handshake's ACK opens and ends", () => {
    const talk = makeConversation();
    talk.listen();
    talk.arrives({ flags: "S", seq: 0 });
    talk.sends();
    talk.arrives({ flags: "FA", seq: 1, ack: 1, payload: "x" });
    expect(talk.events).toEqual(["opened", "received x", "ended"]);
    expect(talk.sends()).toMatchObject([{ flags: "A", ack: 3 }]);
  });
  test("unlisten drops half-open connections and keeps open ones", () => {
    const talk = openedByPeer();
    talk.arrives({ flags: "S", seq: 0, remotePort: 4444 });
    expect(talk.tcp.use.halfOpen()).toBe(1);
    talk.tcp.unlisten(80);
    talk.sends();
    expect(talk.tcp.use.connections()).toBe(1);
    expect(talk.tcp.listen(80, () => ({}) as never)).toBe(true);
    expect(talk.tcp.listen(80, () => ({}) as never)).toBe(false);
  });
});

describe("SYN flood, without cookies", () => {
  test("half-open connections are bounded; the oldest makes room when it has had its time", () => {
    const talk = makeConversation();
    talk.listen(8);
    for (let port = 1; port <= 50; port++) {
      talk.arrives({ flags: "S", seq: 0, remotePort: port });
      talk.sends();
      talk.passes(126);
    }
    expect(talk.tcp.use.halfOpen()).toBe(8);
    expect(talk.tcp.use.connections()).toBe(8);
    expect(talk.tcp.counters.halfOpenDropped).toBe(42);
    talk.arrives({ seq: 1, ack: 1, remotePort: 50 });
    expect(talk.events).toEqual(["opened"]);
  });
  test("more opens at once than the backlog: none is displaced, the others get in when they ask again", () => {
    const talk = makeConversation({ limits: { synCookies: false } });
    talk.listen(8);
    const ports = Array.from({ length: 20 }, (_, i) => i + 1);
    const knock = (remotePort: number): void => talk.arrives({ flags: "S", seq: 0, remotePort });
    const answered = (): number[] => talk.sends().map((sent) => sent.remotePort);
    ports.forEach(knock);
    const first = answered();
    expect(first).toEqual(ports.slice(0, 8));
    expect([talk.tcp.counters.synIgnored, talk.tcp.counters.halfOpenDropped]).toEqual([12, 0]);
    for (const remotePort of first) talk.arrives({ seq: 1, ack: 1, remotePort });
    ports.slice(8).forEach(knock);
    for (const remotePort of answered()) talk.arrives({ seq: 1, ack: 1, remotePort });
    ports.slice(16).forEach(knock);
    for (const remotePort of answered()) talk.arrives({ seq: 1, ack: 1, remotePort });
    expect(talk.events.length).toBe(20);
  });
  test("with the connection table full a SYN displaces nothing, however old", () => {
    const talk = makeConversation({ limits: { connections: 2 } });
    talk.listen(1);
    talk.arrives({ flags: "S", seq: 0, remotePort: 1 });
    talk.sends();
    talk.arrives({ seq: 1, ack: 1, remotePort: 1 });
    talk.arrives({ flags: "S", seq: 0, remotePort: 2 });
    talk.sends();
    talk.passes(5000);
    talk.arrives({ flags: "S", seq: 0, remotePort: 3 });
    expect(talk.tcp.counters.halfOpenDropped).toBe(0);
    talk.arrives({ seq: 1, ack: 1, remotePort: 2 });
    expect(talk.events).toEqual(["opened", "opened"]);
  });
  test("with every connection open a SYN is ignored, with half-open ones the oldest goes", () => {
    const talk = makeConversation({ limits: { connections: 2, synCookies: false } });
    talk.listen();
    for (const remotePort of [1, 2]) {
      talk.arrives({ flags: "S", seq: 0, remotePort });
      talk.sends();
      talk.arrives({ seq: 1, ack: 1, remotePort });
      talk.sends();
    }
    talk.arrives({ flags: "S", seq: 0, remotePort: 3 });
    expect(talk.sends()).toEqual([]);
    expect(talk.tcp.counters.synIgnored).toBe(1);
    expect(talk.connect()).toBe(undefined);
  });
});

describe("active open", () => {
  test("SYN, SYN,ACK, ACK", () => {
    const talk = makeConversation();
    talk.connect();
    expect(talk.sends()).toMatchObject([
      { flags: "S", seq: 0, mss: 1460, scale: 0, window: 4096, remotePort: 80 },
    ]);
    talk.arrives({ flags: "SA", seq: 0, ack: 1 });
    expect(talk.events).toEqual(["opened"]);
    expect(talk.sends()).toMatchObject([{ flags: "A", seq: 1, ack: 1, payload: "" }]);
    expect(talk.tcp.wakeAt()).toBe(Infinity);
  });
  test("what was queued before goes with the handshake's ACK", () => {
    const talk = makeConversation();
    talk.connect();
    talk.say("early");
    expect(talk.sends()).toMatchObject([{ flags: "S" }]);
    talk.arrives({ flags: "SA", seq: 0, ack: 1 });
    expect(talk.sends()).toMatchObject([{ flags: "PA", seq: 1, ack: 1, payload: "early" }]);
  });
  test("finish before the handshake is done: FIN follows it", () => {
    const talk = makeConversation();
    talk.connect();
    talk.say("bye");
    talk.connection.finish();
    talk.sends();
    talk.arrives({ flags: "SA", seq: 0, ack: 1 });
    expect(talk.sends()).toMatchObject([{ flags: "FPA", seq: 1, payload: "bye" }]);
  });
  test("SYN is sent again, and given up after three minutes", () => {
    const talk = makeConversation();
    talk.connect();
    talk.passes(179_999);
    expect(talk.sends().map((sent) => sent.flags)).toEqual(["S", "S", "S", "S", "S", "S", "S", "S"]);
    talk.passes(2);
    expect(talk.events).toEqual(["closed timeout"]);
    expect(talk.tcp.use.connections()).toBe(0);
  });
  test("RST refuses, with the right ACK only", () => {
    const talk = makeConversation();
    talk.connect();
    talk.sends();
    talk.arrives({ flags: "RA", seq: 0, ack: 99 });
    talk.arrives({ flags: "R", seq: 0 });
    expect(talk.events).toEqual([]);
    talk.arrives({ flags: "RA", seq: 0, ack: 1 });
    expect(talk.events).toEqual(["closed refused"]);
    expect(talk.sends()).toEqual([]);
  });
  test("a SYN,ACK of something else is reset", () => {
    const talk = makeConversation();
    talk.connect();
    talk.sends();
    talk.arrives({ flags: "SA", seq: 0, ack: 500 });
    expect(talk.sends()).toMatchObject([{ flags: "R", seq: 500 }]);
    expect(talk.events).toEqual([]);
  });
  test("an ACK without SYN changes nothing", () => {
    const talk = makeConversation();
    talk.connect();
    talk.sends();
    talk.arrives({ seq: 0, ack: 1 });
    expect(talk.sends()).toEqual([]);
    expect(talk.events).toEqual([]);
  });
  test("abort in SYN-SENT sends nothing", () => {
    const talk = makeConversation();
    talk.connect();
    talk.sends();
    talk.connection.abort();
    expect(talk.events).toEqual(["closed aborted"]);
    expect(talk.sends()).toEqual([]);
    expect(talk.tcp.wakeAt()).toBe(Infinity);
  });
  test("two connections get different ports", () => {
    const talk = makeConversation();
    const first = talk.connect();
    const second = talk.connect();
    expect(first?.localPort).not.toBe(second?.localPort);
    expect(first?.localPort).toBeGreaterThanOrEqual(49152);
  });
  test("no port left, no connection", () => {
    const talk = makeConversation({ limits: { ephemeralFirst: 50000, ephemeralLast: 50001 } });
    expect(talk.connect()).toBeDefined();
    expect(talk.connect()).toBeDefined();
    expect(talk.connect()).toBe(undefined);
  });
});

describe("simultaneous open", () => {
  test("SYNs cross, SYN,ACKs cross", () => {
    const talk = makeConversation();
    talk.connect();
    talk.sends();
    talk.arrives({ flags: "S", seq: 0 });
    expect(talk.sends()).toMatchObject([{ flags: "SA", seq: 0, ack: 1 }]);
    talk.arrives({ flags: "SA", seq: 0, ack: 1 });
    expect(talk.events).toEqual(["opened"]);
    expect(talk.sends()).toMatchObject([{ flags: "A", seq: 1, ack: 1 }]);
  });
  test("a plain ACK opens as well", () => {
    const talk = makeConversation();
    talk.connect();
    talk.sends();
    talk.arrives({ flags: "S", seq: 0 });
    talk.sends();
    talk.arrives({ seq: 1, ack: 1 });
    expect(talk.events).toEqual(["opened"]);
  });
  test("RST refuses it", () => {
    const talk = makeConversation();
    talk.connect();
    talk.sends();
    talk.arrives({ flags: "S", seq: 0 });
    talk.sends();
    talk.arrives({ flags: "RA", seq: 1, ack: 1 });
    expect(talk.events).toEqual(["closed refused"]);
  });
});

describe("options", () => {
  test("a peer that names no segment size gets 536", () => {
    const talk = makeConversation();
    talk.listen();
    talk.arrives({ flags: "S", seq: 0 });
    talk.sends();
    talk.arrives({ seq: 1, ack: 1 });
    talk.say("x".repeat(600));
    expect(talk.sends().map((sent) => sent.payload.length)).toEqual([536, 64]);
  });
  test("a tiny segment size is taken as 88", () => {
    const talk = openedByPeer({}, { mss: 1 });
    talk.say("x".repeat(100));
    expect(talk.sends().map((sent) => sent.payload.length)).toEqual([88, 12]);
  });
  test("our own link bounds the segments", () => {
    const talk = openedByPeer({ mtu: 140 }, { mss: 1000 });
    talk.say("x".repeat(150));
    expect(talk.sends().map((sent) => sent.payload.length)).toEqual([100, 50]);
  });
  test("window scaling is agreed on when both offer it", () => {
    const talk = makeConversation({ bufferBytes: 262_144 });
    talk.listen();
    talk.arrives({ flags: "S", seq: 0, mss: 100, scale: 2, window: 1000 });
    expect(talk.sends()).toMatchObject([{ flags: "SA", scale: 3, window: 65535 }]);
    talk.arrives({ seq: 1, ack: 1, window: 50 });
    talk.say("x".repeat(400));
    expect(talk.sends().map((sent) => [sent.payload.length, sent.window])).toEqual([
      [100, 32768],
      [100, 32768],
    ]);
  });
  test("window scaling is neither offered nor taken when it is switched off", () => {
    const limits = { windowScaling: false };
    const caller = makeConversation({ bufferBytes: 262_144, limits });
    caller.connect();
    expect(caller.sends()).toMatchObject([{ flags: "S", scale: -1 }]);
    const talk = makeConversation({ bufferBytes: 262_144, limits });
    talk.listen();
    talk.arrives({ flags: "S", seq: 0, scale: 2 });
    expect(talk.sends()).toMatchObject([{ flags: "SA", scale: -1 }]);
  });
  test("without the peer's offer nothing is scaled", () => {
    const talk = makeConversation({ bufferBytes: 262_144 });
    talk.connect();
    expect(talk.sends()).toMatchObject([{ flags: "S", scale: 3 }]);
    talk.arrives({ flags: "SA", seq: 0, ack: 1, mss: 100 });
    expect(talk.sends()).toMatchObject([{ flags: "A", window: 65535 }]);
  });
  test("unknown options are skipped, an illegal length ends the list", () => {
    const talk = makeConversation();
    talk.listen();
    talk.arrives({
      flags: "S",
      seq: 0,
      options: [254, 4, 1, 2, 1, 253, 10, 0, 0, 0, 0, 0, 0, 0, 0, 2, 4, 0, 200],
    });
    talk.sends();
    talk.arrives({ seq: 1, ack: 1 });
    talk.say("x".repeat(300));
    expect(talk.sends().map((sent) => sent.payload.length)).toEqual([200, 100]);
    talk.arrives({ flags: "S", seq: 0, options: [2, 0, 1, 1], remotePort: 99 });
    expect(talk.sends()).toMatchObject([{ flags: "SA", remotePort: 99 }]);
    expect(talk.tcp.counters.badOptions).toBe(1);
  });
});

describe("segments of no connection", () => {
  test("to a closed port are reset, resets are not", () => {
    const talk = makeConversation();
    talk.arrives({ flags: "S", seq: 0, localPort: 81 });
    expect(talk.sends()).toMatchObject([{ flags: "RA", seq: 0, ack: 1 }]);
    talk.arrives({ flags: "A", seq: 4, ack: 8, localPort: 81 });
    expect(talk.sends()).toMatchObject([{ flags: "R", seq: 8 }]);
    talk.arrives({ flags: "RA", seq: 4, ack: 8, localPort: 81 });
    expect(talk.sends()).toEqual([]);
  });
  test("resets are limited in rate", () => {
    const talk = makeConversation({ limits: { resetsPerSecond: 10 } });
    for (let i = 0; i < 50; i++) talk.arrives({ flags: "S", seq: i, localPort: 81 });
    expect(talk.sends().length).toBe(10);
    expect(talk.tcp.counters.rateLimited).toBe(40);
    talk.passes(500);
    for (let i = 0; i < 50; i++) talk.arrives({ flags: "S", seq: i, localPort: 81 });
    expect(talk.sends().length).toBe(5);
  });
  test("a bad checksum is dropped and counted", () => {
    const talk = makeConversation();
    talk.listen();
    talk.arrives({ flags: "S", seq: 0, corrupt: true });
    expect(talk.tcp.counters.badChecksum).toBe(1);
    expect(talk.sends()).toEqual([]);
  });
});
