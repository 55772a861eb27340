/** SYN cookies: what they say, to whom, and for how long. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Arrival } from "../../testing/conversation-peer.ts";
import type { Conversation } from "../../testing/conversation.ts";
import { makeConversation } from "../../testing/conversation.ts";
import { makeSegmentOptions } from "./options.ts";
import { COOKIE_SECONDS, SynCookies, readAgreed, writeAgreed } from "./syn-cookie.ts";

const HERTZ = 1000;
const word = fc.integer({ min: 0, max: 0xffff_ffff });
const port = fc.integer({ min: 1, max: 65_535 });
const tuple = fc.record({ localAddress: word, remoteAddress: word, localPort: port, remotePort: port });

describe("a cookie", () => {
  const make = (): SynCookies => new SynCookies(HERTZ, new Uint8Array(32).fill(7));
  test("says a segment size no larger than the peer's, and says it to him who has it alone", () => {
    fc.assert(
      fc.property(tuple, word, fc.integer({ min: 88, max: 9000 }), (name, sequence, size) => {
        const cookies = make();
        const cookie = cookies.make(name, sequence, size, 5000);
        const said = cookies.check(name, sequence, cookie, 5100);
        expect(said).toBeGreaterThanOrEqual(88);
        expect(said).toBeLessThanOrEqual(size);
        expect(cookies.check(name, sequence + 1, cookie, 5100)).toBe(0);
        expect(cookies.check(name, sequence, (cookie ^ 0x100) >>> 0, 5100)).toBe(0);
        const other = { ...name, remotePort: name.remotePort ^ 1 };
        expect(cookies.check(other, sequence, cookie, 5100)).toBe(0);
      }),
    );
  });
  test("is good for one period at least and two at most, and nothing is believed when none was sent lately", () => {
    const name = { localAddress: 1, remoteAddress: 2, localPort: 80, remotePort: 4000 };
    const cookies = make();
    const period = COOKIE_SECONDS * HERTZ;
    const cookie = cookies.make(name, 9, 1460, period - 1);
    const later = (now: number): number => {
      cookies.make(name, 10, 1460, now);
      return cookies.check(name, 9, cookie, now);
    };
    expect([later(period), later(2 * period - 1), later(2 * period)]).toEqual([1460, 1460, 0]);
    const other = make();
    const last = other.make(name, 9, 1460, 10 * period);
    expect(other.check(name, 9, last, 12 * period + 1)).toBe(0);
    expect(make().check(name, 9, last, 10 * period)).toBe(0);
  });
  test("has company in a timestamp, which is no later than it would be and says what was agreed on", () => {
    fc.assert(
      fc.property(word, fc.integer({ min: -1, max: 14 }), fc.boolean(), (time, windowScale, permits) => {
        const offered = { ...makeSegmentOptions(), windowScale, isSelectivePermitted: permits };
        const written = writeAgreed(time, offered);
        expect((time - written) >>> 0).toBeLessThan(64);
        const read = makeSegmentOptions();
        readAgreed(read, written);
        expect([read.windowScale, read.isSelectivePermitted]).toEqual([windowScale, permits]);
      }),
    );
  });
});

describe("a listener with no room for one more half-open connection", () => {
  const BACKLOG = 4;
  const crowded = (connections = 64): Conversation => {
    const talk = makeConversation({ bufferBytes: 262_144, limits: { connections } });
    talk.listen(BACKLOG);
    for (let i = 0; i < BACKLOG; i++) talk.arrives({ flags: "S", seq: 0, remotePort: 100 + i });
    talk.sends();
    return talk;
  };
  const knock = (talk: Conversation, syn: Arrival = {}): ReturnType<Conversation["sends"]>[number] => {
    talk.arrives({ flags: "S", seq: 0, remotePort: 7, mss: 1460, ...syn });
    const [answer] = talk.sends();
    if (answer === undefined) throw new Error("no answer");
    return answer;
  };

  test("keeps nothing of the next SYN, and opens with its ACK, text and all", () => {
    const talk = crowded();
    expect(knock(talk)).toMatchObject({
      flags: "SA",
      ack: 1,
      scale: -1,
      permitsBlocks: false,
      window: 65_535,
    });
    expect([talk.tcp.use.connections(), talk.tcp.use.halfOpen()]).toEqual([BACKLOG, BACKLOG]);
    talk.arrives({ flags: "PA", seq: 1, ack: 1, remotePort: 7, payload: "hello" });
    expect(talk.events).toEqual(["opened", "received hello"]);
    talk.say("x".repeat(2000));
    expect(talk.sends().map(({ seq, ack, payload }) => [seq, ack, payload.length])).toEqual([
      [1, 6, 1460],
      [1461, 6, 540],
    ]);
    expect(talk.tcp.counters).toMatchObject({ cookiesSent: 1, cookiesAccepted: 1, synIgnored: 0 });
    expect(talk.tcp.use.halfOpen()).toBe(BACKLOG);
  });
  test("agrees on scaling and selective acknowledgments with a peer that has timestamps", () => {
    const talk = crowded();
    const answer = knock(talk, { scale: 4, permitsBlocks: true, times: [5000, 0] });
    expect(answer).toMatchObject({ flags: "SA", scale: 3, permitsBlocks: true });
    const [ours, echo] = answer.times ?? [0, 0];
    expect(echo).toBe(5000);
    talk.arrives({ seq: 1, ack: 1, remotePort: 7, times: [5001, ours], window: 100 });
    expect(talk.events).toEqual(["opened"]);
    talk.say("x".repeat(3000));
    const sent = talk.sends();
    expect(sent.map(({ payload }) => payload.length)).toEqual([1448]);
    expect(((sent[0]?.times?.[0] ?? 0) - ours) | 0).toBeGreaterThanOrEqual(0);
    expect(talk.tcp.counters).toMatchObject({ withTimestamps: 1, withSelective: 1 });
  });
  test("resets whoever brings a number that was never a cookie, or one that is too old", () => {
    const talk = crowded();
    knock(talk);
    talk.arrives({ seq: 1, ack: 2, remotePort: 7 });
    talk.arrives({ seq: 2, ack: 1, remotePort: 7 });
    expect(talk.sends().map(({ flags }) => flags)).toEqual(["R", "R"]);
    talk.passes(3 * COOKIE_SECONDS * 1000);
    talk.sends();
    talk.arrives({ seq: 1, ack: 1, remotePort: 7 });
    expect(talk.sends().map(({ flags }) => flags)).toEqual(["R"]);
    expect(talk.events).toEqual([]);
  });
  test("lets an honest peer in through any flood, with as few connections as before", () => {
    const talk = crowded();
    for (let i = 0; i < 5000; i++) talk.arrives({ flags: "S", seq: i, remotePort: 1000 + i });
    talk.sends();
    knock(talk);
    for (let i = 0; i < 5000; i++) talk.arrives({ flags: "S", seq: i, remotePort: 1000 + i });
    talk.sends();
    talk.arrives({ seq: 1, ack: 1, remotePort: 7 });
    expect(talk.events).toEqual(["opened"]);
    expect(talk.tcp.use.connections()).toBe(BACKLOG + 1);
  });
  test("knows the cookie of a SYN that came twice, although there was room for the second", () => {
    const talk = crowded();
    const syn: Arrival = { scale: 4, permitsBlocks: true, times: [5000, 0] };
    const times = [5001, knock(talk, syn).times?.[0] ?? 0] as const;
    const cookie = talk.localInitial;
    talk.arrives({ flags: "R", seq: 1, remotePort: 100 });
    knock(talk, syn);
    expect(talk.tcp.use.connections()).toBe(BACKLOG);
    const number = cookie - talk.localInitial + 1;
    talk.arrives({ seq: 1, ack: number + 1, remotePort: 7, times });
    expect(talk.sends()).toMatchObject([{ flags: "R", remotePort: 7 }]);
    talk.arrives({ flags: "PA", seq: 1, ack: number, remotePort: 7, times, payload: "hello" });
    expect(talk.events).toEqual(["opened", "received hello"]);
    talk.say("x".repeat(2000));
    expect(talk.sends()).toMatchObject([{ ack: 6 }, { ack: 6 }]);
    talk.passes(5000);
    expect(talk.tcp.counters).toMatchObject({ cookiesAccepted: 1, established: 1, withSelective: 1 });
    expect(talk.tcp.use.halfOpen()).toBe(BACKLOG - 1);
  });
  test("with every connection in use, resets the ACK: there is room for nobody", () => {
    const talk = crowded(BACKLOG);
    knock(talk);
    talk.arrives({ seq: 1, ack: 1, remotePort: 7 });
    expect(talk.sends()).toMatchObject([{ flags: "R", remotePort: 7 }]);
    expect(talk.events).toEqual([]);
  });
});
