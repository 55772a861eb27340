/** Publication: what environments may read and nobody may change. */

/** Freezes a record and every function in it. */
export function publish<T extends object>(record: T): T {
  for (const entry of Object.values(record)) if (typeof entry === "function") Object.freeze(entry);
  return Object.freeze(record);
}

/**
 * The entry of a column in row `index`, 0 when there is none.
 *
 * Only a number looks anything up: a name such as `buffer` would lead from a
 * typed array to the memory behind it, which is the kernel's. O(1).
 */
export const columnAt = (column: ArrayLike<number>, index: unknown): number =>
  typeof index === "number" ? (column[index] ?? 0) : 0;

/** Row `index` of a table, or `undefined`; only a number looks anything up. O(1). */
export const rowAt = <T>(rows: ArrayLike<T>, index: unknown): T | undefined =>
  typeof index === "number" ? rows[index] : undefined;
