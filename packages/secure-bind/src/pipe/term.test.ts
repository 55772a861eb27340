import { expect, test } from "vitest";
import { byteSwap, internetChecksum, pipeUnit, stageAttributes, xorWord } from "./term.ts";

test("a stage's attributes say what it takes at once and whether it changes anything", () => {
  expect(stageAttributes(internetChecksum())).toEqual({ unitBytes: 1, modifies: false, inAnyOrder: true });
  expect(stageAttributes(byteSwap(8))).toEqual({ unitBytes: 8, modifies: true, inAnyOrder: true });
  expect(stageAttributes(xorWord(7))).toEqual({ unitBytes: 1, modifies: true, inAnyOrder: true });
  expect(stageAttributes(xorWord(0)).modifies).toBe(false);
});

test("a pipe's unit is its largest stage's", () => {
  expect(pipeUnit([])).toBe(1);
  expect(pipeUnit([internetChecksum(), xorWord(1)])).toBe(1);
  expect(pipeUnit([byteSwap(2), byteSwap(8), byteSwap(4)])).toBe(8);
});
