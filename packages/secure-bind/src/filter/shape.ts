/** Shapes: what filters look at, whatever constants they compare it with. */
import { type Atom, type FragmentFields, laterDepth, sameField } from "./atoms.ts";
import type { ConstantTable } from "./constants.ts";
import type { FieldWidth } from "./term.ts";

/** Edges of one shape that a column of bits has room for. */
export const SHAPE_EDGES = 32;

const FIRST_CAPACITY = 4;

/**
 * All places of the tree that are reached by the same fields.
 *
 * A place is a state of its shape: a small number, so that a column says what
 * is true of it.
 * `deepest` is the greatest depth of a match here or below, as `measureShape` found it.
 */
export interface Shape<Place> {
  readonly depth: number;
  readonly edges: Edge<Place>[];
  /** By state. */
  readonly places: (Place | undefined)[];
  readonly free: number[];
  /** By state: index of the filter that ends there plus one, or 0. */
  leaves: Int32Array;
  /** By state: a bit for each edge, by its ordinal, that has a branch there. */
  branches: Int32Array;
  /** Filters that end here. */
  filters: number;
  /** True when code has to expect that a filter ends here; false again when code is made and none does. */
  ends: boolean;
  /** True when no table took the constants on the way here: code asks the tree for them. */
  inTree: boolean;
  deepest: number;
  /** The run that ends here, while generated code reads its table. */
  run: Run<Place> | undefined;
}

/**
 * Edges one after the other without a choice and without a filter's end between them.
 *
 * Code reads all their fields and looks them up at once.
 */
export interface Run<Place> {
  readonly edges: readonly Edge<Place>[];
  /** True when nothing is behind it but the ends of filters, and fragments are not told apart. */
  readonly isLast: boolean;
  /**
   * None for a single edge that is followed in the tree.
   *
   * From the state before the run, plus one, and the values compared on the way, to the state behind it;
   * if it is the last, to the index of the filter that ends there.
   */
  readonly table: ConstantTable | undefined;
}

/** A field that is read after a shape, and the shape behind it. */
export interface Edge<Place> {
  readonly from: Shape<Place>;
  readonly to: Shape<Place>;
  readonly shifts: boolean;
  readonly at: number;
  readonly width: FieldWidth;
  readonly mask: number;
  /** Bits to shift by; 0 when it compares. */
  readonly by: number;
  readonly fragments: FragmentFields | undefined;
  /** Branches of this shape that there are. */
  branches: number;
  /** Its bit in `branches` of `from`; `SHAPE_EDGES` or more when there is none for it. */
  readonly ordinal: number;
}

/** A shape without states. */
export const makeShape = <Place>(depth: number): Shape<Place> => ({
  depth,
  edges: [],
  places: [],
  free: [],
  leaves: new Int32Array(FIRST_CAPACITY),
  branches: new Int32Array(FIRST_CAPACITY),
  filters: 0,
  ends: false,
  inTree: false,
  deepest: -1,
  run: undefined,
});

const byOf = (atom: Atom): number => (atom.shifts ? atom.operand : 0);

const sameFragments = (a: FragmentFields | undefined, b: FragmentFields | undefined): boolean => {
  if (a === undefined || b === undefined) return a === b;
  return (
    sameField(a.more, b.more) &&
    a.key.length === b.key.length &&
    a.key.every((field, i) => sameField(field, b.key[i] ?? field))
  );
};

/** True when `atom` is of the shape of `edge`: it may differ in the constant. */
export const isOfShape = (edge: Edge<unknown>, atom: Atom): boolean =>
  edge.at === atom.at &&
  edge.width === atom.width &&
  edge.mask === atom.mask &&
  edge.shifts === atom.shifts &&
  edge.by === byOf(atom) &&
  sameFragments(edge.fragments, atom.fragments);

/** The edge of the shape of `atom`, if there is one. O(edges). */
export const findEdge = <Place>(from: Shape<Place>, atom: Atom): Edge<Place> | undefined =>
  from.edges.find((edge) => isOfShape(edge, atom));

function freeOrdinal({ edges }: Shape<unknown>): number {
  let used = 0;
  for (const { ordinal } of edges) if (ordinal < SHAPE_EDGES) used |= 1 << ordinal;
  return used === -1 ? SHAPE_EDGES : Math.clz32(~used & -~used) ^ 31;
}

