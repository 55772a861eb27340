/** The checker of the prefix tree, for tests. */
import { laterDepth } from "./atoms.ts";
import { type Edge, type Run, SHAPE_EDGES, type Shape } from "./shape.ts";
import { type Branch, type Node, type Trie, childOf, published } from "./trie.ts";

const childrenOf = (branch: Branch): Node[] => {
  const children: Node[] = [];
  for (let child = branch.first; child !== undefined; child = child.next) children.push(child);
  return children;
};

function checkBranch(trie: Trie, branch: Branch): boolean {
  const { edge, node, size, worst, deepest } = branch;
  const children = childrenOf(branch);
  const own = edge.fragments === undefined ? -1 : laterDepth(edge.from.depth, edge.fragments);
  return (
    size === children.length &&
    size > 0 &&
    edge.from === node.shape &&
    children.every((child) => childOf(trie, branch, child.key) === child && checkNode(trie, child)) &&
    worst === Math.max(...children.map((child) => child.worst)) &&
    deepest === Math.max(own, ...children.map((child) => child.deepest))
  );
}

function checkNode(trie: Trie, node: Node): boolean {
  const { shape, state, branches, leaf } = node;
  let worst = 0;
  let deepest = leaf < 0 ? -1 : shape.depth;
  for (const branch of branches) {
    if (branch.node !== node || !checkBranch(trie, branch)) return false;
    worst += branch.worst + (branch.edge.fragments === undefined ? 1 : 3 + branch.edge.fragments.key.length);
    deepest = Math.max(deepest, branch.deepest);
  }
  return (
    node.worst === worst &&
    node.deepest === deepest &&
    (deepest >= 0 || node.parent === undefined) &&
    shape.places[state] === node &&
    shape.leaves[state] === leaf + 1
  );
}

/** Whether the branches of `edge` are counted, and have its bit where it has one. */
function checkEdge(edge: Edge<Node>): boolean {
  const { from, ordinal, to } = edge;
  const nodes = from.places.filter((node) => node !== undefined);
  const holders = nodes.filter(({ branches }) => branches.some((branch) => branch.edge === edge));
  const hasBit = ({ state }: Node): boolean => ((from.branches[state] ?? 0) & (1 << ordinal)) !== 0;
  const isRight = (node: Node): boolean => ordinal >= SHAPE_EDGES || hasBit(node) === holders.includes(node);
  return holders.length === edge.branches && nodes.every(isRight) && checkShape(to);
}

/** Whether the table of `run` has the right entry for each of `nodes`, and no other. */
function checkRun({ table, isLast, edges }: Run<Node>, nodes: readonly Node[]): boolean {
  const run = { table, isLast, edges };
  if (table === undefined) return edges.length === 1 && !isLast;
  const isRight = (node: Node): boolean => published(run, node) === (isLast ? node.leaf : node.state);
  return table.check() && table.count === nodes.length && nodes.every(isRight);
}

/** Whether the columns of `shape`, and the table of the run that ends there if there is one, say what is so. */
function checkShape(shape: Shape<Node>): boolean {
  const { run, places, free, edges, filters, ends } = shape;
  const nodes = places.filter((node) => node !== undefined);
  return (
    (run === undefined || checkRun(run, nodes)) &&
    places.length === nodes.length + free.length &&
    filters === nodes.filter(({ leaf }) => leaf >= 0).length &&
    (ends || filters === 0) &&
    edges.every((edge) => checkEdge(edge))
  );
}

const countEdges = (shape: Shape<Node>, counts: (edge: Edge<Node>) => boolean): number =>
  shape.edges.reduce((sum, edge) => sum + (counts(edge) ? 1 : 0) + countEdges(edge.to, counts), 0);

const countBranches = (node: Node): number =>
  node.branches.reduce(
    (sum, branch) => childrenOf(branch).reduce((below, child) => below + countBranches(child), sum + 1),
    0,
  );

/** Atoms in the tree: what the filters have in common counts once. */
export const countAtoms = (node: Node): number =>
  node.branches.reduce(
    (sum, branch) => childrenOf(branch).reduce((below, child) => below + 1 + countAtoms(child), sum),
    0,
  );

/** Whether every sum, list, table and number of the tree is what it should be; for tests. */
export function checkTrie(trie: Trie): boolean {
  return (
    checkNode(trie, trie.root) &&
    checkShape(trie.root.shape) &&
    trie.constants.check() &&
    countEdges(trie.root.shape, () => true) === trie.edges &&
    countEdges(trie.root.shape, ({ branches }) => branches === 0) === trie.unused &&
    countAtoms(trie.root) === trie.nodes &&
    countBranches(trie.root) === trie.nextNumber - 1 - trie.numbers.length
  );
}
