import * as fc from "fast-check";
import { expect, test } from "vitest";
import { compilePredicate } from "./compile.ts";
import { interpretPredicate } from "./interpret.ts";
import { NO_TAG, type WordPredicate, product, word } from "./term.ts";
import { PREDICATE_MEMORY_BYTES, arbitraryPredicate, arbitraryWords } from "../testing/arbitrary.ts";
import { bruteForce } from "../testing/predicate-truth.ts";
import { mustVerifyPredicate } from "../testing/verify.ts";

test("compiled, interpreted and brute force are one meaning", () => {
  let held = 0;
  let failed = 0;
  fc.assert(
    fc.property(
      arbitraryPredicate(),
      fc.array(arbitraryWords(), { minLength: 1, maxLength: 6 }),
      (terms, memories) => {
        const predicate = mustVerifyPredicate(terms, PREDICATE_MEMORY_BYTES);
        const compiled = compilePredicate(predicate);
        for (const memory of memories) {
          const expected = bruteForce(terms, memory);
          expect(interpretPredicate(predicate, memory)).toBe(expected);
          expect(compiled(memory)).toBe(expected);
          if (expected === NO_TAG) failed++;
          else held++;
        }
      },
    ),
    { numRuns: 3000 },
  );
  expect(held).toBeGreaterThan(1000);
  expect(failed).toBeGreaterThan(1000);
});

const EDGES = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff];

test.each([
  ["equal", (a: number, b: number) => a === b],
  ["notEqual", (a: number, b: number) => a !== b],
  ["less", (a: number, b: number) => a < b],
  ["lessOrEqual", (a: number, b: number) => a <= b],
  ["greater", (a: number, b: number) => a > b],
  ["greaterOrEqual", (a: number, b: number) => a >= b],
] as const)("%s is unsigned at every edge", (comparison, expected) => {
  const memory = new DataView(new ArrayBuffer(8));
  for (const value of EDGES) {
    const compiled = compilePredicate(mustVerifyPredicate([product(7, word(4, comparison, value))], 8));
    for (const held of EDGES) {
      memory.setUint32(4, held);
      expect([held, value, compiled(memory)]).toEqual([held, value, expected(held, value) ? 7 : NO_TAG]);
    }
  }
});

test("words are big-endian, and the first product that holds gives its tag", () => {
  const memory = new DataView(Uint8Array.of(0x12, 0x34, 0x56, 0x78, 0, 0, 0, 1).buffer);
  const one = word(4, "equal", 1);
  const predicate = mustVerifyPredicate(
    [
      product(0xffff_ffff, word(0, "equal", 0x7856_3412)),
      product(0, word(0, "equal", 0x1234_5678), one),
      product(5, one),
    ],
    8,
  );
  expect(compilePredicate(predicate)(memory)).toBe(0);
  memory.setUint8(0, 0);
  expect(compilePredicate(predicate)(memory)).toBe(5);
  memory.setUint32(0, 0x7856_3412);
  expect(compilePredicate(predicate)(memory)).toBe(0xffff_ffff);
});

test("a product that cannot hold is no step, and a predicate of nothing else never holds", () => {
  const never = mustVerifyPredicate(
    [product(1, word(0, "less", 0)), product(2, word(0, "greater", 0xffff_ffff))],
    4,
  );
  const memory = new DataView(new ArrayBuffer(4));
  for (const value of EDGES) {
    memory.setUint32(0, value);
    expect(compilePredicate(never)(memory)).toBe(NO_TAG);
  }
});

test("an unverified predicate does not type-check where a verified one is wanted", () => {
  const unverified: WordPredicate = [product(1, word(0, "equal", 0))];
  // @ts-expect-error a WordPredicate is no Verified<WordPredicate>
  expect(compilePredicate(unverified)).toBeTypeOf("function");
});
