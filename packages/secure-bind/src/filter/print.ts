/** Packet filters for people: one term a line. */
import type { Field, Filter, FilterTerm } from "./term.ts";

const hexadecimal = (value: number, bytes: number): string =>
  `0x${value.toString(16).padStart(2 * bytes, "0")}`;

const printField = ({ at, width, mask }: Field): string => `[${at}:${width}] & ${hexadecimal(mask, width)}`;

/** One term; `[12:2]` is the field of two bytes at offset 12 from the base. */
export function printTerm(term: FilterTerm): string {
  switch (term.kind) {
    case "skip":
      return `base += ${term.bytes}`;
    case "shift":
      return `base += (${printField(term)}) << ${term.by}`;
    case "equal":
      return `${printField(term)} == ${hexadecimal(term.value, term.width)}`;
    case "fragments": {
      const key = term.key.map(printField).join(", ");
      return `fragments: later if ${printField(term.later)}, more if ${printField(term.more)}, key ${key}`;
    }
    default:
      return term satisfies never;
  }
}

/** All terms of `filter`, one a line; "" accepts everything. */
export const printFilter = (filter: Filter): string => filter.map(printTerm).join("\n");
