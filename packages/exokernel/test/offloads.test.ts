/** What an environment may leave to its interface, and what it hears from it. */
import { MODERN_3GHZ, makeLoopback } from "@exolith/hw-model";
import { SEGMENT_HEADERS, seeSegment, segmentFrame, somePayload } from "@exolith/hw-model/testing";
import { RIGHTS } from "@exolith/secure-bind";
import { beforeEach, describe, expect, test } from "vitest";
import {
  FRAME_BYTES,
  RING_CHECKSUM_GOOD,
  RING_SLOT_BYTES,
  capSlot,
  frame,
  must,
  type Filter,
  type Gate,
  type Gather,
  type TransmitId,
  type Window,
} from "../src/abi/index.ts";
import { makeRig, outcome, type Rig } from "../src/testing/index.ts";

const own = capSlot(0);
/** The source that `segmentFrame` names, with the beginning of its addresses. */
const FROM_US: Filter = [{ kind: "equal", at: 26, width: 4, mask: 0xffff_ffff, value: 0xc000_0201 }];
const IPV4: Filter = [{ kind: "equal", at: 12, width: 2, mask: 0xffff, value: 0x0800 }];
const RING = 16,
  RING_FRAMES = 33,
  MEMORY = 64,
  MEMORY_FRAMES = 17;

interface Station {
  readonly gate: Gate;
  readonly words: Window;
  readonly slots: Window;
  readonly memory: Window;
  readonly binding: TransmitId;
  readonly gather: Gather;
}

const rigWith = (offloads: boolean): Rig => {
  const { hertz } = MODERN_3GHZ;
  return makeRig(256, {}, { nics: [makeLoopback({ ends: [{ hertz, offloads }, { hertz }] })] });
};

const station = (rig: Rig): Station => {
  const gate = rig.environment([1, 1]);
  const nic = rig.grant(gate, { name: [2, 0], rights: RIGHTS.allocate });
  must(gate.framesAlloc(frame(RING), RING_FRAMES, own));
  must(gate.framesAlloc(frame(MEMORY), MEMORY_FRAMES, own));
  const ring = must(gate.ringBind(frame(RING), RING_FRAMES, own));
  must(gate.filterInsert(0, IPV4, ring, nic, own));
  return {
    gate,
    words: must(gate.windowBind(frame(RING), 1, true, own)),
    slots: must(gate.windowBind(frame(RING + 1), RING_FRAMES - 1, false, own)),
    memory: must(gate.windowBind(frame(MEMORY), MEMORY_FRAMES, true, own)),
    binding: must(rig.root.transmitBind(0, FROM_US, gate.self, own, own)),
    gather: gate.gather(),
  };
};

/** Sends `bytes` in pieces that end at `ends`, with work left to the interface. */
const send = (
  s: Station,
  bytes: Uint8Array,
  left: readonly [boolean, number],
  ends: number[] = [],
): string => {
  s.memory.write(0, bytes, 0, bytes.length);
  s.gather.clear();
  let from = 0;
  for (const end of [...ends, bytes.length]) {
    s.gather.add(s.memory, from, end - from);
    from = end;
  }
  s.gather.offload(...left);
  return outcome(s.gate.transmit(s.binding, s.gather));
};

/** The frames in the ring with their ownership words, from the first slot on. */
const arrived = ({ words, slots }: Station): { word: number; bytes: Uint8Array }[] => {
  const found: { word: number; bytes: Uint8Array }[] = [];
  for (let slot = 0; words.getU32(slot * 4) !== 0; slot++) {
    const word = words.getU32(slot * 4);
    const bytes = new Uint8Array(word & (RING_CHECKSUM_GOOD - 1));
    slots.read(slot * RING_SLOT_BYTES, bytes, 0, bytes.length);
    found.push({ word, bytes });
  }
  return found;
};

