/** Publication: what environments may read and nobody may change. */

/** Freezes a record and every function in it. */
export function publish<T extends object>(record: T): T {
  for (const entry of Object.values(record)) if (typeof entry === "function") Object.freeze(entry);
  return Object.freeze(record);
}
