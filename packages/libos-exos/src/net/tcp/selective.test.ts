/** Selective acknowledgments: what a receiver reports, and how a sender recovers by reports (RFC 2018, 2883, 6675). */
import { describe, expect, test } from "vitest";
import type { Arrival, Sent, Setting } from "../../testing/conversation-peer.ts";
import type { Conversation } from "../../testing/conversation.ts";
import { makeConversation, openedByPeer } from "../../testing/conversation.ts";

const open = (setting: Setting = {}): Conversation => openedByPeer(setting, { permitsBlocks: true });

/** Segments of 100 bytes with numbers from 1: segment `n` begins at `1 + 100 * n`. */
const at = (segment: number): number => 1 + 100 * segment;
const spans = (sent: readonly Sent[]): [number, number][] => sent.map((one) => [one.seq, one.payload.length]);

describe("what is agreed on", () => {
  test("a SYN is answered with what it offers", () => {
    for (const permitsBlocks of [true, false]) {
      const talk = makeConversation();
      talk.listen();
      talk.arrives({ flags: "S", seq: 0, mss: 100, permitsBlocks });
      expect(talk.sends()).toMatchObject([{ flags: "SA", permitsBlocks, mss: 1460 }]);
      talk.arrives({ seq: 1, ack: 1 });
      expect(talk.tcp.counters.withSelective).toBe(permitsBlocks ? 1 : 0);
    }
  });
  test("our own SYN offers it, unless it is switched off; then a peer's offer is not taken either", () => {
    const on = makeConversation();
    on.connect();
    expect(on.sends()).toMatchObject([{ flags: "S", permitsBlocks: true }]);
    const limits = { selectiveAcknowledgments: false };
    const off = makeConversation({ limits });
    off.connect();
    expect(off.sends()).toMatchObject([{ flags: "S", permitsBlocks: false }]);
    const talk = open({ limits });
    talk.arrives({ seq: 101, payload: "late" });
    expect(talk.sends()).toMatchObject([{ ack: 1, blocks: [] }]);
  });
  test("all options of a SYN together are 20 bytes, and are read back as they were written", () => {
    const talk = makeConversation({ bufferBytes: 262_144 });
    talk.connect();
    const [syn] = talk.sends();
    expect(syn).toMatchObject({ mss: 1460, scale: 3, permitsBlocks: true });
    expect(syn?.times?.[1]).toBe(0);
  });
});

