/** Checks of alien numbers: an argument may be anything at all. */

/** True for an integer from 0 to below `limit`. */
export const isIndex = (value: unknown, limit: number): value is number =>
  typeof value === "number" && value >= 0 && value < limit && Number.isInteger(value);

/** True when `count` items from `first`, at least one, lie below `limit`. */
export const isRun = (first: unknown, count: unknown, limit: number): boolean =>
  isIndex(first, limit) && isIndex(count, limit + 1) && count >= 1 && first + count <= limit;
