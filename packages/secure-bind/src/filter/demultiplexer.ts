/** The demultiplexer: which of many packet filters a frame belongs to. */
import type { Verified } from "../verified.ts";
import { type Atom, atomsOf } from "./atoms.ts";
import { readField } from "./field.ts";
import { FragmentKeys, SET_KEYS } from "./fragment-keys.ts";
import { generateSearch } from "./generate.ts";
import { armsOf } from "./overlap.ts";
import { PATIENCE_MAX, Patience } from "./patience.ts";
import { type Search, TrieSearch } from "./search.ts";
import { victimsOf } from "./taking.ts";
import type { Filter } from "./term.ts";
import {
  type Branch,
  type Node,
  addLeaf,
  findLeaf,
  fragmentsAbove,
  growthBy,
  makeTrie,
  pruneEdges,
  removeLeaf,
} from "./trie.ts";
import { checkTrie } from "./trie-check.ts";

/** Filters that a demultiplexer holds at once, by default. */
export const DEMULTIPLEXER_FILTERS = 16_384;
/** Fields that it may have to read for one frame, by default; the bound on its work. */
export const DEMULTIPLEXER_STEPS = 1024;
/** Comparisons and shifts that it holds, by default, those in common counted once; the bound on its memory. */
export const DEMULTIPLEXER_ATOMS = 131_072;
/** Different fields, each at its place among the others, that its filters look at, by default. */
export const DEMULTIPLEXER_SHAPES = 8192;
/** Different fields, each at its place among the others, for which it makes code, by default. */
export const DEMULTIPLEXER_CODE_FIELDS = 128;
/** Frames that it interprets, by default, before it first makes code; twice as many each time after. */
export const DEMULTIPLEXER_PATIENCE = 64;
/** Keys of first fragments that a demultiplexer remembers. */
export const DEMULTIPLEXER_KEYS = 1024;

/** Frames by code after which it is twice as quick again to make the next. */
const CALM = PATIENCE_MAX;
const DEFAULT_SEED = 0x45584f4c;

/** What a demultiplexer may grow to, and how it goes about it. */
export interface DemultiplexerLimits {
  /** Filters at once. */
  readonly filters: number;
  /** Fields read for the worst of all frames. */
  readonly steps: number;
  /** Comparisons and shifts, those in common counted once. */
  readonly atoms: number;
  /** Different fields, each at its place among the others. */
  readonly shapes: number;
  /** Fields in its code; with more to look at it interprets, and with 0 always. */
  readonly codeFields: number;
  /** Frames that are interpreted after a filter of a new shape, before code is made. */
  readonly patience: number;
  /** What the places of constants in its tables hang on; whoever takes filters from strangers keeps a random one to itself. */
  readonly seed: number;
}

/** Filters in, the tag of the longest match out. */
export interface Demultiplexer {
  /**
   * Installs `filter`; `tag` (not negative) is what `classify` answers for its frames.
   *
   * Returns the index to remove it by, the lowest that is free. "overlap": an
   * installed filter accepts the same frames by the same comparisons, however
   * they were spelled. "full": no index is free, or with it there would be more
   * atoms or shapes or steps of the worst frame than the limits allow, or its
   * constants cannot be placed; nothing has changed.
   * **Needs** the caller to have seen to the guards of `lessSpecific`.
   */
  insert(filter: Verified<Filter>, tag: number): number | "overlap" | "full";
  /** Removes the filter at `index`, and forgets its keys; false when there is none. */
  remove(index: number): boolean;
  /**
   * The tag of the longest filter that accepts the frame of `length` bytes at `at`, or -1.
   *
   * Longest is by `specificity`; of two that are equally long the older keeps the frame.
   * A later fragment belongs to the filter that got the first one, and is as long a
   * match as what is before its `fragments` term, one for that, and its key.
   * Of a frame that goes on behind `memory` only what is in `memory` counts; nobody
   * gets one whose place is no whole number from 0 up, or whose length is none.
   * **Cost** at most `worstSteps()` fields read, no allocation but for a view of a
   * `memory` that is not the one before, which is kept until another comes.
   */
  classify(memory: Uint8Array, at: number, length: number): number;
  /**
   * Tags of the installed filters that `filter` could take frames from, by index.
   *
   * Those are the ones which it is longer than, unless the two certainly have
   * no frame in common (see `areDisjoint`). So each frame that an installed filter
   * gets now, and that `filter` would get beside it, belongs to one of them.
   * Keys do not count as taken: filters alike up to `fragments` remember together, and
   * a key belongs to the one which got its first fragment last.
   * **Cost** O(nodes whose frames may overlap + shapes × terms): for bind time.
   */
  lessSpecific(filter: Verified<Filter>): readonly number[];
  /** Comparisons and shifts held, those in common counted once. */
  atoms(): number;
  /** Fields read for the worst of all frames, with what is installed now. */
  worstSteps(): number;
  /** True while frames are classified by generated code. */
  isCompiled(): boolean;
  /** Whether every invariant of the structure holds; for tests. */
  check(): boolean;
}

