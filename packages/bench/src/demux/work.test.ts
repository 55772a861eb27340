import { expect, test } from "vitest";
import { MATCHER, MATCHERS } from "./matchers.ts";
import { countWork } from "./work.ts";

test("work is counted, the same each time, and views are left as they were", () => {
  const { getUint8, getUint16 } = DataView.prototype;
  const work = countWork(10, 1);
  expect(work.map(({ matcher }) => matcher)).toEqual(MATCHERS.map(({ name }) => name));
  expect(countWork(10, 1)).toEqual(work);
  expect([DataView.prototype.getUint8, DataView.prototype.getUint16]).toEqual([getUint8, getUint16]);
  for (const { filters, bytes, matcher, instructions } of work) {
    expect(filters).toBe(10);
    expect(bytes, matcher).toBeGreaterThan(2);
    expect(instructions !== undefined).toBe(matcher === MATCHER.mpf || matcher === MATCHER.linear);
  }
});

test("a program of one filter runs no instruction twice, and trying a thousand is not watched above a thousand", () => {
  const [linear] = countWork(1, 1).filter(({ matcher }) => matcher === MATCHER.linear);
  expect(linear?.instructions).toBeGreaterThan(3);
  expect(linear?.instructions).toBeLessThan(20);
  expect(countWork(1001, 1).some(({ matcher }) => matcher === MATCHER.linear)).toBe(false);
});
