/** Rows that go on when everything below has had a turn: what packet merging would not let happen. */

/** Two lists, so that what is added in one turn is due only after the next has begun. */
export class NextPoll {
  #added: number[] = [];
  #due: number[] = [];

  /** True while somebody waits. */
  get isWaited(): boolean {
    return this.#added.length + this.#due.length > 0;
  }

  /** `row` goes on in the poll after the next. */
  add(row: number): void {
    this.#added.push(row);
  }

  /** Lets those go on by `run` that have waited a whole turn; how many they were. O(waiting). */
  poll(run: (row: number) => void): number {
    const due = this.#due;
    this.#due = this.#added;
    this.#added = [];
    for (const row of due) run(row);
    return due.length;
  }
}
