/** All packet filters merged into one prefix tree (DPF section 3). */
import { type Atom, laterDepth } from "./atoms.ts";
import { ConstantTable, type Rebuilds } from "./constants.ts";
import {
  type Edge,
  type Run,
  SHAPE_EDGES,
  type Shape,
  addEdge,
  compactShape,
  dropRuns,
  findEdge,
  freeState,
  isOfShape,
  isSparse,
  leaveTable,
  makeShape,
  pruneShape,
  removeEdge,
  takeState,
} from "./shape.ts";

/**
 * Reached when every atom on the way here held.
 *
 * **Holds** `worst` is the sum of the costs and of the `worst` of `branches`;
 * `deepest` is the greatest depth of a match here or below, or -1.
 */
export interface Node {
  readonly shape: Shape<Node>;
  state: number;
  readonly parent: Branch | undefined;
  /** The value that led here; 0 behind a shift. */
  readonly key: number;
  /** Index of the filter that ends here, or -1. */
  leaf: number;
  branches: readonly Branch[];
  worst: number;
  deepest: number;
  /** Its neighbours among the children of `parent`. */
  next: Node | undefined;
  previous: Node | undefined;
}

/**
 * One field that is read after a node, and where each of its values leads.
 *
 * Atoms that differ in nothing but the value are one branch: one read and one
 * look-up, however many there are. A shift has one child, and so has a
 * `fragments` atom, under key 0.
 * **Holds** `worst` and `deepest` are the greatest of the children's, and of
 * later fragments; the children are in the table of constants under `number` if
 * there are several.
 */
export interface Branch {
  readonly edge: Edge<Node>;
  readonly node: Node;
  readonly number: number;
  first: Node | undefined;
  size: number;
  worst: number;
  deepest: number;
}

/** The tree, and what belongs to all of it. */
export interface Trie {
  readonly root: Node;
  readonly constants: ConstantTable;
  /** For the tables of generated code. */
  readonly seed: number;
  readonly rebuilds: Rebuilds;
  /** Numbers of branches that are gone, and the next that never was one. */
  readonly numbers: number[];
  nextNumber: number;
  /** Nodes but the root: what filters have in common counts once. */
  nodes: number;
  /** Edges of all shapes; those that no filter uses any more are kept while there are no more than `edgesKept`. */
  edges: number;
  /** Edges among them that no filter uses. */
  unused: number;
  readonly edgesKept: number;
  /** True when there are shapes that generated code does not know. */
  grown: boolean;
}

const NONE: readonly Branch[] = Object.freeze([]);

function makeNode(shape: Shape<Node>, parent: Branch | undefined, key: number): Node {
  const node: Node = {
    shape,
    state: 0,
    parent,
    key,
    leaf: -1,
    branches: NONE,
    worst: 0,
    deepest: -1,
    next: undefined,
    previous: undefined,
  };
  node.state = takeState(shape, node);
  return node;
}

/** A tree of no filters; `seed` is for its table of constants. */
export const makeTrie = (seed: number, edgesKept: number): Trie => ({
  root: makeNode(makeShape<Node>(0), undefined, 0),
  constants: new ConstantTable(1, seed, { count: 0 }),
  seed,
  rebuilds: { count: 0 },
  numbers: [],
  nextNumber: 1,
  nodes: 0,
  edges: 0,
  unused: 0,
  edgesKept,
  grown: false,
});

/** The value that leads through `atom`. */
export const keyOf = (atom: Atom): number => (atom.shifts ? 0 : atom.operand);

/** Fields read at a branch, without what is behind it: of fragments, those for looking up and for remembering too. */
const costOf = ({ fragments }: Edge<Node> | Atom): number =>
  fragments === undefined ? 1 : 3 + fragments.key.length;

/** How long a match is that is found at the branch itself: a later fragment, or -1 for none. */
const ownDepth = ({ from, fragments }: Edge<Node>): number =>
  fragments === undefined ? -1 : laterDepth(from.depth, fragments);

/** The branch of `node` for the shape of `atom`. O(branches). */
export const findBranch = (node: Node, atom: Atom): Branch | undefined =>
  node.branches.find((branch) => isOfShape(branch.edge, atom));

