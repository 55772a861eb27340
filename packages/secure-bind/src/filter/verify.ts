/** The verifier of packet filters: copies, bounds-checks and freezes. */
import { type Refusal, type RefusalRule, refuse } from "../refusal.ts";
import type { Verified } from "../verified.ts";
import { type FieldWidth, type Filter, type FilterTerm, fullMask } from "./term.ts";

const { freeze } = Object;
const { isArray } = Array;

/** Terms in the longest filter (DPF's limit). */
export const FILTER_TERMS = 256;
/** The largest offset and the largest skip, in bytes. */
export const OFFSET_MAX = 0xffff;
/** The largest shift, in bits. */
export const SHIFT_BITS_MAX = 8;

type Alien = { readonly [name: string]: unknown };

/** True for an integer from 0 to `most`; negative zero is none. */
const isWithin = (value: unknown, most: number): value is number =>
  typeof value === "number" &&
  Number.isInteger(value) &&
  value >= 0 &&
  value <= most &&
  !Object.is(value, -0);

const isWidth = (value: unknown): value is FieldWidth => value === 1 || value === 2 || value === 4;

function checkField(at: unknown, width: unknown, mask: unknown): RefusalRule | undefined {
  if (!isWithin(at, OFFSET_MAX)) return "BadOffset";
  if (!isWidth(width)) return "BadWidth";
  return isWithin(mask, fullMask(width)) ? undefined : "BadMask";
}

function copyEqual(term: Alien): FilterTerm | RefusalRule {
  const { at, width, mask, value } = term;
  const broken = checkField(at, width, mask);
  if (broken !== undefined) return broken;
  if (!isWithin(value, mask as number) || (value & (mask as number)) >>> 0 !== value) return "BadValue";
  return freeze({ kind: "equal", at, width, mask, value } as FilterTerm);
}

function copyShift(term: Alien): FilterTerm | RefusalRule {
  const { at, width, mask, by } = term;
  const broken = checkField(at, width, mask);
  if (broken !== undefined) return broken;
  if (!isWithin(by, SHIFT_BITS_MAX)) return "BadShift";
  return freeze({ kind: "shift", at, width, mask, by } as FilterTerm);
}

function copySkip(term: Alien): FilterTerm | RefusalRule {
  const { bytes } = term;
  return isWithin(bytes, OFFSET_MAX) ? freeze({ kind: "skip", bytes }) : "BadSkip";
}

function copyTerm(term: unknown): FilterTerm | RefusalRule {
  if (typeof term !== "object" || term === null) return "BadKind";
  switch ((term as Alien)["kind"]) {
    case "equal":
      return copyEqual(term as Alien);
    case "shift":
      return copyShift(term as Alien);
    case "skip":
      return copySkip(term as Alien);
    default:
      return "BadKind";
  }
}

function copyTerms(filter: readonly unknown[]): Filter | Refusal {
  const length: unknown = filter.length;
  if (!isWithin(length, FILTER_TERMS)) return refuse("TooLong", -1);
  const copy: FilterTerm[] = [];
  for (let i = 0; i < length; i++) {
    const term = copyTerm(filter[i]);
    if (typeof term === "string") return refuse(term, i);
    copy[i] = term;
  }
  return freeze(copy);
}

/**
 * A checked, deeply frozen copy of an alien filter, or why it was refused.
 *
 * **Holds** every property is read exactly once, so what was checked is what is
 * kept. Never throws, not even when a getter does. A getter runs its owner's
 * code: call this before looking at any state of your own.
 * **Cost** O(FILTER_TERMS).
 */
export function verifyFilter(filter: unknown): Verified<Filter> | Refusal {
  try {
    return isArray(filter) ? (copyTerms(filter) as Verified<Filter> | Refusal) : refuse("NotAProgram", -1);
  } catch {
    return refuse("NotAProgram", -1);
  }
}
