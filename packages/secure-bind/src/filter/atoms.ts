/** The normal form of a packet filter: what is left when spelling is taken away. */
import type { Verified } from "../verified.ts";
import type { Field, FieldWidth, Filter, FilterTerm } from "./term.ts";

/** A field, its mask a signed 32-bit integer; the offset is from the base that the latest shift set. */
export interface AtomField {
  readonly at: number;
  readonly width: FieldWidth;
  readonly mask: number;
}

/** The fields of a `fragments` term; those of the key in order of offset, each once. */
export interface FragmentFields {
  readonly later: AtomField;
  readonly more: AtomField;
  readonly key: readonly AtomField[];
}

/**
 * One test or one move of the base.
 *
 * Skips are folded into the offsets, so `at` may reach `FILTER_TERMS * OFFSET_MAX`.
 */
export interface Atom extends AtomField {
  /** True when it moves the base, false when it compares. */
  readonly shifts: boolean;
  /** The value demanded, as a signed 32-bit integer; for a shift, the bits to shift by. */
  readonly operand: number;
  /** What tells fragments apart; then the atom's own field is `later`, and 0 is demanded of a first one. */
  readonly fragments: FragmentFields | undefined;
}

type AtomTerm = Extract<FilterTerm, { kind: "equal" | "shift" }>;

const compareFields = (a: AtomField, b: AtomField): number =>
  a.at - b.at || a.width - b.width || a.mask - b.mask;

const compareAtoms = (a: Atom, b: Atom): number => compareFields(a, b) || a.operand - b.operand;

/** True for the same field of the same width through the same mask. */
export const sameField = (a: AtomField, b: AtomField): boolean => compareFields(a, b) === 0;

/** The comparisons against one base, in order of offset, each once; those in `held` hold already. */
const tidy = (atoms: readonly Atom[], held: readonly Atom[] = []): readonly Atom[] =>
  atoms
    .filter((atom) => !held.some((other) => compareAtoms(atom, other) === 0))
    .toSorted(compareAtoms)
    .filter((atom, i, sorted) => {
      const before = sorted[i - 1];
      return before === undefined || compareAtoms(atom, before) !== 0;
    });

const makeField = ({ at, width, mask }: Field, skipped: number): AtomField =>
  Object.freeze({ at: skipped + at, width, mask: mask | 0 });

function makeAtom(term: AtomTerm, skipped: number): Atom {
  const shifts = term.kind === "shift";
  const operand = shifts ? term.by : term.value | 0;
  return Object.freeze({ shifts, ...makeField(term, skipped), operand, fragments: undefined });
}

function makeFragments(term: Extract<FilterTerm, { kind: "fragments" }>, skipped: number): Atom {
  const later = makeField(term.later, skipped);
  const key = term.key.map((field) => makeField(field, skipped)).toSorted(compareFields);
  const fragments = Object.freeze({
    later,
    more: makeField(term.more, skipped),
    key: Object.freeze(key.filter((field, i) => i === 0 || !sameField(field, key[i - 1] ?? field))),
  });
  return Object.freeze({ shifts: false, ...later, operand: 0, fragments });
}

/**
 * The atoms of `filter`: skips folded into offsets, comparisons between two shifts sorted, no duplicates.
 *
 * Accepts exactly the frames that `filter` does: all terms must hold, so
 * neither order nor repetition between two shifts has a meaning. What stands
 * before `fragments` stays before it, for that is all that is asked of later ones.
 */
export function atomsOf(filter: Verified<Filter>): readonly Atom[] {
  const atoms: Atom[] = [];
  let held: Atom[] = [];
  let segment: Atom[] = [];
  let skipped = 0;
  for (const term of filter) {
    if (term.kind === "skip") skipped += term.bytes;
    else if (term.kind === "equal") segment.push(makeAtom(term, skipped));
    else if (term.kind === "fragments") {
      atoms.push(...tidy(segment), makeFragments(term, skipped));
      held = segment;
      segment = [];
    } else {
      atoms.push(...tidy(segment, held), makeAtom(term, skipped));
      held = [];
      segment = [];
    }
  }
  return [...atoms, ...tidy(segment, held)];
}

/** Index of the atom that tells fragments apart, or -1. */
export const fragmentsIndex = (atoms: readonly Atom[]): number =>
  atoms.findIndex(({ fragments }) => fragments !== undefined);

/** How long a match of a later fragment is, its term being the atom at index `depth`: what is before, one, and the key. */
export const laterDepth = (depth: number, { key }: FragmentFields): number => depth + 1 + key.length;
