/** Rows with generations: an id names a row for as long as it is not freed. */

/**
 * Hands out rows and the ids that name them.
 *
 * Holds: an id is `generation << 16 | row`; a row's generation changes when it
 * is freed, and the row that was free longest is handed out next: an old id names a new
 * tenant only after 32,767 tenants of every row.
 */
export interface IdTable {
  readonly rows: number;
  /** A free row, marked taken, or -1. O(1). */
  take(): number;
  /** Frees a row. O(1). */
  free(row: number): void;
  /** The id that names `row` now. */
  idOf(row: number): number;
  /** The live row that `id` names, or -1 for anything else, of any type. O(1). */
  rowOf(id: unknown): number;
  /** Rows taken. */
  taken(): number;
}

const GENERATIONS = 0x7fff;

/** A table of `rows` free rows. Row 0 is never handed out, so no id is 0. */
export function makeIdTable(rows: number): IdTable {
  const generations = new Uint16Array(rows).fill(1);
  const live = new Uint8Array(rows);
  const freeRows = Uint16Array.from({ length: rows - 1 }, (_, i) => i + 1);
  let free = rows - 1;
  let oldest = 0;
  const idOf = (row: number): number => ((generations[row] ?? 0) << 16) | row;
  return {
    rows,
    take: () => {
      if (free === 0) return -1;
      free -= 1;
      const row = freeRows[oldest] ?? 0;
      oldest = (oldest + 1) % freeRows.length;
      live[row] = 1;
      return row;
    },
    free: (row) => {
      live[row] = 0;
      generations[row] = ((generations[row] ?? 0) % GENERATIONS) + 1;
      freeRows[(oldest + free) % freeRows.length] = row;
      free += 1;
    },
    idOf,
    rowOf: (id) => {
      if (typeof id !== "number") return -1;
      const row = id & 0xffff;
      return live[row] === 1 && idOf(row) === id ? row : -1;
    },
    taken: () => rows - 1 - free,
  };
}
