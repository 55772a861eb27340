/** What every disk keeps. */
import { expect } from "vitest";
import type { Disk, DiskRequest } from "../disk.ts";
import { BLOCK_BYTES, NEVER, block, type Cycles, type PhysicalAddress } from "../units.ts";
import {
  contractSuite,
  eventually,
  type ContractCase,
  type Deviation,
  type MakeHarness,
  type Settling,
} from "./suite.ts";

/** A disk under test, at least 64 blocks, every one of them zero. */
export interface DiskHarness extends Settling {
  readonly disk: Disk;
  /** Physical memory of at least 32 blocks that the suite may write to. */
  readonly memory: Uint8Array;
  /** The time of the machine that the disk is in. */
  now(): Cycles;
}

const request = (kind: "read" | "write", first: number, count: number, address: number): DiskRequest => ({
  kind,
  first: block(first),
  count,
  address: address as PhysicalAddress,
});

const pattern = (memory: Uint8Array, at: number, length: number, tag: number): void => {
  for (let i = 0; i < length; i++) memory[at + i] = (tag * 13 + i * 5 + (i >> 9)) & 0xff;
};

const submit = (harness: DiskHarness, wanted: DiskRequest): void => {
  expect(harness.disk.submit(harness.now(), harness.memory, wanted)).toBe(true);
};

interface Finished {
  readonly request: DiskRequest;
  readonly ok: boolean;
}

const reapAll = async (harness: DiskHarness, count: number): Promise<Finished[]> => {
  const finished: Finished[] = [];
  await eventually(harness, () => {
    harness.disk.reap(harness.now(), 64, (done, ok) => finished.push({ request: done, ok }));
    return finished.length >= count;
  });
  expect(finished).toHaveLength(count);
  return finished;
};

const transfer = async (harness: DiskHarness, wanted: DiskRequest): Promise<boolean> => {
  submit(harness, wanted);
  const [finished] = await reapAll(harness, 1);
  expect(finished?.request).toBe(wanted);
  return finished?.ok ?? false;
};

const readsBack = async (harness: DiskHarness): Promise<void> => {
  const { memory } = harness;
  for (const [first, count] of [
    [0, 1],
    [5, 3],
    [harness.disk.hardware.blocks - 2, 2],
  ] as const) {
    pattern(memory, 0, count * BLOCK_BYTES, first);
    const wanted = memory.slice(0, count * BLOCK_BYTES);
    expect(await transfer(harness, request("write", first, count, 0))).toBe(true);
    memory.fill(0xee);
    expect(await transfer(harness, request("read", first, count, 4 * BLOCK_BYTES))).toBe(true);
    expect(memory.slice(4 * BLOCK_BYTES, (4 + count) * BLOCK_BYTES)).toEqual(wanted);
    expect(memory.subarray(0, 4 * BLOCK_BYTES).every((byte) => byte === 0xee)).toBe(true);
    expect(memory.subarray((4 + count) * BLOCK_BYTES).every((byte) => byte === 0xee)).toBe(true);
  }
};

const freshIsZero = async (harness: DiskHarness): Promise<void> => {
  harness.memory.fill(0x77);
  expect(await transfer(harness, request("read", 20, 2, 0))).toBe(true);
  expect(harness.memory.subarray(0, 2 * BLOCK_BYTES).every((byte) => byte === 0)).toBe(true);
};

const laterWins = async (harness: DiskHarness): Promise<void> => {
  pattern(harness.memory, 0, BLOCK_BYTES, 1);
  pattern(harness.memory, BLOCK_BYTES, BLOCK_BYTES, 2);
  expect(await transfer(harness, request("write", 9, 1, 0))).toBe(true);
  expect(await transfer(harness, request("write", 9, 1, BLOCK_BYTES))).toBe(true);
  expect(await transfer(harness, request("read", 9, 1, 2 * BLOCK_BYTES))).toBe(true);
  expect(harness.memory.slice(2 * BLOCK_BYTES, 3 * BLOCK_BYTES)).toEqual(
    harness.memory.slice(BLOCK_BYTES, 2 * BLOCK_BYTES),
  );
};

const completesOnce = async (harness: DiskHarness): Promise<void> => {
  const count = Math.min(6, harness.disk.hardware.queueSlots);
  const wanted = Array.from({ length: count }, (_, i) => request("read", (i * 17) % 60, 1, i * BLOCK_BYTES));
  for (const one of wanted) submit(harness, one);
  const finished = await reapAll(harness, count);
  expect(new Set(finished.map((one) => one.request))).toEqual(new Set(wanted));
  await harness.settle();
  expect(harness.disk.reap(harness.now(), 64, () => {})).toBe(0);
};

const honoursLimit = async (harness: DiskHarness): Promise<void> => {
  const count = Math.min(3, harness.disk.hardware.queueSlots);
  for (let i = 0; i < count; i++) submit(harness, request("read", i, 1, i * BLOCK_BYTES));
  expect(harness.disk.reap(harness.now(), 0, () => {})).toBe(0);
  let total = 0;
  await eventually(harness, () => {
    const got = harness.disk.reap(harness.now(), 1, () => {});
    expect(got).toBeLessThanOrEqual(1);
    total += got;
    return total === count;
  });
  expect(total).toBe(count);
};

