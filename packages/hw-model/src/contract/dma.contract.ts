/** What every DMA engine keeps. */
import { expect } from "vitest";
import type { DmaEngine, DmaRequest } from "../dma.ts";
import { FRAME_BYTES, NEVER, type Cycles, type PhysicalAddress } from "../units.ts";
import {
  contractSuite,
  eventually,
  type ContractCase,
  type Deviation,
  type MakeHarness,
  type Settling,
} from "./suite.ts";

/** A DMA engine under test. */
export interface DmaHarness extends Settling {
  readonly dma: DmaEngine;
  /** Physical memory of at least 8 frames that the suite may write to. */
  readonly memory: Uint8Array;
  /** The time of the machine that the engine is in. */
  now(): Cycles;
}

const copy = (from: number, to: number, bytes: number): DmaRequest => ({
  from: from as PhysicalAddress,
  to: to as PhysicalAddress,
  bytes,
});

const submit = (harness: DmaHarness, wanted: DmaRequest): void => {
  expect(harness.dma.submit(harness.now(), harness.memory, wanted)).toBe(true);
};

interface Finished {
  readonly request: DmaRequest;
  readonly ok: boolean;
}

const reapAll = async (harness: DmaHarness, count: number): Promise<Finished[]> => {
  const finished: Finished[] = [];
  await eventually(harness, () => {
    harness.dma.reap(harness.now(), 64, (request, ok) => finished.push({ request, ok }));
    return finished.length >= count;
  });
  expect(finished).toHaveLength(count);
  return finished;
};

const copies = async (harness: DmaHarness): Promise<void> => {
  const { memory } = harness;
  memory.fill(0xee);
  for (let i = 0; i < 5000; i++) memory[100 + i] = (i * 7) & 0xff;
  const wanted = memory.slice(100, 5100);
  const request = copy(100, 3 * FRAME_BYTES + 1, 5000);
  submit(harness, request);
  expect(await reapAll(harness, 1)).toEqual([{ request, ok: true }]);
  expect(memory.slice(3 * FRAME_BYTES + 1, 3 * FRAME_BYTES + 5001)).toEqual(wanted);
  expect(memory.subarray(5100, 3 * FRAME_BYTES + 1).every((byte) => byte === 0xee)).toBe(true);
  expect(memory.subarray(3 * FRAME_BYTES + 5001).every((byte) => byte === 0xee)).toBe(true);
};

const overlaps = async (harness: DmaHarness): Promise<void> => {
  const { memory } = harness;
  for (const [from, to] of [
    [0, 10],
    [10, 0],
  ] as const) {
    for (let i = 0; i < 64; i++) memory[i] = i;
    const wanted = memory.slice(from, from + 50);
    submit(harness, copy(from, to, 50));
    await reapAll(harness, 1);
    expect(memory.slice(to, to + 50)).toEqual(wanted);
  }
};

const asAWhole = async (harness: DmaHarness): Promise<void> => {
  const { memory, dma } = harness;
  memory.fill(0);
  memory[0] = 1;
  submit(harness, copy(0, FRAME_BYTES, FRAME_BYTES));
  expect(memory[FRAME_BYTES]).toBe(0);
  await harness.settle();
  expect(memory[FRAME_BYTES]).toBe(0);
  expect(dma.reap(harness.now(), 0, () => {})).toBe(0);
  expect(memory[FRAME_BYTES]).toBe(0);
  memory[0] = 2;
  await reapAll(harness, 1);
  expect(memory[FRAME_BYTES]).toBe(2);
};

const completesOnce = async (harness: DmaHarness): Promise<void> => {
  const count = Math.min(6, harness.dma.hardware.queueSlots);
  const wanted = Array.from({ length: count }, (_, i) => copy(0, FRAME_BYTES, i + 1));
  for (const one of wanted) submit(harness, one);
  expect((await reapAll(harness, count)).map((one) => one.request)).toEqual(wanted);
  await harness.settle();
  expect(harness.dma.reap(harness.now(), 64, () => {})).toBe(0);
};

