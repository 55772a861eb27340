/** Whether two packet filters may accept the same frame, decided from their text alone. */
import type { Atom } from "./atoms.ts";

/** What a filter demands of one byte, at `at` from a base. */
interface ByteDemand {
  readonly at: number;
  mask: number;
  value: number;
}

/** What a filter demands of the bytes at one base, and the shift that ends it, if one does. */
interface Segment {
  readonly bytes: readonly ByteDemand[];
  readonly shift: Atom | undefined;
}

/** A filter's demands, base by base. */
export type Demands = readonly Segment[];

function addDemand(bytes: Map<number, ByteDemand>, atom: Atom): void {
  for (let i = 0; i < atom.width; i++) {
    const at = atom.at + i;
    const low = 8 * (atom.width - 1 - i);
    const demand = bytes.get(at) ?? { at, mask: 0, value: 0 };
    demand.mask |= (atom.mask >>> low) & 0xff;
    demand.value |= (atom.operand >>> low) & 0xff;
    bytes.set(at, demand);
  }
}

const sealSegment = (bytes: Map<number, ByteDemand>, shift: Atom | undefined): Segment => ({
  bytes: [...bytes.values()].toSorted((a, b) => a.at - b.at),
  shift,
});

/** The demands of a filter in normal form. */
export function demandsOf(atoms: readonly Atom[]): Demands {
  const segments: Segment[] = [];
  let bytes = new Map<number, ByteDemand>();
  for (const atom of atoms) {
    if (!atom.shifts) addDemand(bytes, atom);
    else {
      segments.push(sealSegment(bytes, atom));
      bytes = new Map();
    }
  }
  return [...segments, sealSegment(bytes, undefined)];
}

/** True when some bit that both sides demand differs. Both are sorted by offset. */
function contradicts(a: readonly ByteDemand[], b: readonly ByteDemand[]): boolean {
  let j = 0;
  for (const mine of a) {
    while (j < b.length && (b[j]?.at ?? 0) < mine.at) j++;
    const other = b[j];
    if (other?.at !== mine.at) continue;
    if (((mine.value ^ other.value) & mine.mask & other.mask) !== 0) return true;
  }
  return false;
}

const sameShift = (a: Atom | undefined, b: Atom | undefined): boolean =>
  a !== undefined &&
  b !== undefined &&
  a.at === b.at &&
  a.width === b.width &&
  a.mask === b.mask &&
  a.operand === b.operand;

/**
 * Whether the two certainly accept no frame in common.
 *
 * They do not when, at a base that both certainly agree on (the first, and
 * every next one while their shifts are the same), they demand different
 * values of the same bit. Anything else counts as a possible overlap, so
 * `true` is a proof and `false` is not.
 */
export function areDisjoint(a: Demands, b: Demands): boolean {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const mine = a[i];
    const other = b[i];
    if (mine === undefined || other === undefined) return false;
    if (contradicts(mine.bytes, other.bytes)) return true;
    if (!sameShift(mine.shift, other.shift)) return false;
  }
  return false;
}
