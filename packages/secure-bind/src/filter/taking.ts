/** Whose frames a new filter could take: the check against theft, along the tree. */
import { type AtomField, laterDepth, sameField } from "./atoms.ts";
import { type Arm, demandOn, isZero } from "./overlap.ts";
import type { Edge } from "./shape.ts";
import { type Branch, type Node, type Trie, childOf } from "./trie.ts";

/** No segment: the bases are no longer certainly the same, and nothing is known any more. */
const APART = -1;

type Demand = ReturnType<typeof demandOn>;

/** Bits of a field moved to where they are when `by` more bytes follow it. */
const moved = (bits: number, by: number): number => {
  if (Math.abs(by) >= 4) return 0;
  return by < 0 ? bits >>> (-8 * by) : bits << (8 * by);
};

/**
 * One walk of the tree for one way to match the new filter.
 *
 * It goes down a branch only where the two may have a frame in common, so what it
 * finds is what `areDisjoint` does not exclude. Recursion is FILTER_TERMS deep at most.
 */
class Walk {
  readonly #trie: Trie;
  readonly #arm: Arm;
  /** Indices of filters that contradict themselves and accept nothing. */
  readonly #isEmpty: (index: number, later: boolean) => boolean;
  readonly #found: Set<number>;
  /** What the new filter demands of each field, found once; behind an edge the segment is always the same. */
  readonly #demands: Map<Edge<Node>, Demand> = new Map();

  constructor(trie: Trie, arm: Arm, isEmpty: (index: number, later: boolean) => boolean, found: Set<number>) {
    this.#trie = trie;
    this.#arm = arm;
    this.#isEmpty = isEmpty;
    this.#found = found;
  }

  /**
   * Everything at `node` and below that is shorter than the new filter.
   *
   * `zero` are the bits of the field that must not be 0 which are demanded to be 0 on the way here.
   */
  visit(node: Node, segment: number, zero: number): void {
    const { depth, notZero } = this.#arm;
    if (node.shape.depth >= depth) return;
    if (notZero !== undefined && (~zero & notZero.mask) === 0) return;
    if (node.leaf >= 0 && !this.#isEmpty(node.leaf, false)) this.#found.add(node.leaf);
    for (const branch of node.branches) {
      const { edge, first } = branch;
      if (edge.fragments !== undefined) this.#enterFragments(branch, segment, zero);
      else if (!edge.shifts) this.#enterValues(branch, segment, zero);
      else if (first !== undefined)
        this.visit(first, this.#sharesShift(edge, segment) ? segment + 1 : APART, zero);
    }
  }

  /** True when the new filter moves the base from here as `edge` does. */
  #sharesShift(edge: Edge<Node>, segment: number): boolean {
    const mine = this.#arm.segments[segment]?.shift;
    return mine !== undefined && sameField(mine, edge) && mine.operand === edge.by;
  }

  #enterFragments({ edge, first }: Branch, segment: number, zero: number): void {
    const { fragments } = edge;
    if (fragments === undefined || first === undefined) return;
    const isLonger = this.#arm.depth > laterDepth(edge.from.depth, fragments);
    if (isLonger && !isZero(this.#arm.segments[segment], edge)) this.#collect(first);
    const demand = this.#demandOn(edge, segment);
    if ((demand.value & demand.mask & edge.mask) === 0)
      this.visit(first, segment, this.#zeroWith(zero, edge, 0, segment));
  }

  /** Everything below, for a later fragment of any of them may be taken. */
  #collect(node: Node): void {
    if (node.leaf >= 0 && !this.#isEmpty(node.leaf, true)) this.#found.add(node.leaf);
    for (const { first } of node.branches) {
      for (let child = first; child !== undefined; child = child.next) this.#collect(child);
    }
  }

  #demandOn(edge: Edge<Node>, segment: number): Demand {
    const known = this.#demands.get(edge);
    if (known !== undefined) return known;
    const mine = this.#arm.segments[segment];
    const demand = mine === undefined ? { mask: 0, value: 0 } : demandOn(mine, edge);
    this.#demands.set(edge, demand);
    return demand;
  }

  /** `zero`, and the bits that must be 0 where `field` has this `value`. */
  #zeroWith(zero: number, field: AtomField, value: number, segment: number): number {
    const { notZero } = this.#arm;
    if (notZero === undefined || segment !== 0) return zero;
    return zero | moved(field.mask & ~value, notZero.at + notZero.width - field.at - field.width);
  }

  #enterValues(branch: Branch, segment: number, zero: number): void {
    const { edge } = branch;
    const { mask, value } = this.#demandOn(edge, segment);
    const common = mask & edge.mask;
    if (common === edge.mask) {
      const key = value & edge.mask;
      const child = childOf(this.#trie, branch, key);
      if (child !== undefined) this.visit(child, segment, this.#zeroWith(zero, edge, key, segment));
      return;
    }
    for (let child = branch.first; child !== undefined; child = child.next) {
      if (((child.key ^ value) & common) === 0)
        this.visit(child, segment, this.#zeroWith(zero, edge, child.key, segment));
    }
  }
}

/**
 * Indices of the filters of `trie` that a filter with these `arms` could take frames from, in order.
 *
 * Those that `couldTake` names, found without looking at the others: where the new
 * filter demands all of a field, one look-up finds the only value that it may share.
 * `isEmpty` says which filters accept nothing (no first fragments; no later ones).
 */
export function victimsOf(
  trie: Trie,
  arms: readonly Arm[],
  isEmpty: (index: number, later: boolean) => boolean,
): readonly number[] {
  const found = new Set<number>();
  for (const arm of arms) {
    if (!arm.impossible) new Walk(trie, arm, isEmpty, found).visit(trie.root, 0, 0);
  }
  return [...found].toSorted((a, b) => a - b);
}