describe("reports", () => {
  test("the run that grew last comes first, the others in the order in which they grew", () => {
    const talk = open();
    const report = (segment: number): Sent["blocks"] => {
      talk.arrives({ seq: at(segment), payload: "x".repeat(100) });
      return talk.sends()[0]?.blocks ?? [];
    };
    const run = (first: number, after: number): [number, number] => [at(first), at(after)];
    expect(report(2)).toEqual([run(2, 3)]);
    expect(report(6)).toEqual([run(6, 7), run(2, 3)]);
    expect(report(4)).toEqual([run(4, 5), run(6, 7), run(2, 3)]);
    expect(report(3)).toEqual([run(2, 5), run(6, 7)]);
    expect(report(8)).toEqual([run(8, 9), run(2, 5), run(6, 7)]);
    expect(report(10)).toEqual([run(10, 11), run(8, 9), run(2, 5), run(6, 7)]);
    expect(report(12)).toEqual([run(12, 13), run(10, 11), run(8, 9), run(2, 5)]);
    talk.arrives({ seq: at(0), payload: "x".repeat(200) });
    expect(talk.sends()).toMatchObject([
      { ack: at(5), blocks: [run(12, 13), run(10, 11), run(8, 9), run(6, 7)] },
    ]);
  });
  test("with timestamps there is room for three runs", () => {
    const talk = openedByPeerWithTimes();
    for (const [turn, segment] of [2, 4, 6, 8].entries())
      talk.arrives({ seq: at(segment), payload: "x".repeat(100), times: [10 + turn, 0] });
    const last = talk.sends().at(-1);
    expect(last?.blocks.map(([start]) => start)).toEqual([at(8), at(6), at(4)]);
  });
  test("they ride on text too, which is so much shorter, and no packet is longer than the link takes", () => {
    const talk = open({ mtu: 140 });
    talk.arrives({ seq: at(2), payload: "x".repeat(50) });
    talk.arrives({ seq: at(4), payload: "x".repeat(50) });
    talk.sends();
    talk.say("y".repeat(200));
    const [first, ...rest] = talk.sends();
    expect(first?.blocks.length).toBe(2);
    expect(first?.payload.length).toBe(100 - 20);
    expect([first, ...rest].map((one) => one?.payload).join("")).toBe("y".repeat(200));
  });
  test("bytes that come a second time are reported once, first of all (RFC 2883)", () => {
    const talk = open();
    const duplicate = (arrival: Arrival): Sent["blocks"] => {
      talk.arrives({ payload: "x".repeat(100), ...arrival });
      return talk.sends()[0]?.blocks ?? [];
    };
    talk.arrives({ seq: 1, payload: "x".repeat(100) });
    talk.passes(50);
    talk.sends();
    expect(duplicate({ seq: 1 })).toEqual([[1, 101]]);
    expect(duplicate({ seq: at(3) })).toEqual([[at(3), at(4)]]);
    expect(duplicate({ seq: at(3) })).toEqual([
      [at(3), at(4)],
      [at(3), at(4)],
    ]);
    expect(duplicate({ seq: at(3) + 50 })).toEqual([
      [at(3) + 50, at(4)],
      [at(3), at(4) + 50],
    ]);
    expect(duplicate({ seq: 51 })).toEqual([
      [51, 101],
      [at(3), at(4) + 50],
    ]);
    expect(talk.tcp.counters.duplicatesReported).toBe(4);
  });
  test("duplicates are not reported when that is switched off", () => {
    const talk = open({ limits: { duplicateReports: false } });
    talk.arrives({ seq: 1, payload: "x".repeat(100) });
    talk.passes(50);
    talk.sends();
    talk.arrives({ seq: 1, payload: "x".repeat(100) });
    expect(talk.sends()).toMatchObject([{ ack: 101, blocks: [] }]);
  });
});

function openedByPeerWithTimes(): Conversation {
  const talk = makeConversation();
  talk.listen();
  talk.arrives({ flags: "S", seq: 0, mss: 100, permitsBlocks: true, times: [1, 0] });
  talk.sends();
  talk.arrives({ seq: 1, ack: 1, times: [2, 0] });
  talk.sends();
  return talk;
}

