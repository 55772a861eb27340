import fc from "fast-check";
import { expect, test } from "vitest";
import { deriveSeed, makeRandomSequence } from "./random.ts";

test("one seed, one sequence; seeds differ", () => {
  const draw = (seed: number): number[] => {
    const { next } = makeRandomSequence(seed);
    return Array.from({ length: 8 }, next);
  };
  expect(draw(7)).toEqual(draw(7));
  for (let seed = 0; seed < 50; seed++) expect(draw(seed)).not.toEqual(draw(seed + 1));
});

test("the sequence is the same on every machine", () => {
  const { next } = makeRandomSequence(1);
  expect(Array.from({ length: 4 }, next)).toMatchInlineSnapshot(`
    [
      1484373846,
      193766670,
      3663612753,
      1326511935,
    ]
  `);
});

test("below stays below and reaches every number", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 20 }), (seed, limit) => {
      const { below } = makeRandomSequence(seed);
      const seen = new Set(Array.from({ length: 60 * limit }, () => below(limit)));
      expect([...seen].toSorted((a, b) => a - b)).toEqual(Array.from({ length: limit }, (_, i) => i));
    }),
    { numRuns: 50, seed: 1 },
  );
});

test("chance is never at 0, always at 1, and about half at a half", () => {
  const { chance } = makeRandomSequence(3);
  const hits = (probability: number): number =>
    Array.from({ length: 10_000 }, () => chance(probability)).filter(Boolean).length;
  expect(hits(0)).toBe(0);
  expect(hits(1)).toBe(10_000);
  expect(Math.abs(hits(0.5) - 5000)).toBeLessThan(250);
});

test("derived seeds depend on the seed and on the label", () => {
  const seeds = new Set<number>();
  for (let seed = 0; seed < 20; seed++)
    for (const label of ["left", "right", "wire", ""]) seeds.add(deriveSeed(seed, label));
  expect(seeds.size).toBe(80);
});
