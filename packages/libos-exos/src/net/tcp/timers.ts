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
 * **Holds**: every slot with a deadline has an entry, whose key is at most the
 * earliest of them. So stopping a timer, and starting it again later than
 * before, as a connection does with every answer, costs O(1): the entry stays,
 * and is put right or taken out when it comes to the top.
 */
export class Timers {
  readonly #deadlines: Float64Array;
  readonly #keys: Float64Array;
  readonly #heap: Int32Array;
  /** Index in the heap plus one; 0 when the slot has no entry. */
  readonly #places: Int32Array;
  /** A bit for each timer of a slot that runs. */
  readonly #running: Uint8Array;
  #entries = 0;
  #count = 0;

  constructor(slots: number) {
    this.#deadlines = new Float64Array(slots * KINDS).fill(Infinity);
    this.#keys = new Float64Array(slots);
    this.#heap = new Int32Array(slots);
    this.#places = new Int32Array(slots);
    this.#running = new Uint8Array(slots);
  }

  /** Connections with at least one timer running. */
  get count(): number {
    return this.#count;
  }

  /** The deadline of a timer; `Infinity` when it is not running. */
  deadline(slot: number, kind: TimerKind): number {
    return this.#deadlines[slot * KINDS + kind] ?? Infinity;
  }

  /** Starts a timer, or moves it. O(log connections); O(1) if the slot has an entry that is no later. */
  arm(slot: number, kind: TimerKind, deadline: number): void {
    this.#deadlines[slot * KINDS + kind] = deadline;
    const running = this.#running[slot] ?? 0;
    if (running === 0) this.#count += 1;
    this.#running[slot] = running | (1 << kind);
    if (this.#places[slot] === 0) this.#insert(slot, deadline);
    else if (deadline < this.#key(slot)) {
      this.#keys[slot] = deadline;
      this.#rise((this.#places[slot] ?? 0) - 1);
    }
  }

  /** Stops a timer. O(1). */
  cancel(slot: number, kind: TimerKind): void {
    const running = this.#running[slot] ?? 0;
    const left = running & ~(1 << kind);
    if (left === running) return;
    this.#deadlines[slot * KINDS + kind] = Infinity;
    this.#running[slot] = left;
    if (left === 0) this.#count -= 1;
  }

  /** Stops every timer of a slot. O(1). */
  cancelAll(slot: number): void {
    if (this.#running[slot] === 0) return;
    this.#deadlines.fill(Infinity, slot * KINDS, slot * KINDS + KINDS);
    this.#running[slot] = 0;
    this.#count -= 1;
  }

  /**
   * No timer is due before this: the earliest deadline, or sooner where a timer was stopped or moved; `Infinity` when none runs. O(1).
   *
   * `due` at that time finds nothing then, and the next answer is nearer.
   */
  earliest(): number {
    return this.#count === 0 ? Infinity : this.#key(this.#heap[0] ?? 0);
  }

  /** A slot with a deadline at or before `now`, or -1. It stays until that timer is cancelled or moved. O(log connections) for each entry that is put right. */
  due(now: number): number {
    while (this.#entries > 0) {
      const slot = this.#heap[0] ?? 0;
      if (this.#key(slot) > now) return -1;
      const actual = this.#earliestOf(slot);
      if (actual <= now) return slot;
      if (actual === Infinity) this.#removeFirst();
      else {
        this.#keys[slot] = actual;
        this.#sink(0);
      }
    }
    return -1;
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
    this.#place(this.#entries, slot);
    this.#entries += 1;
    this.#rise(this.#entries - 1);
  }

  #removeFirst(): void {
    this.#places[this.#heap[0] ?? 0] = 0;
    this.#entries -= 1;
    if (this.#entries === 0) return;
    this.#place(0, this.#heap[this.#entries] ?? 0);
    this.#sink(0);
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
    if (left >= this.#entries) return -1;
    const right = left + 1;
    if (right >= this.#entries) return left;
    return this.#key(this.#heap[right] ?? 0) < this.#key(this.#heap[left] ?? 0) ? right : left;
  }
}