describe("recovery by reports", () => {
  /** Ten segments are out, the window is ten. */
  const tenOut = (setting: Setting = {}, bytes = 3000): Conversation => {
    const talk = open({ ...setting, limits: { initialWindowSegments: 10, ...setting.limits } });
    talk.say("x".repeat(bytes));
    expect(talk.sends().length).toBe(10);
    return talk;
  };
  const report = (talk: Conversation, ack: number, ...blocks: [number, number][]): [number, number][] => {
    talk.arrives({ ack: at(ack), blocks: blocks.map(([from, to]): [number, number] => [at(from), at(to)]) });
    return spans(talk.sends());
  };

  test("limited transmit: each of two reports lets a new segment out, the third begins recovery", () => {
    const talk = tenOut();
    expect(report(talk, 0, [1, 2])).toEqual([[at(10), 100]]);
    expect(report(talk, 0, [1, 3])).toEqual([[at(11), 100]]);
    expect(report(talk, 0, [1, 4])).toEqual([[at(0), 100]]);
    expect(talk.tcp.counters.fastRetransmissions).toBe(1);
  });
  test("without limited transmit nothing goes before the third", () => {
    const talk = tenOut({ limits: { limitedTransmit: false } });
    expect(report(talk, 0, [1, 2])).toEqual([]);
    expect(report(talk, 0, [1, 3])).toEqual([]);
    expect(report(talk, 0, [1, 4])).toEqual([[at(0), 100]]);
  });
  test("a report of more than two segments' bytes begins recovery at once: other reports were lost", () => {
    const talk = tenOut();
    expect(report(talk, 0, [1, 4])[0]).toEqual([at(0), 100]);
  });
  test("every lost segment goes in one round trip, and only those, as fast as the window lets them", () => {
    const talk = tenOut();
    // 0, 2, 4 and 6 are lost; the window is halved to five segments.
    report(talk, 0, [1, 2]);
    report(talk, 0, [3, 4], [1, 2]);
    const sent = [
      ...report(talk, 0, [5, 6], [3, 4], [1, 2]),
      ...report(talk, 0, [7, 8], [5, 6], [3, 4], [1, 2]),
      ...report(talk, 0, [7, 9], [5, 6], [3, 4], [1, 2]),
      ...report(talk, 0, [7, 10], [5, 6], [3, 4], [1, 2]),
      ...report(talk, 0, [7, 11], [5, 6], [3, 4], [1, 2]),
      ...report(talk, 0, [7, 12], [5, 6], [3, 4], [1, 2]),
    ];
    expect(sent.filter(([seq]) => seq < at(10))).toEqual([
      [at(0), 100],
      [at(2), 100],
      [at(4), 100],
      [at(6), 100],
    ]);
    // Nothing acknowledged was sent again, and nothing twice.
    expect(new Set(sent.map(([seq]) => seq)).size).toBe(sent.length);
    expect(talk.tcp.counters.retransmissions).toBe(4);
    expect(talk.tcp.counters.retransmissionTimeouts).toBe(0);
    talk.arrives({ ack: Math.max(...sent.map(([seq]) => seq)) + 100 });
    expect(talk.tcp.counters.fastRetransmissions).toBe(1);
  });
  test("the pipe never holds more than half of what was in flight", () => {
    const talk = tenOut();
    let sent = 0;
    for (let upTo = 2; upTo <= 10; upTo++) sent += report(talk, 0, [1, upTo]).length;
    // Twelve are out after limited transmit; at the third report nine are left with the retransmission, and five may be.
    expect(sent).toBe(2 + 1 + 2);
  });
  test("what may be lost goes again when there is nothing new to send, and the tail once", () => {
    const talk = tenOut({}, 1000);
    expect(report(talk, 0, [1, 4])).toEqual([[at(0), 100]]);
    // Segment 7 is missing with one later segment there: not lost for sure, but nothing else is to be sent.
    expect(report(talk, 0, [8, 9], [1, 7])).toEqual([[at(7), 100]]);
    // The first two came; segment 9 is missing, and nothing after it tells.
    expect(report(talk, 9)).toEqual([[at(9), 100]]);
    expect(talk.tcp.counters.rescues).toBe(1);
    talk.passes(100);
    expect(talk.sends()).toEqual([]);
    expect(talk.tcp.counters).toMatchObject({ rescues: 1, retransmissionTimeouts: 0, retransmissions: 3 });
  });
  test("a FIN on the tail is rescued with it", () => {
    const talk = open({ limits: { initialWindowSegments: 10 } });
    talk.say("x".repeat(1000));
    talk.connection.finish();
    expect(talk.sends().at(-1)).toMatchObject({ flags: "FPA", seq: at(9) });
    report(talk, 0, [1, 9]);
    talk.arrives({ ack: at(9) });
    expect(talk.sends()).toMatchObject([{ flags: "FPA", seq: at(9) }]);
    expect(talk.tcp.counters).toMatchObject({ rescues: 1, retransmissionTimeouts: 0 });
  });
  test("what a rescue brings to light is sent again too", () => {
    const talk = tenOut({}, 1000);
    report(talk, 0, [1, 8]);
    expect(report(talk, 8)).toEqual([[at(9), 100]]);
    expect(report(talk, 8, [9, 10])).toEqual([[at(8), 100]]);
    expect(talk.tcp.counters.retransmissionTimeouts).toBe(0);
  });
  test("after a timeout what was reported counts as no longer in flight", () => {
    const talk = tenOut();
    report(talk, 0, [2, 4]);
    talk.passes(200);
    expect(spans(talk.sends())).toEqual([[at(0), 100]]);
    expect(report(talk, 1, [2, 4])).toEqual([
      [at(1), 100],
      [at(4), 100],
    ]);
  });
  test("after a timeout what was reported is not sent again", () => {
    const talk = tenOut();
    report(talk, 0, [2, 3]);
    report(talk, 0, [2, 3], [6, 7]);
    talk.passes(250);
    talk.sends();
    expect(talk.tcp.counters.retransmissionTimeouts).toBe(1);
    const sent: [number, number][] = [];
    for (let ack = 1; ack <= 2; ack++) {
      talk.arrives({ ack: at(ack === 2 ? 3 : ack), blocks: [[at(6), at(7)]] });
      sent.push(...spans(talk.sends()));
    }
    talk.arrives({ ack: at(5), blocks: [[at(6), at(7)]] });
    sent.push(...spans(talk.sends()));
    expect(sent.map(([seq]) => seq)).not.toContain(at(2));
    expect(sent.map(([seq]) => seq)).not.toContain(at(6));
    expect(sent.map(([seq]) => seq)).toContain(at(7));
  });
  test("no second recovery begins before everything of the first, or of a timeout, is acknowledged", () => {
    const talk = tenOut();
    for (let upTo = 2; upTo <= 6; upTo++) report(talk, 0, [1, upTo]);
    talk.passes(400);
    talk.sends();
    const { fastRetransmissions } = talk.tcp.counters;
    for (let upTo = 6; upTo <= 9; upTo++) report(talk, 1, [2, upTo]);
    expect(talk.tcp.counters.fastRetransmissions).toBe(fastRetransmissions);
  });
  test("a peer that takes back what it had is sent it again, without a timeout", () => {
    const talk = tenOut();
    for (let upTo = 2; upTo <= 6; upTo++) report(talk, 0, [1, upTo]);
    const sent = report(talk, 1);
    expect(talk.tcp.counters.reneged).toBe(1);
    expect(sent).toContainEqual([at(1), 100]);
    expect(talk.tcp.counters.retransmissionTimeouts).toBe(0);
  });
  test("a second timeout forgets every report: everything goes again", () => {
    const talk = tenOut({}, 1000);
    report(talk, 0, [1, 10]);
    talk.passes(200);
    talk.passes(400);
    talk.sends();
    const sent: number[] = [];
    for (let ack = 1; ack <= 9; ack++) sent.push(...report(talk, ack).map(([seq]) => seq));
    expect(new Set(sent).size).toBe(9);
  });
  test("a report on an acknowledgment of new bytes can begin recovery: the duplicates before it were lost", () => {
    const talk = tenOut();
    expect(report(talk, 2, [3, 7])[0]).toEqual([at(2), 100]);
    expect(talk.tcp.counters.fastRetransmissions).toBe(1);
  });
  test("acknowledgments without a report, and reports of what is known, are no duplicates", () => {
    const talk = tenOut();
    for (let i = 0; i < 10; i++) talk.arrives({ ack: 1 });
    for (let i = 0; i < 10; i++) report(talk, 0, [1, 2]);
    expect(talk.tcp.counters.fastRetransmissions).toBe(0);
  });
  test("switched off, or without the peer, NewReno recovers as before", () => {
    const talk = tenOut({ limits: { selectiveAcknowledgments: false } });
    for (let i = 0; i < 3; i++) talk.arrives({ ack: 1, blocks: [[at(1), at(9)]] });
    expect(spans(talk.sends())[0]).toEqual([at(0), 100]);
    expect(talk.tcp.counters.selectiveRetransmissions).toBe(0);
  });
});
