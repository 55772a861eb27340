/** A sandboxed handler means what its module means. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Pipe, byteSwap, internetChecksum, xorWord } from "../pipe/term.ts";
import { type HandlerCase, checkHandler } from "../testing/check-handler.ts";
import { handlerModule } from "../testing/handler-module.ts";
import { randomHandler } from "../testing/random-handler.ts";
import { HANDLER_FUEL_MAX, HANDLER_OUTCOME } from "./program.ts";

const PIPES: readonly Pipe[] = [
  [internetChecksum()],
  [byteSwap(4), internetChecksum(), xorWord(0x0102_0304), internetChecksum()],
];

const cases = (): fc.Arbitrary<HandlerCase> =>
  fc
    .tuple(
      fc.array(fc.nat(0xffff), { minLength: 4, maxLength: 150, size: "max" }),
      fc.uint8Array({ minLength: 1, maxLength: 300, size: "max" }),
      fc.array(fc.uint8Array({ maxLength: 120, size: "max" }), { minLength: 1, maxLength: 4, size: "max" }),
    )
    .map(([choices, data, messages]) => ({
      module: randomHandler(choices, PIPES.length, data),
      pipes: PIPES,
      messages,
      fuel: HANDLER_FUEL_MAX,
    }));

test("random handlers: the same outcome, replies, wake-ups and memory as the unrewritten module, and nothing else is touched", () => {
  const counts = new Map<number, number>();
  fc.assert(
    fc.property(cases(), (one) => {
      for (const outcome of checkHandler(one)) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    }),
    { numRuns: 1000 },
  );
  for (const [name, outcome] of Object.entries(HANDLER_OUTCOME))
    expect([name, (counts.get(outcome) ?? 0) > 20]).toEqual([name, true]);
});

test("a difference is noticed, in what it says and in what it does", () => {
  const differs = (body: Parameters<typeof handlerModule>[0]): void =>
    void checkHandler({
      module: handlerModule(body, { pages: 1, importsMemory: true }),
      pipes: PIPES,
      messages: [[1, 2]],
      fuel: 1000,
    });
  expect(() => differs((code) => code.get(0).i32(7).memory("i32.store8").i32(1))).toThrow("a run");
  expect(() => differs((code) => code.i32(0).get(0).memory("i32.store").i32(1))).toThrow("word 0");
  expect(() => differs((code) => code.i32(1))).not.toThrow();
});

test("with little fuel they are stopped somewhere, and touch nothing outside either", () => {
  fc.assert(
    fc.property(cases(), fc.integer({ min: 1, max: 120 }), (one, fuel) => {
      checkHandler({ ...one, fuel });
    }),
    { numRuns: 300 },
  );
});
