/** Timestamps (RFC 7323): what is agreed on, what is echoed, what is too old, what is measured. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Arrival, Sent, Setting } from "../../testing/conversation-peer.ts";
import type { Conversation } from "../../testing/conversation.ts";
import { makeConversation, openedByPeer } from "../../testing/conversation.ts";

const DAY = 86_400_000;

/** A connection whose peer's clock stood at `clock` in the handshake. */
function open(setting: Setting = {}, clock = 1000, syn: Arrival = {}): Conversation {
  const talk = makeConversation(setting);
  talk.listen();
  talk.arrives({ flags: "S", seq: 0, mss: 112, times: [clock, 0], ...syn });
  talk.sends();
  talk.arrives({ seq: 1, ack: 1, times: [clock, 0] });
  talk.sends();
  talk.events.length = 0;
  return talk;
}

const echoOf = (sent: readonly Sent[]): number | undefined => sent.at(-1)?.times?.[1];
/** What an acknowledgment at once says. */
function echoAfter(talk: Conversation, ...arrivals: Arrival[]): number | undefined {
  for (const arrival of arrivals) talk.arrives(arrival);
  talk.passes(50);
  return echoOf(talk.sends());
}

describe("what is agreed on", () => {
  test("a SYN with timestamps is answered with them, one without is not", () => {
    const talk = makeConversation();
    talk.listen();
    talk.arrives({ flags: "S", seq: 0, mss: 100, times: [77, 0] });
    expect(talk.sends()[0]?.times?.[1]).toBe(77);
    const plain = openedByPeer();
    plain.say("abc");
    expect(plain.sends()).toMatchObject([{ times: undefined, payload: "abc" }]);
  });
  test("our own SYN offers them, unless they are switched off; then a peer's are not answered", () => {
    const on = makeConversation();
    on.connect();
    expect(on.sends()[0]?.times?.[1]).toBe(0);
    on.arrives({ flags: "SA", seq: 0, ack: 1, mss: 112, times: [500, on.localInitial] });
    expect(echoOf(on.sends())).toBe(500);
    const off = makeConversation({ limits: { timestamps: false } });
    off.connect();
    expect(off.sends()).toMatchObject([{ flags: "S", times: undefined }]);
    const taken = makeConversation({ limits: { timestamps: false } });
    taken.listen();
    taken.arrives({ flags: "S", seq: 0, times: [77, 0] });
    expect(taken.sends()).toMatchObject([{ flags: "SA", times: undefined }]);
  });
  test("a peer that does not answer them gets none", () => {
    const talk = makeConversation();
    talk.connect();
    talk.sends();
    talk.arrives({ flags: "SA", seq: 0, ack: 1, mss: 100 });
    talk.say("x".repeat(150));
    expect(talk.sends()).toMatchObject([
      { times: undefined, payload: "x".repeat(100) },
      { times: undefined, payload: "x".repeat(50) },
    ]);
  });
  test("their twelve bytes come off the segments, ours and the peer's", () => {
    const talk = open();
    talk.say("x".repeat(150));
    expect(talk.sends().map((one) => one.payload.length)).toEqual([100, 50]);
    const tiny = open({}, 1000, { mss: 1 });
    tiny.say("x".repeat(100));
    expect(tiny.sends().map((one) => one.payload.length)).toEqual([76, 24]);
  });
  test("every segment has them, resets too", () => {
    const talk = open();
    talk.say("abc");
    talk.connection.finish();
    talk.arrives({ seq: 1, ack: 1, payload: "abc", times: [1001, 0] });
    talk.passes(300);
    talk.connection.abort();
    const sent = talk.sends();
    expect(sent.map((one) => one.flags)).toContain("RA");
    expect(sent.every((one) => one.times !== undefined)).toBe(true);
  });
});

describe("our clock", () => {
  test("ticks in milliseconds, from another place for every connection", () => {
    const talk = makeConversation();
    talk.listen();
    const starts = [1, 2, 3].map((remotePort) => {
      talk.arrives({ flags: "S", seq: 0, times: [1, 0], remotePort });
      return talk.sends()[0]?.times?.[0] ?? 0;
    });
    expect(new Set(starts).size).toBe(3);
    const one = open();
    one.say("abc");
    const before = one.sends()[0]?.times?.[0] ?? 0;
    one.arrives({ seq: 1, ack: 4, times: [1001, before] });
    one.passes(700);
    one.say("def");
    expect(one.sends()[0]?.times?.[0]).toBe((before + 700) | 0);
  });
  test("goes on from where it was when a connection is opened again", () => {
    const talk = makeConversation();
    talk.listen();
    const syn = (): number => {
      talk.arrives({ flags: "S", seq: 0, times: [1, 0] });
      return talk.sends()[0]?.times?.[0] ?? 0;
    };
    const before = syn();
    talk.arrives({ flags: "R", seq: 1 });
    talk.sends();
    talk.passes(5000);
    expect(syn()).toBe((before + 5000) | 0);
  });
});

