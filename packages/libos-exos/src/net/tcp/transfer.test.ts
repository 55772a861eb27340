/** Text in both directions: order, acknowledgments, windows, pieces. */
import { makeWindow } from "@exolith/exokernel/testing";
import { describe, expect, test } from "vitest";
import { makeConversation, openedByPeer } from "../../testing/conversation.ts";

const payloads = (sent: readonly { payload: string }[]): string[] => sent.map((one) => one.payload);

describe("receiving", () => {
  test("a lone segment is acknowledged after 40 ms", () => {
    const talk = openedByPeer();
    talk.arrives({ seq: 1, payload: "abc" });
    expect(talk.events).toEqual(["received abc"]);
    expect(talk.sends()).toEqual([]);
    talk.passes(39);
    expect(talk.sends()).toEqual([]);
    talk.passes(1);
    expect(talk.sends()).toMatchObject([{ flags: "A", seq: 1, ack: 4 }]);
    expect(talk.tcp.wakeAt()).toBe(Infinity);
  });
  test("without a delay every segment is acknowledged", () => {
    const talk = openedByPeer({ limits: { delayedAcknowledgmentSeconds: 0 } });
    talk.arrives({ seq: 1, payload: "abc" });
    expect(talk.sends()).toMatchObject([{ flags: "A", ack: 4 }]);
    talk.arrives({ seq: 4, payload: "abc" });
    expect(talk.sends()).toMatchObject([{ flags: "A", ack: 7 }]);
  });
  test("every second full segment is acknowledged at once", () => {
    const talk = openedByPeer();
    talk.arrives({ seq: 1, payload: "a".repeat(100) });
    expect(talk.sends()).toEqual([]);
    talk.arrives({ seq: 101, payload: "b".repeat(100) });
    expect(talk.sends()).toMatchObject([{ flags: "A", ack: 201 }]);
  });
  test("every second segment of a peer whose segments are shorter than ours, too", () => {
    const talk = openedByPeer({ bufferBytes: 16_384 }, { mss: 1460 });
    for (let seq = 1; seq < 5 * 2896; seq += 2896) {
      talk.arrives({ seq, payload: "a".repeat(1448) });
      expect(talk.sends()).toEqual([]);
      talk.arrives({ seq: seq + 1448, payload: "b".repeat(1448) });
      expect(talk.sends()).toMatchObject([{ flags: "A", ack: seq + 2896 }]);
    }
  });
  test("the answer carries the acknowledgment", () => {
    const talk = openedByPeer();
    talk.arrives({ seq: 1, payload: "question" });
    talk.say("answer");
    expect(talk.sends()).toMatchObject([{ flags: "PA", seq: 1, ack: 9, payload: "answer" }]);
    talk.arrives({ seq: 9, ack: 7 });
    talk.passes(1000);
    expect(talk.sends()).toEqual([]);
  });
  test("text out of order is kept and acknowledged at once, each time", () => {
    const talk = openedByPeer();
    talk.arrives({ seq: 4, payload: "def" });
    talk.arrives({ seq: 10, payload: "jkl" });
    expect(talk.sends()).toMatchObject([{ ack: 1 }, { ack: 1 }]);
    talk.arrives({ seq: 7, payload: "ghi" });
    talk.sends();
    talk.arrives({ seq: 1, payload: "abc" });
    expect(talk.events).toEqual(["received abc", "received defghijkl"]);
    expect(talk.sends()).toMatchObject([{ ack: 13, window: 4084 }]);
    expect(talk.freeBuffers).toBe(4);
  });
  test("overlapping text is taken once", () => {
    const talk = openedByPeer();
    talk.arrives({ seq: 3, payload: "cdef" });
    talk.arrives({ seq: 1, payload: "abcd" });
    expect(talk.events).toEqual(["received abcd", "received ef"]);
    talk.arrives({ seq: 5, payload: "efgh" });
    expect(talk.events.at(-1)).toBe("received gh");
    expect(talk.sends().at(-1)).toMatchObject({ ack: 9 });
  });
  test("partial taking with early text behind it loses and repeats nothing", () => {
    const talk = openedByPeer();
    talk.takes = () => 2;
    talk.arrives({ seq: 4, payload: "defg" });
    talk.arrives({ seq: 1, payload: "abcde" });
    expect(talk.events).toEqual(["received abcde", "received cdefg"]);
    talk.connection.resume();
    expect(talk.events.at(-1)).toBe("received efg");
    talk.takes = (length) => length;
    talk.connection.resume();
    expect(talk.events.at(-1)).toBe("received g");
    expect(talk.freeBuffers).toBe(4);
  });
  test("a duplicate is answered at once and not offered again", () => {
    const talk = openedByPeer();
    talk.arrives({ seq: 1, payload: "abc" });
    talk.sends();
    talk.arrives({ seq: 1, payload: "abc" });
    expect(talk.sends()).toMatchObject([{ flags: "A", ack: 4 }]);
    expect(talk.events).toEqual(["received abc"]);
  });
  test("text beyond the window is cut off and answered", () => {
    const talk = openedByPeer({ bufferBytes: 200 });
    talk.takes = () => 0;
    talk.arrives({ seq: 1, payload: "x".repeat(300) });
    expect(talk.sends()).toMatchObject([{ ack: 201, window: 0 }]);
    talk.arrives({ seq: 201, payload: "y" });
    expect(talk.sends()).toMatchObject([{ ack: 201, window: 0 }]);
  });
  test("more separate runs than there are places for: the last is dropped, the rest is kept", () => {
    const talk = openedByPeer({ limits: { reassemblyRuns: 2 } });
    for (const seq of [3, 5, 7]) talk.arrives({ seq, payload: "x" });
    expect(talk.tcp.counters.receiveDropped).toBe(1);
    talk.arrives({ seq: 1, payload: "ab" });
    talk.arrives({ seq: 4, payload: "d" });
    talk.arrives({ seq: 6, payload: "fgh" });
    expect(talk.events).toEqual(["received ab", "received x", "received d", "received x", "received fgh"]);
  });
  test("sequence numbers wrap around", () => {
    const talk = openedByPeer({ remoteInitial: 0xffff_fffe });
    talk.arrives({ seq: 4, payload: "def" });
    talk.arrives({ seq: 1, payload: "abc" });
    expect(talk.events).toEqual(["received abc", "received def"]);
    expect(talk.sends().at(-1)).toMatchObject({ ack: 7 });
  });
});

