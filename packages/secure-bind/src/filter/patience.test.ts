import { expect, test } from "vitest";
import { PATIENCE_MAX, Patience } from "./patience.ts";

const framesOf = (patience: Patience): number => {
  patience.begin();
  let frames = 0;
  while (patience.waits()) frames++;
  return frames;
};

test("doubles with each attempt after a change, up to the most", () => {
  const patience = new Patience(3);
  const waits = Array.from({ length: 20 }, () => {
    const frames = framesOf(patience);
    patience.spend();
    return frames;
  });
  expect(waits.slice(0, 4)).toEqual([3, 6, 12, 24]);
  expect(waits.at(-1)).toBe(PATIENCE_MAX);
});

test("is not spent without a change, and does not wait without one", () => {
  const patience = new Patience(3);
  expect(patience.waits()).toBe(false);
  patience.spend();
  expect(framesOf(patience)).toBe(3);
});

test("begins again with each change", () => {
  const patience = new Patience(2);
  patience.begin();
  expect(patience.waits()).toBe(true);
  expect(framesOf(patience)).toBe(2);
});

test("is eased to half and to no less than at first", () => {
  const patience = new Patience(3);
  for (let i = 0; i < 2; i++) {
    patience.begin();
    patience.spend();
  }
  patience.ease();
  expect(framesOf(patience)).toBe(6);
  patience.ease();
  patience.ease();
  expect(framesOf(patience)).toBe(3);
});

test.each([0, 1_000_000])("of %s stays so", (least) => {
  const patience = new Patience(least);
  patience.begin();
  patience.spend();
  expect(framesOf(patience)).toBe(least);
});
