import { expect, test } from "vitest";
import {
  dmaContract,
  frameBufferContract,
  memoryContract,
  processorContract,
  randomContract,
} from "../contract/index.ts";
import { pause } from "../../test/host-events.ts";
import type { DmaRequest } from "../dma.ts";
import { HOST_HERTZ } from "./clock.ts";
import { makeHostMachine } from "./machine.ts";
import { hostRandom } from "./random.ts";

memoryContract("host memory", () => ({ memory: makeHostMachine({ frames: 64 }).memory, settle: () => {} }));

randomContract("host random device", () => ({ random: hostRandom, settle: () => {} }));

processorContract("host processor", () => ({ ...makeHostMachine({ frames: 1 }), settle: pause }));

dmaContract("host DMA engine", () => {
  const { dma, memory, clock } = makeHostMachine({ frames: 16 });
  if (dma === undefined) throw new Error("the machine has an engine");
  return { dma, memory: memory.bytes, now: () => clock.now(), settle: pause };
});

frameBufferContract("host frame buffer", () => {
  const [display] = makeHostMachine({ frames: 1, displays: [{ width: 20, height: 40 }] }).displays;
  if (display === undefined) throw new Error("the machine has a display");
  return { display, settle: () => {} };
});

test("a copy on the host is due as soon as it is queued, so that nobody waits for a timer", () => {
  const { dma, memory, clock } = makeHostMachine({ frames: 2 });
  const request = { from: 0, to: 4096, bytes: 4096 } as DmaRequest;
  const now = clock.now();
  expect(dma?.submit(now, memory.bytes, request)).toBe(true);
  expect(dma?.wakeAt(now)).toBe(now);
});

test("a host machine has the devices it was given and no others", () => {
  const machine = makeHostMachine({ frames: 20, arenaBytes: 65_536 });
  expect(machine.memory.frames).toBe(20);
  expect(machine.memory.arenaBytes).toBeGreaterThanOrEqual(65_536);
  expect([machine.nics, machine.disks, machine.streams]).toEqual([[], [], []]);
  expect(machine.displays).toEqual([]);
  expect(makeHostMachine({ frames: 1, dma: false }).dma).toBeUndefined();
  expect(machine.clock.hertz).toBe(HOST_HERTZ);
  expect(Object.isFrozen(machine)).toBe(true);
});

test("the host's meter lets time pass by itself", () => {
  const { clock, meter } = makeHostMachine({ frames: 16 });
  const before = clock.now();
  meter.charge("gateCall", 1e12);
  expect(clock.now() - before).toBeLessThan(60e9);
});

test("random bytes outside the memory are refused", () => {
  expect(() => hostRandom.fill(new Uint8Array(10), 5, 6)).toThrow(RangeError);
});
