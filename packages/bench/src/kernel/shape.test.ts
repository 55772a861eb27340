import { DEC5000_125 } from "@exolith/hw-model";
import { expect, test } from "vitest";
import { checkShape, measureShape, simulatedCycles } from "./shape.ts";

test("S1: a null call takes less than one with a stack, and that at most a sixth of a monolithic one", () => {
  const { shortCall, longCall, monolithic } = measureShape();
  expect(shortCall).toBeGreaterThan(0);
  expect(shortCall).toBeLessThan(longCall);
  expect(longCall * 6).toBeLessThanOrEqual(monolithic);
});

test("S3: a control transfer, one way, takes at most what a null call with a stack takes", () => {
  const { transfer, longCall } = measureShape();
  expect(transfer).toBeGreaterThan(0);
  expect(transfer).toBeLessThanOrEqual(longCall);
});

test("the calls cost what their parts do, and nothing else is charged", () => {
  const { shortCall, longCall, transfer } = measureShape();
  const { cycles } = DEC5000_125;
  expect(shortCall).toBe(cycles.gateCall);
  expect(longCall).toBe(cycles.gateCall + cycles.gateStack);
  expect(transfer).toBe(cycles.transfer);
});

test("a shape that is broken is said to be", () => {
  const shape = measureShape();
  expect(checkShape(shape).every(({ holds }) => holds)).toBe(true);
  const broken = [
    { ...shape, shortCall: shape.longCall },
    { ...shape, monolithic: shape.longCall * 6 - 1 },
    { ...shape, transfer: shape.longCall + 1 },
  ];
  for (const [i, each] of broken.entries())
    expect(checkShape(each).map(({ holds }) => holds)).toEqual([0, 1, 2].map((row) => row !== i));
  expect(checkShape({ ...shape, longCall: Number.NaN }).some(({ holds }) => holds)).toBe(false);
});

test("simulated cycles are the same in every run, and no operation is free", () => {
  const first = simulatedCycles();
  expect([...simulatedCycles()]).toEqual([...first]);
  for (const [name, cycles] of first)
    for (const [profile, spent] of Object.entries(cycles))
      expect(spent, `${name} on ${profile}`).toBeGreaterThan(0);
});
