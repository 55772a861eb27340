/** Names in a stable order: what lets a listing go on while names come and go. */

/** One name; `cookie` is its place, and never another's. */
export interface ListedEntry<T> {
  readonly name: string;
  readonly cookie: number;
  value: T;
}

/** Holes that are tolerated before the order is closed up. */
const FEW_HOLES = 32;

/**
 * Names with their values, ordered by when each was added.
 *
 * **Holds** a name keeps its place for as long as it is there, also when its value is
 * replaced; a place is never used again, so that going on behind one meets every
 * name that stayed exactly once.
 */
export class EntryList<T> {
  readonly #byName: Map<string, ListedEntry<T>> = new Map();
  /** Places ascend; an entry that was removed is no longer what its name leads to. */
  #order: ListedEntry<T>[] = [];
  #next = 1;

  /** How many names there are. */
  get size(): number {
    return this.#byName.size;
  }

  /** What `name` leads to. O(1). */
  get(name: string): T | undefined {
    return this.#byName.get(name)?.value;
  }

  /** Adds `name`, or replaces what it leads to. O(1). */
  set(name: string, value: T): void {
    const there = this.#byName.get(name);
    if (there !== undefined) {
      there.value = value;
      return;
    }
    const entry = { name, cookie: this.#next++, value };
    this.#byName.set(name, entry);
    this.#order.push(entry);
  }

  /** Removes `name`. O(1) over all. */
  delete(name: string): void {
    if (!this.#byName.delete(name)) return;
    const holes = this.#order.length - this.#byName.size;
    if (holes > FEW_HOLES && holes > this.#byName.size)
      this.#order = this.#order.filter((entry) => this.#stays(entry));
  }

  /** Removes every name that `kept` has not. O(size). */
  keep(kept: ReadonlySet<string>): void {
    for (const name of this.#byName.keys()) if (!kept.has(name)) this.delete(name);
  }

  /** At most `limit` entries behind the place `cookie`, in order. O(limit + holes + log size). */
  after(cookie: number, limit: number): ListedEntry<T>[] {
    const found: ListedEntry<T>[] = [];
    const order = this.#order;
    for (let index = this.#behind(cookie); index < order.length && found.length < limit; index++) {
      const entry = order[index];
      if (entry !== undefined && this.#stays(entry)) found.push(entry);
    }
    return found;
  }

  #stays(entry: ListedEntry<T>): boolean {
    return this.#byName.get(entry.name) === entry;
  }

  /** The index of the first place behind `cookie`. */
  #behind(cookie: number): number {
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#order[middle]?.cookie ?? 0) > cookie) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
