import * as fc from "fast-check";
import { expect, test } from "vitest";
import { atomsOf } from "./atoms.ts";
import { armsOf, couldTake } from "./overlap.ts";
import { makeDemultiplexer } from "./demultiplexer.ts";
import { arbitraryFilter, arbitraryFragmentFilter } from "../testing/arbitrary.ts";
import { mustVerify } from "../testing/verify.ts";

const filters = fc.oneof(arbitraryFilter(4, 3), arbitraryFragmentFilter(3, 3));

test("lessSpecific names what couldTake names of every filter, and nothing else", () => {
  let named = 0;
  let spared = 0;
  const sets = fc.array(filters, { minLength: 1, maxLength: 16 });
  fc.assert(
    fc.property(sets, fc.oneof(arbitraryFilter(7, 3), arbitraryFragmentFilter(5, 3)), (set, terms) => {
      const demultiplexer = makeDemultiplexer();
      const arms = armsOf(atomsOf(mustVerify(terms)));
      const expected: number[] = [];
      for (const [tag, other] of set.entries()) {
        if (typeof demultiplexer.insert(mustVerify(other), tag) !== "number") continue;
        if (couldTake(arms, armsOf(atomsOf(mustVerify(other))))) expected.push(tag);
        else spared++;
      }
      named += expected.length;
      expect(demultiplexer.lessSpecific(mustVerify(terms))).toEqual(expected);
    }),
    { numRuns: 6000 },
  );
  expect(named).toBeGreaterThan(1000);
  expect(spared).toBeGreaterThan(1000);
});
