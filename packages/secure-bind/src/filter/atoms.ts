/** The normal form of a packet filter: what is left when spelling is taken away. */
import type { Verified } from "../verified.ts";
import type { FieldWidth, Filter, FilterTerm } from "./term.ts";

/**
 * One test or one move of the base.
 *
 * Offsets are bytes from the base that the latest shift set: skips are folded
 * in, so `at` may reach `FILTER_TERMS * OFFSET_MAX`.
 */
export interface Atom {
  /** True when it moves the base, false when it compares. */
  readonly shifts: boolean;
  readonly at: number;
  readonly width: FieldWidth;
  /** As a signed 32-bit integer. */
  readonly mask: number;
  /** The value demanded, as a signed 32-bit integer; for a shift, the bits to shift by. */
  readonly operand: number;
}

const compareAtoms = (a: Atom, b: Atom): number =>
  a.at - b.at || a.width - b.width || a.mask - b.mask || a.operand - b.operand;

const isSame = (a: Atom, b: Atom | undefined): boolean => b !== undefined && compareAtoms(a, b) === 0;

/** The comparisons against one base, in order of offset, each once. */
const tidy = (atoms: readonly Atom[]): readonly Atom[] =>
  atoms.toSorted(compareAtoms).filter((atom, i, sorted) => !isSame(atom, sorted[i - 1]));

function makeAtom(term: Exclude<FilterTerm, { kind: "skip" }>, skipped: number): Atom {
  const shifts = term.kind === "shift";
  const operand = shifts ? term.by : term.value | 0;
  return Object.freeze({ shifts, at: skipped + term.at, width: term.width, mask: term.mask | 0, operand });
}

/**
 * The atoms of `filter`: skips folded into offsets, comparisons between two shifts sorted, no duplicates.
 *
 * Accepts exactly the frames that `filter` does: all terms must hold, so
 * neither order nor repetition between two shifts has a meaning.
 */
export function atomsOf(filter: Verified<Filter>): readonly Atom[] {
  const atoms: Atom[] = [];
  let segment: Atom[] = [];
  let skipped = 0;
  for (const term of filter) {
    if (term.kind === "skip") skipped += term.bytes;
    else if (term.kind === "equal") segment.push(makeAtom(term, skipped));
    else {
      atoms.push(...tidy(segment), makeAtom(term, skipped));
      segment = [];
    }
  }
  return [...atoms, ...tidy(segment)];
}
