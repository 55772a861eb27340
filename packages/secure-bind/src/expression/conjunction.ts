/** Conjunctions of comparisons: what one packet filter can say, before it is one. */
import { equal, shift, type FieldWidth, type Filter, type FilterTerm } from "../filter/term.ts";

/** One comparison: of a field of the frame, or of one behind an IPv4 header of any length. */
export interface Comparison {
  /** Byte offset: in the frame, or from where the IPv4 header would end were it empty. */
  readonly at: number;
  readonly width: FieldWidth;
  readonly mask: number;
  readonly value: number;
  /** Where the IPv4 header begins that `at` lies behind; -1 for a field of the frame. */
  readonly behind: number;
}

/** All of them hold. */
export type Conjunction = readonly Comparison[];

/** One of them holds; none for what can never hold. */
export type Alternatives = readonly Conjunction[];

/** A comparison of a field of the frame. */
export const field = (
  at: number,
  width: FieldWidth,
  value: number,
  mask: number = 2 ** (8 * width) - 1,
): Comparison => ({
  at,
  width,
  mask,
  value: (value & mask) >>> 0,
  behind: -1,
});

/** A comparison of a field behind the IPv4 header at `header`. */
export const fieldBehind = (
  header: number,
  at: number,
  width: FieldWidth,
  value: number,
  mask?: number,
): Comparison => ({
  ...field(at, width, value, mask),
  behind: header,
});

/** True when no frame satisfies both: they want different bits of the same field. */
const contradict = (a: Comparison, b: Comparison): boolean => {
  if (a.at !== b.at || a.width !== b.width || a.behind !== b.behind) return false;
  const common = a.mask & b.mask;
  return (a.value & common) !== (b.value & common);
};

const isSame = (a: Comparison, b: Comparison): boolean =>
  a.at === b.at && a.width === b.width && a.behind === b.behind && a.mask === b.mask && a.value === b.value;

/** Both conjunctions; `undefined` when nothing satisfies both. */
function join(a: Conjunction, b: Conjunction): Conjunction | undefined {
  const joined = [...a];
  for (const comparison of b) {
    if (joined.some((other) => contradict(other, comparison))) return undefined;
    if (!joined.some((other) => isSame(other, comparison))) joined.push(comparison);
  }
  return joined;
}

/** Everything that satisfies both. O(product). */
export function both(a: Alternatives, b: Alternatives): Alternatives {
  const joined: Conjunction[] = [];
  for (const left of a)
    for (const right of b) {
      const conjunction = join(left, right);
      if (conjunction !== undefined) joined.push(conjunction);
    }
  return joined;
}

const term = ({ at, width, value, mask }: Comparison): FilterTerm => equal(at, width, value, mask);

/** The packet filter of a conjunction; `undefined` when it looks behind two different headers. */
export function filterOf(conjunction: Conjunction): Filter | undefined {
  const before = conjunction.filter(({ behind }) => behind < 0);
  const behind = conjunction.filter((comparison) => comparison.behind >= 0);
  const header = behind[0]?.behind ?? -1;
  if (behind.some((comparison) => comparison.behind !== header)) return undefined;
  if (header < 0) return before.map(term);
  return [...before.map(term), shift(header, 1, 0x0f, 2), ...behind.map(term)];
}