describe("backpressure", () => {
  test("what is not taken closes the window and is offered with later bytes and by resume", () => {
    const talk = openedByPeer({ bufferBytes: 400 });
    talk.takes = () => 0;
    talk.arrives({ seq: 1, payload: "a".repeat(100) });
    talk.arrives({ seq: 101, payload: "b".repeat(100) });
    expect(talk.events).toEqual([
      `received ${"a".repeat(100)}`,
      `received ${"a".repeat(100)}${"b".repeat(100)}`,
    ]);
    expect(talk.sends()).toMatchObject([{ ack: 201, window: 200 }]);
    expect(talk.freeBuffers).toBe(3);
    talk.takes = (length) => length;
    talk.connection.resume();
    expect(talk.sends()).toMatchObject([{ flags: "A", ack: 201, window: 400 }]);
    expect(talk.freeBuffers).toBe(4);
  });
  test("a little room is not worth an update (silly window)", () => {
    const talk = openedByPeer({ bufferBytes: 400 });
    talk.takes = () => 0;
    for (let i = 0; i < 4; i++) talk.arrives({ seq: 1 + i * 100, payload: "x".repeat(100) });
    expect(talk.sends()).toMatchObject([{ window: 0 }]);
    talk.takes = () => 50;
    talk.connection.resume();
    expect(talk.sends()).toEqual([]);
    talk.arrives({ seq: 401, payload: "y" });
    expect(talk.sends()).toMatchObject([{ ack: 401, window: 0 }]);
    talk.takes = () => 150;
    talk.connection.resume();
    expect(talk.sends()).toMatchObject([{ ack: 401, window: 200 }]);
  });
  test("without memory only what was taken is acknowledged", () => {
    const talk = openedByPeer({ buffers: 0 });
    talk.takes = () => 2;
    talk.arrives({ seq: 1, payload: "abcde" });
    expect(talk.sends()).toMatchObject([{ ack: 3 }]);
    talk.arrives({ seq: 5, payload: "e" });
    expect(talk.sends()).toMatchObject([{ ack: 3 }]);
    expect(talk.tcp.counters.receiveDropped).toBe(2);
    talk.takes = (length) => length;
    talk.arrives({ seq: 3, payload: "cde" });
    expect(talk.events).toEqual(["received abcde", "received cde"]);
  });
  test("bytes dropped for want of memory close the window, once a poll; memory that comes back opens it", () => {
    const talk = makeConversation({ buffers: 1 });
    talk.listen();
    talk.takes = () => 0;
    for (const remotePort of [1, 2]) {
      talk.arrives({ flags: "S", seq: 0, mss: 100, remotePort });
      talk.sends();
      talk.arrives({ seq: 1, ack: 1, remotePort });
      if (remotePort === 1) talk.arrives({ seq: 1, payload: "x".repeat(100), remotePort });
    }
    talk.sends();
    for (const seq of [1, 101, 201]) talk.arrives({ seq, payload: "y".repeat(100), remotePort: 2 });
    expect(talk.sends()).toMatchObject([{ ack: 1, window: 0, remotePort: 2 }]);
    talk.arrives({ seq: 1, payload: "y", remotePort: 2 });
    expect(talk.sends()).toMatchObject([{ ack: 1, window: 0, remotePort: 2 }]);
    talk.arrives({ flags: "R", seq: 101, remotePort: 1 });
    expect(talk.tcp.wakeAt()).toBeLessThanOrEqual(1_000_000);
    expect(talk.sends()).toMatchObject([{ ack: 1, window: 4096, remotePort: 2 }]);
    expect(talk.freeBuffers).toBe(0);
    talk.arrives({ seq: 1, payload: "y".repeat(100), remotePort: 2 });
    talk.takes = (length) => length;
    talk.connection.resume();
    expect(talk.freeBuffers).toBe(1);
  });
  test("without memory an application that asks for bytes gets its window back", () => {
    const talk = openedByPeer({ buffers: 0 });
    talk.takes = () => 0;
    talk.arrives({ seq: 1, payload: "abc" });
    expect(talk.sends()).toMatchObject([{ ack: 1, window: 0 }]);
    talk.takes = (length) => length;
    talk.connection.resume();
    expect(talk.sends()).toMatchObject([{ ack: 1, window: 4096 }]);
  });
  test("bytes that came early make room for bytes in order of others, and are sent again", () => {
    const talk = makeConversation({ buffers: 1 });
    talk.listen();
    talk.takes = () => 0;
    for (const remotePort of [1, 2]) {
      talk.arrives({ flags: "S", seq: 0, mss: 100, remotePort });
      talk.sends();
      talk.arrives({ seq: 1, ack: 1, remotePort });
    }
    talk.arrives({ seq: 3, payload: "c", remotePort: 1 });
    talk.arrives({ seq: 1, payload: "ab", remotePort: 2 });
    expect([talk.tcp.counters.earlyEvicted, talk.tcp.counters.receiveDropped]).toEqual([1, 0]);
    talk.connection.abort();
    talk.sends();
    talk.events.length = 0;
    talk.takes = (length) => length;
    talk.arrives({ seq: 1, payload: "ab", remotePort: 1 });
    talk.arrives({ seq: 3, payload: "c", remotePort: 1 });
    expect(talk.events).toEqual(["received ab", "received c"]);
  });
  test("an ACK counts even when the window is closed to its text", () => {
    const talk = openedByPeer({ bufferBytes: 100 });
    talk.takes = () => 0;
    talk.say("hello", 5);
    talk.sends();
    talk.arrives({ seq: 1, ack: 1, payload: "x".repeat(100) });
    talk.sends();
    talk.arrives({ seq: 101, ack: 6, payload: "z" });
    expect(talk.released).toEqual([5]);
  });
});

