import { expect, test } from "vitest";
import { WORD_GENERATIONS, makeIdTable } from "./id-table.ts";

test("no id names a second tenant: a row that has had its last generation is retired", () => {
  const ids = makeIdTable(4, 5);
  const kept = ids.take();
  const seen = new Set<number>([ids.idOf(kept)]);
  for (let row = ids.take(); row >= 0; row = ids.take()) {
    const id = ids.idOf(row);
    expect(seen.has(id)).toBe(false);
    expect(ids.rowOf(id)).toBe(row);
    seen.add(id);
    ids.free(row);
    expect(ids.rowOf(id)).toBe(-1);
  }
  expect(seen.size).toBe(1 + 2 * 5);
  expect([ids.taken(), ids.left(), ids.rowOf(ids.idOf(kept))]).toEqual([1, 0, kept]);
  // The row that was held all along has four more.
  for (let more = 0; more < 4; more++) {
    ids.free(more === 0 ? kept : ids.rowOf(ids.idOf(kept)));
    expect(ids.take()).toBe(kept);
  }
  ids.free(kept);
  expect([ids.take(), ids.taken(), ids.left()]).toEqual([-1, 0, 0]);
});

test("a row goes on where 32 bits end, and ids are found and told apart there", () => {
  const ids = makeIdTable(2);
  const seen: number[] = [];
  for (let i = 0; i < 0x1_0000 + 3; i++) {
    const row = ids.take();
    if (i % 0x8000 < 3) seen.push(ids.idOf(row));
    ids.free(row);
  }
  const row = ids.take();
  const last = ids.idOf(row);
  expect(last).toBeGreaterThan(2 ** 32);
  expect(ids.rowOf(last)).toBe(row);
  for (const id of [...seen, last - 2 ** 32, last + 2 ** 32, last % 2 ** 32, last | 0, last + 0.5])
    expect(ids.rowOf(id)).toBe(-1);
});

test("an id of an environment fits a word of 32 bits", () => {
  const ids = makeIdTable(2, WORD_GENERATIONS);
  let last = 0;
  for (let row = ids.take(); row >= 0; row = ids.take()) {
    last = ids.idOf(row);
    ids.free(row);
  }
  expect(last).toBe(WORD_GENERATIONS * 0x1_0000 + 1);
  expect(last).toBeLessThan(2 ** 31);
});
