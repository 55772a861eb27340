import { expect, test } from "vitest";
import { COSTS } from "../costs.ts";
import { cycles } from "../units.ts";
import { SIMULATED_EPOCH, makeMeter, makeSimulatedClock } from "./clock.ts";
import { DEC5000_125, PROFILES, costProfile } from "./profiles.ts";

test("a clock moves only when told, and never back", () => {
  const clock = makeSimulatedClock(1000);
  expect(clock.now()).toBe(0);
  clock.advance(cycles(500));
  clock.advance(cycles(100));
  expect(clock.now()).toBe(500);
  expect(clock.wallclock()).toBe(SIMULATED_EPOCH + 500);
});

test("fractions of cycles add up", () => {
  const clock = makeSimulatedClock(DEC5000_125.hertz);
  const meter = makeMeter(clock, DEC5000_125);
  meter.charge("copyByte", 3);
  expect(clock.now()).toBe(1);
  meter.charge("copyByte", 1);
  expect(clock.now()).toBe(2);
  meter.charge("upcall", 2);
  expect(clock.now()).toBe(77);
});

test("every profile charges something for every primitive, and names a source for each figure", () => {
  for (const profile of PROFILES) {
    for (const cost of COSTS) {
      expect(profile.cycles[cost]).toBeGreaterThan(0);
      expect(profile.sources.some((line) => line.startsWith(`${cost}: `))).toBe(true);
    }
    expect(profile.sources.some((line) => line.startsWith("hertz: "))).toBe(true);
    expect(costProfile(profile.name)).toBe(profile);
  }
  expect(() => costProfile("abacus")).toThrow("dec5000-125");
});

test("a charge costs what the profile's table says, for every primitive", () => {
  for (const profile of PROFILES)
    for (const cost of COSTS) {
      const clock = makeSimulatedClock(profile.hertz);
      makeMeter(clock, profile).charge(cost, 64);
      expect(clock.now()).toBe(Math.floor(profile.cycles[cost] * 64));
    }
});
