/** Loss: retransmission, fast retransmission, NewReno, closed windows, silence. */
import { describe, expect, test } from "vitest";
import { openedByPeer } from "../../testing/conversation.ts";
import { NewReno } from "./new-reno.ts";

const spans = (sent: readonly { seq: number; payload: string }[]): [number, number][] =>
  sent.map((one) => [one.seq, one.payload.length]);

describe("retransmission timer", () => {
  test("an unanswered segment is sent again after 200 ms, then with doubled pauses", () => {
    const talk = openedByPeer();
    talk.say("abc");
    talk.sends();
    const gaps: number[] = [];
    for (let waited = 0; gaps.length < 5; waited += 10) {
      talk.passes(10);
      if (talk.sends().length > 0) gaps.push(waited + 10);
    }
    expect(gaps.map((gap, i) => gap - (gaps[i - 1] ?? 0))).toEqual([200, 400, 800, 1600, 3200]);
  });
  test("100 s without an acknowledgment end the connection; pieces are released", () => {
    const talk = openedByPeer();
    talk.say("abc", 9);
    talk.sends();
    talk.passes(99_999);
    expect(talk.events).toEqual([]);
    talk.passes(1);
    expect(talk.events).toEqual(["closed timeout"]);
    expect(talk.released).toEqual([9]);
    expect(talk.tcp.use.connections()).toBe(0);
  });
  test("after a timeout one segment goes, and then slow start", () => {
    const talk = openedByPeer();
    talk.say("x".repeat(400));
    expect(talk.sends().length).toBe(4);
    talk.passes(200);
    expect(spans(talk.sends())).toEqual([[1, 100]]);
    talk.arrives({ ack: 101 });
    expect(spans(talk.sends())).toEqual([
      [101, 100],
      [201, 100],
    ]);
    talk.arrives({ ack: 401 });
    expect(talk.sends()).toEqual([]);
    expect(talk.tcp.wakeAt()).toBe(Infinity);
  });
  test("a timeout of the next segment is a new loss, one of the same segment is not", () => {
    const losses: boolean[] = [];
    class Watched extends NewReno {
      override timedOut(highest: number, flight: number, again: boolean): void {
        losses.push(again);
        super.timedOut(highest, flight, again);
      }
    }
    const talk = openedByPeer({ makeCongestion: () => new Watched() });
    talk.say("x".repeat(400));
    talk.sends();
    talk.passes(200);
    talk.passes(400);
    talk.sends();
    talk.arrives({ ack: 101 });
    talk.sends();
    talk.passes(1600);
    expect(losses).toEqual([false, true, false]);
  });
  test("an ACK that jumps ahead skips what need not be sent again", () => {
    const talk = openedByPeer();
    talk.say("x".repeat(400));
    talk.sends();
    talk.passes(200);
    talk.sends();
    talk.arrives({ ack: 301 });
    expect(spans(talk.sends())).toEqual([[301, 100]]);
  });
  test("what comes in late does not count as a round trip of what was sent twice", () => {
    const talk = openedByPeer();
    talk.say("abc");
    talk.sends();
    talk.passes(250);
    talk.arrives({ ack: 4 });
    talk.sends();
    talk.say("def");
    talk.sends();
    talk.passes(399);
    expect(talk.sends()).toEqual([]);
    talk.passes(2);
    expect(spans(talk.sends())).toEqual([[4, 3]]);
  });
});

describe("after an idle time", () => {
  test.each([
    [true, 4],
    [false, 6],
  ])(
    "restart %s: the window is the initial one again, or what it had grown to",
    (restartAfterIdle, segments) => {
      const talk = openedByPeer({ limits: { restartAfterIdle } });
      talk.say("x".repeat(400));
      talk.sends();
      for (const ack of [101, 201, 301, 401]) talk.arrives({ ack });
      talk.sends();
      talk.passes(5000);
      talk.say("y".repeat(2000));
      expect(talk.sends().length).toBe(segments);
    },
  );
});

