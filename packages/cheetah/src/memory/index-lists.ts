/** Rows in doubly linked lists, without allocation: each row is in one list at most. */

const NONE = -1;

/**
 * Lists of small numbers.
 *
 * Rows are `0…rows-1`, lists `0…lists-1`; a list's head is a node behind the rows.
 * Every operation is O(1).
 */
export class IndexLists {
  readonly #rows: number;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #counts: Int32Array;
  readonly #list: Int32Array;

  constructor(rows: number, lists: number) {
    this.#rows = rows;
    this.#next = new Int32Array(rows + lists).map((_, node) => node);
    this.#previous = new Int32Array(rows + lists).map((_, node) => node);
    this.#counts = new Int32Array(lists);
    this.#list = new Int32Array(rows).fill(NONE);
  }

  /** Rows in `list`. */
  count(list: number): number {
    return this.#counts[list] ?? 0;
  }

  /** The list that `row` is in, -1 for none. */
  listOf(row: number): number {
    return this.#list[row] ?? NONE;
  }

  /** Puts `row` at the end of `list`, out of the list it was in. */
  add(list: number, row: number): void {
    this.#link(list, row, this.#previous[this.#rows + list]!);
  }

  /** Puts `row` at the front of `list`, out of the list it was in. */
  addFirst(list: number, row: number): void {
    this.#link(list, row, this.#rows + list);
  }

  #link(list: number, row: number, behind: number): void {
    this.remove(row);
    const before = behind === row ? this.#previous[this.#rows + list]! : behind;
    const after = this.#next[before]!;
    this.#next[before] = row;
    this.#previous[row] = before;
    this.#next[row] = after;
    this.#previous[after] = row;
    this.#list[row] = list;
    this.#counts[list]! += 1;
  }

  /** Takes `row` out of its list, if it is in one. */
  remove(row: number): void {
    const list = this.#list[row]!;
    if (list === NONE) return;
    const before = this.#previous[row]!;
    const after = this.#next[row]!;
    this.#next[before] = after;
    this.#previous[after] = before;
    this.#list[row] = NONE;
    this.#counts[list]! -= 1;
  }

  /** The first row of `list`, -1 when it is empty. */
  first(list: number): number {
    const node = this.#next[this.#rows + list]!;
    return node < this.#rows ? node : NONE;
  }

  /** The row behind `row` in its list, -1 at the end. */
  after(row: number): number {
    const node = this.#next[row]!;
    return node < this.#rows ? node : NONE;
  }

  /** Takes the first row out of `list`; -1 when it is empty. */
  take(list: number): number {
    const row = this.first(list);
    if (row !== NONE) this.remove(row);
    return row;
  }
}
