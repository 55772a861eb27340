/** The descriptor table: small integers to open descriptors. */
import { type Descriptor, checkDescriptor } from "./descriptor.ts";
import type { Outcome } from "../errno.ts";
import { refuse } from "../errno.ts";
import type { RightSet } from "../wasi/layout.ts";
import { includesRights } from "../wasi/layout.ts";

/** Descriptors of one table unless told otherwise; who opens pays with an error, not with memory. */
export const DESCRIPTORS = 1024;

/**
 * Descriptors of one program.
 *
 * The lowest free integer is taken, as POSIX requires.
 */
export class DescriptorTable {
  readonly #open: (Descriptor | undefined)[];
  /** No integer below is free. */
  #lowest = 0;

  constructor(size: number = DESCRIPTORS) {
    if (!Number.isInteger(size) || size < 0)
      throw new RangeError("a table has a whole number of descriptors");
    this.#open = Array.from({ length: size }, () => undefined);
  }

  /** The descriptor with this number; undefined when it is not open. Any number may be asked for. O(1). */
  get(number: number): Descriptor | undefined {
    return this.#open[number];
  }

  /** The number that would be taken next; undefined when there is none. */
  next(): number | undefined {
    while (this.#lowest < this.#open.length && this.#open[this.#lowest] !== undefined) this.#lowest += 1;
    return this.#lowest < this.#open.length ? this.#lowest : undefined;
  }

  /** Gives `descriptor` the lowest free number; `mfile` when there is none. O(size), mostly O(1). */
  open(descriptor: Descriptor): Outcome {
    const number = this.next();
    if (number === undefined) return refuse("mfile");
    this.#open[number] = descriptor;
    return number;
  }

  /** Closes a descriptor and what is behind it; `badf` when it is not open. */
  close(number: number): Outcome {
    const closed = this.#open[number];
    if (closed === undefined) return refuse("badf");
    this.#clear(number);
    closed.close();
    return 0;
  }

  /** Moves `from` to `to`, whose thing is closed; both must be open, else `badf`. */
  renumber(from: number, to: number): Outcome {
    const moved = this.#open[from];
    const replaced = this.#open[to];
    if (moved === undefined || replaced === undefined) return refuse("badf");
    if (from === to) return 0;
    this.#open[to] = moved;
    this.#clear(from);
    replaced.close();
    return 0;
  }

  /** Drops every right outside `base` and `inheriting`; `notcapable` if one of these is not there. */
  narrow(number: number, base: RightSet, inheriting: RightSet): Outcome {
    const narrowed = this.#open[number];
    if (narrowed === undefined) return refuse("badf");
    if (!includesRights(narrowed.rights, base) || !includesRights(narrowed.inheriting, inheriting))
      return refuse("notcapable");
    narrowed.rights = base;
    narrowed.inheriting = inheriting;
    return 0;
  }

  /** Closes everything that is open; a program's end. O(size). */
  closeAll(): void {
    for (let number = 0; number < this.#open.length; number++) this.close(number);
  }

  /** How many are open. O(size). */
  count(): number {
    return this.#open.reduce((count, each) => (each === undefined ? count : count + 1), 0);
  }

  /** What breaks what the table holds to; empty when nothing does. For tests. O(size). */
  check(): readonly string[] {
    const things = this.#open.flatMap((each) => (each === undefined ? [] : [each.thing]));
    const shared = new Set(things).size < things.length ? ["one thing behind two descriptors"] : [];
    const below = this.#open.slice(0, this.#lowest).includes(undefined) ? ["a free number was passed"] : [];
    return [
      ...shared,
      ...below,
      ...this.#open.flatMap((each) => (each === undefined ? [] : checkDescriptor(each))),
    ];
  }

  #clear(number: number): void {
    this.#open[number] = undefined;
    this.#lowest = Math.min(this.#lowest, number);
  }
}
