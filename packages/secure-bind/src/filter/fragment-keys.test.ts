import { expect, test } from "vitest";
import { FragmentKeys, SET_KEYS } from "./fragment-keys.ts";

const byte = (at: number) => ({ at, width: 1 as const, mask: 0xff });
const fields = { later: byte(0), more: byte(0), key: [byte(1), byte(2)] };
const frame = (a: number, b: number): Uint8Array => Uint8Array.of(0, a, b);

function prepared(sets: number): FragmentKeys {
  const keys = new FragmentKeys(sets);
  keys.prepare();
  return keys;
}

test("a key belongs to whoever remembered it last, at its own place in the tree", () => {
  const keys = prepared(4);
  expect(keys.ownerOf(fields, 1, frame(1, 2), 0)).toBe(-1);
  keys.remember(fields, 1, frame(1, 2), 0, 0);
  expect(keys.ownerOf(fields, 1, frame(1, 2), 0)).toBe(0);
  expect(keys.ownerOf(fields, 1, frame(2, 1), 0)).toBe(-1);
  expect(keys.ownerOf(fields, 2, frame(1, 2), 0)).toBe(-1);
  keys.remember(fields, 1, frame(1, 2), 0, 7);
  expect(keys.ownerOf(fields, 1, frame(1, 2), 0)).toBe(7);
});

test("of a full set the oldest key is forgotten", () => {
  const keys = prepared(1);
  for (let i = 0; i <= SET_KEYS; i++) keys.remember(fields, 1, frame(9, i), 0, i);
  expect(keys.ownerOf(fields, 1, frame(9, 0), 0)).toBe(-1);
  for (let i = 1; i <= SET_KEYS; i++) expect(keys.ownerOf(fields, 1, frame(9, i), 0)).toBe(i);
});

test("an owner's keys are forgotten with it, and only its own", () => {
  const keys = prepared(2);
  keys.remember(fields, 1, frame(1, 1), 0, 3);
  keys.remember(fields, 1, frame(2, 2), 0, 4);
  keys.forget(3);
  expect(keys.ownerOf(fields, 1, frame(1, 1), 0)).toBe(-1);
  expect(keys.ownerOf(fields, 1, frame(2, 2), 0)).toBe(4);
});

test("before it is prepared it knows nothing", () => {
  expect(new FragmentKeys(4).ownerOf(fields, 1, frame(1, 1), 0)).toBe(-1);
});