describe("fast retransmission", () => {
  const lose = (): ReturnType<typeof openedByPeer> => {
    const talk = openedByPeer();
    talk.say("x".repeat(2000));
    talk.sends();
    talk.arrives({ ack: 101 });
    talk.sends();
    return talk;
  };
  test("two duplicates let one new segment out each, the third brings the lost one", () => {
    const talk = openedByPeer();
    talk.say("x".repeat(2000));
    expect(spans(talk.sends()).length).toBe(4);
    talk.arrives({ ack: 1 });
    expect(spans(talk.sends())).toEqual([[401, 100]]);
    talk.arrives({ ack: 1 });
    expect(spans(talk.sends())).toEqual([[501, 100]]);
    talk.arrives({ ack: 1 });
    expect(spans(talk.sends())).toEqual([[1, 100]]);
    expect(talk.tcp.counters.fastRetransmissions).toBe(1);
    expect(talk.tcp.counters.retransmissionTimeouts).toBe(0);
  });
  test("a partial ACK brings the next lost segment, the full one ends recovery", () => {
    const talk = lose();
    for (let i = 0; i < 3; i++) talk.arrives({ ack: 101 });
    const first = spans(talk.sends());
    expect(first[0]).toEqual([101, 100]);
    const highest = Math.max(...first.map(([seq]) => seq), 501) + 100;
    talk.arrives({ ack: 301 });
    expect(spans(talk.sends())[0]).toEqual([301, 100]);
    talk.arrives({ ack: highest });
    expect(talk.sends().every((one) => one.seq >= highest)).toBe(true);
    expect(talk.tcp.counters.fastRetransmissions).toBe(1);
  });
  test("ACKs with text, or with another window, are no duplicates", () => {
    const talk = lose();
    talk.arrives({ ack: 101, payload: "a", seq: 1 });
    talk.arrives({ ack: 101, payload: "b", seq: 2 });
    talk.arrives({ ack: 101, seq: 3, window: 9000 });
    talk.arrives({ ack: 101, seq: 3, window: 8000 });
    talk.sends();
    expect(talk.tcp.counters.fastRetransmissions).toBe(0);
  });
});

describe("closed window", () => {
  test("it is probed with one byte, ever more slowly, for as long as the probes are answered", () => {
    const talk = openedByPeer({}, { window: 0 });
    talk.say("abc", 1);
    expect(talk.sends()).toEqual([]);
    let probes = 0;
    for (let second = 0; second < 600; second++) {
      talk.passes(1000);
      for (const sent of talk.sends()) {
        expect(sent).toMatchObject({ seq: 1, payload: "a" });
        probes += 1;
        talk.arrives({ ack: 1, window: 0 });
      }
    }
    expect(probes).toBeGreaterThan(10);
    expect(probes).toBeLessThan(25);
    expect(talk.events).toEqual([]);
    talk.arrives({ ack: 1, window: 100 });
    expect(spans(talk.sends())).toEqual([[1, 3]]);
    talk.arrives({ ack: 4, window: 100 });
    expect(talk.released).toEqual([1]);
    expect(talk.sends()).toEqual([]);
    expect(talk.tcp.wakeAt()).toBe(Infinity);
  });
  test("a peer that takes the probe's byte is not sent it again", () => {
    const talk = openedByPeer({}, { window: 0 });
    talk.say("abc");
    talk.passes(300);
    expect(spans(talk.sends())).toEqual([[1, 1]]);
    talk.arrives({ ack: 2, window: 50 });
    expect(spans(talk.sends())).toEqual([[2, 2]]);
  });
  test("unanswered probes end the connection", () => {
    const talk = openedByPeer({}, { window: 0 });
    talk.say("abc");
    talk.passes(101_000);
    expect(talk.events).toEqual(["closed timeout"]);
  });
  test("a FIN waits for the window too", () => {
    const talk = openedByPeer({}, { window: 3 });
    talk.say("abc");
    talk.connection.finish();
    expect(talk.sends()).toMatchObject([{ flags: "PA", payload: "abc" }]);
    talk.arrives({ ack: 4, window: 0 });
    expect(talk.sends()).toEqual([]);
    talk.arrives({ ack: 4, window: 10 });
    expect(talk.sends()).toMatchObject([{ flags: "FA", seq: 4 }]);
  });
  test("a window that shrinks over what is in flight is not overrun", () => {
    const talk = openedByPeer();
    talk.say("x".repeat(300));
    talk.sends();
    talk.arrives({ ack: 101, window: 0 });
    expect(talk.sends()).toEqual([]);
    talk.passes(250);
    talk.passes(500);
    for (const sent of talk.sends()) expect(sent.payload.length).toBeLessThanOrEqual(1);
    talk.arrives({ ack: 101, window: 1000 });
    expect(spans(talk.sends())[0]).toEqual([101, 100]);
  });
});

describe("keepalive", () => {
  test("is off unless asked for", () => {
    const talk = openedByPeer();
    talk.passes(100_000_000);
    expect(talk.sends()).toEqual([]);
    expect(talk.events).toEqual([]);
  });
  test("an idle peer is probed, an answer is enough", () => {
    const talk = openedByPeer({
      limits: { keepaliveSeconds: 60, keepaliveIntervalSeconds: 5, keepaliveProbes: 3 },
    });
    talk.passes(60_000);
    expect(talk.sends()).toMatchObject([{ flags: "A", seq: 0, payload: "" }]);
    talk.arrives({ ack: 1 });
    talk.passes(59_000);
    expect(talk.sends()).toEqual([]);
    talk.passes(1000);
    expect(talk.sends().length).toBe(1);
  });
  test("a peer that vanished is given up", () => {
    const talk = openedByPeer({
      limits: { keepaliveSeconds: 60, keepaliveIntervalSeconds: 5, keepaliveProbes: 3 },
    });
    talk.passes(76_000);
    expect(talk.sends().map((sent) => sent.flags)).toEqual(["A", "A", "A", "RA"]);
    expect(talk.events).toEqual(["closed timeout"]);
  });
});
