/** All forms of filters against each other, a hundred thousand pairs on every push. */
import { expect, test } from "vitest";
import { fuzzFilters } from "../src/testing/filter-fuzz.ts";

test("interpreter, compiled filter and demultiplexers agree with trying every filter", () => {
  const result = fuzzFilters(1, 300);
  expect(result.difference).toBeUndefined();
  expect(result.pairs).toBeGreaterThan(100_000);
  expect(result.matches).toBeGreaterThan(20_000);
  expect(result.later).toBeGreaterThan(1000);
  expect(result.byCode).toBeGreaterThan(6000);
});
