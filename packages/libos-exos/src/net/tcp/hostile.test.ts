/** Random and hostile packets: nothing throws, nothing leaks, everything stays bounded. */
import { makeWindow } from "@exolith/exokernel/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Arrival } from "../../testing/conversation-peer.ts";
import { LOCAL, REMOTE } from "../../testing/conversation-peer.ts";
import { makeConversation, openedByPeer } from "../../testing/conversation.ts";
import { makeSegmentOptions, parseOptions } from "./options.ts";
import { makeSegment, parseSegment } from "./segment.ts";

const near = fc.integer({ min: -50, max: 600 });
const blocks = fc.array(fc.oneof(fc.tuple(near, near), fc.tuple(fc.integer(), fc.integer())), {
  maxLength: 3,
});
const tick = fc.oneof(fc.integer({ min: 990, max: 1010 }), fc.integer({ min: 0, max: 0xffff_ffff }));
const options: fc.Arbitrary<Pick<Arrival, "options" | "blocks" | "times">> = fc.oneof(
  fc.constant({}),
  fc.record({ options: fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 36 }) }),
  fc.record({ blocks, times: fc.tuple(tick, tick) }),
  fc.record({ blocks }),
);
const plain: fc.Arbitrary<Arrival> = fc.record({
  flags: fc.constantFrom("A", "A", "A", "PA", "FA", "S", "SA", "R", "RA", "F", "", "FSRPAU", "UA"),
  seq: fc.oneof(fc.integer({ min: -3, max: 400 }), fc.integer({ min: -5000, max: 70_000 }), fc.integer()),
  ack: fc.oneof(fc.integer({ min: -3, max: 400 }), fc.integer()),
  payload: fc.string({ maxLength: 120, unit: "binary-ascii" }),
  window: fc.integer({ min: 0, max: 65_535 }),
  remotePort: fc.integer({ min: 79, max: 82 }),
});
const arrival: fc.Arbitrary<Arrival> = fc.tuple(plain, options).map(([one, other]) => ({ ...one, ...other }));

describe("parsers", () => {
  test("options: any bytes parse or do not, within their end", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const window = makeWindow(bytes.length);
        window.write(0, bytes, 0, bytes.length);
        const options = makeSegmentOptions();
        parseOptions(options, window, 0, bytes.length);
        expect(options.windowScale).toBeLessThanOrEqual(14);
      }),
    );
  });
  test("segments: any bytes are judged, and text never leaves the packet", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.boolean(), (bytes, honest) => {
        const window = makeWindow(bytes.length + 8);
        window.write(4, bytes, 0, bytes.length);
        const segment = makeSegment();
        segment.remoteAddress = REMOTE;
        segment.localAddress = LOCAL;
        if (honest && bytes.length >= 20) window.setU8(4 + 12, 0x50);
        const validity = parseSegment(segment, window, 4, bytes.length);
        if (bytes.length < 20) expect(validity).toBe("malformed");
        if (validity !== "valid" && validity !== "badOptions") return;
        expect(segment.textAt).toBeGreaterThanOrEqual(24);
        expect(segment.textAt + segment.textLength).toBe(4 + bytes.length);
      }),
    );
  });
  test("a header longer than the segment and one shorter than a header are malformed", () => {
    const talk = makeConversation();
    const window = makeWindow(40);
    for (const words of [0, 4, 6, 15]) {
      window.setU8(12, words << 4);
      talk.tcp.input(REMOTE, LOCAL, window, 0, 20);
    }
    talk.tcp.input(REMOTE, LOCAL, window, 0, 19);
    talk.tcp.input(0xe0000001, LOCAL, window, 0, 20);
    expect(talk.tcp.counters.malformed).toBe(6);
  });
});

describe("an endpoint", () => {
  test("survives any conversation, and gives everything back", () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: arrival },
      { weight: 1, arbitrary: fc.constantFrom("say", "finish", "resume", "abort", "wait" as const) },
    );
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 0, max: 3 }),
        fc.boolean(),
        (steps, appetite, withTimes) => {
          const syn: Arrival = withTimes
            ? { permitsBlocks: true, times: [1000, 0] }
            : { permitsBlocks: appetite > 1 };
          const talk = openedByPeer({ bufferBytes: 300, limits: { connections: 6 } }, syn);
          if (withTimes) talk.arrives({ seq: 1, ack: 1, times: [1000, 0] });
          talk.events.length = 0;
          const opened = new Set([talk.connection]);
          let said = 1;
          talk.takes = (length) => (appetite === 0 ? 0 : Math.ceil(length / appetite));
          for (const act of steps) {
            if (typeof act === "object") talk.arrives(act);
            else if (act === "say") said += talk.say("abcdefg", said) ? 1 : 0;
            else if (act === "wait") talk.passes(700);
            else talk.connection[act]();
            opened.add(talk.connection);
            for (const sent of talk.sends()) expect(sent.payload.length).toBeLessThanOrEqual(536);
          }
          talk.tcp.unlisten(80);
          talk.passes(100_000_000);
          for (const connection of opened) connection.abort();
          talk.sends();
          expect(talk.tcp.use.connections()).toBe(0);
          expect(talk.released.length).toBe(said - 1);
          expect(talk.freeBuffers).toBe(4);
          expect(talk.tcp.use.timers()).toBe(0);
          expect(talk.tcp.wakeAt()).toBe(Infinity);
        },
      ),
      { numRuns: 600 },
    );
  });
  test("a flood of random segments leaves an open connection as it was", () => {
    fc.assert(
      fc.property(fc.array(arrival, { maxLength: 80 }), (flood) => {
        const talk = openedByPeer();
        for (const one of flood) talk.arrives({ ...one, remotePort: 81 });
        talk.sends();
        expect(talk.tcp.use.connections()).toBeLessThanOrEqual(2);
        talk.events.length = 0;
        talk.arrives({ seq: 1, payload: "abc" });
        expect(talk.events).toEqual(["received abc"]);
      }),
      { numRuns: 100 },
    );
  });
});
