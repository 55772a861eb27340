/** A matcher like PATHFINDER (Bailey et al., OSDI 1994): patterns of cells, merged, with hashes on constants. */
import type { Field, Filter } from "@exolith/secure-bind";
import { NO_MATCH, byLength, type MakeMatcher } from "./matcher.ts";

/** `length` bytes at `offset`, masked, are to be `value`. */
interface Cell {
  readonly offset: number;
  readonly length: 1 | 2 | 4;
  readonly mask: number;
  readonly value: number;
}

/** The header of one protocol: its cells, and how long it is if another one follows. */
interface Line {
  readonly cells: readonly Cell[];
  readonly next: (Field & { readonly by: number }) | undefined;
}

const isSame = (a: Cell, b: Cell | undefined): boolean =>
  a.offset === b?.offset && a.length === b.length && a.mask === b.mask && a.value === b.value;

/** The cells of a line in the order of their offsets, each once. */
const tidy = (cells: readonly Cell[]): readonly Cell[] =>
  cells
    .toSorted((a, b) => a.offset - b.offset || a.length - b.length || a.mask - b.mask || a.value - b.value)
    .filter((cell, i, sorted) => !isSame(cell, sorted[i - 1]));

/** The lines of a filter; a shift ends a header. */
export function linesOf(filter: Filter): readonly Line[] {
  const lines: Line[] = [];
  let cells: Cell[] = [];
  let skipped = 0;
  for (const term of filter) {
    if (term.kind === "skip") skipped += term.bytes;
    else if (term.kind === "fragments") throw new RangeError("no cell remembers anything");
    else if (term.kind === "equal") {
      const { width: length, mask, value } = term;
      cells.push({ offset: skipped + term.at, length, mask: mask | 0, value: value | 0 });
    } else {
      lines.push({ cells: tidy(cells), next: { ...term, at: skipped + term.at } });
      cells = [];
    }
  }
  return [...lines, { cells: tidy(cells), next: undefined }];
}

/** Reached when every cell on the way here matched. */
interface Node {
  tag: number;
  /** Of the filter that ends here; and of the longest that ends here or below. */
  length: number;
  longest: number;
  readonly alternatives: Alternative[];
}

/** Cells that differ in their value alone, or the way to the next header: then `by` is not negative, and there is one child. */
interface Alternative {
  readonly offset: number;
  readonly length: number;
  readonly mask: number;
  readonly by: number;
  longest: number;
  readonly children: Map<number, Node>;
}

const makeNode = (): Node => ({ tag: NO_MATCH, length: -1, longest: -1, alternatives: [] });

/** The child of `node` behind a cell (or behind a header when `by` is not negative), made if it is not there. */
function childOf(node: Node, { offset, length, mask, value }: Cell, by: number): Node {
  let found = node.alternatives.find(
    (other) => other.offset === offset && other.length === length && other.mask === mask && other.by === by,
  );
  if (found === undefined) {
    found = { offset, length, mask, by, longest: -1, children: new Map() };
    node.alternatives.push(found);
  }
  const child = found.children.get(value) ?? makeNode();
  found.children.set(value, child);
  return child;
}

/** Adds the lines of a filter; one that is there already stays. */
function addLines(root: Node, lines: readonly Line[], tag: number): void {
  const way = [root];
  let node = root;
  const step = (cell: Cell, by: number): void => {
    node = childOf(node, cell, by);
    way.push(node);
  };
  for (const { cells, next } of lines) {
    for (const cell of cells) step(cell, -1);
    if (next !== undefined)
      step({ offset: next.at, length: next.width, mask: next.mask | 0, value: 0 }, next.by);
  }
  if (node.tag !== NO_MATCH) return;
  node.tag = tag;
  node.length = way.length - 1;
  for (const each of way) each.longest = Math.max(each.longest, node.length);
}

/** Sums up what lies below; the longest alternatives come first, so that a match may spare the others. */
function settle(node: Node): void {
  for (const alternative of node.alternatives) {
    for (const child of alternative.children.values()) {
      settle(child);
      alternative.longest = Math.max(alternative.longest, child.longest);
    }
  }
  node.alternatives.sort((a, b) => b.longest - a.longest);
}

function read(memory: Uint8Array, from: number, length: number): number {
  const first = memory[from] ?? 0;
  if (length === 1) return first;
  const second = (first << 8) | (memory[from + 1] ?? 0);
  if (length === 2) return second;
  return (second << 16) | ((memory[from + 2] ?? 0) << 8) | (memory[from + 3] ?? 0);
}

/**
 * Cells are interpreted one by one; each alternative costs a read and a look-up, however many filters there are.
 *
 * Which of two equally long filters gets a frame that both accept is not said.
 */
export const makePathfinder: MakeMatcher = (filters) => {
  const root = makeNode();
  for (const { filter, tag } of byLength(filters)) addLines(root, linesOf(filter), tag);
  settle(root);
  let best = root;
  let frame: Uint8Array = new Uint8Array(0);
  let start = 0;
  let end = 0;

  const visit = (node: Node, base: number): void => {
    if (node.length > best.length) best = node;
    for (const alternative of node.alternatives) {
      if (alternative.longest <= best.length) return;
      const offset = base + alternative.offset;
      if (offset + alternative.length > end) continue;
      const value = read(frame, start + offset, alternative.length) & alternative.mask;
      const moves = alternative.by >= 0;
      const child = alternative.children.get(moves ? 0 : value);
      if (child === undefined) continue;
      visit(child, moves ? Math.min(base + (value >>> 0) * 2 ** alternative.by, end + 1) : base);
    }
  };

  const nothing = makeNode();
  return (memory, at, length) => {
    frame = memory;
    start = at;
    end = length;
    best = nothing;
    visit(root, 0);
    return best.tag;
  };
};
