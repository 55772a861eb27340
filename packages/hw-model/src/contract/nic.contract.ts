/** What every network interface keeps. */
import { expect } from "vitest";
import { makePhysicalGather, type Nic } from "../nic.ts";
import { contractFrame, sendFrame, type NicPeer } from "../testing/nic-peer.ts";
import { seeSegment, segmentFrame, sendLeaving, somePayload } from "../testing/segment-frame.ts";
import { NEVER, type Cycles } from "../units.ts";
import {
  contractSuite,
  eventually,
  type ContractCase,
  type Deviation,
  type MakeHarness,
  type Settling,
} from "./suite.ts";

/** A network interface under test, on a link without faults. */
export interface NicHarness extends Settling {
  readonly nic: Nic;
  readonly peer: NicPeer;
  /** The time of the machine that the device is in. */
  now(): Cycles;
}

const arrive = async (harness: NicHarness): Promise<Uint8Array> => {
  const memory = new Uint8Array(harness.nic.hardware.frameBytes);
  let length = 0;
  const came = await eventually(harness, () => (length = harness.nic.receive(harness.now(), memory, 0)) > 0);
  expect(came).toBe(true);
  return memory.slice(0, length);
};

const takeFrom = async (harness: NicHarness): Promise<Uint8Array> => {
  let frame: Uint8Array | undefined;
  expect(await eventually(harness, () => (frame = harness.peer.take()) !== undefined)).toBe(true);
  return frame ?? new Uint8Array(0);
};

const describesItself = ({ nic }: NicHarness): void => {
  const { address, frameBytes, receiveSlots, transmitSlots, bitsPerSecond } = nic.hardware;
  expect(address).toHaveLength(6);
  for (const octet of address) expect(octet >= 0 && octet <= 255 && Number.isInteger(octet)).toBe(true);
  expect((address[0] ?? 1) & 1).toBe(0);
  expect(frameBytes).toBeGreaterThanOrEqual(1514);
  expect(receiveSlots).toBeGreaterThanOrEqual(1);
  expect(transmitSlots).toBeGreaterThanOrEqual(1);
  expect(bitsPerSecond).toBeGreaterThan(0);
};

const carriesBothWays = async (harness: NicHarness): Promise<void> => {
  for (const length of [60, 61, 590, 1514]) {
    const out = contractFrame(length, length);
    expect(sendFrame(harness.nic, harness.now(), out)).toBe(true);
    harness.nic.flush(harness.now());
    expect(await takeFrom(harness)).toEqual(out);
    const back = contractFrame(length + 1, length);
    harness.peer.send(back);
    expect(await arrive(harness)).toEqual(back);
  }
};

const gathersPieces = async (harness: NicHarness): Promise<void> => {
  const frame = contractFrame(9, 200);
  const memory = new Uint8Array(4096).fill(0xaa);
  const gather = makePhysicalGather(4);
  const pieces: readonly (readonly [at: number, from: number, to: number])[] = [
    [3000, 0, 14],
    [7, 14, 15],
    [100, 15, 15],
    [1024, 15, 200],
  ];
  pieces.forEach(([at, from, to], i) => {
    memory.set(frame.subarray(from, to), at);
    gather.addresses[i] = at;
    gather.lengths[i] = to - from;
  });
  gather.count = pieces.length;
  gather.length = frame.length;
  expect(harness.nic.transmit(harness, memory, gather)).toBe(true);
  memory.fill(0);
  harness.nic.flush(harness.now());
  expect(await takeFrom(harness)).toEqual(frame);
};

const keepsOrder = async (harness: NicHarness): Promise<void> => {
  const count = Math.min(8, harness.nic.hardware.transmitSlots, harness.nic.hardware.receiveSlots);
  for (let i = 0; i < count; i++)
    expect(sendFrame(harness.nic, harness.now(), contractFrame(i, 80 + i))).toBe(true);
  harness.nic.flush(harness.now());
  for (let i = 0; i < count; i++) expect(await takeFrom(harness)).toEqual(contractFrame(i, 80 + i));
  for (let i = 0; i < count; i++) harness.peer.send(contractFrame(i, 90 + i));
  for (let i = 0; i < count; i++) expect(await arrive(harness)).toEqual(contractFrame(i, 90 + i));
};

const nothingThere = (harness: NicHarness): void => {
  const memory = new Uint8Array(harness.nic.hardware.frameBytes).fill(0x55);
  expect(harness.nic.receive(harness.now(), memory, 0)).toBe(0);
  expect(memory.every((byte) => byte === 0x55)).toBe(true);
  expect(harness.nic.wakeAt(harness.now())).toBeGreaterThan(harness.now());
};

