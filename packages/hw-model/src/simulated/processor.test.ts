/** The simulated processor: to the instruction, and each of them charged once. */
import { expect, test } from "vitest";
import {
  BOUNCE_BYTES,
  DEC5000_125,
  FUEL_GRANT,
  MODERN_3GHZ,
  after,
  makeSimulatedMachine,
  spaceBytes,
  tableBytes,
  tableEntries,
} from "../index.ts";

test("a table has an entry for every page of a 32-bit address", () => {
  expect([tableEntries(12), tableBytes(12)]).toEqual([2 ** 20, 4 << 20]);
  expect([tableEntries(16), tableBytes(16)]).toEqual([2 ** 16, 256 << 10]);
  expect(spaceBytes(16)).toBe(2 * (256 << 10) + BOUNCE_BYTES);
  expect((spaceBytes(12) - BOUNCE_BYTES) % 16).toBe(0);
});

test.each([DEC5000_125, MODERN_3GHZ])("on $name a program is interrupted at its deadline", (profile) => {
  const { processor, clock, meter } = makeSimulatedMachine({ frames: 1, profile });
  const deadline = after(clock.now(), 1_000_001);
  let ran = 0;
  for (let fuel = processor.grant(deadline); fuel > 0; fuel = processor.grant(deadline)) {
    meter.charge("instruction", fuel);
    ran += fuel;
  }
  const { instruction } = profile.cycles;
  expect(Math.floor(ran * instruction)).toBe(clock.now());
  expect(deadline - clock.now()).toBeLessThanOrEqual(Math.ceil(instruction));
});

test("a grant is never more than what is left, and never more than the largest", () => {
  const { processor, clock } = makeSimulatedMachine({ frames: 1, profile: DEC5000_125 });
  expect(processor.grant(after(clock.now(), 100))).toBe(100);
  expect(processor.grant(after(clock.now(), 1e9))).toBe(FUEL_GRANT);
  expect(processor.interrupts(after(clock.now(), 1))).toBe(false);
  expect(processor.interrupts(clock.now())).toBe(true);
});
