import { expect, test } from "vitest";
import { makeRateLimit } from "./rate-limit.ts";

test("a burst is allowed, then so many a second", () => {
  const limit = makeRateLimit(1000, 10, 5);
  const taken = (now: number): number =>
    Array.from({ length: 20 }, () => limit.take(now)).filter(Boolean).length;
  expect(taken(0)).toBe(5);
  expect(taken(99)).toBe(0);
  expect(taken(290)).toBe(2);
  expect(taken(1_000_000)).toBe(5);
});