const refusesWhenFull = async (harness: DiskHarness): Promise<void> => {
  const { queueSlots } = harness.disk.hardware;
  for (let i = 0; i < queueSlots; i++) submit(harness, request("read", i % 60, 1, (i % 30) * BLOCK_BYTES));
  expect(harness.disk.submit(harness.now(), harness.memory, request("read", 0, 1, 0))).toBe(false);
  await reapAll(harness, queueSlots);
  expect(await transfer(harness, request("read", 0, 1, 0))).toBe(true);
};

const refillsQueue = async (harness: DiskHarness): Promise<void> => {
  const { queueSlots } = harness.disk.hardware;
  for (let i = 0; i < queueSlots; i++) submit(harness, request("read", i % 60, 1, (i % 30) * BLOCK_BYTES));
  const next = request("read", 1, 1, 0);
  const finished: DiskRequest[] = [];
  let accepted: boolean | undefined;
  await eventually(harness, () => {
    harness.disk.reap(harness.now(), 64, (done) => {
      accepted ??= harness.disk.submit(harness.now(), harness.memory, next);
      finished.push(done);
    });
    return finished.length > queueSlots;
  });
  expect(accepted).toBe(true);
  expect(finished).toHaveLength(queueSlots + 1);
  expect(finished.filter((one) => one === next)).toHaveLength(1);
};

const failsOutside = async (harness: DiskHarness): Promise<void> => {
  const { blocks } = harness.disk.hardware;
  harness.memory.fill(0x33);
  expect(await transfer(harness, request("read", blocks, 1, 0))).toBe(false);
  expect(await transfer(harness, request("read", blocks - 1, 2, 0))).toBe(false);
  expect(await transfer(harness, request("read", 0, 1, harness.memory.length - 100))).toBe(false);
  expect(harness.memory.every((byte) => byte === 0x33)).toBe(true);
};

const showsArm = async (harness: DiskHarness): Promise<void> => {
  await transfer(harness, request("read", 12, 3, 0));
  expect(harness.disk.armPosition()).toBe(14);
  await transfer(harness, request("read", 2, 1, 0));
  expect(harness.disk.armPosition()).toBe(2);
};

const tellsWhen = async (harness: DiskHarness): Promise<void> => {
  expect(harness.disk.wakeAt(harness.now())).toBe(NEVER);
  submit(harness, request("read", 40, 1, 0));
  const due = harness.disk.wakeAt(harness.now());
  const arrived = await eventually(harness, () => harness.now() >= due || due === NEVER);
  expect(arrived).toBe(true);
  await reapAll(harness, 1);
  expect(harness.disk.wakeAt(harness.now())).toBe(NEVER);
};

/** Some that share blocks, and some that do not, while nobody else runs: not even the host. */
const settlesAll = async (harness: DiskHarness): Promise<void> => {
  const { disk, memory } = harness;
  const [a, b] = [BLOCK_BYTES, 2 * BLOCK_BYTES];
  for (const at of [0, a]) pattern(memory, at, BLOCK_BYTES, at + 1);
  const asked = [
    request("write", 9, 1, 0),
    request("write", 9, 1, a),
    request("read", 9, 1, b),
    request("write", 30, 1, 0),
    request("read", disk.hardware.blocks, 1, 0),
    request("write", 9, 1, 0),
  ].slice(0, disk.hardware.queueSlots);
  for (const one of asked) submit(harness, one);
  const finished: Finished[] = [];
  while (finished.length < asked.length) {
    const due = disk.settle(harness.now());
    expect(due).not.toBe(NEVER);
    const count = disk.reap(due, 64, (done, ok) => finished.push({ request: done, ok }));
    expect(count).toBeGreaterThan(0);
  }
  expect(new Set(finished.map((one) => one.request))).toEqual(new Set(asked));
  for (const one of finished) expect(one.ok).toBe(one.request.first < disk.hardware.blocks);
  expect(memory.slice(b, b + BLOCK_BYTES)).toEqual(memory.slice(a, b));
  expect(disk.settle(harness.now())).toBe(NEVER);
  await harness.settle();
  expect(disk.reap(harness.now(), 64, () => {})).toBe(0);
  expect(await transfer(harness, request("read", 9, 1, b))).toBe(true);
  expect(memory.slice(b, b + BLOCK_BYTES)).toEqual(memory.slice(0, BLOCK_BYTES));
};

const CASES: readonly ContractCase<DiskHarness>[] = [
  ["reads back what was written, and touches nothing else", readsBack],
  ["reads zeros from a block never written", freshIsZero],
  ["keeps the later of two writes", laterWins],
  ["completes every accepted request exactly once", completesOnce],
  ["hands over no more than the limit", honoursLimit],
  ["refuses when the queue is full, and recovers", refusesWhenFull],
  ["takes the next request while it hands over a finished one, even when it was full", refillsQueue],
  ["fails a request outside the disk or the memory", failsOutside],
  ["shows the last block of the last transfer as the arm's position", showsArm],
  ["tells when a completion is due", tellsWhen],
  ["finishes all that is queued by itself, once and in order, when it is told to settle", settlesAll],
];

/** Checks that the disks that `make` makes keep the contract of `Disk`. */
export function diskContract(
  name: string,
  make: MakeHarness<DiskHarness>,
  deviations: readonly Deviation[] = [],
): void {
  contractSuite(name, make, CASES, deviations);
}
