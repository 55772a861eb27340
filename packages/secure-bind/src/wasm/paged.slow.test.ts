import * as fc from "fast-check";
import { test } from "vitest";
import { differenceWhenPaged, randomSteps } from "../testing/random-accesses.ts";

test("10,000 modules of random accesses do when paged what they do as they are", () => {
  fc.assert(
    fc.property(
      randomSteps(12),
      fc.constantFrom<12 | 16>(12, 12, 16),
      fc.constantFrom(undefined, 2, 3, 7),
      (steps, bits, resident) => {
        const difference = differenceWhenPaged(steps, bits, resident);
        if (difference !== undefined) throw new Error(difference);
      },
    ),
    { numRuns: 10_000 },
  );
});
