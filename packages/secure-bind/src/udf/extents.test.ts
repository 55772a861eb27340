import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  EXTENT_BLOCKS,
  type Extent,
  type ExtentList,
  makeExtentList,
  normalizeExtents,
  pushExtent,
  readExtents,
  sameExtents,
  subtractExtents,
  wipeExtents,
} from "./extents.ts";

type Triple = readonly [number, number, number];

const record = ([start, count, type]: Triple): Extent => ({ start, count, type });

function listOf(triples: readonly Triple[], capacity: number = triples.length): ExtentList {
  const list = makeExtentList(capacity);
  for (const [start, count, type] of triples) expect(pushExtent(list, start, count, type)).toBe(undefined);
  return list;
}

const normal = (...triples: readonly Triple[]): ExtentList => {
  const list = listOf(triples);
  expect(normalizeExtents(list)).toBe(true);
  return list;
};

test.each([
  [0, 0, undefined, 0],
  [0xffff_ffff, 0, undefined, 0],
  [0, 1, undefined, 1],
  [0, EXTENT_BLOCKS, undefined, 1],
  [EXTENT_BLOCKS - 1, 1, undefined, 1],
  [EXTENT_BLOCKS, 1, "BadExtent", 0],
  [1, EXTENT_BLOCKS, "BadExtent", 0],
  [0xffff_ffff, 0xffff_ffff, "BadExtent", 0],
])("blocks %i and %i more", (start, count, refused, length) => {
  const list = makeExtentList(1);
  expect(pushExtent(list, start, count, 5)).toBe(refused);
  expect(list.count).toBe(length);
});

test.each([-5, 0.5, Number.NaN, 2 ** 32, Infinity, "1", 1n, undefined])("%s is no word", (no) => {
  const list = makeExtentList(1);
  for (const [start, count, type] of [
    [no, 1, 1],
    [1, no, 1],
    [1, 1, no],
    [no, 0, 1],
  ] as [number, number, number][])
    expect(pushExtent(list, start, count, type)).toBe("BadExtent");
  expect(list.count).toBe(0);
});

