import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stepsUntil } from "./advance.ts";
import { interpretPredicate } from "./interpret.ts";
import { NO_TAG, product, word } from "./term.ts";
import { PREDICATE_MEMORY_BYTES, arbitraryPredicate, arbitraryWords } from "../testing/arbitrary.ts";
import { mustVerifyPredicate } from "../testing/verify.ts";

const memoryOf = (...words: readonly number[]): DataView => {
  const memory = new DataView(new ArrayBuffer(words.length * 4));
  for (const [i, value] of words.entries()) memory.setUint32(i * 4, value);
  return memory;
};

describe("stepsUntil", () => {
  const ticks = 0;
  const other = 4;
  const steps = (from: number, ...terms: Parameters<typeof word>[]): number =>
    stepsUntil(
      mustVerifyPredicate([product(1, ...terms.map((term) => word(...term)))], 8),
      memoryOf(0, 5),
      ticks,
      from,
    );

  test("counts up to the first value that is allowed", () => {
    expect(steps(10, [ticks, "greaterOrEqual", 17])).toBe(7);
    expect(steps(10, [ticks, "greater", 17])).toBe(8);
    expect(steps(17, [ticks, "greaterOrEqual", 17])).toBe(0);
    expect(steps(10, [ticks, "equal", 12])).toBe(2);
    expect(steps(10, [ticks, "notEqual", 10])).toBe(1);
    expect(steps(10, [ticks, "notEqual", 10], [ticks, "notEqual", 11])).toBe(2);
    expect(steps(10, [ticks, "greater", 3], [ticks, "notEqual", 10])).toBe(1);
  });

  test("goes round where it must", () => {
    expect(steps(10, [ticks, "less", 3])).toBe(2 ** 32 - 10);
    expect(steps(10, [ticks, "equal", 9])).toBe(2 ** 32 - 1);
    expect(steps(0xffff_ffff, [ticks, "notEqual", 0xffff_ffff], [ticks, "notEqual", 0])).toBe(2);
  });

  test("is never when counting does not help", () => {
    expect(steps(10, [other, "equal", 6])).toBe(Infinity);
    expect(steps(10, [ticks, "greaterOrEqual", 17], [other, "equal", 6])).toBe(Infinity);
    expect(steps(10, [ticks, "less", 3], [ticks, "greater", 5])).toBe(Infinity);
    expect(steps(10, [ticks, "less", 0])).toBe(Infinity);
    expect(steps(10, [ticks, "greater", 0xffff_ffff])).toBe(Infinity);
    expect(steps(10, [ticks, "equal", 4], [ticks, "notEqual", 4])).toBe(Infinity);
  });

  test("is 0 when the other words are enough", () => {
    expect(steps(10, [other, "equal", 5])).toBe(0);
  });

  test("is where the interpreter first says yes", () => {
    let soon = 0;
    fc.assert(
      fc.property(
        arbitraryPredicate(),
        arbitraryWords(),
        fc.integer({ min: 0, max: 7 }),
        (terms, memory, index) => {
          const predicate = mustVerifyPredicate(terms, PREDICATE_MEMORY_BYTES);
          const address = index * 4;
          const from = memory.getUint32(address);
          const found = stepsUntil(predicate, memory, address, from);
          const holdsAfter = (count: number): boolean => {
            memory.setUint32(address, (from + count) >>> 0);
            return interpretPredicate(predicate, memory) !== NO_TAG;
          };
          const tried = Array.from({ length: 10 }, (_, count) => count).find(holdsAfter);
          if (tried !== undefined) {
            soon++;
            expect(found).toBe(tried);
          } else expect(found).toBeGreaterThanOrEqual(10);
          if (found < Infinity) {
            expect(holdsAfter(found)).toBe(true);
            if (found > 0) expect(holdsAfter(found - 1)).toBe(false);
          } else {
            const edges = [0, 1, 2, 3, 4, 0x7fff_ffff, 0x8000_0000, 0x8000_0002, 0xffff_fffe, 0xffff_ffff];
            const values = [...edges, ...terms.flatMap((one) => one.terms.map(({ value }) => value))];
            for (const value of values.flatMap((v) => [v, v + 1, v - 1]))
              expect(holdsAfter(value - from)).toBe(false);
          }
        },
      ),
      { numRuns: 3000 },
    );
    expect(soon).toBeGreaterThan(500);
  });
});
