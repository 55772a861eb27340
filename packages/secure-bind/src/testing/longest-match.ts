/** The meaning of a demultiplexer, by trying every filter: for tests. */
import { type Filter, type Verified, interpretFilter, specificity } from "../index.ts";
import type { PlacedFrame } from "./arbitrary.ts";

/** Index of the longest of `filters` (the oldest first) that accepts `frame`, or -1. */
export function longestMatch(filters: readonly Verified<Filter>[], frame: PlacedFrame): number {
  let best = -1;
  let longest = -1;
  for (const [i, filter] of filters.entries()) {
    const length = specificity(filter);
    if (length <= longest || !interpretFilter(filter, frame.memory, frame.at, frame.length)) continue;
    best = i;
    longest = length;
  }
  return best;
}