test("a full list takes no more, and a wiped one shows nothing of what it had", () => {
  const list = listOf([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  expect(pushExtent(list, 7, 8, 9)).toBe("TooManyExtents");
  expect(pushExtent(list, 7, 0, 9)).toBe(undefined);
  expect(readExtents(list)).toEqual([record([1, 2, 3]), record([4, 5, 6])]);
  wipeExtents(list);
  expect([...list.words, list.count]).toEqual([0, 0, 0, 0, 0, 0, 0]);
});

describe("normal form", () => {
  test.each([
    ["nothing", [], []],
    ["one", [[5, 2, 1]], [[5, 2, 1]]],
    [
      "the same one twice",
      [
        [5, 2, 1],
        [5, 2, 1],
      ],
      [[5, 2, 1]],
    ],
    [
      "two that touch",
      [
        [7, 1, 1],
        [5, 2, 1],
      ],
      [[5, 3, 1]],
    ],
    [
      "two that touch and differ",
      [
        [7, 1, 2],
        [5, 2, 1],
      ],
      [
        [5, 2, 1],
        [7, 1, 2],
      ],
    ],
    [
      "two that overlap",
      [
        [5, 4, 1],
        [7, 9, 1],
      ],
      [[5, 11, 1]],
    ],
    [
      "one inside another",
      [
        [5, 9, 1],
        [7, 2, 1],
        [13, 2, 1],
      ],
      [[5, 10, 1]],
    ],
    [
      "two apart",
      [
        [9, 1, 1],
        [5, 2, 1],
      ],
      [
        [5, 2, 1],
        [9, 1, 1],
      ],
    ],
    [
      "everything",
      [
        [0x7fff_ffff, 0x8000_0000, 3],
        [0, 0x7fff_ffff, 3],
      ],
      [[0, EXTENT_BLOCKS, 3]],
    ],
  ] as readonly [string, Triple[], Triple[]][])("of %s", (_what, from, to) => {
    const list = listOf(from);
    expect(normalizeExtents(list)).toBe(true);
    expect(readExtents(list)).toEqual(to.map(record));
  });

  test.each([
    [
      "the same block",
      [
        [5, 1, 1],
        [5, 1, 2],
      ],
    ],
    [
      "the first block",
      [
        [5, 4, 1],
        [5, 1, 2],
      ],
    ],
    [
      "the last block",
      [
        [5, 4, 1],
        [8, 1, 2],
      ],
    ],
    [
      "a block of what was put together",
      [
        [5, 2, 1],
        [7, 4, 1],
        [6, 1, 2],
      ],
    ],
    [
      "a block that comes behind a shorter one",
      [
        [5, 9, 1],
        [6, 1, 1],
        [8, 1, 2],
      ],
    ],
  ] as readonly [string, Triple[]][])("there is none when %s has two types", (_what, from) => {
    expect(normalizeExtents(listOf(from))).toBe(false);
    expect(normalizeExtents(listOf(from.toReversed()))).toBe(false);
  });

  test("takes no longer for one order than for another", () => {
    for (const order of [(i: number) => i, (i: number) => 4095 - i, (i: number) => (i * 1663) % 4096]) {
      const list = makeExtentList(4096);
      for (let i = 0; i < 4096; i++) pushExtent(list, 2 * order(i), 1, 1);
      expect(normalizeExtents(list)).toBe(true);
      expect(readExtents(list)).toEqual(Array.from({ length: 4096 }, (_, i) => record([2 * i, 1, 1])));
    }
  });
});

// Brute force: a set of pairs (block, type).
const arbitraryTriples = (): fc.Arbitrary<Triple[]> =>
  fc.array(
    fc.tuple(
      fc.nat(24),
      fc.nat(5),
      fc.nat({ max: 9 }).map((n) => (n === 0 ? 1 : 0)),
    ),
    { maxLength: 8 },
  );

function pairs(triples: readonly Triple[]): Set<string> {
  const all = new Set<string>();
  for (const [start, count, type] of triples)
    for (let block = start; block < start + count; block++) all.add(`${block} ${type}`);
  return all;
}

const pairsOf = (list: ExtentList): string[] =>
  [...pairs(readExtents(list).map(({ start, count, type }): Triple => [start, count, type]))].toSorted();

const hasConflict = (set: ReadonlySet<string>): boolean =>
  [...set].some((pair) => pair.endsWith(" 0") && set.has(pair.replace(/ 0$/, " 1")));

test("lists are sets of pairs: normal form, equality and difference", () => {
  let conflicts = 0;
  let compared = 0;
  fc.assert(
    fc.property(arbitraryTriples(), arbitraryTriples(), (left, right) => {
      const [a, b] = [listOf(left, 8), listOf(right, 8)];
      const [setA, setB] = [pairs(left), pairs(right)];
      const areNormal = [normalizeExtents(a), normalizeExtents(b)];
      expect(areNormal).toEqual([!hasConflict(setA), !hasConflict(setB)]);
      if (areNormal.includes(false)) return void conflicts++;
      compared++;
      expect(pairsOf(a)).toEqual([...setA].toSorted());
      const less = makeExtentList(16);
      expect(subtractExtents(a, b, less)).toBe(true);
      const expected = [...setA].filter((pair) => !setB.has(pair)).toSorted();
      expect(pairsOf(less)).toEqual(expected);
      expect(sameExtents(a, b)).toBe(expected.length === 0 && setA.size === setB.size);
      const again = listOf(
        readExtents(less).map(({ start, count, type }): Triple => [start, count, type]),
        16,
      );
      expect(normalizeExtents(again)).toBe(true);
      expect(readExtents(again)).toEqual(readExtents(less));
    }),
    { numRuns: 3000 },
  );
  expect(conflicts).toBeGreaterThan(0);
  expect(compared).toBeGreaterThan(500);
});

test("a difference that does not fit says so", () => {
  const whole = normal([0, 9, 1]);
  const holes = normal([2, 1, 1], [5, 1, 1]);
  expect(subtractExtents(whole, holes, makeExtentList(2))).toBe(false);
  expect(subtractExtents(whole, holes, makeExtentList(3))).toBe(true);
});
