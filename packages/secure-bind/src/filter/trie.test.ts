import * as fc from "fast-check";
import { expect, test } from "vitest";
import { atomsOf } from "./atoms.ts";
import { equal, shift } from "./term.ts";
import { type Node, type Trie, addLeaf, findLeaf, growthBy, makeTrie, removeLeaf } from "./trie.ts";
import { checkTrie, countAtoms } from "./trie-check.ts";
import { arbitraryFilter, arbitraryFragmentFilter } from "../testing/arbitrary.ts";
import { mustVerify } from "../testing/verify.ts";

const path = (...values: number[]) => atomsOf(mustVerify(values.map((value, at) => equal(at, 1, value))));
const KEPT = 4;
const makeRoot = (): Trie => makeTrie(1, KEPT);

test("equal beginnings are shared, and siblings that differ in a constant are one branch of one shape", () => {
  const trie = makeRoot();
  addLeaf(trie, path(1, 2, 3), 0);
  addLeaf(trie, path(1, 2, 4), 1);
  addLeaf(trie, path(1), 2);
  addLeaf(trie, path(9, 9, 9), 3);
  const { root } = trie;
  expect([countAtoms(root), root.branches.length, root.worst, root.deepest, trie.edges]).toEqual([
    7, 1, 3, 3, 3,
  ]);
  expect(findLeaf(trie, path(1))).toBe(2);
  expect(findLeaf(trie, path(1, 2))).toBe(-1);
  expect(checkTrie(trie)).toBe(true);
});

test("removing a filter removes what only it needed", () => {
  const trie = makeRoot();
  const long = addLeaf(trie, path(1, 2, 3), 0) as Node;
  const short = addLeaf(trie, path(1), 1) as Node;
  removeLeaf(trie, long);
  const { root } = trie;
  expect([countAtoms(root), root.worst, root.deepest, checkTrie(trie)]).toEqual([1, 1, 1, true]);
  removeLeaf(trie, short);
  expect([countAtoms(root), root.worst, root.deepest, checkTrie(trie)]).toEqual([0, 0, -1, true]);
});

test("a shape that comes back is not new, unless there are too many", () => {
  const trie = makeRoot();
  removeLeaf(trie, addLeaf(trie, path(1, 2), 0) as Node);
  expect([trie.edges, trie.grown]).toEqual([2, true]);
  trie.grown = false;
  addLeaf(trie, path(3, 4), 0);
  expect(trie.grown).toBe(false);
  const others = [1, 2, 3].map(
    (at, i) => addLeaf(trie, atomsOf(mustVerify([shift(at, 1, 1, 1)])), i + 1) as Node,
  );
  expect([trie.edges, trie.grown]).toEqual([5, true]);
  for (const node of others) removeLeaf(trie, node);
  expect([trie.edges, checkTrie(trie)]).toEqual([KEPT, true]);
});

test("checkTrie finds a sum that is wrong, and a bit", () => {
  const trie = makeRoot();
  addLeaf(trie, path(1, 2), 0);
  expect(checkTrie(trie)).toBe(true);
  trie.root.worst++;
  expect(checkTrie(trie)).toBe(false);
  trie.root.worst--;
  trie.root.shape.branches[0] = 0;
  expect(checkTrie(trie)).toBe(false);
});

test("growthBy says beforehand what a filter adds", () => {
  const filters = fc.array(fc.oneof(arbitraryFilter(5, 3), arbitraryFragmentFilter(3, 3)), { maxLength: 20 });
  fc.assert(
    fc.property(filters, (set) => {
      const trie = makeRoot();
      for (const [i, filter] of set.entries()) {
        const atoms = atomsOf(mustVerify(filter));
        if (findLeaf(trie, atoms) >= 0) continue;
        const { nodes, edges } = trie;
        const growth = growthBy(trie, atoms);
        expect([trie.nodes, trie.edges]).toEqual([nodes, edges]);
        addLeaf(trie, atoms, i);
        expect(growth).toEqual({
          nodes: trie.nodes - nodes,
          edges: trie.edges - edges,
          worst: trie.root.worst,
        });
      }
      expect(checkTrie(trie)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test("growthBy counts nothing twice where another way is longer", () => {
  const trie = makeRoot();
  addLeaf(trie, path(1, 1, 1, 1), 0);
  addLeaf(trie, path(2, 1), 1);
  expect(growthBy(trie, path(2, 2, 1))).toEqual({ nodes: 2, edges: 0, worst: 4 });
  expect(growthBy(trie, path(2, 2, 1, 1, 1))).toEqual({ nodes: 4, edges: 1, worst: 5 });
});
