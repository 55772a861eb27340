/** Received bytes that nobody has taken yet, and those that came too early. */
import type { Window } from "@exolith/exokernel/abi";
import type { BufferSlot, ReceiveMemory } from "./receive-memory.ts";

/** Takes bytes out of the buffer: how many of `length` bytes at `at`. */
export type Taker = (window: Window, at: number, length: number) => number;

/**
 * The receive buffer of one connection.
 *
 * Positions are bytes since the connection began. The bytes from `read` to
 * `next` are in order and not taken; separate runs after `next` came early. All
 * lie in one slot at `position - origin`, in one piece, so that whoever takes
 * them sees all of them; when the end of the slot is reached what is left moves
 * to its front. The slot is borrowed for the first byte, or reserved before it,
 * and given back with the last one.
 */
export class ReceiveBuffer {
  readonly #memory: ReceiveMemory;
  /** Start and end of each early run, ascending, disjoint, none touching another or `next`. */
  readonly #runs: Float64Array;
  readonly #runsMax: number;
  /** When each run last grew: a later one has a greater number. */
  readonly #turns: Float64Array;
  #turn = 0;
  #reported = 0;
  #runCount = 0;
  #slot: BufferSlot | undefined;
  #origin = 0;
  #read = 0;
  #next = 0;

  constructor(memory: ReceiveMemory, runs: number) {
    this.#memory = memory;
    this.#runsMax = runs;
    this.#runs = new Float64Array(runs * 2);
    this.#turns = new Float64Array(runs);
  }

  /** Bytes in order that were not taken. */
  get unread(): number {
    return this.#next - this.#read;
  }

  /** Position after the last byte in order. */
  get next(): number {
    return this.#next;
  }

  /** Bytes from `next` for which there is room. */
  get room(): number {
    return this.#memory.bytes - this.unread;
  }

  /** True while bytes wait for earlier ones. */
  get hasRuns(): boolean {
    return this.#runCount > 0;
  }

  /** Separate early runs. */
  get runs(): number {
    return this.#runCount;
  }

  /** True while a slot is borrowed. */
  get isHolding(): boolean {
    return this.#slot !== undefined;
  }

  /** Forgets everything and gives the slot back. */
  reset(): void {
    this.#runCount = 0;
    this.#origin = 0;
    this.#read = 0;
    this.#next = 0;
    this.#giveBack();
  }

