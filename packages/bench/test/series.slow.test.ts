/** `bench series` from other seeds, with more clients and more of everything. */
import { expect, test } from "vitest";
import { benchSeries } from "../src/series/bench-series.ts";

test.each([
  [2, 16],
  [3, 24],
  [4, 32],
  [5, 64],
])("every invariant of the figure holds (seed %i, %i clients a link)", (seed, clients) => {
  const { invariants } = benchSeries({ clients, rounds: 12, seed }, () => {});
  expect(invariants.filter(({ holds }) => !holds)).toEqual([]);
});
