import fc from "fast-check";
import { expect, test } from "vitest";
import { makePhysicalGather } from "../nic.ts";
import { makeWire } from "../simulated/wire.ts";
import { contractFrame, nicPeer } from "../testing/nic-peer.ts";
import { seeSegment, segmentFrame, sendLeaving, somePayload } from "../testing/segment-frame.ts";
import { cycles } from "../units.ts";
import { makeFrameHeaders, readHeaders } from "./frame-headers.ts";
import { foldSum, makeSummedMemory, sumBytes } from "./internet-sum.ts";
import { makeOffloadEngine } from "./offload-engine.ts";
import { SUPER_SEGMENT_BYTES, makeSegmentCutter } from "./segment-cutter.ts";

const NOW = cycles(0);

test("a unit's sum is the sum by bytes, wherever they lie", () => {
  const { bytes: memory, sum } = makeSummedMemory(70_000);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), fc.nat({ max: 17 }), (bytes, at) => {
      memory.set(bytes, at);
      expect(sum(at, bytes.length)).toBe(foldSum(sumBytes(memory, at, bytes.length)));
    }),
  );
  memory.fill(0xff);
  expect([foldSum(sumBytes(memory, 0, 65_536)), foldSum(sumBytes(memory, 1, 65_535))]).toEqual([
    0xffff, 0xff00,
  ]);
});

const cut = (frame: Uint8Array, segmentBytes: number, frameBytes = 1514): Uint8Array[] => {
  const cutter = makeSegmentCutter();
  cutter.memory.bytes.set(frame);
  if (!cutter.load(frame.length, segmentBytes, frameBytes)) return [];
  const frames: Uint8Array[] = [];
  const memory = new Uint8Array(frameBytes + 8);
  const expected = cutter.left();
  for (let length = cutter.next(memory, 4); length > 0; length = cutter.next(memory, 4)) {
    frames.push(memory.slice(4, 4 + length));
    expect(cutter.left()).toBe(expected - frames.length);
  }
  return frames;
};

test("whatever the payloads and numbers, the frames carry the payload in order, each sound", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 65_000 }),
      fc.integer({ min: 1, max: 1448 }),
      fc.nat({ max: 0xffff_ffff }),
      fc.nat({ max: 0xffff }),
      fc.nat({ max: 255 }),
      (length, wished, sequence, identification, flags) => {
        const segmentBytes = Math.max(wished, Math.ceil(length / 60));
        const payload = somePayload(length);
        const frames = cut(segmentFrame(payload, { sequence, identification, flags }), segmentBytes);
        expect(frames.length).toBe(Math.ceil(length / segmentBytes));
        for (const [i, frame] of frames.entries()) {
          const seen = seeSegment(frame);
          expect(seen.isSound).toBe(true);
          expect(seen.payload).toEqual(payload.slice(i * segmentBytes, (i + 1) * segmentBytes));
          expect(seen.sequence).toBe((sequence + i * segmentBytes) % 0x1_0000_0000);
          expect(seen.identification).toBe((identification + i) & 0xffff);
          const kept = (i === 0 ? 0xff : 0x7f) & (i === frames.length - 1 ? 0xff : 0xf6);
          expect(seen.flags).toBe(flags & kept);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test("the longest super-segment is cut, and what is none is not", () => {
  const longest = segmentFrame(somePayload(SUPER_SEGMENT_BYTES - 66));
  expect(cut(longest, 1448).length).toBe(Math.ceil((SUPER_SEGMENT_BYTES - 66) / 1448));
  const frame = segmentFrame(somePayload(4000));
  const changed = (...bytes: readonly (readonly [number, number])[]): Uint8Array => {
    const copy = frame.slice();
    for (const [at, value] of bytes) copy[at] = value;
    return copy;
  };
  expect(cut(frame, 1000).length).toBe(4);
  for (const [what, other, segmentBytes] of [
    ["another type", changed([12, 0x86]), 1000],
    ["another version", changed([14, 0x65]), 1000],
    ["a header too short", changed([14, 0x44]), 1000],
    ["a fragment", changed([20, 0x20]), 1000],
    ["a later fragment", changed([21, 1]), 1000],
    ["a datagram", changed([23, 17]), 1000],
    ["another protocol", changed([23, 47]), 1000],
    ["shorter than it says", changed([16, 0xff]), 1000],
    ["padded", changed([17, (frame[17] ?? 0) - 1]), 1000],
    ["a transport's header beyond the end", segmentFrame(new Uint8Array(0)).fill(0xf0, 46, 47), 1000],
    ["without payload", segmentFrame(new Uint8Array(0)), 1000],
    ["payloads too long for a frame", frame, 1449],
    ["payloads of nothing", frame, 0],
  ] as const)
    expect([what, cut(other, segmentBytes).length]).toEqual([what, 0]);
});

test("headers are found or not, and nothing is read past the end, whatever the bytes", () => {
  const headers = makeFrameHeaders();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 140 }), fc.nat({ max: 140 }), (noise, length) => {
      const frame = segmentFrame(somePayload(20));
      frame.set(noise.subarray(0, 20), 14);
      const present = Math.min(length, frame.length);
      if (!readHeaders(frame, 0, frame.length, headers, present)) return;
      expect(headers.checksumAt + 2).toBeLessThanOrEqual(headers.payloadAt);
      expect(headers.payloadAt).toBeLessThanOrEqual(Math.min(present, headers.endAt));
      expect(headers.endAt).toBeLessThanOrEqual(frame.length);
    }),
    { numRuns: 500 },
  );
});