/** How long `filter` is: its different comparisons and its shifts, `fragments` being one. Skips and repetitions do not count. */
export const specificity = (filter: Verified<Filter>): number => atomsOf(filter).length;

const LATER_EMPTY = 2;
const FIRST_EMPTY = 1;

/** Which ways to match accept nothing, as bits. */
function emptiness(atoms: readonly Atom[]): number {
  const [first, later] = armsOf(atoms);
  return (first?.impossible === true ? FIRST_EMPTY : 0) | (later?.impossible === true ? LATER_EMPTY : 0);
}

class TrieDemultiplexer {
  readonly #limits: DemultiplexerLimits;
  readonly #trie;
  readonly #keys: FragmentKeys = new FragmentKeys(DEMULTIPLEXER_KEYS / SET_KEYS);
  // Columns by index of filter; a free index has no node.
  readonly #nodes: (Node | undefined)[] = [];
  readonly #tags: number[] = [];
  readonly #ages: number[] = [];
  readonly #empty: number[] = [];
  readonly #fragments: (Branch | undefined)[] = [];
  /** Installed filters that tell fragments apart. */
  #fragmentFilters = 0;
  #age = 0;
  /** No index below this one is free. */
  #lowest = 0;
  readonly #interpreter: TrieSearch;
  readonly #interpret: Search;
  #search: Search;
  /** For code after a new shape, and after a table that it reads was rebuilt. */
  readonly #shapes: Patience;
  readonly #tables: Patience;
  /** True when there is no code because none could be made, and nothing has changed since. */
  #isHopeless = false;
  /** Rebuilds of tables before the code was made. */
  #rebuilds = 0;
  /** Frames until the patience is eased. */
  #calm: number = CALM;

  constructor(limits: DemultiplexerLimits) {
    this.#limits = limits;
    this.#trie = makeTrie(limits.seed, limits.codeFields);
    this.#interpreter = new TrieSearch(this.#trie, this.#ages, this.#keys);
    this.#interpret = (memory, at, length) => this.#interpreter.find(memory, at, length);
    this.#search = this.#interpret;
    this.#shapes = new Patience(limits.patience);
    this.#tables = new Patience(limits.patience);
    this.#shapes.begin();
  }

  #freeIndex(): number {
    while (this.#nodes[this.#lowest] !== undefined) this.#lowest++;
    return this.#lowest;
  }

