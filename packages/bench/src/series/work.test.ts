import { PENTIUM_PRO_200, makeSimulatedMachine } from "@exolith/hw-model";
import { expect, test } from "vitest";
import { EXOKERNEL_ONLY, NOTHING, counted } from "./ledger.ts";
import { WORK, WORK_NAMES, chargesOf, makeLabour } from "./work.ts";

const machine = () => makeSimulatedMachine({ profile: PENTIUM_PRO_200, frames: 16 });

test("every piece of work costs something, and says of every stage what it is", () => {
  for (const name of WORK_NAMES) {
    expect(chargesOf(name).length, name).toBeGreaterThan(0);
    for (const { what } of WORK[name]) expect(what.length, name).toBeGreaterThan(0);
  }
});

test("the charges of a piece are the sums of its stages", () => {
  expect(chargesOf("systemCall")).toEqual([
    ["trap", 1],
    ["instruction", 45 + 10 + 35],
    ["word", 34 + 12 + 8 + 10],
  ]);
});

test("work takes the time of its primitives, and is counted", () => {
  const { clock, meter } = machine();
  const labour = makeLabour(meter);
  labour.do("systemCall");
  labour.do("httpByte", 60);
  const { trap, instruction, word } = PENTIUM_PRO_200.primitives;
  expect(clock.now()).toBe(
    Math.floor(trap + 90 * instruction + 64 * word + 60 * (4 * instruction + 2 * word)),
  );
  expect(labour.done).toMatchObject({ systemCall: 1, httpByte: 60, fork: 0 });
});

test("a ledger adds up to the clock, and what a machine does not have takes no time on it", () => {
  const bare = machine();
  const { machine: monolith, ledger } = counted(bare, EXOKERNEL_ONLY);
  monolith.meter.charge("gateCall", 3);
  monolith.meter.charge("upcall", 1);
  expect(bare.clock.now()).toBe(0);
  expect(ledger.cycles).toBe(0);
  monolith.meter.charge("copyByte", 100);
  monolith.meter.charge("trap", 2);
  expect(ledger.cycles).toBe(100 * 2.5 + 2 * 80);
  expect(bare.clock.now()).toBe(ledger.cycles);
  expect(ledger.units("copyByte")).toBe(100);
  expect(ledger.units("gateCall")).toBe(0);
});

test("an exokernel pays for its own crossings", () => {
  const bare = machine();
  const { machine: exokernel, ledger } = counted(bare, NOTHING);
  for (const cost of EXOKERNEL_ONLY) exokernel.meter.charge(cost, 1);
  expect(ledger.cycles).toBeGreaterThan(0);
  expect(bare.clock.now()).toBe(Math.floor(ledger.cycles));
});
