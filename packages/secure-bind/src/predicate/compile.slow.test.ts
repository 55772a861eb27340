import * as fc from "fast-check";
import { expect, test } from "vitest";
import { PREDICATE_MEMORY_BYTES, arbitraryPredicate, arbitraryWords } from "../testing/arbitrary.ts";
import { bruteForce } from "../testing/predicate-truth.ts";
import { mustVerifyPredicate } from "../testing/verify.ts";
import { compilePredicate } from "./compile.ts";
import { interpretPredicate } from "./interpret.ts";

test("compiled, interpreted and brute force are one meaning for 10,000,000 predicates and memories", () => {
  const memories = fc.array(arbitraryWords(), { minLength: 10, maxLength: 10 });
  fc.assert(
    fc.property(arbitraryPredicate(), memories, (terms, held) => {
      const predicate = mustVerifyPredicate(terms, PREDICATE_MEMORY_BYTES);
      const compiled = compilePredicate(predicate);
      for (const memory of held) {
        const wanted = bruteForce(terms, memory);
        if (interpretPredicate(predicate, memory) !== wanted || compiled(memory) !== wanted)
          expect.fail(`not ${wanted}`);
      }
    }),
    { numRuns: 1_000_000 },
  );
}, 900_000);