function findConstant(constants: ConstantTable, branch: number, value: number): number {
  constants.key[0] = branch;
  constants.key[1] = value;
  return constants.find();
}

function addConstant(constants: ConstantTable, branch: number, child: Node): boolean {
  constants.key[0] = branch;
  constants.key[1] = child.key;
  return constants.add(child.state);
}

function removeConstant(constants: ConstantTable, branch: number, child: Node): void {
  constants.key[0] = branch;
  constants.key[1] = child.key;
  constants.remove();
}

/** The child of `branch` for a field that read `key`. At most PROBES steps. */
export function childOf(trie: Trie, branch: Branch, key: number): Node | undefined {
  if (branch.size === 1) return branch.first?.key === key ? branch.first : undefined;
  const state = findConstant(trie.constants, branch.number, key);
  return state < 0 ? undefined : branch.edge.to.places[state];
}

/** How far the tree goes along `atoms`: the last node, and atoms before it. */
function descend(trie: Trie, atoms: readonly Atom[]): { readonly node: Node; readonly depth: number } {
  let node = trie.root;
  for (const [depth, atom] of atoms.entries()) {
    const branch = findBranch(node, atom);
    const child = branch && childOf(trie, branch, keyOf(atom));
    if (child === undefined) return { node, depth };
    node = child;
  }
  return { node, depth: atoms.length };
}

/** Index of the filter with exactly these atoms, or -1. */
export function findLeaf(trie: Trie, atoms: readonly Atom[]): number {
  const { node, depth } = descend(trie, atoms);
  return depth < atoms.length ? -1 : node.leaf;
}

/** What the tree comes to with one more filter. */
export interface Growth {
  /** Nodes and edges that it has not yet. */
  readonly nodes: number;
  readonly edges: number;
  /** `worst` of the root. */
  readonly worst: number;
}

/** Atoms that no edge behind `from` is for. */
function newEdges(from: Shape<Node>, atoms: readonly Atom[]): number {
  let shape = from;
  for (const [i, atom] of atoms.entries()) {
    const edge = findEdge(shape, atom);
    if (edge === undefined) return atoms.length - i;
    shape = edge.to;
  }
  return 0;
}

/** What the tree would come to with a filter of these atoms; nothing changes. O(atoms × branches). */
export function growthBy(trie: Trie, atoms: readonly Atom[]): Growth {
  const { node, depth } = descend(trie, atoms);
  const [atom, ...behind] = atoms.slice(depth);
  let { worst } = node;
  if (atom !== undefined) {
    const below = behind.reduce((sum, other) => sum + costOf(other), 0);
    const branch = findBranch(node, atom);
    worst += branch === undefined ? costOf(atom) + below : Math.max(0, below - branch.worst);
  }
  for (let branch = node.parent; branch !== undefined; branch = branch.node.parent)
    worst = branch.node.worst + Math.max(0, worst - branch.worst);
  return { nodes: atoms.length - depth, edges: newEdges(node.shape, atoms.slice(depth)), worst };
}

/** Writes the key of `node`, which is behind `run`, into the run's table. */
function loadKey(edges: readonly Edge<Node>[], table: ConstantTable, node: Node): void {
  let word = table.key.length - 1;
  let here = node;
  for (let i = edges.length - 1; i >= 0; i--) {
    const edge = edges[i];
    if (edge !== undefined && !edge.shifts && edge.fragments === undefined) table.key[word--] = here.key;
    here = here.parent?.node ?? here;
  }
  table.key[0] = here.state + 1;
}

/** Puts `node`, where the filter `leaf` ends if any, into the table of the run that ends at its shape; false when that has no room. */
export function publish({ edges, table, isLast }: Run<Node>, node: Node, leaf: number): boolean {
  if (table === undefined) return true;
  loadKey(edges, table, node);
  return table.add(isLast ? leaf : node.state);
}

function withdraw({ edges, table }: Run<Node>, node: Node): void {
  if (table === undefined) return;
  loadKey(edges, table, node);
  table.remove();
}

