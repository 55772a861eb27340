/** `bench series` from other seeds, with more clients and more of everything. */
import { expect, test } from "vitest";
import { benchSeries } from "../src/series/bench-series.ts";
import { checkTable } from "../src/series/shape.ts";
import { measureTable } from "../src/series/table.ts";

test.each([
  [2, 16],
  [3, 24],
  [4, 32],
])("every invariant of the figure holds (seed %i, %i clients a link)", (seed, clients) => {
  const { invariants } = benchSeries({ clients, rounds: 12, seed }, () => {});
  expect(invariants.filter(({ holds }) => !holds)).toEqual([]);
});

test("192 clients: the order holds for every document that leaves the links room", () => {
  const table = measureTable({ clients: 64, rounds: 8, seed: 5, sizes: [0, 100, 1024] });
  expect(checkTable(table).filter(({ holds }) => !holds)).toEqual([]);
});