test("an engine's frame is as it was, but for the checksum it was asked for", () => {
  const engine = makeOffloadEngine(1514);
  const gather = makePhysicalGather(1);
  gather.count = 1;
  const through = (frame: Uint8Array, checksum: boolean): Uint8Array => {
    gather.length = gather.lengths[0] = frame.length;
    gather.checksum = checksum;
    expect(engine.take(frame, gather)).toBe(1);
    const length = engine.next();
    expect(engine.next()).toBe(0);
    return engine.frame.slice(0, length);
  };
  const right = segmentFrame(somePayload(777));
  const open = right.slice();
  open.fill(0, 50, 52);
  expect(through(open, true)).toEqual(right);
  expect(through(open, false)).toEqual(open);
  expect(through(contractFrame(1, 80), true)).toEqual(contractFrame(1, 80));
});

test("a datagram whose checksum comes out as 0 gets its other form (RFC 768)", () => {
  const engine = makeOffloadEngine(1514);
  const gather = makePhysicalGather(1);
  const frame = segmentFrame(somePayload(2)).subarray(0, 44);
  frame.set([0, 30], 16);
  frame[23] = 17;
  frame.set([0, 10, 0, 0, 0, 0], 38);
  gather.count = 1;
  gather.length = gather.lengths[0] = frame.length;
  gather.checksum = true;
  engine.take(frame, gather);
  engine.next();
  const first = ((engine.frame[40] ?? 0) << 8) | (engine.frame[41] ?? 0);
  frame.set([first >> 8, first & 255], 42);
  engine.take(frame, gather);
  engine.next();
  expect([...engine.frame.subarray(40, 42)]).toEqual([0xff, 0xff]);
});

test("a ring with too little room takes none of a super-segment's frames, and all of them later", () => {
  const { nics } = makeWire({ ends: [{ transmitSlots: 4, offloads: true }, {}] });
  const frame = segmentFrame(somePayload(3000));
  const left = { checksum: true, segmentBytes: 1000 };
  const peer = nicPeer(nics[1], () => NOW);
  expect(sendLeaving(nics[0], NOW, frame, left)).toBe(true);
  expect(sendLeaving(nics[0], NOW, frame, left)).toBe(false);
  expect(nics[0].counters).toMatchObject({ transmitted: 1, transmitRefused: 1 });
  nics[0].flush(NOW);
  expect(sendLeaving(nics[0], NOW, frame, left)).toBe(true);
  nics[0].flush(NOW);
  let got = 0;
  while (peer.take() !== undefined) got++;
  expect(got).toBe(6);
});

test("an interface with offloads knows a good checksum from a bad one, one without knows nothing", () => {
  for (const offloads of [true, false]) {
    const { nics } = makeWire({ ends: [{ offloads }, {}] });
    const good = segmentFrame(somePayload(333));
    const bad = good.slice();
    bad[200] = (bad[200] ?? 0) ^ 4;
    const memory = new Uint8Array(1514);
    const known = [good, bad, contractFrame(1, 60)].map((frame) => {
      sendLeaving(nics[1], NOW, frame);
      nics[1].flush(NOW);
      expect(nics[0].receive(NOW, memory, 0)).toBe(frame.length);
      return nics[0].arrival.checksumGood;
    });
    expect(known).toEqual([offloads, false, false]);
  }
});
