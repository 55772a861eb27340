/** Attacks on a connection: blind ones by somebody who sees nothing, and those of a peer that lies. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Arrival, Sent, Setting } from "../../testing/conversation-peer.ts";
import type { Conversation } from "../../testing/conversation.ts";
import { openedByPeer } from "../../testing/conversation.ts";
import { KeyedRateLimit } from "./keyed-rate-limit.ts";

const WINDOW = 4096;
const bytesOf = (sent: readonly Sent[]): number => sent.reduce((sum, one) => sum + one.payload.length, 0);

describe("somebody who guesses numbers", () => {
  const number = fc.oneof(
    fc.integer({ min: 2, max: WINDOW }),
    fc.integer({ min: -70_000, max: 70_000 }),
    fc.integer(),
  );
  test("resets nothing but by the exact number, and draws one answer every half second at most", () => {
    fc.assert(
      fc.property(fc.array(number, { maxLength: 60 }), (guesses) => {
        const talk = openedByPeer();
        for (const seq of guesses) if (seq !== 1) talk.arrives({ flags: "R", seq });
        expect(talk.tcp.use.connections()).toBe(1);
        const inWindow = guesses.filter((seq) => seq !== 1 && seq > 1 && seq < 1 + WINDOW).length;
        expect(talk.sends().length).toBe(Math.min(inWindow, 1));
      }),
      { numRuns: 200 },
    );
  });
  test("opens nothing anew by SYN, and draws one answer", () => {
    fc.assert(
      fc.property(fc.array(number, { minLength: 1, maxLength: 60 }), (guesses) => {
        const talk = openedByPeer();
        for (const seq of guesses) talk.arrives({ flags: "S", seq });
        expect(talk.sends()).toMatchObject([{ flags: "A", ack: 1 }]);
        expect(talk.tcp.use.connections()).toBe(1);
      }),
      { numRuns: 100 },
    );
  });
  test("puts no text in without an acknowledgment number that is right too", () => {
    const talk = openedByPeer({}, { window: 1000 });
    talk.say("x".repeat(400));
    talk.sends();
    for (const ack of [402, 5000, 2 ** 30, -1001, -50_000, -(2 ** 30)])
      talk.arrives({ seq: 1, ack, payload: "evil", window: 1000 });
    expect(talk.events).toEqual([]);
    expect(talk.sends().length).toBe(1);
    expect(talk.tcp.counters).toMatchObject({ challenges: 1, rateLimited: 5 });
  });
  test("needs the timestamp as well, when there are timestamps", () => {
    const talk = openedByPeer({}, { times: [1_000_000, 0] });
    talk.arrives({ seq: 1, ack: 1, times: [1_000_000, 0] });
    for (const times of [[999_999, 0] as const, [5, 0] as const, undefined])
      talk.arrives({ seq: 1, payload: "evil", ...(times === undefined ? {} : { times }) });
    expect(talk.events.filter((event) => event.includes("evil"))).toEqual([]);
  });
  test("learns nothing from a connection of his own: what he draws from it does not depend on what he did to another", () => {
    const answers = (spoofed: number): number => {
      const talk = openedByPeer();
      talk.arrives({ flags: "S", seq: 0, remotePort: 4000 });
      talk.sends();
      talk.arrives({ seq: 1, ack: 1, remotePort: 4000 });
      talk.sends();
      for (let i = 0; i < spoofed; i++) talk.arrives({ flags: "R", seq: 2 + i });
      talk.sends();
      for (let i = 0; i < 200; i++) talk.arrives({ flags: "R", seq: 2 + i, remotePort: 4000 });
      return talk.sends().filter((sent) => sent.remotePort === 4000).length;
    };
    expect([answers(0), answers(1), answers(1000)]).toEqual([1, 1, 1]);
  });
  test("nor from resets: peers fall into buckets by a secret", () => {
    const isShared = (secret: number, other: number): boolean => {
      const limit = new KeyedRateLimit(1000, 10, 64, secret);
      for (let i = 0; i < 10; i++) expect(limit.take(0x0a00_0001, 0)).toBe(true);
      expect(limit.take(0x0a00_0001, 0)).toBe(false);
      return !limit.take(other, 0);
    };
    const others = Array.from({ length: 1000 }, (_, i) => 0xc000_0200 + i);
    const shared = others.filter((other) => isShared(0x1234_5678, other));
    expect(shared.length).toBeLessThan(60);
    expect(others.filter((other) => isShared(0x0fed_cba9, other))).not.toEqual(shared);
  });
});

describe("a peer that sends out of order", () => {
  test("fills one buffer and so many runs, whatever it sends; the rest is dropped, and all of it comes in the end", () => {
    const talk = openedByPeer({ bufferBytes: WINDOW, buffers: 1 }, { permitsBlocks: true });
    for (let seq = 3; seq < WINDOW; seq += 2) talk.arrives({ seq, payload: "o" });
    expect(talk.tcp.counters).toMatchObject({ outOfOrder: 2047, receiveDropped: 2047 - 16 });
    expect(talk.freeBuffers).toBe(0);
    expect(talk.sends().every((one) => one.blocks.length <= 4)).toBe(true);
    let taken = 0;
    talk.takes = (length) => {
      taken += length;
      return length;
    };
    for (let seq = 1; seq < WINDOW; seq += 100)
      talk.arrives({ seq, payload: "x".repeat(Math.min(100, WINDOW + 1 - seq)) });
    expect(taken).toBe(WINDOW);
    expect(talk.freeBuffers).toBe(1);
  });
});

describe("a peer that reports what it likes", () => {
  const open = (setting: Setting = {}): Conversation => {
    const limits = { initialWindowSegments: 20, ...setting.limits };
    const talk = openedByPeer({ ...setting, limits }, { permitsBlocks: true, window: 60_000 });
    talk.say("x".repeat(50_000));
    expect(bytesOf(talk.sends()) + bytesOf(talk.sends())).toBe(2000);
    return talk;
  };
  test("of bytes that were never sent, of none, of acknowledged ones, or backwards: nothing follows", () => {
    const talk = open();
    const wrong: [number, number][] = [
      [2001, 2002],
      [101, 2002],
      [101, 101],
      [301, 201],
      [-500, -400],
      [2 ** 31, 2 ** 31 + 5],
      [101, -(2 ** 31)],
    ];
    for (const block of wrong) talk.arrives({ ack: 1, window: 60_000, blocks: [block] });
    expect(talk.sends()).toEqual([]);
    expect(talk.tcp.counters).toMatchObject({ fastRetransmissions: 0, blocksRefused: 6 });
  });
  test("as thousands of holes of a byte: the scoreboard stays as it is long, and little is sent for it", () => {
    const talk = open();
    let packets = 0;
    let bytes = 0;
    for (let at = 102; at < 2000; at += 8) {
      const blocks = [0, 2, 4, 6].map((step): [number, number] => [at + step, at + step + 1]);
      talk.arrives({ ack: 1, window: 60_000, blocks });
      const sent = talk.sends();
      packets += sent.length;
      bytes += bytesOf(sent);
    }
    expect(talk.tcp.counters.blocksDropped).toBeGreaterThan(800);
    // 238 lies draw no more than one segment a run, and what half a window lets out.
    expect(packets).toBeLessThan(32 + 30);
    expect(bytes).toBeLessThan(2000 + 1000);
    talk.arrives({ ack: 2001, window: 60_000 });
    expect(talk.sends()[0]?.seq).toBeGreaterThanOrEqual(2001);
  });
  test("in any way at all: every byte is still sent, and none beyond the peer's window", () => {
    const lie = fc.record({
      ack: fc.integer({ min: 0, max: 400 }),
      blocks: fc.array(
        fc
          .tuple(fc.integer({ min: -200, max: 2400 }), fc.integer({ min: -10, max: 600 }))
          .map(([start, length]): [number, number] => [start, start + length]),
        { maxLength: 4 },
      ),
      wait: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(lie, { maxLength: 40 }), (lies) => {
        const talk = openedByPeer({}, { permitsBlocks: true, window: 2000 });
        talk.say("x".repeat(1500), 7);
        talk.connection.finish();
        const seen = new Set<number>();
        let acknowledged = 1;
        const hear = (): void => {
          for (const { seq, payload } of talk.sends()) {
            expect(seq + payload.length).toBeLessThanOrEqual(acknowledged + 2000);
            for (let i = 0; i < payload.length; i++) seen.add(seq + i);
          }
        };
        hear();
        for (const { ack, blocks, wait } of lies) {
          // It acknowledges in order what it was sent, and lies about the rest.
          let reach = acknowledged;
          while (reach < acknowledged + ack && seen.has(reach)) reach += 1;
          acknowledged = reach;
          talk.arrives({ ack: acknowledged, blocks, window: 2000 });
          if (wait) talk.passes(5000);
          hear();
        }
        for (let rounds = 0; rounds < 100 && talk.tcp.use.timers() > 0; rounds++) {
          while (seen.has(acknowledged)) acknowledged += 1;
          talk.arrives({ ack: acknowledged === 1501 ? 1502 : acknowledged, window: 2000 });
          talk.passes(60_000);
          hear();
        }
        expect(seen.size).toBe(1500);
        expect(talk.released).toEqual([7]);
      }),
      { numRuns: 300 },
    );
  });
});

describe("a peer that wants more than its share", () => {
  /** Segments let out after `acks` that together acknowledge four segments of 100 bytes. */
  const letOut = (acks: readonly number[]): number => {
    const talk = openedByPeer();
    talk.say("x".repeat(5000));
    talk.sends();
    let bytes = 0;
    for (const ack of acks) {
      talk.arrives({ ack });
      bytes += bytesOf(talk.sends());
    }
    return bytes;
  };
  test("gains nothing by acknowledging every byte by itself (RFC 3465)", () => {
    const split = Array.from({ length: 400 }, (_, i) => 2 + i);
    expect(letOut(split)).toBeLessThanOrEqual(letOut([101, 201, 301, 401]));
  });
  test("gains nothing by acknowledging what was never sent", () => {
    expect(letOut([402, 5001, 2 ** 30])).toBe(0);
  });
});

