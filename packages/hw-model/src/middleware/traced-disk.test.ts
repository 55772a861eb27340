import { expect, test } from "vitest";
import { makeSimulatedDisk } from "../simulated/disk.ts";
import { BLOCK_BYTES, block, cycles, type PhysicalAddress } from "../units.ts";
import { makeDiskLog, tracedDisk } from "./traced-disk.ts";

test("the log says what was asked when, and what came of it when", () => {
  const log = makeDiskLog();
  const disk = tracedDisk(makeSimulatedDisk(1e6, { queueSlots: 2, blocks: 10 }), log);
  const memory = new Uint8Array(BLOCK_BYTES);
  const request = { kind: "read", first: block(3), count: 1, address: 0 as PhysicalAddress } as const;
  disk.submit(cycles(5), memory, request);
  disk.submit(cycles(6), memory, { ...request, first: block(99) });
  expect(disk.submit(cycles(7), memory, request)).toBe(false);
  disk.reap(cycles(1e6), 10, () => {});
  expect(log.entries).toEqual([
    { kind: "read", first: 3, count: 1, submitted: 5, completed: 1e6, ok: true },
    { kind: "read", first: 99, count: 1, submitted: 6, completed: 1e6, ok: false },
  ]);
});