  insert(filter: Verified<Filter>, tag: number): number | "overlap" | "full" {
    const atoms = atomsOf(filter);
    if (findLeaf(this.#trie, atoms) >= 0) return "overlap";
    const index = this.#freeIndex();
    if (index >= this.#limits.filters || !this.#hasRoomFor(atoms)) return "full";
    const node = addLeaf(this.#trie, atoms, index);
    if (node === undefined) return "full";
    this.#notice();
    this.#nodes[index] = node;
    this.#tags[index] = tag;
    this.#ages[index] = this.#age++;
    this.#empty[index] = emptiness(atoms);
    this.#fragments[index] = fragmentsAbove(node);
    if (this.#fragments[index] !== undefined) {
      this.#fragmentFilters++;
      this.#keys.prepare();
    }
    return index;
  }

  /** Whether a filter of these atoms keeps to the limits; shapes that nobody uses any more make way for it. */
  #hasRoomFor(atoms: readonly Atom[]): boolean {
    const trie = this.#trie;
    const { nodes, edges, worst } = growthBy(trie, atoms);
    if (trie.nodes + nodes > this.#limits.atoms || worst > this.#limits.steps) return false;
    if (trie.edges + edges <= this.#limits.shapes) return true;
    if (trie.unused === 0) return false;
    pruneEdges(trie);
    return trie.edges + growthBy(trie, atoms).edges <= this.#limits.shapes;
  }

  remove(index: number): boolean {
    const node = this.#nodes[index];
    if (node === undefined) return false;
    removeLeaf(this.#trie, node);
    if (this.#fragments[index] !== undefined) {
      this.#fragmentFilters--;
      this.#keys.forget(index);
    }
    this.#nodes[index] = undefined;
    this.#fragments[index] = undefined;
    this.#lowest = Math.min(this.#lowest, index);
    this.#notice();
    return true;
  }

  #hasFewEdges(): boolean {
    return this.#trie.edges <= this.#limits.codeFields;
  }

  /** Goes back to interpreting when there are shapes that the code does not know, or tables that it does not read. */
  #notice(): void {
    const trie = this.#trie;
    if (trie.grown || (this.#isHopeless && this.#hasFewEdges())) this.#shapes.begin();
    else if (this.isCompiled() && trie.rebuilds.count !== this.#rebuilds) this.#tables.begin();
    else return;
    trie.grown = false;
    this.#isHopeless = false;
    this.#search = this.#interpret;
  }

  classify(memory: Uint8Array, at: number, length: number): number {
    if (this.#search === this.#interpret) this.#interpreted();
    else if (--this.#calm === 0) this.#ease();
    const index = this.#search(memory, at, length);
    if (index < 0) return -1;
    if (this.#fragmentFilters > 0) this.#remember(index, memory, at);
    return this.#tags[index] ?? -1;
  }

  /** Counts a frame that is about to be interpreted; makes code when there have been enough. */
  #interpreted(): void {
    if (this.#isHopeless) return;
    const forShapes = this.#shapes.waits();
    const forTables = this.#tables.waits();
    if (!forShapes && !forTables) this.#generate();
  }

  #ease(): void {
    this.#shapes.ease();
    this.#tables.ease();
    this.#calm = CALM;
  }

  #generate(): void {
    const trie = this.#trie;
    pruneEdges(trie);
    const search = generateSearch(trie, this.#ages, this.#keys);
    this.#search = search ?? this.#interpret;
    this.#isHopeless = search === undefined;
    this.#rebuilds = trie.rebuilds.count;
    this.#calm = CALM;
    if (!this.#hasFewEdges()) return;
    this.#shapes.spend();
    this.#tables.spend();
  }

  /** Remembers the key if the frame is a first fragment with more to come, and the filter tells fragments apart. */
  #remember(index: number, memory: Uint8Array, at: number): void {
    const branch = this.#fragments[index];
    const fragments = branch?.edge.fragments;
    if (branch === undefined || fragments === undefined) return;
    const { later, more } = fragments;
    if ((readField(memory, at + later.at, later.width) & later.mask) !== 0) return;
    if ((readField(memory, at + more.at, more.width) & more.mask) === 0) return;
    this.#keys.remember(fragments, branch.number, memory, at, index);
  }

  lessSpecific(filter: Verified<Filter>): readonly number[] {
    const isEmpty = (index: number, later: boolean): boolean =>
      ((this.#empty[index] ?? 0) & (later ? LATER_EMPTY : FIRST_EMPTY)) !== 0;
    return victimsOf(this.#trie, armsOf(atomsOf(filter)), isEmpty).map((index) => this.#tags[index] ?? -1);
  }

  atoms(): number {
    return this.#trie.nodes;
  }

  worstSteps(): number {
    return this.#trie.root.worst;
  }

  isCompiled(): boolean {
    return this.#search !== this.#interpret;
  }

  check(): boolean {
    return (
      checkTrie(this.#trie) && this.#nodes.every((node, index) => node === undefined || node.leaf === index)
    );
  }
}

/**
 * An empty demultiplexer.
 *
 * It interprets the tree at first, and makes code for the shapes of its filters
 * when some frames have come since the last new shape. Where the host allows no code to
 * be made from text (a content security policy), it interprets for ever.
 */
export function makeDemultiplexer(limits: Partial<DemultiplexerLimits> = {}): Demultiplexer {
  const its = new TrieDemultiplexer({
    filters: DEMULTIPLEXER_FILTERS,
    steps: DEMULTIPLEXER_STEPS,
    atoms: DEMULTIPLEXER_ATOMS,
    shapes: DEMULTIPLEXER_SHAPES,
    codeFields: DEMULTIPLEXER_CODE_FIELDS,
    patience: DEMULTIPLEXER_PATIENCE,
    seed: DEFAULT_SEED,
    ...limits,
  });
  return Object.freeze({
    insert: (filter: Verified<Filter>, tag: number) => its.insert(filter, tag),
    remove: (index: number) => its.remove(index),
    classify: (memory: Uint8Array, at: number, length: number) => its.classify(memory, at, length),
    lessSpecific: (filter: Verified<Filter>) => its.lessSpecific(filter),
    atoms: () => its.atoms(),
    worstSteps: () => its.worstSteps(),
    isCompiled: () => its.isCompiled(),
    check: () => its.check(),
  });
}
