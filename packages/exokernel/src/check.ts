/** Checks of alien numbers and lists: an argument may be anything at all. */

/** True for an integer from 0 to below `limit`. */
export const isIndex = (value: unknown, limit: number): value is number =>
  typeof value === "number" && value >= 0 && value < limit && Number.isInteger(value);

/** True when `count` items from `first`, at least one, lie below `limit`. */
export const isRun = (first: unknown, count: unknown, limit: number): boolean =>
  isIndex(first, limit) && isIndex(count, limit + 1) && count >= 1 && first + count <= limit;

const { isArray } = Array;

/** A copy of a list of at most `limit` items, each read once; `undefined` for anything else. Throws what its getters throw. */
export function copyList(list: unknown, limit: number): unknown[] | undefined {
  if (!isArray(list)) return undefined;
  const count: unknown = list.length;
  if (!isIndex(count, limit + 1)) return undefined;
  const items: unknown[] = [];
  for (let i = 0; i < count; i++) items[i] = list[i];
  return items;
}