describe("the echo", () => {
  test("is of the segment that the acknowledgment is for: the first of two that are acknowledged together", () => {
    const talk = open();
    expect(
      echoAfter(talk, { seq: 1, payload: "a", times: [2000, 0] }, { seq: 2, payload: "b", times: [2010, 0] }),
    ).toBe(2000);
    expect(echoAfter(talk, { seq: 3, payload: "c", times: [2020, 0] })).toBe(2020);
  });
  test("is not of a segment after a gap, and of the one that fills it", () => {
    const talk = open();
    expect(echoAfter(talk, { seq: 11, payload: "late", times: [2000, 0] })).toBe(1000);
    expect(echoAfter(talk, { seq: 1, payload: "0123456789", times: [2100, 0] })).toBe(2100);
  });
  test("is of the SYN that came again, when one did", () => {
    const talk = makeConversation();
    talk.listen();
    talk.arrives({ flags: "S", seq: 0, times: [1000, 0] });
    expect(echoOf(talk.sends())).toBe(1000);
    talk.arrives({ flags: "S", seq: 0, times: [2000, 0] });
    expect(echoOf(talk.sends())).toBe(2000);
  });
  test("is of nothing when the SYN that came again offers no timestamps", () => {
    const talk = makeConversation();
    talk.listen();
    talk.arrives({ flags: "S", seq: 0, times: [1000, 0] });
    talk.sends();
    talk.arrives({ flags: "S", seq: 0, mss: 100 });
    expect(talk.sends()).toMatchObject([{ flags: "SA", times: undefined }]);
    talk.arrives({ seq: 1, ack: 1, payload: "abc" });
    expect(talk.events).toEqual(["opened", "received abc"]);
  });
  test("is not of a segment outside the window", () => {
    const talk = open();
    expect(echoAfter(talk, { seq: 100_000, payload: "far", times: [3000, 0] })).toBe(1000);
  });
});

