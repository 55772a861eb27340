/** Frames on their way to and from the disk while a site is imported or read in. */
import { BLOCK_BYTES, TRANSFER_STATUS } from "@exolith/exokernel/abi";
import type { Window } from "@exolith/exokernel/abi";
import { IndexLists } from "../memory/index-lists.ts";
import type { BlockStore } from "./block-store.ts";

/** Blocks of one staging slot: 64 KiB. */
export const STAGING_BLOCKS = 16;
/** Bytes of one staging slot. */
export const STAGING_BYTES: number = STAGING_BLOCKS * BLOCK_BYTES;

/** The owner of a write that is nobody's in particular. */
const NOBODY = -1;

const FREE_LIST = 0;
const TAKEN_LIST = 1;
const QUEUED_LIST = 2;
const FLIGHT_LIST = 3;

/** A fixed number of slots; each is free, being filled, or a transfer under way. */
export class Staging {
  readonly #windows: readonly Window[];
  readonly #store: BlockStore;
  readonly #firstWord: number;
  readonly #written: (first: number, count: number) => void;
  readonly #lists: IndexLists;
  readonly #first: Float64Array;
  readonly #count: Int32Array;
  readonly #writes: Uint8Array;
  readonly #owner: Int32Array;
  readonly #failedOwners = new Set<number>();
  #failures = 0;

  /** `firstWord…` are its completion words in `store`; `written` hears of every block written. */
  constructor(
    windows: readonly Window[],
    store: BlockStore,
    firstWord: number,
    written: (first: number, count: number) => void,
  ) {
    this.#windows = windows;
    this.#store = store;
    this.#firstWord = firstWord;
    this.#written = written;
    this.#lists = new IndexLists(windows.length, 4);
    this.#first = new Float64Array(windows.length);
    this.#count = new Int32Array(windows.length);
    this.#writes = new Uint8Array(windows.length);
    this.#owner = new Int32Array(windows.length);
    for (let slot = 0; slot < windows.length; slot++) this.#lists.add(FREE_LIST, slot);
  }

  /** Transfers that failed since `clearFailures`. */
  get failures(): number {
    return this.#failures;
  }

  /** For whom writes failed since `clearFailures`. */
  get failedOwners(): ReadonlySet<number> {
    return this.#failedOwners;
  }

  /** True while a transfer is under way. */
  get busy(): boolean {
    return this.#lists.count(QUEUED_LIST) + this.#lists.count(FLIGHT_LIST) > 0;
  }

  /** True while the disk has no room for a transfer. */
  get blocked(): boolean {
    return this.#lists.count(QUEUED_LIST) > 0;
  }

  /** Forgets the failures. */
  clearFailures(): void {
    this.#failures = 0;
    this.#failedOwners.clear();
  }

  /** Forgets that a write failed for `owner`. */
  forgive(owner: number): void {
    this.#failedOwners.delete(owner);
  }

  /** Takes a slot; -1 when all are in use. O(1). */
  take(): number {
    const slot = this.#lists.take(FREE_LIST);
    if (slot >= 0) this.#lists.add(TAKEN_LIST, slot);
    return slot;
  }

  /** Gives a taken slot back without a transfer. O(1). */
  give(slot: number): void {
    this.#lists.add(FREE_LIST, slot);
  }

  /** The memory of `slot`. */
  window(slot: number): Window {
    return this.#windows[slot]!;
  }

  /** Writes `bytes[0…length)` for `owner` from block `first`, filled up with zeros; the slot frees itself. */
  write(slot: number, bytes: Uint8Array, length: number, first: number, owner: number = NOBODY): void {
    this.#owner[slot] = owner;
    const count = Math.ceil(length / BLOCK_BYTES);
    const window = this.window(slot);
    window.write(0, bytes, 0, length);
    window.fill(length, count * BLOCK_BYTES - length, 0);
    this.#begin(slot, first, count, true);
  }

  /** Reads `count` blocks from `first` into a taken slot; `has` says when they are there. */
  read(slot: number, first: number, count: number): void {
    this.#begin(slot, first, count, false);
  }

  /** True when the read into `slot` has ended. */
  has(slot: number): boolean {
    return this.#lists.listOf(slot) === TAKEN_LIST;
  }

  /** Looks after transfers under way. O(slots). */
  poll(): void {
    for (let slot = this.#lists.first(FLIGHT_LIST); slot >= 0;) {
      const next = this.#lists.after(slot);
      const status = this.#store.status(this.#firstWord + slot);
      if (status !== TRANSFER_STATUS.pending) this.#finish(slot, status === TRANSFER_STATUS.done);
      slot = next;
    }
    for (let slot = this.#lists.first(QUEUED_LIST); slot >= 0; slot = this.#lists.first(QUEUED_LIST))
      if (!this.#submit(slot)) return;
  }

  #begin(slot: number, first: number, count: number, writes: boolean): void {
    this.#first[slot] = first;
    this.#count[slot] = count;
    this.#writes[slot] = writes ? 1 : 0;
    this.#submit(slot);
  }

  #submit(slot: number): boolean {
    const first = this.#first[slot]!;
    const count = this.#count[slot]!;
    const word = this.#firstWord + slot;
    const window = this.window(slot);
    const accepted =
      this.#writes[slot] === 1
        ? this.#store.write(first, count, window, 0, word)
        : this.#store.read(first, count, window, 0, word);
    this.#lists.add(accepted ? FLIGHT_LIST : QUEUED_LIST, slot);
    return accepted;
  }

  #finish(slot: number, done: boolean): void {
    const writes = this.#writes[slot] === 1;
    if (!done) this.#failures += 1;
    if (!done && writes && this.#owner[slot] !== NOBODY) this.#failedOwners.add(this.#owner[slot]!);
    if (writes) this.#written(this.#first[slot]!, this.#count[slot]!);
    this.#lists.add(writes ? FREE_LIST : TAKEN_LIST, slot);
  }
}
