/**
 * Heads that responses share: one slot for each file, kind of connection and second.
 *
 * A whole file is answered with the same head until the date changes, so that it is
 * written once a second and not once a response. A slot is given back when it is not
 * the newest any more and nobody has it queued: what a client has not acknowledged yet is
 * sent again as it was.
 */
import type { SiteFile } from "../disk/site-file.ts";
import type { HeadWriter } from "../http/response-head.ts";
import type { Persistence } from "../http/whole-head.ts";
import { SLOT_BYTES, type SlotPool } from "../memory/slot-pool.ts";
import type { PieceSums } from "./piece-sums.ts";

/** Heads kept at once, each in the place that its file names. */
const PLACES = 128;
/** Part of the slots that must be free for a head to be kept: shared ones must not keep others waiting. */
const FREE_PART = 1 / 2;

/** Places of each file: one for each way in which the connection goes on. */
const PERSISTENCES: Readonly<Record<Persistence, number>> = { keep: 0, "keep-named": 1, close: 2 };
const FILE_PLACES = Object.keys(PERSISTENCES).length;

interface Place {
  file: SiteFile | undefined;
  second: number;
  slot: number;
  length: number;
}

/** The heads of one server. */
export class SharedHeads {
  readonly #slots: SlotPool;
  readonly #heads: HeadWriter;
  readonly #sums: PieceSums | undefined;
  readonly #places: readonly Place[];
  /** By slot: responses that have it queued, and 1 when it is the newest of its place. */
  readonly #users: Int32Array;
  readonly #isNewest: Uint8Array;
  readonly #most: number;
  #length = 0;

  constructor(slots: SlotPool, heads: HeadWriter, sums: PieceSums | undefined) {
    this.#slots = slots;
    this.#heads = heads;
    this.#sums = sums;
    const count = Math.floor(slots.window.length / SLOT_BYTES);
    this.#most = count * FREE_PART;
    this.#users = new Int32Array(count);
    this.#isNewest = new Uint8Array(count);
    this.#places = Array.from({ length: PLACES * FILE_PLACES }, () => ({
      file: undefined,
      second: -1,
      slot: -1,
      length: 0,
    }));
  }

  /** Bytes of the head that `use` returned last. */
  get length(): number {
    return this.#length;
  }

  /** The slot with the head of all of `file`, used until `release`; -1 when there is none to share. O(1), O(length) once a second. */
  use(file: SiteFile, persistence: Persistence, now: number): number {
    const second = Math.floor(now / 1000);
    const place = this.#places[(file.first % PLACES) * FILE_PLACES + PERSISTENCES[persistence]]!;
    if ((place.file !== file || place.second !== second) && !this.#fill(place, file, persistence, now))
      return -1;
    this.#users[place.slot]! += 1;
    this.#length = place.length;
    return place.slot;
  }

  /** A response that had `slot` queued is acknowledged or gone. O(1). */
  release(slot: number): void {
    this.#users[slot]! -= 1;
    this.#giveUnused(slot);
  }

  /** Forgets every head. O(places). */
  clear(): void {
    for (const place of this.#places) this.#empty(place);
  }

  #fill(place: Place, file: SiteFile, persistence: Persistence, now: number): boolean {
    this.#empty(place);
    if (file.head.length > SLOT_BYTES || this.#slots.free <= this.#most) return false;
    const slot = this.#slots.takeFree();
    const length = this.#heads.writeWhole(file, persistence, now);
    this.#slots.window.write(slot * SLOT_BYTES, this.#heads.bytes, 0, length);
    this.#sums?.noteSlot(slot, length, this.#heads.sum);
    this.#isNewest[slot] = 1;
    Object.assign(place, { file, second: Math.floor(now / 1000), slot, length });
    return true;
  }

  #empty(place: Place): void {
    const { slot } = place;
    place.file = undefined;
    place.slot = -1;
    if (slot < 0) return;
    this.#isNewest[slot] = 0;
    this.#giveUnused(slot);
  }

  #giveUnused(slot: number): void {
    if (this.#users[slot] === 0 && this.#isNewest[slot] === 0) this.#slots.give(slot);
  }
}
