/** Finding the longest match in a prefix tree of filters, without generated code. */
import { frameLength, moveBase, readField } from "./field.ts";
import { type FragmentKeys, bytesOfFields } from "./fragment-keys.ts";
import { laterDepth } from "./atoms.ts";
import { type Branch, type Node, type Trie, childOf } from "./trie.ts";

/** The index of the longest filter that accepts the frame of `length` bytes at `at`, as far as it lies in `memory`; or -1. */
export type Search = (memory: Uint8Array, at: number, length: number) => number;

const NOTHING = new Uint8Array(0);

/**
 * A search of `trie`, which may change between searches.
 *
 * Depth first, sparing every branch that cannot hold a match as long as the
 * best so far. Of two that are equally long the one of lower age wins.
 * **Cost** at most `root.worst` fields read; the state of a search lives here,
 * so that none of them allocates.
 */
export class TrieSearch {
  readonly #trie: Trie;
  /** By index of filter. */
  readonly #ages: readonly number[];
  readonly #keys: FragmentKeys;
  #frame: Uint8Array = NOTHING;
  #start = 0;
  #length = 0;
  #base = 0;
  #best = -1;
  #bestDepth = -1;

  constructor(trie: Trie, ages: readonly number[], keys: FragmentKeys) {
    this.#trie = trie;
    this.#ages = ages;
    this.#keys = keys;
  }

  /** The index of the longest filter that accepts the frame, or -1. */
  find(memory: Uint8Array, at: number, length: number): number {
    this.#frame = memory;
    this.#start = at;
    this.#length = frameLength(memory, at, length);
    this.#best = -1;
    this.#bestDepth = -1;
    if (this.#length >= 0) this.#visit(this.#trie.root, 0);
    this.#frame = NOTHING;
    return this.#best;
  }

  #offer(index: number, depth: number): void {
    if (depth < this.#bestDepth) return;
    if (depth === this.#bestDepth && (this.#ages[this.#best] ?? 0) < (this.#ages[index] ?? 0)) return;
    this.#best = index;
    this.#bestDepth = depth;
  }

  /** The node behind a branch on fragments for a first one; of a later one the owner is offered. */
  #tellApart(branch: Branch, from: number): Node | undefined {
    const { edge, number, first } = branch;
    const { fragments } = edge;
    if (fragments === undefined || from + bytesOfFields(fragments) > this.#length) return undefined;
    const base = this.#start + from;
    if ((readField(this.#frame, base + edge.at, edge.width) & edge.mask) === 0) {
      this.#base = from;
      return first;
    }
    const owner = this.#keys.ownerOf(fragments, number, this.#frame, base);
    if (owner >= 0) this.#offer(owner, laterDepth(edge.from.depth, fragments));
    return undefined;
  }

  /** The node behind `branch`, if the frame leads there and it may hold a match that long; sets the base to its base. */
  #follow(branch: Branch | undefined, from: number): Node | undefined {
    if (branch === undefined || branch.deepest < this.#bestDepth) return undefined;
    const { edge } = branch;
    if (edge.fragments !== undefined) return this.#tellApart(branch, from);
    const offset = from + edge.at;
    if (offset + edge.width > this.#length) return undefined;
    const field = readField(this.#frame, this.#start + offset, edge.width) & edge.mask;
    this.#base = edge.shifts ? moveBase(from, field, edge.by, this.#length) : from;
    return edge.shifts ? branch.first : childOf(this.#trie, branch, field);
  }

  /** Visits `first` and what is below: the last branch in the loop, those before it by recursion, FILTER_TERMS deep at most. */
  #visit(first: Node, from: number): void {
    let node: Node | undefined = first;
    let here = from;
    while (node !== undefined) {
      if (node.leaf >= 0) this.#offer(node.leaf, node.shape.depth);
      const { branches }: Node = node;
      const last = branches.length - 1;
      for (let i = 0; i < last; i++) {
        const child = this.#follow(branches[i], here);
        if (child !== undefined) this.#visit(child, this.#base);
      }
      node = this.#follow(branches[last], here);
      here = this.#base;
    }
  }
}
