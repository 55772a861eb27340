import { expect, test } from "vitest";
import { attackCalls } from "../testing/attack-calls.ts";

test("1,000,000 hostile calls", () => {
  const seed = Math.trunc(Math.random() * 2 ** 31);
  console.log(`seed ${seed}`);
  const { counts } = attackCalls(seed, 1_000_000);
  const answered = Object.values(counts).reduce((sum, count) => sum + count);
  expect(answered).toBeGreaterThan(800_000);
});
