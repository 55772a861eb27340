import fc from "fast-check";
import { expect, test } from "vitest";
import type { FaultRates } from "../middleware/fault-plan.ts";
import type { Nic } from "../nic.ts";
import { contractFrame, nicPeer, sendFrame } from "../testing/nic-peer.ts";
import { NEVER, cycles, type Cycles } from "../units.ts";
import { makeLoopback, makeWire, type WireOptions } from "./wire.ts";

const send = (nic: Nic, now: number, frame: Uint8Array): boolean => {
  const sent = sendFrame(nic, cycles(now), frame);
  nic.flush(cycles(now));
  return sent;
};

const receive = (nic: Nic, now: Cycles): Uint8Array | undefined => nicPeer(nic, () => now).take();

/** A frame out and the same frame back, each end acting the moment it may; returns the cycles between. */
const roundTrip = (hertz: number, options: WireOptions, start: number): number => {
  const { nics } = makeWire({ ...options, ends: [{ hertz }, { hertz: hertz * 3 }] });
  const [left, right] = nics;
  const frame = contractFrame(1, 60);
  send(left, start, frame);
  const there = right.wakeAt(cycles(0));
  expect(receive(right, cycles(there - 1))).toBeUndefined();
  expect(receive(right, there)).toEqual(frame);
  send(right, there, frame);
  const back = left.wakeAt(cycles(0));
  expect(receive(left, cycles(back - 1))).toBeUndefined();
  expect(receive(left, back)).toEqual(frame);
  return back - start;
};

test("[H7] a 60-byte frame's round trip equals the configured link, and a frame that finds the ring full is dropped and counted", () => {
  for (const [hertz, bitsPerSecond, delaySeconds] of [
    [25e6, 1e7, 5e-6],
    [2e8, 1e8, 1e-3],
    [1e9, 1e9, 0.05],
    [1e9, Infinity, 1e-6],
    [1e9, Infinity, 0],
  ] as const)
    for (const start of [0, 1234, 1e9]) {
      const configured = 2 * (((60 + 24) * 8) / bitsPerSecond + delaySeconds);
      expect(roundTrip(hertz, { bitsPerSecond, delaySeconds }, start)).toBe(Math.round(configured * hertz));
    }
  const { nics, counters } = makeWire({ ends: [{}, { receiveSlots: 3 }] });
  for (let i = 0; i < 5; i++) expect(send(nics[0], i, contractFrame(i, 60))).toBe(true);
  for (let i = 0; i < 3; i++) expect(receive(nics[1], cycles(10))).toEqual(contractFrame(i, 60));
  expect(receive(nics[1], cycles(10))).toBeUndefined();
  expect(nics[1].counters).toMatchObject({ received: 3, receivedBytes: 180, receiveDropped: 2 });
  expect(counters[0]).toMatchObject({ sent: 5, delivered: 3, dropped: 2 });
});

test("frames follow each other at the link's rate, and hold their transmit slots until they are out", () => {
  const { nics } = makeWire({
    bitsPerSecond: 8e6,
    overheadBytes: 0,
    ends: [{ hertz: 1e6, transmitSlots: 2 }, { hertz: 1e6 }],
  });
  const [left, right] = nics;
  expect(send(left, 0, contractFrame(1, 100))).toBe(true);
  expect(send(left, 0, contractFrame(2, 100))).toBe(true);
  expect(send(left, 99, contractFrame(3, 100))).toBe(false);
  expect(send(left, 100, contractFrame(3, 100))).toBe(true);
  expect(left.counters).toMatchObject({ transmitted: 3, transmitRefused: 1 });
  for (const due of [100, 200, 300]) {
    expect(right.wakeAt(cycles(0))).toBe(due);
    expect(receive(right, cycles(due))).toBeDefined();
  }
  expect(right.wakeAt(cycles(300))).toBe(NEVER);
});

test("a batch waits for the doorbell", () => {
  const woken: number[] = [];
  const { nics, inside } = makeWire({ arrived: (end) => woken.push(end) });
  sendFrame(nics[0], cycles(0), contractFrame(1, 60));
  sendFrame(nics[0], cycles(0), contractFrame(2, 60));
  expect(inside()).toBe(0);
  expect(receive(nics[1], cycles(1e9))).toBeUndefined();
  nics[0].flush(cycles(5));
  nics[0].flush(cycles(6));
  nics[1].flush(cycles(7));
  expect(woken).toEqual([1]);
  expect(inside()).toBe(2);
});

test("a frame too long or empty is the caller's mistake", () => {
  const [nic] = makeWire().nics;
  expect(() => sendFrame(nic, cycles(0), new Uint8Array(1515))).toThrow(RangeError);
  expect(() => sendFrame(nic, cycles(0), new Uint8Array(0))).toThrow(RangeError);
});

test("a receiver that never asks costs bounded memory: the sender's frames are dropped at its ring", () => {
  const { nics, counters } = makeWire({ flightSlots: 10, ends: [{ transmitSlots: 4 }, { receiveSlots: 4 }] });
  for (let i = 0; i < 1000; i++) expect(send(nics[0], i, contractFrame(i, 60))).toBe(true);
  expect(counters[0].sent).toBe(1000);
  expect(counters[0].dropped).toBeGreaterThan(900);
  expect(receive(nics[1], cycles(2000))).toEqual(contractFrame(0, 60));
});

test("each direction has faults of its own", () => {
  const { nics, counters } = makeWire({ from: [{ faults: { loss: 1 } }, {}] });
  for (let i = 0; i < 10; i++) for (const nic of nics) send(nic, i, contractFrame(i, 60));
  expect(receive(nics[1], cycles(100))).toBeUndefined();
  for (let i = 0; i < 10; i++) expect(receive(nics[0], cycles(100))).toEqual(contractFrame(i, 60));
  expect(counters[0].lost).toBe(10);
  expect(counters[1].lost).toBe(0);
});

