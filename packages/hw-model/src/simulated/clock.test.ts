import { expect, test } from "vitest";
import { COMPOSITES, COSTS, PRIMITIVES, cyclesOf, makeProfile, type CompositeName } from "../costs.ts";
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
  expect(clock.now()).toBe(58);
});

const composites = Object.keys(COMPOSITES) as CompositeName[];

test("a profile's figures are those of the primitives, each with a source, and no composite is among them", () => {
  for (const profile of PROFILES) {
    expect(Object.keys(profile.primitives).toSorted()).toEqual(PRIMITIVES.toSorted());
    const sourced = profile.sources.map((line) => line.slice(0, line.indexOf(": ")));
    expect(sourced.toSorted()).toEqual(["hertz", ...PRIMITIVES].toSorted());
    for (const line of profile.sources) expect(line).toMatch(/^\w+: \S.{10}/);
    expect(costProfile(profile.name)).toBe(profile);
  }
  expect(() => costProfile("abacus")).toThrow("dec5000-125");
});

test("every cost is above 0, but for an address space that is changed by the instructions alone", () => {
  for (const profile of PROFILES)
    for (const cost of COSTS)
      expect(profile.cycles[cost] > 0 || (cost === "addressSwitch" && profile === DEC5000_125)).toBe(true);
});

test("a composite follows its primitives and nothing else", () => {
  for (const profile of PROFILES)
    for (const composite of composites) {
      expect(COMPOSITES[composite].length).toBeGreaterThan(0);
      let sum = 0;
      for (const primitive of PRIMITIVES) {
        const doubled = { ...profile.primitives, [primitive]: profile.primitives[primitive] + 1 };
        const units = COMPOSITES[composite].reduce((all, stage) => all + (stage[primitive] ?? 0), 0);
        const dearer = makeProfile({ ...profile, primitives: doubled }).cycles[composite];
        expect(dearer - profile.cycles[composite]).toBe(units);
        sum += units * profile.primitives[primitive];
      }
      expect(profile.cycles[composite]).toBe(sum);
      expect(cyclesOf(COMPOSITES[composite], profile.primitives)).toBe(sum);
    }
});

test("sums of charges are exact, in any order", () => {
  for (const profile of PROFILES)
    for (const cost of COSTS) expect(Number.isInteger(profile.cycles[cost] * 1024)).toBe(true);
});

test("what was counted is within a third of what was published for Aegis, which is no input", () => {
  const published = [
    ["gateCall", 40, "SOSP'95 Table 4, null system call without a stack, 1.6 us"],
    ["transfer", 35, "SOSP'95 Table 6, 1.4 us"],
    ["upcall", 37.5, "SOSP'95 Table 5, 1.5 us"],
  ] as const;
  const { cycles: charged } = DEC5000_125;
  for (const [cost, measured, where] of published) {
    expect(charged[cost] / measured, where).toBeGreaterThan(2 / 3);
    expect(charged[cost] / measured, where).toBeLessThan(4 / 3);
  }
  const withStack = charged.gateCall + charged.gateStack;
  expect(withStack / 57.5, "SOSP'95 Table 4, with a stack, 2.3 us").toBeGreaterThan(2 / 3);
  expect(withStack / 57.5).toBeLessThan(4 / 3);
});

test("a charge costs what the profile's table says, for every cost", () => {
  for (const profile of PROFILES)
    for (const cost of COSTS) {
      const clock = makeSimulatedClock(profile.hertz);
      makeMeter(clock, profile).charge(cost, 64);
      expect(clock.now()).toBe(Math.floor(profile.cycles[cost] * 64));
    }
});