const staysInside = async (harness: NicHarness): Promise<void> => {
  const { nic } = harness;
  const memory = new Uint8Array(nic.hardware.frameBytes + 128).fill(0x55);
  harness.peer.send(contractFrame(3, 100));
  let length = 0;
  expect(await eventually(harness, () => (length = nic.receive(harness.now(), memory, 64)) > 0)).toBe(true);
  expect(memory.slice(64, 64 + length)).toEqual(contractFrame(3, 100));
  expect(memory.subarray(0, 64).every((byte) => byte === 0x55)).toBe(true);
  expect(memory.subarray(64 + nic.hardware.frameBytes).every((byte) => byte === 0x55)).toBe(true);
};

const counts = async (harness: NicHarness): Promise<void> => {
  const before = { ...harness.nic.counters };
  expect(sendFrame(harness.nic, harness.now(), contractFrame(1, 100))).toBe(true);
  expect(sendFrame(harness.nic, harness.now(), contractFrame(2, 200))).toBe(true);
  harness.nic.flush(harness.now());
  harness.peer.send(contractFrame(3, 300));
  await arrive(harness);
  const { counters } = harness.nic;
  expect(counters.transmitted - before.transmitted).toBe(2);
  expect(counters.transmittedBytes - before.transmittedBytes).toBe(300);
  expect(counters.received - before.received).toBe(1);
  expect(counters.receivedBytes - before.receivedBytes).toBe(300);
};

/** Frames sent between two settlings, and settlings after which all of them have arrived. */
const SENDS_A_ROUND = 8;
const ARRIVAL_ROUNDS = 20;

const dropsWhenFull = async (harness: NicHarness): Promise<void> => {
  const { nic, peer } = harness;
  const sent = nic.hardware.receiveSlots + 5;
  for (let i = 0; i < sent; i++) {
    peer.send(contractFrame(i, 64));
    if (i % SENDS_A_ROUND === 0) await harness.settle();
  }
  for (let i = 0; i < ARRIVAL_ROUNDS; i++) await harness.settle();
  const memory = new Uint8Array(nic.hardware.frameBytes);
  const first = nic.receive(harness.now(), memory, 0);
  expect(memory.slice(0, first)).toEqual(contractFrame(0, 64));
  let taken = 1;
  await eventually(harness, () => {
    while (nic.receive(harness.now(), memory, 0) > 0) taken++;
    return taken + nic.counters.receiveDropped >= sent;
  });
  expect(taken).toBe(nic.hardware.receiveSlots);
  expect(nic.counters.receiveDropped).toBe(5);
  expect(nic.counters.received).toBe(taken);
};

const refusesWhenFull = async (harness: NicHarness): Promise<void> => {
  const { nic } = harness;
  for (let i = 0; i < nic.hardware.transmitSlots; i++)
    expect(sendFrame(nic, harness.now(), contractFrame(i, 64))).toBe(true);
  expect(sendFrame(nic, harness.now(), contractFrame(0, 64))).toBe(false);
  expect(nic.counters.transmitRefused).toBe(1);
  expect(nic.counters.transmitted).toBe(nic.hardware.transmitSlots);
  nic.flush(harness.now());
  expect(await eventually(harness, () => sendFrame(nic, harness.now(), contractFrame(1, 64)))).toBe(true);
};

const tellsWhen = async (harness: NicHarness): Promise<void> => {
  harness.peer.send(contractFrame(1, 64));
  harness.peer.send(contractFrame(2, 64));
  await arrive(harness);
  await harness.settle();
  const due = harness.nic.wakeAt(harness.now());
  expect(due <= harness.now() || due === NEVER).toBe(true);
  expect(await arrive(harness)).toEqual(contractFrame(2, 64));
};

/** Lowest sequence number whose segments pass the end of the numbers. */
const NEAR_THE_END = 0xffff_ffff - 1500;
const SEGMENT_BYTES = 1000;

const computesChecksums = async (harness: NicHarness): Promise<void> => {
  const { nic } = harness;
  for (const length of [0, 1, 100, 1400]) {
    const right = segmentFrame(somePayload(length));
    const open = right.slice();
    open.fill(0xee, 50, 52);
    const asked = sendLeaving(nic, harness.now(), open, {
      checksum: nic.hardware.transmitChecksum,
      cuts: [40],
    });
    expect(asked).toBe(true);
    nic.flush(harness.now());
    expect(await takeFrom(harness)).toEqual(nic.hardware.transmitChecksum ? right : open);
  }
  const other = contractFrame(5, 300);
  expect(sendLeaving(nic, harness.now(), other, { checksum: nic.hardware.transmitChecksum })).toBe(true);
  nic.flush(harness.now());
  expect(await takeFrom(harness)).toEqual(other);
};

