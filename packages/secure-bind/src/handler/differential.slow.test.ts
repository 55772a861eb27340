/** A sandboxed handler means what its module means: many more of them. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { byteSwap, internetChecksum, type Pipe } from "../pipe/term.ts";
import { checkHandler } from "../testing/check-handler.ts";
import { randomHandler } from "../testing/random-handler.ts";
import { HANDLER_FUEL_MAX } from "./program.ts";

const PIPES: readonly Pipe[] = [[internetChecksum()], [byteSwap(8), internetChecksum()]];
const RUNS = 40_000;

test("random handlers, long ones too, with much fuel and with little", () => {
  let runs = 0;
  fc.assert(
    fc.property(
      fc.array(fc.nat(0xffff), { minLength: 4, maxLength: 600, size: "max" }),
      fc.uint8Array({ minLength: 1, maxLength: 2000, size: "max" }),
      fc.array(fc.uint8Array({ maxLength: 300, size: "max" }), { minLength: 1, maxLength: 8, size: "max" }),
      fc.oneof(fc.constant(HANDLER_FUEL_MAX), fc.integer({ min: 1, max: 500 })),
      (choices, data, messages, fuel) => {
        const module = randomHandler(choices, PIPES.length, data);
        runs += checkHandler({ module, pipes: PIPES, messages, fuel }).length;
      },
    ),
    { numRuns: RUNS },
  );
  expect(runs).toBeGreaterThan(RUNS);
});
