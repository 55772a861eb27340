/** The demultiplexer: which of many packet filters a frame belongs to. */
import type { Verified } from "../verified.ts";
import { type Atom, atomsOf } from "./atoms.ts";
import { type Demands, areDisjoint, demandsOf } from "./overlap.ts";
import type { Filter } from "./term.ts";
import { makeSearch } from "./search.ts";
import { type Leaf, addLeaf, checkTrie, countAtoms, findLeaf, makeNode, removeLeaf } from "./trie.ts";

/** Filters that a demultiplexer holds at once, by default. */
export const DEMULTIPLEXER_FILTERS = 4096;
/** Fields that it may have to read for one frame, by default; the bound on its work. */
export const DEMULTIPLEXER_STEPS = 1024;

/** What a demultiplexer may grow to. */
export interface DemultiplexerLimits {
  /** Filters at once. */
  readonly filters: number;
  /** Fields read for the worst of all frames. */
  readonly steps: number;
}

/** Filters in, the tag of the longest match out. */
export interface Demultiplexer {
  /**
   * Installs `filter`; `tag` (not negative) is what `classify` answers for its frames.
   *
   * Returns the index to remove it by, the lowest that is free. "overlap": an
   * installed filter accepts the same frames by the same comparisons, however
   * they were spelled. "full": no index is free, or the worst frame would cost
   * more steps than the limit; nothing has changed.
   * **Needs** the caller to have seen to the guards of `lessSpecific`.
   */
  insert(filter: Verified<Filter>, tag: number): number | "overlap" | "full";
  /** Removes the filter at `index`; false when there is none. */
  remove(index: number): boolean;
  /**
   * The tag of the longest filter that accepts the frame of `length` bytes at `at`, or -1.
   *
   * Longest is by `specificity`; of two that are equally long the older keeps the frame.
   * **Cost** at most `worstSteps()` fields read, no allocation.
   */
  classify(memory: Uint8Array, at: number, length: number): number;
  /**
   * Tags of the installed filters that `filter` could take frames from.
   *
   * Those are the ones which it is longer than, unless the two certainly have
   * no frame in common (see `areDisjoint`). So each frame that an installed filter
   * gets now, and would not get with `filter` beside it, belongs to one of them.
   * **Cost** O(filters × terms): for bind time.
   */
  lessSpecific(filter: Verified<Filter>): readonly number[];
  /** Comparisons and shifts held, those in common counted once. */
  atoms(): number;
  /** Fields read for the worst of all frames, with what is installed now. */
  worstSteps(): number;
  /** Whether every invariant of the structure holds; for tests. */
  check(): boolean;
}

/** How long `filter` is: its different comparisons and its shifts. Skips do not count, nor do repetitions. */
export const specificity = (filter: Verified<Filter>): number => atomsOf(filter).length;

interface Installed {
  readonly atoms: readonly Atom[];
  readonly demands: Demands;
  readonly leaf: Leaf;
}

const couldTakeFrom = (atoms: readonly Atom[], demands: Demands, other: Installed): boolean =>
  atoms.length > other.atoms.length && !areDisjoint(demands, other.demands);

const freeIndex = (installed: readonly (Installed | undefined)[]): number => {
  const index = installed.indexOf(undefined);
  return index < 0 ? installed.length : index;
};

/** An empty demultiplexer. */
export function makeDemultiplexer(limits: Partial<DemultiplexerLimits> = {}): Demultiplexer {
  const { filters = DEMULTIPLEXER_FILTERS, steps = DEMULTIPLEXER_STEPS } = limits;
  const root = makeNode(0);
  const search = makeSearch(root);
  const installed: (Installed | undefined)[] = [];
  let age = 0;

  const insert = (filter: Verified<Filter>, tag: number): number | "overlap" | "full" => {
    const atoms = atomsOf(filter);
    if (findLeaf(root, atoms) !== undefined) return "overlap";
    const index = freeIndex(installed);
    if (index >= filters) return "full";
    const leaf = { tag, age: age++ };
    addLeaf(root, atoms, leaf);
    if (root.worst > steps) {
      removeLeaf(root, atoms);
      return "full";
    }
    installed[index] = { atoms, demands: demandsOf(atoms), leaf };
    return index;
  };

  const remove = (index: number): boolean => {
    const gone = installed[index];
    if (gone === undefined) return false;
    removeLeaf(root, gone.atoms);
    installed[index] = undefined;
    return true;
  };

  const lessSpecific = (filter: Verified<Filter>): readonly number[] => {
    const atoms = atomsOf(filter);
    const demands = demandsOf(atoms);
    const tags: number[] = [];
    for (const other of installed) {
      if (other !== undefined && couldTakeFrom(atoms, demands, other)) tags.push(other.leaf.tag);
    }
    return tags;
  };

  return Object.freeze({
    insert,
    remove,
    lessSpecific,
    classify: search,
    atoms: () => countAtoms(root),
    worstSteps: () => root.worst,
    check: () => checkTrie(root),
  });
}
