import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { atomsOf } from "./atoms.ts";
import { interpretFilter } from "./interpret.ts";
import { areDisjoint, demandsOf } from "./overlap.ts";
import { type Filter, equal, shift, skip } from "./term.ts";
import { arbitraryFilter, arbitraryFrame } from "../testing/arbitrary.ts";
import { mustVerify } from "../testing/verify.ts";

const demands = (filter: Filter) => demandsOf(atomsOf(mustVerify(filter)));
const disjoint = (a: Filter, b: Filter): boolean => areDisjoint(demands(a), demands(b));
const header = shift(0, 1, 0x0f, 2);

const table: readonly (readonly [string, Filter, Filter, boolean])[] = [
  ["different values of one field", [equal(0, 2, 1)], [equal(0, 2, 2)], true],
  ["the same value", [equal(0, 2, 1)], [equal(0, 2, 1)], false],
  ["different fields", [equal(0, 2, 1)], [equal(2, 2, 2)], false],
  ["different masks that share a bit which differs", [equal(0, 1, 0x40, 0xf0)], [equal(0, 1, 0x6f)], true],
  ["different masks that share no bit", [equal(0, 1, 0x40, 0xf0)], [equal(0, 1, 0x01, 0x0f)], false],
  ["a wide field against a narrow one inside it", [equal(0, 4, 0x0a000001)], [equal(2, 2, 2)], true],
  ["a skip against a plain offset", [skip(14), equal(2, 2, 1)], [equal(16, 2, 2)], true],
  ["behind the same shift", [header, equal(2, 2, 80)], [header, equal(2, 2, 81)], true],
  ["behind different shifts", [header, equal(2, 2, 80)], [shift(0, 1, 0x0f, 1), equal(2, 2, 81)], false],
  ["behind a shift against a plain offset", [header, equal(2, 2, 80)], [equal(22, 2, 81)], false],
  ["before different shifts", [equal(9, 1, 6), header], [equal(9, 1, 17), shift(1, 1, 1, 1)], true],
  ["everything against something", [], [equal(0, 1, 1)], false],
];

describe("areDisjoint", () => {
  test.each(table)("%s", (_what, a, b, expected) => {
    expect(disjoint(a, b)).toBe(expected);
    expect(disjoint(b, a)).toBe(expected);
  });

  test("is right whenever it says so", () => {
    let proofs = 0;
    let common = 0;
    const frames = fc.array(arbitraryFrame(), { minLength: 4, maxLength: 16 });
    fc.assert(
      fc.property(arbitraryFilter(4, 2), arbitraryFilter(4, 2), frames, (a, b, tries) => {
        const apart = disjoint(a, b);
        if (apart) proofs++;
        for (const { memory, at, length } of tries) {
          const both = interpretFilter(a, memory, at, length) && interpretFilter(b, memory, at, length);
          if (both) common++;
          expect(apart && both).toBe(false);
        }
      }),
      { numRuns: 3000 },
    );
    expect(proofs).toBeGreaterThan(100);
    expect(common).toBeGreaterThan(100);
  });
});
