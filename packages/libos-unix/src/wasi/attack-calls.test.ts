import fc from "fast-check";
import { expect, test } from "vitest";
import { CALLS } from "./calls.ts";
import { attackCalls } from "../testing/attack-calls.ts";

test("hostile calls end in error numbers, and what fails leaves everything as it was", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => void attackCalls(seed, 1000)),
    { numRuns: 20 },
  );
});

test("the attack reaches every call, and succeeds and fails in many ways", () => {
  const { counts, answers, stops } = attackCalls(1, 20_000);
  const ends = ["proc_exit"];
  for (const { name } of CALLS)
    if (!ends.includes(name)) expect([name, (counts[name] ?? 0) > 20]).toEqual([name, true]);
  for (const name of [
    "success",
    "wait",
    "fault",
    "badf",
    "inval",
    "notcapable",
    "noent",
    "exist",
    "isdir",
    "spipe",
  ] as const)
    expect([name, (answers[name] ?? 0) > 20]).toEqual([name, true]);
  expect(stops).toBeGreaterThan(100);
});