describe("protection against old segments", () => {
  test("a segment from before the last one is answered and dropped, though its numbers are right", () => {
    const talk = open();
    talk.arrives({ seq: 1, payload: "abc", times: [999, 0] });
    expect(talk.events).toEqual([]);
    expect(talk.sends()).toMatchObject([{ flags: "A", ack: 1 }]);
    expect(talk.tcp.counters.timestampsOld).toBe(1);
    talk.arrives({ seq: 1, payload: "abc", times: [1000, 0] });
    expect(talk.events).toEqual(["received abc"]);
  });
  test("old segments without text are answered now and then only", () => {
    const talk = open();
    for (let i = 0; i < 50; i++) talk.arrives({ seq: 1, ack: 1, times: [5, 0] });
    expect(talk.sends().length).toBe(1);
    expect(talk.tcp.counters).toMatchObject({ timestampsOld: 50, rateLimited: 49 });
  });
  test("a reset counts whatever its timestamp, and without one", () => {
    for (const times of [[5, 0] as const, undefined]) {
      const talk = open();
      talk.arrives({ flags: "R", seq: 1, ...(times === undefined ? {} : { times }) });
      expect(talk.events).toEqual(["closed reset"]);
    }
  });
  test("a segment that lacks them is dropped in silence, and the connection lives", () => {
    const talk = open();
    talk.arrives({ seq: 1, payload: "abc" });
    expect(talk.sends()).toEqual([]);
    expect(talk.events).toEqual([]);
    expect(talk.tcp.counters.timestampsMissing).toBe(1);
    talk.arrives({ seq: 1, payload: "abc", times: [1001, 0] });
    expect(talk.events).toEqual(["received abc"]);
  });
  test("the peer's clock may wrap", () => {
    const talk = open({}, 0xffff_ffff);
    talk.arrives({ seq: 1, payload: "a", times: [0, 0] });
    talk.arrives({ seq: 2, payload: "b", times: [5, 0] });
    talk.passes(50);
    talk.arrives({ seq: 3, payload: "c", times: [0xffff_fffe, 0] });
    expect(talk.events).toEqual(["received a", "received b"]);
  });
  test("a timestamp that was renewed 24 days ago rejects nothing any more", () => {
    for (const [days, isTaken] of [
      [23, false],
      [25, true],
    ] as const) {
      const talk = open();
      talk.passes(days * DAY);
      talk.arrives({ seq: 1, payload: "abc", times: [5, 0] });
      expect(talk.events.length === 1).toBe(isTaken);
      if (!isTaken) continue;
      talk.arrives({ seq: 4, payload: "def", times: [4, 0] });
      expect(talk.events.length).toBe(1);
    }
  });
  test("any order of old and new segments: what is taken is what a list of the rules takes", () => {
    const segment = fc.record({
      tick: fc.integer({ min: -20, max: 20 }),
      bytes: fc.integer({ min: 1, max: 9 }),
    });
    fc.assert(
      fc.property(
        fc.array(segment, { maxLength: 20 }),
        fc.constantFrom(0, 1000, 0x7fff_fff8),
        (all, clock) => {
          const talk = open({}, clock);
          let recent = 0;
          let next = 1;
          for (const { tick, bytes } of all) {
            talk.arrives({ seq: next, payload: "x".repeat(bytes), times: [(clock + tick) >>> 0, 0] });
            if (tick >= recent) {
              next += bytes;
              recent = tick;
            }
            // The echo follows what was acknowledged, so each one is acknowledged before the next.
            talk.passes(50);
            expect(talk.sends().at(-1)?.ack).toBe(next);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe("round trips", () => {
  test("an echo ends the backing off after a retransmission, where Karn's rule has nothing to say", () => {
    const resends = (withTimes: boolean): number => {
      const talk = withTimes ? open() : openedByPeer();
      talk.say("abc");
      const [first] = talk.sends();
      talk.passes(650);
      const echoed = talk.sends().at(-1)?.times?.[0] ?? first?.times?.[0] ?? 0;
      talk.passes(20);
      talk.arrives({ seq: 1, ack: 4, ...(withTimes ? { times: [1001, echoed] as const } : {}) });
      talk.say("def");
      talk.sends();
      const before = talk.tcp.counters.retransmissions;
      talk.passes(300);
      return talk.tcp.counters.retransmissions - before;
    };
    expect([resends(false), resends(true)]).toEqual([0, 1]);
  });
  test("an echo of what was never sent is ignored", () => {
    for (const lie of [123_456, -600_000_000, -50_000]) {
      const talk = open();
      talk.say("abc");
      talk.passes(250);
      const sent = talk.sends().at(-1)?.times?.[0] ?? 0;
      talk.arrives({ seq: 1, ack: 4, times: [1001, (sent + lie) >>> 0] });
      expect(talk.tcp.counters.echoesMeasured).toBe(0);
    }
  });
});

describe("TIME-WAIT", () => {
  /** Ended by us; the peer's last timestamp is 3000, its FIN 1. */
  const ended = (): Conversation => {
    const talk = open();
    talk.connection.finish();
    talk.sends();
    talk.arrives({ flags: "FA", seq: 1, ack: 2, times: [3000, 0] });
    talk.sends();
    expect(talk.tcp.use.timeWaits()).toBe(1);
    return talk;
  };
  test("its ACKs have timestamps", () => {
    const talk = ended();
    talk.arrives({ flags: "FA", seq: 1, ack: 2, times: [3000, 0] });
    expect(talk.sends()).toMatchObject([{ flags: "A", ack: 2, times: [expect.any(Number), 3000] }]);
  });
  test("a SYN with a later timestamp opens it again, whatever its number (RFC 6191)", () => {
    const talk = ended();
    talk.arrives({ flags: "S", seq: -5000, times: [3001, 0] });
    expect(talk.sends()).toMatchObject([{ flags: "SA", ack: -4999 }]);
    expect(talk.tcp.counters.timeWaitReopened).toBe(1);
  });
  test("one with an earlier timestamp does not, though its number is later", () => {
    const talk = ended();
    talk.arrives({ flags: "S", seq: 5000, times: [2999, 0] });
    expect(talk.sends()).toMatchObject([{ flags: "A", ack: 2 }]);
    talk.arrives({ flags: "S", seq: -10, times: [3000, 0] });
    expect(talk.sends()).toMatchObject([{ flags: "A", ack: 2 }]);
    talk.arrives({ flags: "S", seq: 5000, times: [3000, 0] });
    expect(talk.sends()).toMatchObject([{ flags: "SA", ack: 5001 }]);
  });
});