describe("sending", () => {
  test("a piece is cut into segments, pieces are joined, PSH marks the end", () => {
    const talk = openedByPeer();
    talk.say("a".repeat(150), 1);
    talk.say("b".repeat(70), 2);
    const sent = talk.sends();
    expect(payloads(sent)).toEqual(["a".repeat(100), `${"a".repeat(50)}${"b".repeat(50)}`, "b".repeat(20)]);
    expect(sent.map((one) => one.flags)).toEqual(["A", "A", "PA"]);
    expect(talk.connection.unacknowledged).toBe(220);
  });
  test("pieces are released when they are acknowledged to their end", () => {
    const talk = openedByPeer();
    talk.say("a".repeat(50), 1);
    talk.say("b".repeat(50), 2);
    talk.say("", 3);
    expect(talk.released).toEqual([3]);
    talk.sends();
    talk.arrives({ ack: 50 });
    expect(talk.released).toEqual([3]);
    talk.arrives({ ack: 51 });
    expect(talk.released).toEqual([3, 1]);
    talk.arrives({ ack: 101 });
    expect(talk.released).toEqual([3, 1, 2]);
    expect(talk.connection.unacknowledged).toBe(0);
    expect(talk.events).toEqual(["acknowledged", "acknowledged", "acknowledged"]);
    expect(talk.sends()).toEqual([]);
    expect(talk.tcp.wakeAt()).toBe(Infinity);
  });
  test("pieces at odd offsets have right checksums, and a provider may know the sums", () => {
    let asked = 0;
    const talk = openedByPeer({
      pieceSum: (window, at, length) => {
        asked += 1;
        return window.checksum(at, length, 0);
      },
    });
    for (const text of ["a", "bcd", "e", "fgh\u00ff", "ij"]) talk.say(text);
    expect(payloads(talk.sends())).toEqual(["abcdefgh\u00ffij"]);
    expect(asked).toBe(5);
  });
  test("the queue has a bound", () => {
    const talk = openedByPeer({ limits: { pieces: 3 } });
    expect([1, 2, 3, 4].map((token) => talk.say("x", token))).toEqual([true, true, true, false]);
    talk.sends();
    talk.arrives({ ack: 2 });
    expect(talk.say("y")).toBe(true);
  });
  test("a segment of very many pieces is cut short", () => {
    const talk = openedByPeer({ limits: { segmentPieces: 4 } });
    for (const letter of "abcdefghij") talk.say(letter);
    expect(payloads(talk.sends())).toEqual(["abcd", "efgh", "ij"]);
  });
  test("a piece outside its window is a mistake of the application", () => {
    const talk = openedByPeer();
    const window = { length: 3 } as never;
    expect(() => talk.connection.send(window, 1, 3, undefined, 0)).toThrow(RangeError);
  });
  test("the peer's window bounds what is in flight", () => {
    const talk = openedByPeer({}, { window: 250 });
    talk.say("x".repeat(1000));
    expect(talk.sends().map((one) => one.payload.length)).toEqual([100, 100]);
    talk.arrives({ ack: 201, window: 250 });
    expect(talk.sends().map((one) => one.payload.length)).toEqual([100, 100]);
  });
  test("an old segment does not bring an old window back", () => {
    const talk = openedByPeer();
    talk.arrives({ seq: 1, payload: "ab", window: 300 });
    talk.arrives({ seq: 1, payload: "", window: 0 });
    talk.say("x".repeat(300));
    expect(talk.sends().filter((one) => one.payload !== "").length).toBe(3);
  });
  test("an ACK of what was never sent is answered and ignored", () => {
    const talk = openedByPeer();
    talk.say("abc", 1);
    talk.sends();
    talk.arrives({ ack: 99, payload: "nope" });
    expect(talk.sends()).toMatchObject([{ flags: "A", seq: 4, ack: 1 }]);
    expect(talk.released).toEqual([]);
    expect(talk.events).toEqual([]);
  });
  test("Nagle holds a short segment back while one is in flight", () => {
    const talk = openedByPeer({ limits: { nagle: true } });
    talk.say("ab");
    expect(payloads(talk.sends())).toEqual(["ab"]);
    talk.say("cd");
    talk.say("ef");
    expect(talk.sends()).toEqual([]);
    talk.arrives({ ack: 3 });
    expect(payloads(talk.sends())).toEqual(["cdef"]);
  });
  test.each([0x8000_0000, 0x1_0000_0000])("our own sequence numbers pass %i", (edge) => {
    const first = makeConversation();
    first.connect();
    first.sends();
    // 250 numbers a millisecond: this late, the clock has brought them just below the edge.
    const startsAt = 1_000_000 + Math.floor(((edge - 300 - first.localInitial) >>> 0) / 250);
    const talk = makeConversation({ startsAt });
    talk.connect();
    talk.sends();
    expect((edge - talk.localInitial) >>> 0).toBeGreaterThan(0);
    expect((edge - talk.localInitial) >>> 0).toBeLessThan(1200);
    talk.arrives({ flags: "SA", seq: 0, ack: 1, mss: 400 });
    talk.say("x".repeat(1200), 1);
    expect(talk.sends().map((one) => one.seq)).toEqual([1, 401, 801]);
    talk.arrives({ ack: 801 });
    talk.passes(5000);
    expect(talk.sends()[0]).toMatchObject({ seq: 801, payload: "x".repeat(400) });
    talk.arrives({ ack: 1201 });
    expect(talk.released).toEqual([1]);
  });
});

