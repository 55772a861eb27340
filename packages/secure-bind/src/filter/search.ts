/** Finds the longest filter of a tree that accepts a frame. */
import { moveBase, readField } from "./field.ts";
import { type Branch, type Leaf, type Node, childOf } from "./trie.ts";

/** The tag of the longest match for the frame of `length` bytes at `at` in `memory`, or -1. */
export type Search = (memory: Uint8Array, at: number, length: number) => number;

const NOTHING = new Uint8Array(0);

/**
 * A search of the tree under `root`, which may change between searches.
 *
 * Depth first, sparing every branch that cannot hold a match as long as the
 * best so far. **Cost** at most `root.worst` fields read; the state of a search
 * lives here, so that none of them allocates.
 */
export function makeSearch(root: Node): Search {
  let frame: Uint8Array = NOTHING;
  let start = 0;
  let end = 0;
  let base = 0;
  let best: Leaf | undefined;
  let bestDepth = -1;

  const offer = (leaf: Leaf, depth: number): void => {
    if (depth < bestDepth) return;
    if (depth === bestDepth && best !== undefined && best.age < leaf.age) return;
    best = leaf;
    bestDepth = depth;
  };

  /** The node behind `branch`, if the frame leads there and it may hold a match that long; sets `base` to its base. */
  const follow = (branch: Branch | undefined, from: number): Node | undefined => {
    if (branch === undefined || branch.deepest < bestDepth) return undefined;
    const offset = from + branch.at;
    if (offset + branch.width > end) return undefined;
    const field = readField(frame, start + offset, branch.width) & branch.mask;
    base = branch.shifts ? moveBase(from, field, branch.by, end) : from;
    return childOf(branch, branch.shifts ? 0 : field);
  };

  /** Visits `first` and what is below: the last branch in the loop, those before it by recursion. */
  const visit = (first: Node, from: number): void => {
    let node: Node | undefined = first;
    let here = from;
    while (node !== undefined) {
      if (node.leaf !== undefined) offer(node.leaf, node.depth);
      const branches: readonly Branch[] = node.branches;
      const last = branches.length - 1;
      for (let i = 0; i < last; i++) {
        const child = follow(branches[i], here);
        if (child !== undefined) visit(child, base);
      }
      node = follow(branches[last], here);
      here = base;
    }
  };

  return (memory, at, length) => {
    frame = memory;
    start = at;
    end = length;
    best = undefined;
    bestDepth = -1;
    visit(root, 0);
    return (best as Leaf | undefined)?.tag ?? -1;
  };
}
