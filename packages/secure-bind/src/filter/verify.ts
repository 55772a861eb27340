/** The verifier of packet filters: copies, bounds-checks and freezes. */
import { type Refusal, type RefusalRule, refuse } from "../refusal.ts";
import type { Verified } from "../verified.ts";
import { type Field, type FieldWidth, type Filter, type FilterTerm, fullMask } from "./term.ts";

const { freeze } = Object;
const { isArray } = Array;

/** Terms in the longest filter (DPF's limit). */
export const FILTER_TERMS = 256;
/** The largest offset and the largest skip, in bytes. */
export const OFFSET_MAX = 0xffff;
/** The largest shift, in bits. */
export const SHIFT_BITS_MAX = 8;
/** Fields of the longest key of a `fragments` term. */
export const KEY_FIELDS = 8;

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

function copyField(field: unknown): Field | RefusalRule {
  if (typeof field !== "object" || field === null) return "BadOffset";
  const { at, width, mask } = field as Alien;
  return checkField(at, width, mask) ?? freeze({ at, width, mask } as Field);
}

function copyKey(key: unknown): readonly Field[] | RefusalRule {
  if (!isArray(key)) return "BadKey";
  const length: unknown = key.length;
  if (!isWithin(length, KEY_FIELDS) || length === 0) return "BadKey";
  const copy: Field[] = [];
  for (let i = 0; i < length; i++) {
    const field = copyField(key[i]);
    if (typeof field === "string") return field;
    copy[i] = field;
  }
  return freeze(copy);
}

function copyFragments(term: Alien): FilterTerm | RefusalRule {
  const later = copyField(term["later"]);
  if (typeof later === "string") return later;
  const more = copyField(term["more"]);
  if (typeof more === "string") return more;
  const key = copyKey(term["key"]);
  return typeof key === "string" ? key : freeze({ kind: "fragments", later, more, key });
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
    case "fragments":
      return copyFragments(term as Alien);
    default:
      return "BadKind";
  }
}

function copyTerms(filter: readonly unknown[]): Filter | Refusal {
  const length: unknown = filter.length;
  if (!isWithin(length, FILTER_TERMS)) return refuse("TooLong", -1);
  const copy: FilterTerm[] = [];
  let mayFragment = true;
  for (let i = 0; i < length; i++) {
    const term = copyTerm(filter[i]);
    if (typeof term === "string") return refuse(term, i);
    if (term.kind === "fragments" && !mayFragment) return refuse("BadFragments", i);
    if (term.kind === "fragments" || term.kind === "shift") mayFragment = false;
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