describe("the layer below", () => {
  test("whose turn finds the interface full is the next, however often it is full", () => {
    const talk = openedByPeer({ limits: { pollSegments: 1, initialWindowSegments: 10 } });
    const first = talk.connection;
    talk.arrives({ flags: "S", seq: 0, mss: 100, remotePort: 2222 });
    talk.sends();
    talk.arrives({ seq: 1, ack: 1, remotePort: 2222 });
    talk.sends();
    const words = makeWindow(500);
    for (const connection of [first, talk.connection])
      expect(connection.send(words, 0, 500, undefined, 0)).toBe(true);
    const ports: number[] = [];
    for (let turn = 0; turn < 12; turn++) {
      talk.link = turn % 2 === 0 ? "sent" : "full";
      for (const { remotePort } of talk.sends()) ports.push(remotePort);
    }
    expect(ports).toHaveLength(6);
    expect(ports.filter((port) => port === 2222)).toHaveLength(3);
  });
  test("a full interface is tried again soon, and that is no loss", () => {
    const talk = openedByPeer();
    talk.link = "full";
    talk.say("abc");
    expect(talk.sends()).toEqual([]);
    expect(talk.tcp.wakeAt()).toBeLessThan(1_000_001);
    talk.link = "sent";
    expect(payloads(talk.sends())).toEqual(["abc"]);
    expect(talk.tcp.counters.retransmissions).toBe(0);
  });
  test("an unknown next hop is waited for", () => {
    const talk = openedByPeer();
    talk.link = "unresolved";
    talk.say("abc");
    expect(talk.sends()).toEqual([]);
    talk.link = "sent";
    talk.tcp.resolved(0);
    expect(payloads(talk.sends())).toEqual(["abc"]);
    expect(talk.tcp.counters.retransmissionTimeouts).toBe(0);
  });
  test("another next hop that answers has nothing sent that waits for this one", () => {
    const talk = openedByPeer({ nextHop: () => 9 });
    talk.link = "unresolved";
    talk.say("abc");
    expect(talk.sends()).toEqual([]);
    talk.link = "sent";
    talk.tcp.resolved(8);
    expect(talk.sends()).toEqual([]);
    talk.tcp.resolved(9);
    expect(payloads(talk.sends())).toEqual(["abc"]);
  });
  test("nobody answers: an active open times out", () => {
    const talk = makeConversation();
    talk.link = "unresolved";
    talk.connect();
    talk.passes(180_001);
    expect(talk.events).toEqual(["closed timeout"]);
    expect(talk.tcp.wakeAt()).toBe(Infinity);
  });
  test("unreachable is a loss: it is sent again", () => {
    const talk = openedByPeer();
    talk.link = "unreachable";
    talk.say("abc");
    talk.sends();
    talk.link = "sent";
    talk.passes(250);
    expect(payloads(talk.sends())).toEqual(["abc"]);
    expect(talk.tcp.counters.retransmissions).toBe(1);
  });
});
