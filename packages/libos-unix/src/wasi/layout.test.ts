import fc from "fast-check";
import { expect, test } from "vitest";
import { FDSTAT, FDSTAT_BYTES, RIGHT_BITS, type RightName, includesRights, rights } from "./layout.ts";

const names = Object.keys(RIGHT_BITS) as RightName[];

test("rights fill the lowest 30 bits, one each", () => {
  expect(Object.values(RIGHT_BITS)).toEqual(names.map((_, index) => index));
  expect(rights(...names)).toBe(2 ** 30 - 1);
  expect(rights("fd_write")).toBe(64);
});

test("a set includes exactly its subsets", () => {
  const some = fc.subarray(names);
  fc.assert(
    fc.property(some, some, (held, wanted) => {
      const subset = wanted.every((name) => held.includes(name));
      expect(includesRights(rights(...held), rights(...wanted))).toBe(subset);
    }),
  );
});

test("the records have room for their fields, aligned as WebAssembly wants them", () => {
  expect(FDSTAT.rightsInheriting + 8).toBe(FDSTAT_BYTES);
  expect(FDSTAT.rightsBase % 8).toBe(0);
  expect(FDSTAT.flags % 2).toBe(0);
});
