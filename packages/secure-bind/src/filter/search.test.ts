import { expect, test } from "vitest";
import { atomsOf } from "./atoms.ts";
import { makeSearch } from "./search.ts";
import { equal } from "./term.ts";
import { addLeaf, makeNode, removeLeaf } from "./trie.ts";
import { mustVerify } from "../testing/verify.ts";

const byte = (at: number, value: number) => equal(at, 1, value);
const atoms = (...terms: ReturnType<typeof byte>[]) => atomsOf(mustVerify(terms));

test("a search follows every branch, falls back to the shorter match, and sees the tree as it is now", () => {
  const root = makeNode(0);
  const search = makeSearch(root);
  const long = atoms(byte(0, 1), byte(1, 2), byte(2, 3));
  expect(search(Uint8Array.of(1, 2, 3), 0, 3)).toBe(-1);
  addLeaf(root, atoms(byte(0, 1)), { tag: 10, age: 0 });
  addLeaf(root, long, { tag: 11, age: 1 });
  addLeaf(root, atoms(byte(1, 2), byte(2, 9)), { tag: 12, age: 2 });
  expect(search(Uint8Array.of(1, 2, 3), 0, 3)).toBe(11);
  expect(search(Uint8Array.of(1, 2, 4), 0, 3)).toBe(10);
  expect(search(Uint8Array.of(1, 2, 9), 0, 3)).toBe(12);
  expect(search(Uint8Array.of(1, 2, 3), 0, 2)).toBe(10);
  expect(search(Uint8Array.of(0, 2, 3), 0, 3)).toBe(-1);
  removeLeaf(root, long);
  expect(search(Uint8Array.of(1, 2, 3), 0, 3)).toBe(10);
});