/** What the table of `run` has for `node`: -1 for nothing. */
export function published({ edges, table }: Run<Node>, node: Node): number {
  if (table === undefined) return -1;
  loadKey(edges, table, node);
  return table.find();
}

const bitOf = ({ ordinal }: Edge<Node>): number => (ordinal < SHAPE_EDGES ? 1 << ordinal : 0);

/** Restores `node`'s sums; the branch of the longest filters comes first, so that it can spare the others. */
function summarise(node: Node): void {
  node.worst = 0;
  node.deepest = node.leaf < 0 ? -1 : node.shape.depth;
  let isSorted = true;
  let before = Infinity;
  for (const branch of node.branches) {
    node.worst += costOf(branch.edge) + branch.worst;
    node.deepest = Math.max(node.deepest, branch.deepest);
    if (branch.deepest > before) isSorted = false;
    before = branch.deepest;
  }
  if (!isSorted) node.branches = node.branches.toSorted((a, b) => b.deepest - a.deepest);
}

/** Restores the sums from `node` up to the root after a filter was added below. */
function raise(node: Node): void {
  summarise(node);
  for (let branch = node.parent; branch !== undefined; branch = branch.node.parent) {
    const child = node;
    branch.worst = Math.max(branch.worst, child.worst);
    branch.deepest = Math.max(branch.deepest, child.deepest, ownDepth(branch.edge));
    node = branch.node;
    summarise(node);
  }
}

/** Restores the sums of `branch` when the child that may have set them has shrunk. O(children), mostly O(1). */
function rescan(branch: Branch): void {
  const { worst: worstWas, deepest: deepestWas } = branch;
  branch.worst = 0;
  branch.deepest = ownDepth(branch.edge);
  for (let child = branch.first; child !== undefined; child = child.next) {
    branch.worst = Math.max(branch.worst, child.worst);
    branch.deepest = Math.max(branch.deepest, child.deepest);
    if (branch.worst === worstWas && branch.deepest === deepestWas) return;
  }
}

function addBit(edge: Edge<Node>, { shape, state }: Node): void {
  shape.branches[state] = (shape.branches[state] ?? 0) | bitOf(edge);
}

function dropBit(edge: Edge<Node>, { shape, state }: Node): void {
  shape.branches[state] = (shape.branches[state] ?? 0) & ~bitOf(edge);
}

function addBranch(trie: Trie, node: Node, atom: Atom): Branch {
  let edge = findEdge(node.shape, atom);
  if (edge === undefined) {
    edge = addEdge(node.shape, atom);
    trie.edges++;
    trie.grown = true;
    // Filters' ends are no longer all that is behind: in the table of a last run there are filters, and no states.
    if (node.shape.run?.isLast === true) node.shape.run = undefined;
  } else if (edge.branches === 0) trie.unused--;
  edge.branches++;
  addBit(edge, node);
  const number = trie.numbers.pop() ?? trie.nextNumber++;
  const branch = { edge, node, number, first: undefined, size: 0, worst: 0, deepest: -1 };
  node.branches = [...node.branches, branch];
  return branch;
}

/** Keeps an edge that no filter uses any more, or takes it away with those behind it. */
function dropUse(trie: Trie, edge: Edge<Node>): void {
  trie.unused++;
  if (trie.edges <= trie.edgesKept) return;
  const gone = removeEdge(edge);
  trie.edges -= gone;
  trie.unused -= gone;
}

/** Takes away the edges that no filter uses. O(edges), or O(1) when there are none. */
export function pruneEdges(trie: Trie): void {
  if (trie.unused === 0) return;
  trie.edges -= pruneShape(trie.root.shape);
  trie.unused = 0;
}

function dropBranch(trie: Trie, branch: Branch): void {
  const { node, edge } = branch;
  trie.numbers.push(branch.number);
  edge.branches--;
  dropBit(edge, node);
  if (edge.branches === 0) dropUse(trie, edge);
  node.branches = node.branches.length === 1 ? NONE : node.branches.filter((other) => other !== branch);
}