  /** Borrows a slot before there is a byte to keep; false when there is none. */
  reserve(): boolean {
    return (this.#slot ?? this.#borrow()) !== undefined;
  }

  /** Forgets what came early and gives the slot back, if nothing in order is in it; false if there was none to give. */
  forgetEarly(): boolean {
    if (this.#slot === undefined || this.unread > 0) return false;
    this.#runCount = 0;
    this.#giveBack();
    return true;
  }

  /** `length` bytes in order were taken without having been stored; nothing may be unread. */
  skip(length: number): void {
    this.#next += length;
    this.#read = this.#next;
    this.#absorb();
    this.#tidy();
  }

  /**
   * Stores `length` bytes that belong `offset` bytes after `next`.
   *
   * False, and nothing stored, when there is no memory or no place for one more
   * run. The bytes lie within `room`. O(length); now and then O(buffer).
   */
  store(offset: number, window: Window, at: number, length: number): boolean {
    const start = this.#next + offset;
    if (offset > 0 && !this.#mayAddRun(start, start + length)) return false;
    const slot = this.#slot ?? this.#borrow();
    if (slot === undefined) return false;
    if (start + length - this.#origin > this.#memory.bytes) this.#compact(slot);
    slot.window.copy(slot.at + start - this.#origin, window, at, length);
    if (offset > 0) this.#addRun(start, start + length);
    else {
      this.#next = start + length;
      this.#absorb();
    }
    return true;
  }

  /** A report on the runs begins: `nextReported` starts with the one that grew last. */
  beginReport(): void {
    this.#reported = Infinity;
  }

  /** The run that grew last before the one reported last, -1 without one. O(runs). */
  nextReported(): number {
    let found = -1;
    let latest = 0;
    for (let run = 0; run < this.#runCount; run++) {
      const turn = this.#turns[run] ?? 0;
      if (turn >= this.#reported || turn <= latest) continue;
      found = run;
      latest = turn;
    }
    this.#reported = latest;
    return found;
  }

  /** Position of the first byte of a run. */
  runStart(run: number): number {
    return this.#start(run);
  }

  /** Position after its last byte. */
  runStop(run: number): number {
    return this.#stop(run);
  }

  /** The run in which some of `length` bytes from `offset` after `next` lie already, -1 without one. O(runs). */
  runWith(offset: number, length: number): number {
    const start = this.#next + offset;
    let run = 0;
    while (run < this.#runCount && this.#stop(run) <= start) run += 1;
    return run < this.#runCount && this.#start(run) < start + length ? run : -1;
  }

  /** Offers everything unread to `taker`, in one piece; returns how much it took. */
  offer(taker: Taker): number {
    const slot = this.#slot;
    const length = this.unread;
    if (slot === undefined || length === 0) return 0;
    const taken = clamp(taker(slot.window, slot.at + this.#read - this.#origin, length), length);
    if (this.#slot !== slot) return taken;
    this.#read += taken;
    this.#tidy();
    return taken;
  }

  #borrow(): BufferSlot | undefined {
    this.#slot = this.#memory.allocate();
    this.#origin = this.#next;
    return this.#slot;
  }

  #giveBack(): void {
    const slot = this.#slot;
    this.#slot = undefined;
    if (slot !== undefined) this.#memory.release(slot);
  }

  #tidy(): void {
    if (this.#read === this.#next && this.#runCount === 0) this.#giveBack();
  }

  #compact(slot: BufferSlot): void {
    const last = this.#runCount === 0 ? this.#next : (this.#runs[this.#runCount * 2 - 1] ?? 0);
    slot.window.copy(slot.at, slot.window, slot.at + this.#read - this.#origin, last - this.#read);
    this.#origin = this.#read;
  }

  #start(run: number): number {
    return this.#runs[run * 2] ?? Infinity;
  }

  #stop(run: number): number {
    return this.#runs[run * 2 + 1] ?? Infinity;
  }

  // The first run that ends at or after `start`.
  #firstTouching(start: number): number {
    let run = 0;
    while (run < this.#runCount && this.#stop(run) < start) run += 1;
    return run;
  }

  #mayAddRun(start: number, stop: number): boolean {
    if (this.#runCount < this.#runsMax) return true;
    const run = this.#firstTouching(start);
    return run < this.#runCount && this.#start(run) <= stop;
  }

  #addRun(start: number, stop: number): void {
    const first = this.#firstTouching(start);
    let from = start;
    let to = stop;
    let after = first;
    for (; after < this.#runCount && this.#start(after) <= stop; after++) {
      from = Math.min(from, this.#start(after));
      to = Math.max(to, this.#stop(after));
    }
    this.#runs.copyWithin((first + 1) * 2, after * 2, this.#runCount * 2);
    this.#turns.copyWithin(first + 1, after, this.#runCount);
    this.#runCount += 1 - (after - first);
    this.#runs[first * 2] = from;
    this.#runs[first * 2 + 1] = to;
    this.#turn += 1;
    this.#turns[first] = this.#turn;
  }

  // Early runs that `next` has reached are in order now.
  #absorb(): void {
    let run = 0;
    for (; run < this.#runCount && this.#start(run) <= this.#next; run++)
      this.#next = Math.max(this.#next, this.#stop(run));
    if (run === 0) return;
    this.#runs.copyWithin(0, run * 2, this.#runCount * 2);
    this.#turns.copyWithin(0, run, this.#runCount);
    this.#runCount -= run;
  }
}

const clamp = (taken: number, length: number): number => Math.max(0, Math.min(Math.trunc(taken), length));
