/** TCP on interfaces that compute checksums and cut segments: the same bytes, fewer packets, no payload read. */
import { NEVER, must, type Gate, type Window } from "@exolith/exokernel/abi";
import { expect, test } from "vitest";
import { makeFramePool } from "../../memory/frame-pool.ts";
import { eventLoop, type Pollable } from "../../schedule/event-loop.ts";
import { makeTwoHosts } from "../../testing/two-hosts.ts";
import { makeStack, type Stack } from "../stack.ts";
import type { ConnectionHandler } from "./application.ts";
import type { TcpLimits } from "./limits.ts";

const PORT = 80;
const FRAMES = 200;
const BYTES = FRAMES * 4096;

/** Byte `i` of what is sent. */
const byteAt = (i: number): number => (i * 31 + (i >> 11) * 7) & 0xff;

const nothing: ConnectionHandler = {
  opened: () => {},
  received: (_connection, _window, _at, length) => length,
  acknowledged: () => {},
  ended: () => {},
  closed: () => {},
};

interface Ran {
  readonly received: number;
  readonly wrong: number;
  readonly sender: Stack;
  readonly receiver: Stack;
  /** Bytes summed on the sender's machine and the receiver's, and packets handed to the interface. */
  readonly packets: number;
}

interface Choice {
  readonly left: boolean;
  readonly right: boolean;
  readonly loss?: number;
  readonly limits?: Partial<TcpLimits>;
  /** The receiver also knocks where nobody listens, after so many bytes each time. */
  readonly knocksEvery?: number;
}

/** Sends `BYTES` bytes from left to right, in pieces of odd lengths. */
function transfer({ left, right, loss = 0, limits = {}, knocksEvery = Infinity }: Choice): Ran {
  const stacks: Stack[] = [];
  let received = 0;
  let wrong = 0;
  let knocks = 0;
  const sending = (gate: Gate, window: Window, stack: Stack, peer: number): Pollable => {
    let at = 0;
    const feed = (): void => {
      for (;;) {
        const length = Math.min(BYTES - at, 9001 + (at % 40_000));
        if (length === 0 || connection?.send(window, at, length, undefined, 0) !== true) return;
        at += length;
      }
    };
    const connection = stack.tcp.connect(peer, PORT, { ...nothing, opened: feed, acknowledged: feed });
    return { poll: () => false, wakeAt: () => NEVER };
  };
  const hosts = makeTwoHosts({
    seed: 7,
    wire: { faults: { loss } },
    left: (gate, context) => {
      const pool = makeFramePool(gate, context.slots.guard);
      const stack = (stacks[0] = makeStack(gate, { ...context.network, pool, tcp: limits }));
      const window = must(pool.run(FRAMES));
      for (let i = 0; i < BYTES; i++) window.setU8(i, byteAt(i));
      return eventLoop(gate, [stack.network, sending(gate, window, stack, context.peer)]);
    },
    right: (gate, context) => {
      const pool = makeFramePool(gate, context.slots.guard);
      const stack = (stacks[1] = makeStack(gate, { ...context.network, ringSlots: 512, pool, tcp: limits }));
      stack.tcp.listen(PORT, () => ({
        ...nothing,
        received: (_connection, window, at, length) => {
          for (let i = 0; i < length; i++) if (window.getU8(at + i) !== byteAt(received + i)) wrong += 1;
          received += length;
          if (received >= (knocks + 1) * knocksEvery) {
            knocks += 1;
            stack.tcp.connect(context.peer, PORT + 1, nothing);
          }
          return length;
        },
      }));
      return eventLoop(gate, [stack.network]);
    },
    machines: { left: { end: { offloads: left } }, right: { end: { offloads: right } } },
  });
  hosts.run({ seconds: 30 });
  const [sender, receiver] = stacks as [Stack, Stack];
  return { received, wrong, sender, receiver, packets: sender.network.counters.link.sent };
}

test.each([
  { left: true, right: true },
  { left: true, right: false },
  { left: false, right: true },
  { left: false, right: false },
])(
  "with offloads left $left and right $right all bytes arrive, in segments that an ordinary peer takes",
  (choice) => {
    const ran = transfer(choice);
    expect([ran.received, ran.wrong]).toEqual([BYTES, 0]);
    const { segmentsSent, retransmissions } = ran.sender.tcp.counters;
    const { segmentsReceived, badChecksum } = ran.receiver.tcp.counters;
    expect([retransmissions, badChecksum]).toEqual([0, 0]);
    // Every segment is counted, whoever cuts it.
    expect(segmentsSent).toBe(segmentsReceived);
    expect(segmentsSent).toBeGreaterThanOrEqual(BYTES / 1448);
    if (choice.left) expect(ran.packets).toBeLessThan(segmentsSent * 0.6);
    else expect(ran.packets).toBeGreaterThanOrEqual(segmentsSent);
  },
);

test("what is lost of super-segments is sent again, and arrives", () => {
  const ran = transfer({ left: true, right: true, loss: 0.02 });
  expect([ran.received, ran.wrong]).toEqual([BYTES, 0]);
  expect(ran.sender.tcp.counters.retransmissions).toBeGreaterThan(5);
});

test("switched off, an interface's offloads are not used", () => {
  const limits = { checksumOffload: false, segmentationOffload: false };
  const ran = transfer({ left: true, right: true, limits });
  expect([ran.received, ran.wrong]).toEqual([BYTES, 0]);
  expect(ran.packets).toBeGreaterThanOrEqual(ran.sender.tcp.counters.segmentsSent);
});

test("segments are cut no longer than the peer wants them", () => {
  const ran = transfer({ left: true, right: true, limits: { timestamps: false } });
  expect([ran.received, ran.wrong]).toEqual([BYTES, 0]);
  expect(ran.sender.tcp.counters.segmentsSent).toBeGreaterThanOrEqual(BYTES / 1460);
});

test("an answer to a stranger is one segment, also right after a super-segment", () => {
  const ran = transfer({ left: true, right: true, knocksEvery: 50_000 });
  expect([ran.received, ran.wrong]).toEqual([BYTES, 0]);
  expect(ran.sender.tcp.counters.resetsSent).toBeGreaterThan(5);
  expect(ran.receiver.tcp.counters.resetsReceived).toBe(ran.sender.tcp.counters.resetsSent);
  expect(ran.sender.tcp.counters.segmentsSent).toBe(ran.receiver.tcp.counters.segmentsReceived);
});