/** Adds an edge of the shape of `atom`. */
export function addEdge<Place>(from: Shape<Place>, atom: Atom): Edge<Place> {
  const { shifts, at, width, mask, fragments } = atom;
  const to = makeShape<Place>(from.depth + 1);
  const edge: Edge<Place> = {
    from,
    to,
    shifts,
    at,
    width,
    mask,
    by: byOf(atom),
    fragments,
    branches: 0,
    ordinal: freeOrdinal(from),
  };
  from.edges.push(edge);
  return edge;
}

const grown = (column: Int32Array): Int32Array => {
  const larger = new Int32Array(2 * column.length);
  larger.set(column);
  return larger;
};

/** Gives `place` a state. */
export function takeState<Place>(shape: Shape<Place>, place: Place): number {
  const state = shape.free.pop() ?? shape.places.length;
  if (state >= shape.leaves.length) {
    shape.leaves = grown(shape.leaves);
    shape.branches = grown(shape.branches);
  }
  shape.places[state] = place;
  return state;
}

/** Takes a state back. Its columns are zero again. */
export function freeState(shape: Shape<unknown>, state: number): void {
  shape.leaves[state] = 0;
  shape.branches[state] = 0;
  shape.places[state] = undefined;
  shape.free.push(state);
}

/** The greatest depth of a match at `edge`, where it may be that of a later fragment, or below. */
export const deepestOf = ({ from, to, fragments }: Edge<unknown>): number =>
  fragments === undefined ? to.deepest : Math.max(to.deepest, laterDepth(from.depth, fragments));

/** Finds where filters end and `deepest`, here and below, and puts the edges of the deepest first. O(shapes below). */
export function measureShape(shape: Shape<unknown>): void {
  shape.ends = shape.filters > 0;
  shape.deepest = shape.ends ? shape.depth : -1;
  for (const edge of shape.edges) {
    measureShape(edge.to);
    shape.deepest = Math.max(shape.deepest, deepestOf(edge));
  }
  shape.edges.sort((a, b) => deepestOf(b) - deepestOf(a));
}

/** Takes the edges away that no filter uses any more; returns how many. */
export function pruneShape(shape: Shape<unknown>): number {
  let gone = 0;
  for (let i = shape.edges.length - 1; i >= 0; i--) {
    const edge = shape.edges[i];
    if (edge === undefined) continue;
    gone += pruneShape(edge.to);
    if (edge.branches > 0) continue;
    shape.edges.splice(i, 1);
    gone++;
  }
  return gone;
}

/** Takes away an edge that no filter uses any more, and those behind it; returns how many. */
export function removeEdge<Place>(edge: Edge<Place>): number {
  const { edges } = edge.from;
  edges.splice(edges.indexOf(edge), 1);
  return 1 + pruneShape(edge.to);
}

/** Takes the runs away that end at `shape` or below: no code reads their tables. */
export function dropRuns(shape: Shape<unknown>): void {
  shape.run = undefined;
  for (const { to } of shape.edges) dropRuns(to);
}

/** Takes `run` away for good: from now on each of its edges is followed in the tree. */
export function leaveTable({ edges }: Run<unknown>): void {
  for (const { to } of edges) {
    to.inTree = true;
    to.run = undefined;
  }
}

/** Places that a shape may have room for, however few are left. */
const FEW_PLACES = 64;

/** True when three quarters of a shape's columns are of places that are gone. */
export const isSparse = ({ places, free }: Shape<unknown>): boolean =>
  places.length > FEW_PLACES && 4 * (places.length - free.length) < places.length;

/**
 * Gives the places of `shape` the lowest states; `moved` is told of each, which has its new state then.
 *
 * Tables and columns of others that have states of this shape in them must be seen to.
 */
export function compactShape<Place extends { state: number }>(
  shape: Shape<Place>,
  moved: (place: Place) => void,
): void {
  const { leaves, branches } = shape;
  const places = shape.places.filter((place) => place !== undefined);
  const capacity = Math.max(FIRST_CAPACITY, 2 ** Math.ceil(Math.log2(places.length + 1)));
  shape.leaves = new Int32Array(capacity);
  shape.branches = new Int32Array(capacity);
  shape.free.length = 0;
  shape.places.length = 0;
  for (const [state, place] of places.entries()) {
    shape.leaves[state] = leaves[place.state] ?? 0;
    shape.branches[state] = branches[place.state] ?? 0;
    shape.places.push(place);
    place.state = state;
    moved(place);
  }
}
