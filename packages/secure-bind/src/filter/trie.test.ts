import { expect, test } from "vitest";
import { atomsOf } from "./atoms.ts";
import { equal } from "./term.ts";
import { addLeaf, checkTrie, countAtoms, findLeaf, makeNode, removeLeaf } from "./trie.ts";
import { mustVerify } from "../testing/verify.ts";

const path = (...values: number[]) => atomsOf(mustVerify(values.map((value, at) => equal(at, 1, value))));

test("equal beginnings are shared, and siblings that differ in a constant are one branch", () => {
  const root = makeNode(0);
  addLeaf(root, path(1, 2, 3), { tag: 0, age: 0 });
  addLeaf(root, path(1, 2, 4), { tag: 1, age: 1 });
  addLeaf(root, path(1), { tag: 2, age: 2 });
  expect([countAtoms(root), root.branches.length, root.worst, root.deepest]).toEqual([4, 1, 3, 3]);
  expect(findLeaf(root, path(1))?.tag).toBe(2);
  expect(findLeaf(root, path(1, 2))).toBeUndefined();
});

test("removing a filter removes what only it needed", () => {
  const root = makeNode(0);
  addLeaf(root, path(1, 2, 3), { tag: 0, age: 0 });
  addLeaf(root, path(1), { tag: 1, age: 1 });
  removeLeaf(root, path(1, 2, 3));
  expect([countAtoms(root), root.worst, root.deepest, checkTrie(root)]).toEqual([1, 1, 1, true]);
  removeLeaf(root, path(1));
  expect(root).toEqual(makeNode(0));
});

test("checkTrie finds a sum that is wrong", () => {
  const root = makeNode(0);
  addLeaf(root, path(1, 2), { tag: 0, age: 0 });
  expect(checkTrie(root)).toBe(true);
  root.worst++;
  expect(checkTrie(root)).toBe(false);
});
