import { expect, test } from "vitest";
import { atomsOf } from "./atoms.ts";
import { FragmentKeys } from "./fragment-keys.ts";
import { TrieSearch } from "./search.ts";
import { equal } from "./term.ts";
import { type Node, addLeaf, makeTrie, removeLeaf } from "./trie.ts";
import { mustVerify } from "../testing/verify.ts";

const byte = (at: number, value: number) => equal(at, 1, value);
const atoms = (...terms: ReturnType<typeof byte>[]) => atomsOf(mustVerify(terms));

test("a search follows every branch, falls back to the shorter match, and sees the tree as it is now", () => {
  const trie = makeTrie(1, 16);
  const search = new TrieSearch(trie, [0, 1, 2], new FragmentKeys(1));
  const find = (...bytes: number[]): number => search.find(Uint8Array.from(bytes), 0, bytes.length);
  expect(find(1, 2, 3)).toBe(-1);
  addLeaf(trie, atoms(byte(0, 1)), 0);
  const long = addLeaf(trie, atoms(byte(0, 1), byte(1, 2), byte(2, 3)), 1) as Node;
  addLeaf(trie, atoms(byte(1, 2), byte(2, 9)), 2);
  expect(find(1, 2, 3)).toBe(1);
  expect(find(1, 2, 4)).toBe(0);
  expect(find(1, 2, 9)).toBe(2);
  expect(find(1, 2)).toBe(0);
  expect(find(0, 2, 3)).toBe(-1);
  removeLeaf(trie, long);
  expect(find(1, 2, 3)).toBe(0);
});
