import * as fc from "fast-check";
import { expect, test } from "vitest";
import { ConstantTable, PROBES } from "./constants.ts";
import { placeIn, unplaceable } from "../testing/colliding.ts";

const table = (values = 1, seed = 1): ConstantTable => new ConstantTable(values, seed, { count: 0 });
const set = (of: ConstantTable, ...key: number[]): ConstantTable => {
  of.key.set(key);
  return of;
};

test("agrees with a Map while entries come and go", () => {
  const steps = fc.array(
    fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 3 }), fc.integer({ min: -4, max: 4 })),
    {
      minLength: 50,
      maxLength: 200,
    },
  );
  fc.assert(
    fc.property(steps, fc.integer(), (script, seed) => {
      const constants = table(1, seed);
      const model = new Map<string, number>();
      for (const [state, [adds, branch, value]] of script.entries()) {
        const name = `${branch},${value}`;
        if (!adds) {
          set(constants, branch, value).remove();
          model.delete(name);
        } else if (!model.has(name)) {
          expect(set(constants, branch, value).add(state)).toBe(true);
          model.set(name, state);
        }
        expect(set(constants, branch, value).find()).toBe(model.get(name) ?? -1);
      }
      expect(constants.count).toBe(model.size);
      expect(constants.check()).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test("grows, is never more than half full, and shrinks to what it was", () => {
  const constants = table();
  const { capacity } = constants;
  for (let value = 0; value < 5000; value++) set(constants, 1, value << 16).add(value);
  expect(constants.count).toBe(5000);
  expect(constants.capacity).toBeGreaterThanOrEqual(5000);
  expect(constants.capacity).toBeLessThan(40_000);
  for (let value = 0; value < 5000; value++) expect(set(constants, 1, value << 16).find()).toBe(value);
  for (let value = 0; value < 5000; value++) set(constants, 1, value << 16).remove();
  expect([constants.count, constants.capacity, constants.check()]).toEqual([0, capacity, true]);
});

/** Values that all belong at one place of `of` as it is now. */
function colliding(of: ConstantTable, count: number): number[] {
  const place = (value: number): number => placeIn(of.multipliers, of.shift, [1, value]);
  const values: number[] = [];
  for (let value = 1; values.length < count; value++) if (place(value) === place(0)) values.push(value);
  return values;
}

test("attack: constants chosen to collide make it choose other multipliers, and no look-up long", () => {
  const rebuilds = { count: 0 };
  const constants = new ConstantTable(1, 7, rebuilds);
  for (let value = 0; value < 400; value++) set(constants, 2, value).add(value);
  for (let round = 0; round < 5; round++) {
    const before = rebuilds.count;
    const values = colliding(constants, PROBES + 1);
    for (const [i, value] of values.entries()) {
      if (set(constants, 1, value).find() < 0) expect(set(constants, 1, value).add(i)).toBe(true);
    }
    expect(rebuilds.count).toBeGreaterThan(before);
    expect(constants.check()).toBe(true);
    expect(constants.capacity).toBeLessThanOrEqual(4096);
  }
});

test("keys of no value and of several, and negative ones", () => {
  const none = table(0);
  expect(set(none, 3).add(5)).toBe(true);
  expect([set(none, 3).find(), set(none, 4).find()]).toEqual([5, -1]);
  const many = table(6);
  expect(many.words).toBe(8);
  set(many, 1, -1, 0x7fffffff, -0x80000000, 0, 5, 6).add(9);
  expect(set(many, 1, -1, 0x7fffffff, -0x80000000, 0, 5, 6).find()).toBe(9);
  expect(set(many, 1, -1, 0x7fffffff, -0x80000000, 0, 5, 7).find()).toBe(-1);
});

test("attack: values of top bits only, which no odd number spreads, are spread", () => {
  for (let seed = 0; seed < 40; seed++) {
    const constants = new ConstantTable(6, seed, { count: 0 });
    for (let i = 0; i < 1500; i++)
      expect(set(constants, 1, ...[0, 1, 2, 3, 4, 5].map((w) => ((i >> (2 * w)) & 3) << 30)).add(i)).toBe(
        true,
      );
    expect(constants.capacity).toBeLessThanOrEqual(4096);
    expect(constants.check()).toBe(true);
  }
});

test("a table that refuses is as it was", () => {
  const rebuilds = { count: 0 };
  const values = unplaceable(9, 10, 1);
  const constants = new ConstantTable(1, 9, rebuilds, { room: 500 });
  const before = constants.entries;
  let held = 0;
  while (set(constants, 1, values[held] ?? 0).add(held)) held++;
  expect(held).toBeGreaterThan(values.length - PROBES);
  expect(held).toBeLessThan(values.length);
  expect([constants.entries === before, constants.count, rebuilds.count]).toEqual([true, held, 0]);
  expect(constants.check()).toBe(true);
  for (let i = 0; i < held; i++) expect(set(constants, 1, values[i] ?? 0).find()).toBe(i);
  set(constants, 1, values[0] ?? 0).remove();
  expect(set(constants, 2, 7).add(1)).toBe(true);
  expect(constants.check()).toBe(true);
});

test("a table that code reads does not get smaller by itself", () => {
  const rebuilds = { count: 0 };
  const constants = new ConstantTable(1, 3, rebuilds, { room: 1000, shrinks: false });
  const { entries } = constants;
  for (let value = 0; value < 1000; value++) set(constants, 1, value).add(value);
  for (let value = 0; value < 1000; value++) set(constants, 1, value).remove();
  expect([constants.entries === entries, constants.count, rebuilds.count]).toEqual([true, 0, 0]);
});

test("change puts another state behind a key, and behind no other", () => {
  const constants = table();
  set(constants, 1, 5).add(1);
  set(constants, 1, 6).add(2);
  set(constants, 1, 5).change(9);
  set(constants, 1, 7).change(9);
  expect([5, 6, 7].map((value) => set(constants, 1, value).find())).toEqual([9, 2, -1]);
});
