/** Response heads in frames: slots of one size, each held until its bytes are acknowledged. */
import type { Window } from "@exolith/exokernel/abi";
import type { WaitLists } from "./wait-lists.ts";

/** Bytes of one slot; a longer head takes several. */
export const SLOT_BYTES = 1024;

/** Share of the slots that must be free for somebody to take one more: a first one is there for everybody. */
const FREE_SHARE = 3 / 4;

/** The slots of one window. */
export class SlotPool {
  readonly window: Window;
  readonly #free: Int32Array;
  readonly #waits: WaitLists;
  /** Slots in all. */
  readonly count: number;
  #left: number;

  constructor(window: Window, waits: WaitLists) {
    this.window = window;
    this.#waits = waits;
    this.count = Math.floor(window.length / SLOT_BYTES);
    this.#left = this.count;
    this.#free = new Int32Array(this.count).map((_, slot) => slot);
  }

  /** Slots that nobody holds. */
  get free(): number {
    return this.#left;
  }

  /**
   * Takes a slot for `row`, which has `held`; -1 when there is none for it. O(1).
   *
   * Who has none is woken when there is one. Who has some asks again when he has given one back: he might
   * have taken all, and then not have read what is in them.
   */
  take(row: number, held: number): number {
    if (held === 0 ? this.#left > 0 : this.#left > FREE_SHARE * this.count) return this.takeFree();
    if (held === 0) this.#waits.lists.add(this.#waits.heads, row);
    return -1;
  }

  /** Takes a slot for nobody who would wait for one; -1 when none is free. O(1). */
  takeFree(): number {
    return this.#left > 0 ? this.#free[--this.#left]! : -1;
  }

  /** Gives `slot` back. O(1). */
  give(slot: number): void {
    this.#free[this.#left++] = slot;
    this.wake(1);
  }

  /** Lets at most `limit` of those go on who wait for a slot, no more than there are slots. O(limit). */
  wake(limit: number): void {
    const { lists, heads, runnable } = this.#waits;
    for (let woken = 0; woken < limit && woken < this.#left; woken++) {
      const row = lists.first(heads);
      if (row < 0) return;
      lists.add(runnable, row);
    }
  }
}
