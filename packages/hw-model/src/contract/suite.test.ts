import { expect, test } from "vitest";
import { eventually, unknownDeviations } from "./suite.ts";

test("a deviation that names no case is found, so that the suite fails", () => {
  const deviations = [{ reason: "none", cases: ["reads", "writes sideways"] }];
  expect(unknownDeviations(["reads", "writes"], deviations)).toEqual(["writes sideways"]);
  expect(unknownDeviations(["reads"], [])).toEqual([]);
});

test("eventually settles until the answer is true, and gives up", async () => {
  let settled = 0;
  const harness = { settle: () => void settled++ };
  expect(await eventually(harness, () => settled === 7)).toBe(true);
  expect(settled).toBe(7);
  expect(await eventually(harness, () => false)).toBe(false);
});