/** Puts the children of a branch that is getting its second one, or the newest of more, into the table. */
function addConstants({ constants }: Trie, { number, first, size }: Branch, child: Node): boolean {
  if (size === 0) return true;
  if (size === 1 && first !== undefined && !addConstant(constants, number, first)) return false;
  if (addConstant(constants, number, child)) return true;
  if (size === 1 && first !== undefined) removeConstant(constants, number, first);
  return false;
}

/** A new child of `branch` on the way to the end of the filter `leaf`, or `undefined` when the table of constants refuses it. */
function addChild(trie: Trie, branch: Branch, key: number, leaf: number): Node | undefined {
  const child = makeNode(branch.edge.to, branch, key);
  if (!addConstants(trie, branch, child)) {
    freeState(child.shape, child.state);
    return undefined;
  }
  child.next = branch.first;
  if (branch.first !== undefined) branch.first.previous = child;
  branch.first = child;
  branch.size++;
  trie.nodes++;
  const { run } = child.shape;
  if (run !== undefined && !publish(run, child, leaf)) {
    leaveTable(run);
    trie.grown = true;
  }
  return child;
}

/** Gives up the room for places of `shape` that are gone, and the code that knows its states, when there are many. O(places). */
function compact(trie: Trie, shape: Shape<Node>): void {
  if (!isSparse(shape)) return;
  compactShape(shape, ({ parent, key, state }) => {
    if (parent === undefined || parent.size < 2) return;
    trie.constants.key[0] = parent.number;
    trie.constants.key[1] = key;
    trie.constants.change(state);
  });
  dropRuns(shape);
  trie.grown = true;
}

function dropChild(trie: Trie, branch: Branch, child: Node): void {
  const { constants } = trie;
  if (child.shape.run !== undefined) withdraw(child.shape.run, child);
  if (child.previous === undefined) branch.first = child.next;
  else child.previous.next = child.next;
  if (child.next !== undefined) child.next.previous = child.previous;
  if (branch.size > 1) removeConstant(constants, branch.number, child);
  branch.size--;
  if (branch.size === 1 && branch.first !== undefined) removeConstant(constants, branch.number, branch.first);
  freeState(child.shape, child.state);
  trie.nodes--;
  compact(trie, child.shape);
}

/** Takes away `node` and what is above it as far as no filter needs it, and restores the sums of the rest. */
function prune(trie: Trie, from: Node): void {
  let node = from;
  summarise(node);
  for (let branch = node.parent; branch !== undefined; branch = node.parent) {
    if (node.deepest < 0) dropChild(trie, branch, node);
    rescan(branch);
    if (branch.size === 0) dropBranch(trie, branch);
    node = branch.node;
    summarise(node);
  }
}

/**
 * Adds the filter with these atoms, which is not there yet, under `index`.
 *
 * Returns where it ends, or `undefined` when the table of constants refuses. Then
 * nothing has changed: only the first new child can have brothers, and need an entry there.
 */
export function addLeaf(trie: Trie, atoms: readonly Atom[], index: number): Node | undefined {
  let node = trie.root;
  for (const atom of atoms) {
    const branch = findBranch(node, atom) ?? addBranch(trie, node, atom);
    const key = keyOf(atom);
    const child =
      (branch.size > 0 ? childOf(trie, branch, key) : undefined) ?? addChild(trie, branch, key, index);
    if (child === undefined) return undefined;
    node = child;
  }
  node.leaf = index;
  node.shape.filters++;
  node.shape.leaves[node.state] = index + 1;
  if (!node.shape.ends) {
    node.shape.ends = true;
    trie.grown = true;
  }
  raise(node);
  return node;
}

/** Removes the filter that ends at `node`, and every node that only it needed. */
export function removeLeaf(trie: Trie, node: Node): void {
  node.leaf = -1;
  node.shape.filters--;
  node.shape.leaves[node.state] = 0;
  prune(trie, node);
  if (trie.nodes > 0) return;
  trie.numbers.length = 0;
  trie.nextNumber = 1;
}

/** The branch on the way to `node` that tells fragments apart, if there is one. O(depth). */
export function fragmentsAbove(node: Node): Branch | undefined {
  let branch = node.parent;
  while (branch !== undefined && branch.edge.fragments === undefined) branch = branch.node.parent;
  return branch;
}
