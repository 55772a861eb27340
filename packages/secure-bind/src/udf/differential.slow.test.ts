/** The interpreter and the compiler are one meaning: a million runs and more. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { arbitraryUdf, arbitraryUdfInput } from "../testing/arbitrary-udf.ts";
import { type UdfResult, compiledOver, interpretOver, mustVerifyUdf } from "../testing/udf-runs.ts";

const PROGRAMS = 20_000;
const INPUTS = 60;

const isSame = (a: UdfResult, b: UdfResult): boolean =>
  a.outcome === b.outcome &&
  a.steps === b.steps &&
  a.extents.length === b.extents.length &&
  a.words.every((word, i) => word === b.words[i]) &&
  a.memory.every((byte, i) => byte === b.memory[i]);

test("compiled and interpreted agree on a million pairs", () => {
  let pairs = 0;
  let answered = 0;
  fc.assert(
    fc.property(
      arbitraryUdf(),
      fc.array(arbitraryUdfInput(), { minLength: INPUTS, maxLength: INPUTS }),
      (alien, inputs) => {
        const program = mustVerifyUdf(alien);
        const compiled = compiledOver(program);
        for (const input of inputs) {
          const expected = interpretOver(program, input);
          const found = compiled(input);
          if (!isSame(found, expected)) expect(found).toEqual(expected);
          pairs++;
          if (typeof expected.outcome === "number") answered++;
        }
      },
    ),
    { numRuns: PROGRAMS },
  );
  expect(pairs).toBeGreaterThanOrEqual(1_000_000);
  expect(answered).toBeGreaterThan(pairs / 10);
});
