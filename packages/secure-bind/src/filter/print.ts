/** Packet filters for people: one term a line. */
import type { Filter, FilterTerm } from "./term.ts";

const hexadecimal = (value: number, bytes: number): string =>
  `0x${value.toString(16).padStart(2 * bytes, "0")}`;

/** One term; `[12:2]` is the field of two bytes at offset 12 from the base. */
export function printTerm(term: FilterTerm): string {
  if (term.kind === "skip") return `base += ${term.bytes}`;
  const field = `[${term.at}:${term.width}] & ${hexadecimal(term.mask, term.width)}`;
  if (term.kind === "shift") return `base += (${field}) << ${term.by}`;
  return `${field} == ${hexadecimal(term.value, term.width)}`;
}

/** All terms of `filter`, one a line; "" accepts everything. */
export const printFilter = (filter: Filter): string => filter.map(printTerm).join("\n");
