import { expect, test } from "vitest";
import { figureOf, geometricMean, ratioOf, sampled } from "./rounds.ts";

test("all take turns, and what warms up does not count", async () => {
  const order: string[] = [];
  const subject = (name: string, values: number[]): { name: string; round: () => number } => ({
    name,
    round: () => {
      order.push(name);
      return values.shift() ?? Number.NaN;
    },
  });
  const said: string[] = [];
  const subjects = [subject("a", [100, 2, 9, 4]), subject("b", [100, 1, 3, 4])];
  const samples = await sampled(subjects, { counted: 3, warmUp: 1 }, (line) => said.push(line));
  expect(order.join("")).toBe("abababab");
  expect(said).toHaveLength(3);
  expect(figureOf(samples, "a")).toEqual({ median: 4, minimum: 2, maximum: 9, rounds: 3 });
  expect(ratioOf(samples, "a", "b")).toEqual({ median: 2, minimum: 1, maximum: 3, rounds: 3 });
  expect(() => figureOf(samples, "c")).toThrow("c was not measured");
});

test("the geometric mean", () => {
  expect(geometricMean([2, 8])).toBeCloseTo(4, 12);
  expect(() => geometricMean([])).toThrow(RangeError);
});
