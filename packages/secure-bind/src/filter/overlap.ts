/** Whether two packet filters may accept the same frame, decided from their text alone. */
import { type Atom, type AtomField, fragmentsIndex, laterDepth, sameField } from "./atoms.ts";

/** What a filter demands of one byte, at `at` from a base. */
export interface ByteDemand {
  readonly at: number;
  mask: number;
  value: number;
}

/** What a filter demands of the bytes at one base, by offset, and the shift that ends it, if one does. */
export interface Segment {
  readonly bytes: ReadonlyMap<number, ByteDemand>;
  readonly shift: Atom | undefined;
}

/**
 * One way to match a filter, and how long a match it is.
 *
 * A filter with `fragments` has two: its first fragments, of which `later` is
 * demanded to be 0, and its later ones, of which nothing is demanded but what
 * stands before the term, and that `later` is not 0.
 */
export interface Arm {
  readonly depth: number;
  /** Base by base. */
  readonly segments: readonly Segment[];
  /** A field at the first base that is not 0. */
  readonly notZero: AtomField | undefined;
  /** True when it demands two values of one bit, and so accepts nothing. */
  readonly impossible: boolean;
}

/** Adds what `atom` demands; false when that contradicts what is there. */
function addDemand(bytes: Map<number, ByteDemand>, atom: Atom): boolean {
  let possible = true;
  for (let i = 0; i < atom.width; i++) {
    const at = atom.at + i;
    const low = 8 * (atom.width - 1 - i);
    const mask = (atom.mask >>> low) & 0xff;
    const value = (atom.operand >>> low) & 0xff;
    const demand = bytes.get(at) ?? { at, mask: 0, value: 0 };
    if (((demand.value ^ value) & demand.mask & mask) !== 0) possible = false;
    demand.mask |= mask;
    demand.value |= value;
    bytes.set(at, demand);
  }
  return possible;
}

function makeArm(atoms: readonly Atom[], depth: number, notZero: AtomField | undefined): Arm {
  const segments: Segment[] = [];
  let bytes = new Map<number, ByteDemand>();
  let possible = true;
  for (const atom of atoms) {
    if (!atom.shifts) possible = addDemand(bytes, atom) && possible;
    else {
      segments.push({ bytes, shift: atom });
      bytes = new Map();
    }
  }
  segments.push({ bytes, shift: undefined });
  const impossible = !possible || (notZero !== undefined && isZero(segments[0], notZero));
  return { depth, segments, notZero, impossible };
}

/** The ways to match a filter in normal form: one, or two if it tells fragments apart. */
export function armsOf(atoms: readonly Atom[]): readonly Arm[] {
  const first = makeArm(atoms, atoms.length, undefined);
  const index = fragmentsIndex(atoms);
  const fields = atoms[index]?.fragments;
  if (fields === undefined) return [first];
  return [first, makeArm(atoms.slice(0, index), laterDepth(index, fields), fields.later)];
}

/** The bits of `field` that `segment` demands, and what of them. */
export function demandOn(
  segment: Segment,
  field: AtomField,
): { readonly mask: number; readonly value: number } {
  let mask = 0;
  let value = 0;
  for (let i = 0; i < field.width; i++) {
    const demand = segment.bytes.get(field.at + i);
    mask = (mask << 8) | (demand?.mask ?? 0);
    value = (value << 8) | (demand?.value ?? 0);
  }
  return { mask, value };
}

/** True when `segment` demands that all of `field` be 0. */
export function isZero(segment: Segment | undefined, field: AtomField): boolean {
  if (segment === undefined) return false;
  const { mask, value } = demandOn(segment, field);
  return (~mask & field.mask) === 0 && (value & field.mask) === 0;
}

/** True when some bit that both sides demand differs. */
function contradicts(a: Segment, b: Segment): boolean {
  const [few, many] = a.bytes.size < b.bytes.size ? [a.bytes, b.bytes] : [b.bytes, a.bytes];
  for (const mine of few.values()) {
    const other = many.get(mine.at);
    if (other !== undefined && ((mine.value ^ other.value) & mine.mask & other.mask) !== 0) return true;
  }
  return false;
}

/** True when both move the base alike. */
const sameShift = (a: Atom | undefined, b: Atom | undefined): boolean =>
  a !== undefined && b !== undefined && sameField(a, b) && a.operand === b.operand;

/** True when one demands to be 0 what the other demands not to be. */
const differInLater = (a: Arm, b: Arm): boolean =>
  (a.notZero !== undefined && isZero(b.segments[0], a.notZero)) ||
  (b.notZero !== undefined && isZero(a.segments[0], b.notZero));

/**
 * Whether the two certainly accept no frame in common.
 *
 * They do not when, at a base that both certainly agree on (the first, and
 * every next one while their shifts are the same), they demand different
 * values of the same bit; nor when one is about first fragments only and the
 * other about later ones. Anything else counts as a possible overlap, so
 * `true` is a proof and `false` is not.
 */
export function areDisjoint(a: Arm, b: Arm): boolean {
  if (a.impossible || b.impossible || differInLater(a, b)) return true;
  for (let i = 0; i < a.segments.length && i < b.segments.length; i++) {
    const mine = a.segments[i];
    const other = b.segments[i];
    if (mine === undefined || other === undefined) return false;
    if (contradicts(mine, other)) return true;
    if (!sameShift(mine.shift, other.shift)) return false;
  }
  return false;
}

/**
 * Whether a filter with these `arms` could take a frame from one with the `others`.
 *
 * It could if it is longer in some way to match, and the two ways may have a frame in common.
 */
export const couldTake = (arms: readonly Arm[], others: readonly Arm[]): boolean =>
  arms.some((arm) => others.some((other) => arm.depth > other.depth && !areDisjoint(arm, other)));
