import fc from "fast-check";
import { expect, test } from "vitest";
import { figure, median, printFigure, short } from "./statistics.ts";

test("the median of odd and even numbers of values", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(() => median([])).toThrow(RangeError);
});

test("half of all values lie on each side of the median", () => {
  const finite = fc.double({ noNaN: true, min: -1e9, max: 1e9 });
  fc.assert(
    fc.property(fc.array(finite, { minLength: 1 }), (values) => {
      const middle = median(values);
      expect(values.filter((v) => v < middle).length).toBeLessThanOrEqual(values.length / 2);
      expect(values.filter((v) => v > middle).length).toBeLessThanOrEqual(values.length / 2);
    }),
  );
});

test("a figure prints as its median and its spread", () => {
  expect(printFigure(figure([10, 12.345, 1234]))).toBe("12.3 (10.0-1234)");
  expect(short(0.012345)).toBe("0.0123");
});