test("a corrupted frame differs in exactly one bit", () => {
  const { nics } = makeWire({ faults: { corrupt: 1 } });
  for (let i = 0; i < 50; i++) {
    send(nics[0], i, contractFrame(i, 60 + i));
    const got = receive(nics[1], cycles(i)) ?? new Uint8Array(0);
    const wanted = contractFrame(i, 60 + i);
    let flipped = 0;
    wanted.forEach((byte, at) => {
      for (let bits = byte ^ (got[at] ?? 0); bits !== 0; bits &= bits - 1) flipped++;
    });
    expect(got).toHaveLength(wanted.length);
    expect(flipped).toBe(1);
  }
});

test("a loopback gives a machine its own frames", () => {
  const woken: number[] = [];
  const nic = makeLoopback({ delaySeconds: 1e-6, arrived: (end) => woken.push(end) });
  send(nic, 0, contractFrame(1, 60));
  expect(nic.wakeAt(cycles(0))).toBe(1000);
  expect(receive(nic, cycles(999))).toBeUndefined();
  expect(receive(nic, cycles(1000))).toEqual(contractFrame(1, 60));
  expect(woken).toEqual([0]);
});

const rate = fc.double({ min: 0, max: 0.4, noNaN: true });
interface Shape extends Required<Pick<FaultRates, "loss" | "duplicate" | "reorder" | "corrupt">> {
  readonly seed: number;
  readonly bitsPerSecond: number;
  readonly delaySeconds: number;
  readonly receiveSlots: number;
  readonly transmitSlots: number;
  readonly flightSlots: number;
}

const anyWire: fc.Arbitrary<Shape> = fc.record({
  seed: fc.integer(),
  loss: rate,
  duplicate: rate,
  reorder: rate,
  corrupt: rate,
  bitsPerSecond: fc.constantFrom(1e6, 1e8, Infinity),
  delaySeconds: fc.constantFrom(0, 1e-4),
  receiveSlots: fc.integer({ min: 1, max: 8 }),
  transmitSlots: fc.integer({ min: 1, max: 8 }),
  flightSlots: fc.integer({ min: 0, max: 20 }),
});
const anyCommands = fc.array(
  fc.record({ wait: fc.integer({ min: 0, max: 200_000 }), send: fc.nat(6), take: fc.nat(6) }),
  { maxLength: 60 },
);

/** Plays `commands` on a wire; returns every frame received and the totals. */
const play = (shape: Shape, commands: readonly { wait: number; send: number; take: number }[]) => {
  const { loss, duplicate, reorder, corrupt, receiveSlots, transmitSlots, ...rest } = shape;
  const wire = makeWire({
    ...rest,
    faults: { loss, duplicate, reorder, corrupt },
    reorderSeconds: 1e-4,
    ends: [{ transmitSlots }, { receiveSlots }],
  });
  const [left, right] = wire.nics;
  const received: string[] = [];
  let now = 0;
  let tag = 0;
  const take = (): boolean => {
    const frame = receive(right, cycles(now));
    if (frame !== undefined) received.push(frame.join());
    return frame !== undefined;
  };
  for (const command of commands) {
    now += command.wait;
    for (let i = 0; i < command.send; i++) if (sendFrame(left, cycles(now), contractFrame(tag, 60))) tag++;
    left.flush(cycles(now));
    for (let i = 0; i < command.take; i++) take();
  }
  const before = { ...wire.counters[0], inside: wire.inside() };
  for (now += 1e9; take(););
  return {
    received,
    before,
    after: { ...wire.counters[0] },
    inside: wire.inside(),
    sender: left.counters,
    receiver: right.counters,
    tag,
  };
};

test("no frame appears from nowhere and none vanishes uncounted: delivered + lost + dropped + inside = sent + duplicated", () => {
  fc.assert(
    fc.property(anyWire, anyCommands, (shape, commands) => {
      const { before, after, inside, received, sender, receiver, tag } = play(shape, commands);
      expect(before.delivered + before.lost + before.dropped + before.inside).toBe(
        before.sent + before.duplicated,
      );
      expect(inside).toBe(0);
      expect(after.delivered + after.lost + after.dropped).toBe(after.sent + after.duplicated);
      expect(after.sent).toBe(tag);
      expect(sender.transmitted).toBe(tag);
      expect(receiver.received).toBe(received.length);
      expect(receiver.receiveDropped).toBe(after.dropped);
      if (after.corrupted === 0) expect(received.every((frame) => isSent(frame, tag))).toBe(true);
      if (after.reordered + after.corrupted === 0)
        expect(received.filter((frame, i) => frame !== received[i - 1])).toEqual([...new Set(received)]);
    }),
    { numRuns: 300 },
  );
});

const isSent = (frame: string, tags: number): boolean => {
  for (let tag = 0; tag < tags; tag++) if (contractFrame(tag, 60).join() === frame) return true;
  return false;
};

test("the same seed does the same, another seed does not", () => {
  const shape = {
    seed: 5,
    loss: 0.2,
    duplicate: 0.2,
    reorder: 0.2,
    corrupt: 0.2,
    bitsPerSecond: 1e8,
    delaySeconds: 1e-4,
    receiveSlots: 8,
    transmitSlots: 8,
    flightSlots: 20,
  };
  const commands = Array.from({ length: 40 }, () => ({ wait: 50_000, send: 3, take: 4 }));
  expect(play(shape, commands)).toEqual(play(shape, commands));
  expect(play(shape, commands).received).not.toEqual(play({ ...shape, seed: 6 }, commands).received);
});
