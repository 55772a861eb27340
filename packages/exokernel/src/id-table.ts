/** Rows with generations: an id names a row for as long as it is not freed. */

/**
 * Hands out rows and the ids that name them.
 *
 * Holds: an id is `generation * 65536 + row`; a row's generation counts up when it is
 * freed, and never comes round: a row that has had its last one is retired. So an
 * id never names a second tenant. The row that was free longest is handed out
 * next, so that rows grow old together.
 */
export interface IdTable {
  readonly rows: number;
  /** A free row, marked taken, or -1. O(1). */
  take(): number;
  /** Frees a row, or retires it with its last generation. O(1). */
  free(row: number): void;
  /** The id that names `row` now. */
  idOf(row: number): number;
  /** The live row that `id` names, or -1 for anything else, of any type. O(1). */
  rowOf(id: unknown): number;
  /** Rows taken. */
  taken(): number;
  /** Rows that can be taken. */
  left(): number;
}

/**
 * Generations of a row whose ids are kept in words of 32 bits: of environments.
 *
 * They are in the columns of frames, slices and blocks, and in the sender words of
 * message rings. 255 rows are good for 8.3 million environments: then creation is
 * refused, until the machine is started again.
 */
export const WORD_GENERATIONS = 0x7fff;

/**
 * Generations of any other row: as many as a number has room for.
 *
 * A row that is freed once a microsecond lasts for 38 hours, a table of 1,000
 * rows for four years.
 */
const GENERATIONS = 2 ** 37 - 1;

/** A table of `rows` free rows. Row 0 is never handed out, so no id is 0. */
export function makeIdTable(rows: number, last: number = GENERATIONS): IdTable {
  const generations = new Float64Array(rows).fill(1);
  const live = new Uint8Array(rows);
  const freeRows = Uint16Array.from({ length: rows - 1 }, (_, i) => i + 1);
  let taken = 0;
  let left = rows - 1;
  let oldest = 0;
  const idOf = (row: number): number => (generations[row] ?? 0) * 0x1_0000 + row;
  return {
    rows,
    take: () => {
      if (left === 0) return -1;
      left -= 1;
      taken += 1;
      const row = freeRows[oldest] ?? 0;
      oldest = (oldest + 1) % freeRows.length;
      live[row] = 1;
      return row;
    },
    free: (row) => {
      live[row] = 0;
      taken -= 1;
      const generation = generations[row] ?? 0;
      if (generation >= last) return;
      generations[row] = generation + 1;
      freeRows[(oldest + left) % freeRows.length] = row;
      left += 1;
    },
    idOf,
    rowOf: (id) => {
      if (typeof id !== "number") return -1;
      const row = id & 0xffff;
      return live[row] === 1 && idOf(row) === id ? row : -1;
    },
    taken: () => taken,
    left: () => left,
  };
}
