/** The interpreter and the compiler are one meaning. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type UdfFaultReason, UDF_FAULTS } from "./run.ts";
import { worstSteps } from "./steps.ts";
import { UDF_KINDS, type UdfKind } from "./term.ts";
import { arbitraryUdf, arbitraryUdfInput } from "../testing/arbitrary-udf.ts";
import { compiledOver, interpretOver, mustVerifyUdf } from "../testing/udf-runs.ts";

/** How often each kind ended in each way. */
type Counts = Record<UdfKind | UdfFaultReason | "emitted" | "answered", number>;

const noCounts = (): Counts =>
  Object.fromEntries([...UDF_KINDS, ...UDF_FAULTS, "emitted", "answered"].map((name) => [name, 0])) as Counts;

test("compiled and interpreted agree on outcomes, extents and steps", () => {
  const counts = noCounts();
  let pairs = 0;
  fc.assert(
    fc.property(
      arbitraryUdf(),
      fc.array(arbitraryUdfInput(), { minLength: 12, maxLength: 12 }),
      (alien, inputs) => {
        const program = mustVerifyUdf(alien);
        const compiled = compiledOver(program);
        const worst = worstSteps(program);
        for (const input of inputs) {
          const expected = interpretOver(program, input);
          expect(compiled(input)).toEqual(expected);
          expect(expected.memory).toEqual([...input.memory]);
          expect(expected.steps).toBeLessThanOrEqual(Math.min(worst, input.stepLimit));
          pairs++;
          counts[program.kind]++;
          if (typeof expected.outcome === "string") counts[expected.outcome]++;
          else counts[expected.extents.length > 0 ? "emitted" : "answered"]++;
        }
      },
    ),
    { numRuns: 1700 },
  );
  expect(pairs).toBeGreaterThanOrEqual(20_000);
  for (const [name, count] of Object.entries(counts)) expect([name, count > 0]).toEqual([name, true]);
});
