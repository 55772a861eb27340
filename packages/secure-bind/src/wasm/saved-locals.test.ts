import { expect, test } from "vitest";
import { SavedLocals, savedBytes } from "./saved-locals.ts";
import { ScratchLocals } from "./scratch-locals.ts";
import { VALUE_TYPES } from "./value-type.ts";

const types = Object.values(VALUE_TYPES);
const { i32, i64, externref } = VALUE_TYPES;

function fresh(own: readonly number[] = []): SavedLocals {
  const [saved, scratch] = [new SavedLocals(), new ScratchLocals()];
  scratch.begin(own.length);
  saved.begin(Uint8Array.from(own), scratch);
  return saved;
}

test("each height and type of an operand, and each value that a block carries, has a local of its own", () => {
  const saved = fresh([i32, i64]);
  const locals = new Set<number>();
  const heights = [0, 1, 255, 256, 257, 5_000];
  for (const height of heights) for (const type of types) locals.add(saved.operand(height, type));
  for (const depth of [0, 1, 2, 3_000])
    for (const index of [0, 1, 254]) for (const type of types) locals.add(saved.carrier(depth, index, type));
  expect(locals.size).toBe((heights.length + 12) * types.length);
  for (const height of heights) expect(locals.has(saved.operand(height, i32))).toBe(true);
  expect(locals.size).toBe(Math.max(...locals) - 1);
});

test("a new function begins with none", () => {
  const [saved, scratch] = [new SavedLocals(), new ScratchLocals()];
  for (let i = 0; i < 3; i++) {
    scratch.begin(2);
    saved.begin(Uint8Array.of(i32, i64), scratch);
    expect(saved.all(0).map(({ local }) => local)).toEqual([0, 1]);
    expect([saved.operand(3, i64), saved.operand(300, i64), saved.operand(3, i64)]).toEqual([2, 3, 2]);
    expect(saved.all(0)).toHaveLength(4);
  }
});

test("numbers have bytes, and references, which have none, are refused", () => {
  expect(types.map((type) => savedBytes(type)).toSorted((a, b) => a - b)).toEqual([0, 0, 4, 4, 8, 8, 16]);
  const saved = fresh([externref]);
  expect(() => saved.all(0)).toThrow();
});
