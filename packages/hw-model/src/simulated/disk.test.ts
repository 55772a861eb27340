import { expect, test } from "vitest";
import type { DiskRequest } from "../disk.ts";
import { BLOCK_BYTES, NEVER, block, cycles, type PhysicalAddress } from "../units.ts";
import { makeSimulatedDisk } from "./disk.ts";

const HERTZ = 1_000_000;
const memory = new Uint8Array(16 * BLOCK_BYTES);
const read = (first: number, count: number = 1): DiskRequest => ({
  kind: "read",
  first: block(first),
  count,
  address: 0 as PhysicalAddress,
});

const latency = (first: number, second: number): number => {
  const disk = makeSimulatedDisk(HERTZ, { blocks: 10_000 });
  disk.submit(cycles(0), memory, read(first));
  const arrived = disk.wakeAt(cycles(0));
  disk.reap(arrived, 1, () => {});
  disk.submit(arrived, memory, read(second));
  return disk.wakeAt(arrived) - arrived;
};

test("an adjacent block costs less than one far off, and a farther one costs more", () => {
  expect(latency(100, 101)).toBe(Math.ceil((0.0001 + BLOCK_BYTES / 1e7) * HERTZ));
  expect(latency(100, 101)).toBeLessThan(latency(100, 110));
  expect(latency(100, 110)).toBeLessThan(latency(100, 9000));
});

test("nothing moves before its time: neither completion, nor bytes, nor the arm", () => {
  const disk = makeSimulatedDisk(HERTZ);
  disk.poke(block(7), new Uint8Array([1, 2, 3]));
  memory.fill(9);
  disk.submit(cycles(0), memory, read(7));
  const due = disk.wakeAt(cycles(0));
  expect(disk.reap(cycles(due - 1), 10, () => {})).toBe(0);
  expect(memory[0]).toBe(9);
  expect(disk.armPosition()).toBe(0);
  expect(disk.reap(due, 10, () => {})).toBe(1);
  expect([...memory.subarray(0, 4)]).toEqual([1, 2, 3, 0]);
  expect(disk.armPosition()).toBe(7);
  expect(disk.wakeAt(due)).toBe(NEVER);
});

test("requests are served one after another, in order", () => {
  const disk = makeSimulatedDisk(HERTZ);
  const requests = [read(500), read(3), read(400, 2)];
  for (const one of requests) expect(disk.submit(cycles(0), memory, one)).toBe(true);
  const served: DiskRequest[] = [];
  let last = -1;
  while (disk.wakeAt(cycles(0)) !== NEVER) {
    const due = disk.wakeAt(cycles(0));
    expect(due).toBeGreaterThan(last);
    last = due;
    expect(disk.reap(due, 10, (request) => served.push(request))).toBe(1);
  }
  expect(served).toEqual(requests);
});

test("a block reads back through peek what a request wrote", () => {
  const disk = makeSimulatedDisk(HERTZ);
  memory.fill(0x42, 0, BLOCK_BYTES);
  disk.submit(cycles(0), memory, { ...read(11), kind: "write" });
  disk.reap(disk.wakeAt(cycles(0)), 1, () => {});
  expect(disk.peek(block(11))).toEqual(new Uint8Array(BLOCK_BYTES).fill(0x42));
  expect(disk.peek(block(12))).toEqual(new Uint8Array(BLOCK_BYTES));
});
