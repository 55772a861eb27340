import { capSlot, must } from "@exolith/exokernel/abi";
import { makeRig } from "@exolith/exokernel/testing";
import { expect, test } from "vitest";
import { makeFramePool } from "./frame-pool.ts";
import { makeRandomWords } from "./random-words.ts";

test("words are fresh, fetched in batches, and leave no trace", () => {
  const gate = makeRig().environment([1, 1]);
  const window = must(makeFramePool(gate, capSlot(0)).run(1));
  window.fill(0, 64, 0xff);
  const word = makeRandomWords(gate, window, 8, 19);
  const before = gate.environments.calls(gate.self & 0xffff);
  const words = new Set(Array.from({ length: 400 }, word));
  expect(words.size).toBe(400);
  expect(gate.environments.calls(gate.self & 0xffff) - before).toBe(100);
  expect([window.getU32(8), window.getU32(20)]).toEqual([0, 0]);
  expect([window.getU32(4), window.getU32(24)]).toEqual([0xffff_ffff, 0xffff_ffff]);
  for (const value of words) expect(Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff).toBe(true);
});

test("room for less than a word is refused", () => {
  const gate = makeRig().environment([1, 1]);
  const window = must(makeFramePool(gate, capSlot(0)).run(1));
  expect(() => makeRandomWords(gate, window, 0, 3)).toThrow(RangeError);
});
