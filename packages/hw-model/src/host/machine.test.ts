import { expect, test } from "vitest";
import { memoryContract, randomContract } from "../contract/index.ts";
import { HOST_HERTZ } from "./clock.ts";
import { makeHostMachine } from "./machine.ts";
import { hostRandom } from "./random.ts";

memoryContract("host memory", () => ({ memory: makeHostMachine({ frames: 64 }).memory, settle: () => {} }));

randomContract("host random device", () => ({ random: hostRandom, settle: () => {} }));

test("a host machine has the devices it was given and no others", () => {
  const machine = makeHostMachine({ frames: 20, arenaBytes: 65_536 });
  expect(machine.memory.frames).toBe(20);
  expect(machine.memory.arenaBytes).toBeGreaterThanOrEqual(65_536);
  expect([machine.nics, machine.disks, machine.streams]).toEqual([[], [], []]);
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
