/** All packet filters merged into one prefix tree (DPF section 3). */
import type { Atom } from "./atoms.ts";

/** What stands at the end of a filter. */
export interface Leaf {
  /** What `classify` answers; not negative. */
  readonly tag: number;
  /** Insertions before this one: of two matches of the same length the older wins. */
  readonly age: number;
}

/**
 * Reached when every atom on the way here held.
 *
 * **Holds** `depth` is the number of those atoms; `worst` is the sum of 1 +
 * `worst` over `branches`; `deepest` is the greatest depth of a leaf here or
 * below, or -1.
 */
export interface Node {
  readonly depth: number;
  leaf: Leaf | undefined;
  branches: Branch[];
  worst: number;
  deepest: number;
}

/**
 * One field that is read after a node, and where each of its values leads.
 *
 * Atoms that differ in nothing but the value are one branch: one read and one
 * look-up, however many there are. A shift has one child, under key 0.
 * **Holds** `worst` and `deepest` are the greatest of the children's; `only` is
 * the child if and only if there is one.
 */
export interface Branch {
  readonly shifts: boolean;
  readonly at: number;
  readonly width: number;
  readonly mask: number;
  /** Bits to shift by; 0 when it compares. */
  readonly by: number;
  readonly children: Map<number, Node>;
  /** The child and its key while there is just one: comparing is quicker than hashing. */
  only: Node | undefined;
  onlyKey: number;
  worst: number;
  deepest: number;
}

/** A tree of no filters; also what stands below the last atom of a new one. */
export const makeNode = (depth: number): Node => ({
  depth,
  leaf: undefined,
  branches: [],
  worst: 0,
  deepest: -1,
});

const makeBranch = (atom: Atom): Branch => ({
  shifts: atom.shifts,
  at: atom.at,
  width: atom.width,
  mask: atom.mask,
  by: atom.shifts ? atom.operand : 0,
  children: new Map(),
  only: undefined,
  onlyKey: 0,
  worst: 0,
  deepest: -1,
});

const keyOf = (atom: Atom): number => (atom.shifts ? 0 : atom.operand);

const isBranchOf = (branch: Branch, atom: Atom): boolean =>
  branch.at === atom.at &&
  branch.shifts === atom.shifts &&
  branch.width === atom.width &&
  branch.mask === atom.mask &&
  branch.by === (atom.shifts ? atom.operand : 0);

const findBranch = (node: Node, atom: Atom): Branch | undefined =>
  node.branches.find((branch) => isBranchOf(branch, atom));

/** The leaf of the filter with exactly these atoms, or `undefined`. */
export function findLeaf(root: Node, atoms: readonly Atom[]): Leaf | undefined {
  let node: Node | undefined = root;
  for (const atom of atoms) {
    node = node && findBranch(node, atom)?.children.get(keyOf(atom));
  }
  return node?.leaf;
}

/** Restores `node`'s sums; the branch of the longest filters comes first, so that it can spare the others. */
function summarise(node: Node): void {
  node.worst = 0;
  node.deepest = node.leaf === undefined ? -1 : node.depth;
  for (const branch of node.branches) {
    node.worst += 1 + branch.worst;
    node.deepest = Math.max(node.deepest, branch.deepest);
  }
  node.branches.sort((a, b) => b.deepest - a.deepest);
}

/** Restores `only` after a child came or went. */
function settle(branch: Branch): void {
  branch.only = undefined;
  if (branch.children.size !== 1) return;
  for (const [key, child] of branch.children) {
    branch.only = child;
    branch.onlyKey = key;
  }
}

/** The child of `branch` for a field that read `key`. */
export const childOf = (branch: Branch, key: number): Node | undefined => {
  if (branch.only === undefined) return branch.children.get(key);
  return branch.onlyKey === key ? branch.only : undefined;
};

/** Adds a filter whose atoms from `depth` on are still to come. Its leaf must not exist yet. */
export function addLeaf(node: Node, atoms: readonly Atom[], leaf: Leaf): void {
  const atom = atoms[node.depth];
  if (atom === undefined) node.leaf = leaf;
  else {
    const branch = findBranch(node, atom) ?? makeBranch(atom);
    if (branch.children.size === 0) node.branches.push(branch);
    const child = branch.children.get(keyOf(atom)) ?? makeNode(node.depth + 1);
    branch.children.set(keyOf(atom), child);
    settle(branch);
    addLeaf(child, atoms, leaf);
    branch.worst = Math.max(branch.worst, child.worst);
    branch.deepest = Math.max(branch.deepest, child.deepest);
  }
  summarise(node);
}

/** Restores the sums of `branch` when the child that may have set them has shrunk. O(children). */
function rescan(branch: Branch): void {
  branch.worst = 0;
  branch.deepest = -1;
  for (const child of branch.children.values()) {
    branch.worst = Math.max(branch.worst, child.worst);
    branch.deepest = Math.max(branch.deepest, child.deepest);
  }
}

/** Removes the filter with exactly these atoms, and every node that only it needed. */
export function removeLeaf(node: Node, atoms: readonly Atom[]): void {
  const atom = atoms[node.depth];
  const branch = atom && findBranch(node, atom);
  if (atom === undefined || branch === undefined) node.leaf = undefined;
  else {
    const child = branch.children.get(keyOf(atom));
    if (child !== undefined) removeLeaf(child, atoms);
    if (child?.deepest === -1) branch.children.delete(keyOf(atom));
    if (branch.children.size === 0) node.branches = node.branches.filter((other) => other !== branch);
    settle(branch);
    rescan(branch);
  }
  summarise(node);
}

/** Atoms in the tree: what the filters have in common counts once. */
export function countAtoms(node: Node): number {
  let count = 0;
  for (const branch of node.branches) {
    for (const child of branch.children.values()) count += 1 + countAtoms(child);
  }
  return count;
}

/** Whether every sum below and at `node` is what it should be; for tests. */
export function checkTrie(node: Node): boolean {
  let worst = 0;
  let deepest = node.leaf === undefined ? -1 : node.depth;
  for (const branch of node.branches) {
    const children = [...branch.children.values()];
    if (children.length === 0 || !children.every(checkTrie)) return false;
    if (branch.only !== (children.length === 1 ? children[0] : undefined)) return false;
    if (branch.worst !== Math.max(...children.map((child) => child.worst))) return false;
    if (branch.deepest !== Math.max(...children.map((child) => child.deepest))) return false;
    worst += 1 + branch.worst;
    deepest = Math.max(deepest, branch.deepest);
  }
  return node.worst === worst && node.deepest === deepest && (deepest >= 0 || node.depth === 0);
}