describe("a peer that holds its window closed", () => {
  const held = (limits: Setting["limits"]): Conversation => {
    const talk = openedByPeer(limits === undefined ? {} : { limits }, { window: 0 });
    talk.say("abc", 1);
    for (let second = 0; second < 900; second++) {
      talk.passes(1000);
      for (const sent of talk.sends()) if (sent.flags === "A") talk.arrives({ ack: 1, window: 0 });
    }
    return talk;
  };
  test("is waited for, unless there is a limit; then it is reset and its pieces are released", () => {
    expect(held(undefined).tcp.use.connections()).toBe(1);
    const talk = held({ closedWindowSeconds: 300 });
    expect(talk.events).toEqual(["closed timeout"]);
    expect(talk.released).toEqual([1]);
    expect(talk.tcp.use.connections()).toBe(0);
  });
});

test("options cut off, doubled, or of any length leave the segment as good as it was without them", () => {
  const bytes = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 40 });
  const known = fc.constantFrom(
    [5, 10],
    [5, 2],
    [5, 34],
    [8, 10],
    [8, 2],
    [4, 2],
    [4, 3],
    [1],
    [0],
    [2, 4],
    [3, 3],
  );
  const hostile = fc
    .array(fc.oneof(known, bytes), { maxLength: 6 })
    .map((parts) => parts.flat().slice(0, 40));
  fc.assert(
    fc.property(fc.array(hostile, { maxLength: 20 }), (all) => {
      const talk = openedByPeer({}, { permitsBlocks: true });
      let text = 0;
      for (const options of all) {
        const arrival: Arrival = { seq: 1 + text, payload: "x", options };
        talk.arrives(arrival);
        text += 1;
      }
      expect(talk.events.length).toBe(text);
    }),
    { numRuns: 300 },
  );
});