const cutsSegments = async (harness: NicHarness): Promise<void> => {
  const { nic } = harness;
  const { segmentationBytes, frameBytes } = nic.hardware;
  expect(segmentationBytes === 0 || segmentationBytes > frameBytes).toBe(true);
  if (segmentationBytes === 0) return;
  const payload = somePayload(4 * SEGMENT_BYTES + 321);
  const flags = 0x99;
  const frame = segmentFrame(payload, { sequence: NEAR_THE_END, identification: 0xfffe, flags });
  const left = { checksum: true, segmentBytes: SEGMENT_BYTES, cuts: [20, 66, 66, 2500] };
  expect(sendLeaving(nic, harness.now(), frame, left)).toBe(true);
  nic.flush(harness.now());
  for (let i = 0; i < 5; i++) {
    const seen = seeSegment(await takeFrom(harness));
    const isLast = i === 4;
    expect(seen.isSound).toBe(true);
    expect(seen.payload).toEqual(payload.slice(i * SEGMENT_BYTES, (i + 1) * SEGMENT_BYTES));
    expect(seen.sequence).toBe((NEAR_THE_END + i * SEGMENT_BYTES) % 0x1_0000_0000);
    expect(seen.identification).toBe((0xfffe + i) & 0xffff);
    expect(seen.flags).toBe(0x10 | (i === 0 ? 0x80 : 0) | (isLast ? 0x09 : 0));
  }
};

const losesWhatCannotBeCut = async (harness: NicHarness): Promise<void> => {
  const { nic } = harness;
  const { segmentationBytes } = nic.hardware;
  if (segmentationBytes === 0) return;
  const long = contractFrame(6, 5000);
  expect(sendLeaving(nic, harness.now(), long, { segmentBytes: SEGMENT_BYTES })).toBe(true);
  const tooMuch = segmentFrame(somePayload(5000));
  expect(sendLeaving(nic, harness.now(), tooMuch, { segmentBytes: nic.hardware.frameBytes })).toBe(true);
  const short = segmentFrame(somePayload(200));
  expect(sendLeaving(nic, harness.now(), short, { segmentBytes: SEGMENT_BYTES })).toBe(true);
  nic.flush(harness.now());
  expect(await takeFrom(harness)).toEqual(short);
  const beyond = new Uint8Array(segmentationBytes + 1);
  expect(() => sendLeaving(nic, harness.now(), beyond, { segmentBytes: SEGMENT_BYTES })).toThrow(RangeError);
};

const claimsNothingUnknown = async (harness: NicHarness): Promise<void> => {
  const wrong = segmentFrame(somePayload(500));
  wrong[100] = (wrong[100] ?? 0) ^ 1;
  for (const frame of [wrong, contractFrame(4, 90)]) {
    harness.peer.send(frame);
    expect(await arrive(harness)).toEqual(frame);
    expect(harness.nic.arrival.checksumGood).toBe(false);
  }
};

const CASES: readonly ContractCase<NicHarness>[] = [
  ["describes itself", describesItself],
  ["carries frames byte for byte both ways", carriesBothWays],
  ["gathers the pieces of a frame in order and has copied them on return", gathersPieces],
  ["keeps the order of frames", keepsOrder],
  ["returns 0 and touches nothing when no frame has arrived", nothingThere],
  ["writes nothing outside the room for one frame", staysInside],
  ["counts frames and bytes both ways", counts],
  ["drops and counts arrivals when the receive ring is full", dropsWhenFull],
  ["refuses and counts when the transmit ring is full, and recovers", refusesWhenFull],
  ["is due or unknown when a frame has arrived", tellsWhen],
  ["computes the checksum that is left to it, in its own copy, and nothing else", computesChecksums],
  ["cuts a super-segment into frames with headers of their own", cutsSegments],
  ["sends what need not be cut as it is, and loses what cannot be", losesWhatCannotBeCut],
  ["says of no damaged frame that its checksum is good", claimsNothingUnknown],
];

/** Checks that the interfaces that `make` makes keep the contract of `Nic`. */
export function nicContract(
  name: string,
  make: MakeHarness<NicHarness>,
  deviations: readonly Deviation[] = [],
): void {
  contractSuite(name, make, CASES, deviations);
}
