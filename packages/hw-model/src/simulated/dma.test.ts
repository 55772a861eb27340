import { expect, test } from "vitest";
import type { DmaRequest } from "../dma.ts";
import { NEVER, cycles } from "../units.ts";
import { makeDmaEngine } from "./dma.ts";
import { makeSimulatedMachine } from "./machine.ts";

const HERTZ = 1_000_000;
const memory = new Uint8Array(4096);
const copy = (bytes: number): DmaRequest => ({ from: 0, to: 1000, bytes }) as DmaRequest;

test("a copy takes its set-up and its bytes at the engine's rate, after those before it", () => {
  const dma = makeDmaEngine(HERTZ, { bytesPerSecond: 1_000_000, overheadSeconds: 0.000_01 });
  dma.submit(cycles(100), memory, copy(500));
  dma.submit(cycles(100), memory, copy(200));
  expect(dma.wakeAt(cycles(100))).toBe(610);
  expect(dma.reap(cycles(609), 8, () => {})).toBe(0);
  expect(dma.reap(cycles(610), 8, () => {})).toBe(1);
  expect(dma.wakeAt(cycles(610))).toBe(820);
  expect(dma.reap(cycles(820), 8, () => {})).toBe(1);
});

test("a cancelled copy is handed over at once, wherever it is in the queue", () => {
  const dma = makeDmaEngine(HERTZ);
  const [first, second] = [copy(3000), copy(1)];
  for (const one of [first, second]) dma.submit(cycles(0), memory, one);
  dma.cancel(second);
  expect(dma.wakeAt(cycles(3))).toBe(3);
  const seen: unknown[] = [];
  expect(dma.reap(cycles(3), 8, (request, ok) => seen.push(request, ok))).toBe(1);
  expect(seen).toEqual([second, false]);
  expect(dma.wakeAt(cycles(3))).not.toBe(NEVER);
});

test("a machine has an engine unless it is to have none", () => {
  expect(makeSimulatedMachine({ frames: 1 }).dma).toBeDefined();
  expect(makeSimulatedMachine({ frames: 1, dma: false }).dma).toBeUndefined();
  expect(makeSimulatedMachine({ frames: 1, dma: { queueSlots: 3 } }).dma?.hardware.queueSlots).toBe(3);
});
