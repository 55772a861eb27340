/** Timers of all connections: one heap entry a connection, some deadlines each. */

/** The timers of a connection. */
export const TIMER = {
  /** Retransmission, and probes of a closed window. */
  retransmit: 0,
  /** The delayed acknowledgment. */
  acknowledge: 1,
  /** R2: the connection is given up. */
  giveUp: 2,
  /** Something could not be sent because the next hop is unknown. */
  retry: 3,
  /** Keepalive. */
  keepalive: 4,
} as const;

/** A value of `TIMER`. */
export type TimerKind = (typeof TIMER)[keyof typeof TIMER];

const KINDS = 5;

/**
 * Deadlines in cycles for `slots` connections. Never allocates after it is made.
 *
 * **Holds**: the key of an entry is at most the earliest deadline of its slot,
 * so that arming a timer later than before costs O(1); the key is put right
 * when the entry comes to the top. A slot without deadlines has no entry.
 */
export class Timers {
  readonly #deadlines: Float64Array;
  readonly #keys: Float64Array;
  readonly #heap: Int32Array;
  /** Index in the heap plus one; 0 when the slot has no entry. */
  readonly #places: Int32Array;
  #count = 0;

  constructor(slots: number) {
    this.#deadlines = new Float64Array(slots * KINDS).fill(Infinity);
    this.#keys = new Float64Array(slots);
    this.#heap = new Int32Array(slots);
    this.#places = new Int32Array(slots);
  }

  /** Connections with at least one timer running. */
  get count(): number {
    return this.#count;
  }

  /** The deadline of a timer; `Infinity` when it is not running. */
  deadline(slot: number, kind: TimerKind): number {
    return this.#deadlines[slot * KINDS + kind] ?? Infinity;
  }

  /** Starts a timer, or moves it. O(log connections); O(1) to a later time. */
  arm(slot: number, kind: TimerKind, deadline: number): void {
    this.#deadlines[slot * KINDS + kind] = deadline;
    if (this.#places[slot] === 0) this.#insert(slot, deadline);
    else if (deadline < this.#key(slot)) {
      this.#keys[slot] = deadline;
      this.#rise((this.#places[slot] ?? 0) - 1);
    }
  }

  /** Stops a timer. O(1), O(log connections) for the last one of its slot. */
  cancel(slot: number, kind: TimerKind): void {
    const index = slot * KINDS + kind;
    if (this.#deadlines[index] === Infinity) return;
    this.#deadlines[index] = Infinity;
    if (this.#earliestOf(slot) === Infinity) this.#remove(slot);
  }

  /** Stops every timer of a slot. */
  cancelAll(slot: number): void {
    this.#deadlines.fill(Infinity, slot * KINDS, slot * KINDS + KINDS);
    if (this.#places[slot] !== 0) this.#remove(slot);
  }

  /** The earliest deadline of all; `Infinity` when no timer runs. */
  earliest(): number {
    while (this.#count > 0) {
      const slot = this.#heap[0] ?? 0;
      const actual = this.#earliestOf(slot);
      if (actual === this.#key(slot)) return actual;
      this.#keys[slot] = actual;
      this.#sink(0);
    }
    return Infinity;
  }

  /** A slot with a deadline at or before `now`, or -1. It stays until that timer is cancelled or moved. */
  due(now: number): number {
    return this.earliest() <= now ? (this.#heap[0] ?? -1) : -1;
  }

  #key(slot: number): number {
    return this.#keys[slot] ?? Infinity;
  }

  #earliestOf(slot: number): number {
    let at = Infinity;
    for (let index = slot * KINDS; index < slot * KINDS + KINDS; index++)
      at = Math.min(at, this.#deadlines[index] ?? Infinity);
    return at;
  }

  #insert(slot: number, deadline: number): void {
    this.#keys[slot] = deadline;
    this.#place(this.#count, slot);
    this.#count += 1;
    this.#rise(this.#count - 1);
  }

  #remove(slot: number): void {
    const hole = (this.#places[slot] ?? 0) - 1;
    this.#places[slot] = 0;
    this.#count -= 1;
    if (hole === this.#count) return;
    this.#place(hole, this.#heap[this.#count] ?? 0);
    this.#rise(hole);
    this.#sink(hole);
  }

  #place(index: number, slot: number): void {
    this.#heap[index] = slot;
    this.#places[slot] = index + 1;
  }

  #rise(from: number): void {
    let index = from;
    const slot = this.#heap[index] ?? 0;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = this.#heap[parent] ?? 0;
      if (this.#key(above) <= this.#key(slot)) break;
      this.#place(index, above);
      index = parent;
    }
    this.#place(index, slot);
  }

  #sink(from: number): void {
    let index = from;
    const slot = this.#heap[index] ?? 0;
    for (;;) {
      const child = this.#lesserChild(index);
      if (child < 0) break;
      const below = this.#heap[child] ?? 0;
      if (this.#key(below) >= this.#key(slot)) break;
      this.#place(index, below);
      index = child;
    }
    this.#place(index, slot);
  }

  #lesserChild(index: number): number {
    const left = 2 * index + 1;
    if (left >= this.#count) return -1;
    const right = left + 1;
    if (right >= this.#count) return left;
    return this.#key(this.#heap[right] ?? 0) < this.#key(this.#heap[left] ?? 0) ? right : left;
  }
}
