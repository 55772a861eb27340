import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { atomsOf } from "./atoms.ts";
import { interpretFilter } from "./interpret.ts";
import { type Arm, areDisjoint, armsOf, couldTake } from "./overlap.ts";
import { type Filter, equal, fragments, shift, skip } from "./term.ts";
import { arbitraryFilter, arbitraryFrame } from "../testing/arbitrary.ts";
import { mustVerify } from "../testing/verify.ts";

const arms = (filter: Filter) => armsOf(atomsOf(mustVerify(filter)));
const disjoint = (a: Filter, b: Filter): boolean => areDisjoint(arms(a)[0] as Arm, arms(b)[0] as Arm);
const take = (a: Filter, b: Filter): boolean => couldTake(arms(a), arms(b));
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
  ["a filter that contradicts itself", [equal(0, 1, 1), equal(0, 2, 0x0200)], [equal(9, 1, 1)], true],
];

const byte = (at: number, mask = 0xff) => ({ at, width: 1 as const, mask });
const parts = fragments(byte(2, 0x1f), byte(2, 0x20), [byte(4)]);
const long = Array.from({ length: 9 }, (_, i) => equal(10 + i, 1, 1));

/** First fragments and later ones: the new filter, the installed one, whether it could take a frame. */
const taking: readonly (readonly [string, Filter, Filter, boolean])[] = [
  ["later fragments alone", [equal(0, 1, 1), parts, equal(8, 1, 1)], [equal(0, 1, 1), equal(8, 1, 2)], true],
  [
    "none from who wants no later ones",
    [equal(0, 1, 1), parts, equal(8, 1, 1)],
    [equal(2, 1, 0, 0x1f), equal(8, 1, 2)],
    false,
  ],
  [
    "none from who wants none by another field",
    [equal(0, 1, 1), parts, equal(8, 1, 1)],
    [equal(1, 2, 0), equal(8, 1, 2)],
    false,
  ],
  ["only later ones by a filter for them", [equal(2, 1, 1, 0x1f), ...long], [parts, equal(8, 1, 2)], true],
  [
    "no later ones by a filter for first ones",
    [equal(2, 1, 0, 0x1f), equal(8, 1, 1), ...long],
    [parts, equal(8, 1, 2)],
    false,
  ],
  ["none that is before the term and differs", [equal(0, 1, 2), ...long], [equal(0, 1, 1), parts], false],
  ["later ones whatever is behind the term", [equal(8, 1, 1), ...long], [parts, equal(8, 1, 2)], true],
  [
    "none for being of equal length",
    [equal(0, 1, 1), parts, equal(8, 1, 1)],
    [equal(0, 1, 1), parts, equal(8, 1, 2)],
    false,
  ],
];

test.each(taking)("a filter that tells fragments apart takes %s", (_what, a, b, expected) => {
  expect(take(a, b)).toBe(expected);
});

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