const honoursLimit = async (harness: DmaHarness): Promise<void> => {
  const count = Math.min(3, harness.dma.hardware.queueSlots);
  for (let i = 0; i < count; i++) submit(harness, copy(0, FRAME_BYTES, 1));
  let total = 0;
  await eventually(harness, () => {
    const got = harness.dma.reap(harness.now(), 1, () => {});
    expect(got).toBeLessThanOrEqual(1);
    total += got;
    return total === count;
  });
  expect(total).toBe(count);
};

const refusesWhenFull = async (harness: DmaHarness): Promise<void> => {
  const { queueSlots } = harness.dma.hardware;
  for (let i = 0; i < queueSlots; i++) submit(harness, copy(0, FRAME_BYTES, 1));
  expect(harness.dma.submit(harness.now(), harness.memory, copy(0, FRAME_BYTES, 1))).toBe(false);
  await reapAll(harness, queueSlots);
  submit(harness, copy(0, FRAME_BYTES, 1));
  expect((await reapAll(harness, 1))[0]?.ok).toBe(true);
};

const cancels = async (harness: DmaHarness): Promise<void> => {
  const { memory, dma } = harness;
  memory.fill(0);
  memory.fill(7, 0, FRAME_BYTES);
  const wanted = [1, 2, 3].map((frame) => copy(0, frame * FRAME_BYTES, FRAME_BYTES));
  const [first, second, third] = wanted as [DmaRequest, DmaRequest, DmaRequest];
  for (const one of wanted) submit(harness, one);
  expect(dma.cancel(second)).toBe(true);
  expect(dma.cancel(second)).toBe(false);
  expect(dma.cancel(copy(0, FRAME_BYTES, FRAME_BYTES))).toBe(false);
  const finished = await reapAll(harness, 3);
  const okOf = (request: DmaRequest): boolean | undefined =>
    finished.find((one) => one.request === request)?.ok;
  expect([first, second, third].map(okOf)).toEqual([true, false, true]);
  expect([1, 2, 3].map((frame) => memory[frame * FRAME_BYTES])).toEqual([7, 0, 7]);
  expect(dma.cancel(first)).toBe(false);
};

const failsOutside = async (harness: DmaHarness): Promise<void> => {
  const { memory } = harness;
  memory.fill(0x33);
  const bad = [
    copy(memory.length - 10, 0, 11),
    copy(0, memory.length, 1),
    copy(-1, 0, 4),
    copy(0, 8, 0),
    copy(0.5, 8, 1),
  ];
  for (const one of bad) submit(harness, one);
  expect((await reapAll(harness, bad.length)).every(({ ok }) => !ok)).toBe(true);
  expect(memory.every((byte) => byte === 0x33)).toBe(true);
};

const tellsWhen = async (harness: DmaHarness): Promise<void> => {
  expect(harness.dma.wakeAt(harness.now())).toBe(NEVER);
  submit(harness, copy(0, FRAME_BYTES, FRAME_BYTES));
  const due = harness.dma.wakeAt(harness.now());
  expect(due).not.toBe(NEVER);
  expect(await eventually(harness, () => harness.now() >= due)).toBe(true);
  expect(harness.dma.reap(harness.now(), 64, () => {})).toBe(1);
  expect(harness.dma.wakeAt(harness.now())).toBe(NEVER);
};

const CASES: readonly ContractCase<DmaHarness>[] = [
  ["copies the bytes it was told to, and touches nothing else", copies],
  ["copies between places that overlap as if they did not", overlaps],
  ["moves a copy as a whole when it is reaped, and nothing before", asAWhole],
  ["completes every accepted copy exactly once, in order", completesOnce],
  ["hands over no more than the limit", honoursLimit],
  ["refuses when the queue is full, and recovers", refusesWhenFull],
  ["cancels the copy that is named, and no other", cancels],
  ["fails a copy that is empty or outside the memory", failsOutside],
  ["tells when a completion is due", tellsWhen],
];

/** Checks that the engines that `make` makes keep the contract of `DmaEngine`. */
export function dmaContract(
  name: string,
  make: MakeHarness<DmaHarness>,
  deviations: readonly Deviation[] = [],
): void {
  contractSuite(name, make, CASES, deviations);
}