describe("an interface with offloads", () => {
  let rig: Rig;
  let s: Station;
  beforeEach(() => {
    rig = rigWith(true);
    s = station(rig);
  });

  test("is published with what it can do", () => {
    expect(rig.root.nics.transmitChecksum(0)).toBe(1);
    expect(rig.root.nics.segmentationBytes(0)).toBe(65_549);
    expect([rig.root.nics.transmitChecksum(9), rig.root.nics.segmentationBytes(9)]).toEqual([0, 0]);
  });

  test("cuts a super-segment of many frames, and the ring says that their checksums are good", () => {
    const payload = somePayload(50_000);
    expect(send(s, segmentFrame(payload), [true, 1400], [SEGMENT_HEADERS, 30_000])).toBe("ok");
    rig.run();
    const frames = arrived(s);
    expect(frames.length).toBe(Math.ceil(50_000 / 1400));
    for (const [i, { word, bytes }] of frames.entries()) {
      expect(word).toBe(bytes.length + RING_CHECKSUM_GOOD);
      expect(seeSegment(bytes).isSound).toBe(true);
      expect(seeSegment(bytes).payload).toEqual(payload.slice(i * 1400, (i + 1) * 1400));
    }
  });

  test("computes a checksum, and only for the frame that asked for it", () => {
    const right = segmentFrame(somePayload(100));
    const open = right.slice();
    open.fill(0, 50, 52);
    expect(send(s, open, [true, 0])).toBe("ok");
    s.gather.clear();
    s.gather.add(s.memory, 0, open.length);
    expect(outcome(s.gate.transmit(s.binding, s.gather))).toBe("ok");
    rig.run();
    const [first, second] = arrived(s);
    expect(first?.bytes).toEqual(right);
    expect(first?.word).toBe(right.length + RING_CHECKSUM_GOOD);
    expect(second?.bytes).toEqual(open);
    expect(second?.word).toBe(open.length);
  });

  test("sends a super-segment only from the address that the binding states, however it is cut in pieces", () => {
    const forged = segmentFrame(somePayload(40_000));
    forged[29] = 77;
    for (const ends of [[], [10], [27, 28, 29, 30], [2000, 20_000]])
      expect([ends, send(s, forged, [true, 1400], ends)]).toEqual([ends, "Forged"]);
    expect(send(s, segmentFrame(somePayload(40_000)), [true, 1400], [10, 20_000])).toBe("ok");
  });

  test("writes nothing beyond its own staging memory when a long frame's first piece says nothing", () => {
    const last = rig.machine.memory.bytes.length;
    const beyond = rig.root.nics.frameBytes(0);
    const staging = last - Math.ceil(beyond / FRAME_BYTES) * FRAME_BYTES;
    const before = rig.machine.memory.bytes.slice(staging + beyond);
    send(s, segmentFrame(somePayload(60_000)), [true, 1400], [5, 50_000]);
    expect(rig.machine.memory.bytes.slice(staging + beyond)).toEqual(before);
  });

  test("is asked for payloads that are numbers of bytes, and for frames that it can cut", () => {
    const bytes = segmentFrame(somePayload(3000));
    for (const payload of [-1, 1.5, NaN, Infinity, 65_536, "1400", undefined, null, {}])
      expect([payload, send(s, bytes, [true, payload as number])]).toEqual([payload, "BadRange"]);
    expect(send(s, bytes, [true, 0])).toBe("BadRange");
    const most = new Uint8Array(65_550);
    most.set(bytes);
    expect(send(s, most, [true, 1400])).toBe("BadRange");
    expect(send(s, most.subarray(0, 65_549), [true, 1400])).toBe("ok");
    rig.run();
    expect(arrived(s)).toEqual([]);
  });

  test("does not believe what is no yes", () => {
    const open = segmentFrame(somePayload(100));
    open.fill(0, 50, 52);
    expect(send(s, open, [1 as unknown as boolean, 0])).toBe("ok");
    rig.run();
    expect(arrived(s)[0]?.bytes).toEqual(open);
  });
});

test("an interface without offloads refuses them by name, and knows nothing of checksums", () => {
  const rig = rigWith(false);
  const s = station(rig);
  const bytes = segmentFrame(somePayload(1000));
  for (const left of [
    [true, 0],
    [false, 500],
    [true, 500],
  ] as const)
    expect([left, send(s, bytes, left)]).toEqual([left, "NoOffload"]);
  expect(rig.root.nics.transmitted(0)).toBe(0);
  expect(send(s, bytes, [false, 0])).toBe("ok");
  rig.run();
  expect(arrived(s)[0]?.word).toBe(bytes.length);
  expect([rig.root.nics.transmitChecksum(0), rig.root.nics.segmentationBytes(0)]).toEqual([0, 0]);
});
