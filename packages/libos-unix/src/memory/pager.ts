/**
 * The pager: the memory of a paged program, with the page table that decides what its addresses are.
 *
 * A page that nobody has touched is nowhere; a library that reads it finds zeros. It gets a place of its own when it is
 * touched or, once half of them are taken, when it is written: until then it is the
 * one page of zeros that all share. When there is no place left, the
 * policy names a page that goes to the backing store, if it changed since it was
 * there last. The kernel's translation is a cache of what stands here.
 */
import { RIGHTS, failed, type CapSlot, type Gate, type VirtualPage } from "@exolith/exokernel/abi";
import type { BackingStore } from "./backing-store.ts";
import type { PageFrames } from "./page-frames.ts";
import type { PagePolicy } from "./page-policy.ts";
import { MemoryFault, OutOfFrames, StoreFailed, type ProgramMemory } from "./program-memory.ts";

/** What a pager counts. */
export interface PagerLedger {
  /** Faults that it answered. */
  faults: number;
  /** Pages that it gave a place for the first time, brought back, and wrote away. */
  zeroed: number;
  loaded: number;
  saved: number;
}

/** What a pager works with. */
export interface PagerParts {
  readonly gate: Gate;
  /** Slot with `write` over the frames. */
  readonly slot: CapSlot;
  readonly frames: PageFrames;
  readonly policy: PagePolicy;
  readonly store?: BackingStore | undefined;
  /** Bytes of the program's memory now. */
  readonly bytes: () => number;
}

/** Bits of a page's state. */
const CHANGED = 1;
const MAPPED = 2;
const WRITABLE = 4;
const READ_ONLY = 8;

const NOWHERE = 0;

const FIRST_PAGES = 1024;

/** Memory that is loaded page by page. */
export class Pager implements ProgramMemory {
  readonly ledger: PagerLedger = { faults: 0, zeroed: 0, loaded: 0, saved: 0 };
  readonly #parts: PagerParts;
  readonly #pageBytes: number;
  readonly #shift: number;
  /** The place of each page and one; minus its place in the backing store and one; or 0. */
  #places: Int32Array = new Int32Array(FIRST_PAGES);
  #states: Uint8Array = new Uint8Array(FIRST_PAGES);
  /** The place in the backing store of each page that has one, and one. */
  #saved: Int32Array = new Int32Array(FIRST_PAGES);
  readonly #freeSaved: number[] = [];
  #nextSaved = 0;
  /** The page of zeros. */
  #zeros = -1;

  constructor(parts: PagerParts) {
    this.#parts = parts;
    this.#pageBytes = parts.frames.pageBytes;
    this.#shift = 31 - Math.clz32(this.#pageBytes);
  }

  get length(): number {
    return this.#parts.bytes();
  }

  /** Pages that have a place in memory. */
  get resident(): number {
    return this.#parts.frames.used;
  }

  /**
   * Answers a fault of the program: true when the access may be tried again.
   *
   * False outside of its memory, for a page that may not be written, when there is
   * no room and no page that could go (`isFull`), and when the store failed (`isBroken`).
   */
  fault(address: number, isWrite: boolean): boolean {
    this.ledger.faults += 1;
    this.isFull = false;
    this.isBroken = false;
    if (address >= this.length) return false;
    return this.#ready(address >>> this.#shift, isWrite, true);
  }

  /** Why the last fault was fatal: there was no room for a page. */
  isFull = false;

  /** Why the last fault was fatal: the store did not save a page, or did not bring it back. */
  isBroken = false;

  /** Whether it is full below its own limit: others have the frames. */
  get isBoardFull(): boolean {
    return this.isFull && this.#parts.frames.isBelowLimit;
  }

  /** Makes pages that the program must not write, or may again. They are those of `length` bytes from `at` on. */
  protect(at: number, length: number, isReadOnly: boolean): void {
    const last = (at + length - 1) >>> this.#shift;
    for (let page = at >>> this.#shift; page <= last; page++) {
      this.#grow(page);
      const state = this.#states[page] ?? 0;
      this.#states[page] = isReadOnly ? state | READ_ONLY : state & ~READ_ONLY;
      this.#unmap(page);
    }
  }

  #grow(page: number): void {
    if (page < this.#places.length) return;
    const length = 2 ** Math.ceil(Math.log2(page + 1));
    const places = new Int32Array(length);
    const states = new Uint8Array(length);
    const saved = new Int32Array(length);
    places.set(this.#places);
    states.set(this.#states);
    saved.set(this.#saved);
    this.#places = places;
    this.#states = states;
    this.#saved = saved;
  }

  /** Has a page in memory, to be written or not; with `maps` the program finds it as well. */
  #ready(page: number, writes: boolean, maps: boolean): boolean {
    this.#grow(page);
    const state = this.#states[page] ?? 0;
    if (writes && (state & READ_ONLY) !== 0) return false;
    const place = this.#places[page] ?? NOWHERE;
    // Most pages that are touched are written next: while there is room each is given its own at once.
    if (place === NOWHERE && !writes && maps && !this.#parts.frames.isAmple) return this.#mapZeros(page);
    if (place <= NOWHERE && !this.#load(page, place)) return false;
    this.#parts.policy.touched(page);
    if (writes) this.#states[page] = (this.#states[page] ?? 0) | CHANGED;
    if (maps) this.#map(page);
    // A program that may write a page does not say when it does.
    return true;
  }

  /** Gives a page a place: zeros, or what was saved. */
  #load(page: number, before: number): boolean {
    const { frames, policy, store } = this.#parts;
    const place = this.#room();
    if (place < 0) return false;
    const window = frames.window(place);
    const at = frames.offset(place);
    if (before === NOWHERE) {
      window.fill(at, this.#pageBytes, 0);
      this.ledger.zeroed += 1;
      this.#unmap(page);
      this.#states[page] = (this.#states[page] ?? 0) | CHANGED;
    } else if (store === undefined || !store.load(-before - 1, window, at)) {
      frames.give(place);
      this.isBroken = true;
      return false;
    } else this.ledger.loaded += 1;
    this.#places[page] = place + 1;
    policy.loaded(page);
    return true;
  }

  /** A place for a page: a free one, or that of a page which goes. -1 when there is none. */
  #room(): number {
    const { frames, policy } = this.#parts;
    const place = frames.take();
    if (place >= 0) return place;
    const page = policy.victim((watched) => this.#unmap(watched));
    if (page >= 0 && this.#evict(page)) return frames.take();
    this.isFull = !this.isBroken;
    return -1;
  }

  /** Sends a page away, to the backing store if it changed. */
  #evict(page: number): boolean {
    const { frames, policy, store } = this.#parts;
    const place = (this.#places[page] ?? 0) - 1;
    if (store === undefined || place < 0) return false;
    const state = this.#states[page] ?? 0;
    if ((state & CHANGED) !== 0 || (this.#saved[page] ?? 0) === 0) {
      const saved = this.#savedPlace(page);
      if (saved < 0) return false;
      if (!store.save(saved, frames.window(place), frames.offset(place))) {
        this.isBroken = true;
        return false;
      }
      this.ledger.saved += 1;
    }
    this.#unmap(page);
    this.#states[page] = state & READ_ONLY;
    this.#places[page] = -(this.#saved[page] ?? 0);
    policy.dropped(page);
    frames.give(place);
    return true;
  }

  #savedPlace(page: number): number {
    const known = (this.#saved[page] ?? 0) - 1;
    if (known >= 0) return known;
    const place = this.#freeSaved.pop() ?? this.#nextSaved;
    if (place >= (this.#parts.store?.places ?? 0)) return -1;
    if (place === this.#nextSaved) this.#nextSaved += 1;
    this.#saved[page] = place + 1;
    return place;
  }

  /** The program may read the page, and write it if that is noted. */
  #map(page: number): void {
    const { gate, slot, frames } = this.#parts;
    const state = this.#states[page] ?? 0;
    const isWritable = (state & CHANGED) !== 0 && (state & READ_ONLY) === 0;
    const wanted = MAPPED | (isWritable ? WRITABLE : 0);
    if ((state & (MAPPED | WRITABLE)) === wanted) return;
    const frame = frames.frame((this.#places[page] ?? 0) - 1);
    const refused = gate.tlbWrite(
      page as VirtualPage,
      frame,
      1,
      isWritable ? RIGHTS.write : RIGHTS.none,
      slot,
    );
    if (failed(refused)) throw new Error(`a page was not mapped: ${refused.name}`);
    this.#states[page] = (state & ~(MAPPED | WRITABLE)) | wanted;
  }

  #unmap(page: number): void {
    const state = this.#states[page] ?? 0;
    if ((state & MAPPED) === 0) return;
    this.#parts.gate.tlbRemove(page as VirtualPage, 1);
    this.#states[page] = state & ~(MAPPED | WRITABLE);
  }

  /** The program reads zeros there. */
  #mapZeros(page: number): boolean {
    const { gate, slot, frames } = this.#parts;
    if (this.#zeros < 0) {
      const place = this.#room();
      if (place < 0) return false;
      frames.window(place).fill(frames.offset(place), this.#pageBytes, 0);
      this.#zeros = place;
    }
    const refused = gate.tlbWrite(page as VirtualPage, frames.frame(this.#zeros), 1, RIGHTS.none, slot);
    if (failed(refused)) throw new Error(`a page was not mapped: ${refused.name}`);
    this.#states[page] = ((this.#states[page] ?? 0) & ~WRITABLE) | MAPPED;
    return true;
  }

  /**
   * The place of the page of an address, brought in if need be; throws when it is not there.
   *
   * -1 for a page that nobody has touched, if it is only read: it is zeros, and needs no place.
   */
  #place(at: number, writes: boolean): number {
    const page = at >>> this.#shift;
    const place = this.#places[page] ?? NOWHERE;
    if (place > NOWHERE && (!writes || ((this.#states[page] ?? 0) & (CHANGED | READ_ONLY)) === CHANGED))
      return place - 1;
    if (at >= this.length) throw new MemoryFault();
    if (place === NOWHERE && !writes) return -1;
    this.isFull = false;
    this.isBroken = false;
    if (!this.#ready(page, writes, false)) throw this.#refusal();
    return (this.#places[page] ?? NOWHERE) - 1;
  }

  /** Why a page could not be had. */
  #refusal(): Error {
    if (this.isBroken) return new StoreFailed();
    return this.isFull ? new OutOfFrames() : new MemoryFault();
  }

  demand(at: number, length: number, writes: boolean): void {
    if (at + length > this.length) throw new MemoryFault();
    for (let next = at; next < at + length; next += this.#pageBytes - (next & (this.#pageBytes - 1)))
      this.#place(next, writes);
  }

  /** Whether `length` bytes at `at` lie in one page. */
  #isWhole(at: number, length: number): boolean {
    return (at & (this.#pageBytes - 1)) + length <= this.#pageBytes;
  }

  #offset(place: number, at: number): number {
    return this.#parts.frames.offset(place) + (at & (this.#pageBytes - 1));
  }

  getU8(at: number): number {
    const place = this.#place(at, false);
    return place < 0 ? 0 : this.#parts.frames.window(place).getU8(this.#offset(place, at));
  }

  getU16LE(at: number): number {
    if (!this.#isWhole(at, 2)) this.demand(at, 2, false);
    return this.getU8(at) | (this.getU8(at + 1) << 8);
  }

  getU32LE(at: number): number {
    if (!this.#isWhole(at, 4)) {
      this.demand(at, 4, false);
      return (this.getU16LE(at) | (this.getU16LE(at + 2) << 16)) >>> 0;
    }
    const place = this.#place(at, false);
    return place < 0 ? 0 : this.#parts.frames.window(place).getU32LE(this.#offset(place, at));
  }

  setU8(at: number, value: number): void {
    const place = this.#place(at, true);
    this.#parts.frames.window(place).setU8(this.#offset(place, at), value);
  }

  setU16LE(at: number, value: number): void {
    if (!this.#isWhole(at, 2)) this.demand(at, 2, true);
    this.setU8(at, value & 0xff);
    this.setU8(at + 1, (value >>> 8) & 0xff);
  }

  setU32LE(at: number, value: number): void {
    if (!this.#isWhole(at, 4)) {
      this.demand(at, 4, true);
      this.setU16LE(at, value & 0xffff);
      this.setU16LE(at + 2, value >>> 16);
      return;
    }
    const place = this.#place(at, true);
    this.#parts.frames.window(place).setU32LE(this.#offset(place, at), value);
  }

  read(at: number, into: Uint8Array, intoAt: number, length: number): void {
    if (at + length > this.length) throw new MemoryFault();
    for (let done = 0; done < length;) {
      const place = this.#place(at + done, false);
      const count = this.#piece(at + done, length - done);
      if (place < 0) into.fill(0, intoAt + done, intoAt + done + count);
      else this.#parts.frames.window(place).read(this.#offset(place, at + done), into, intoAt + done, count);
      done += count;
    }
  }

  write(at: number, from: Uint8Array, fromAt: number, length: number): void {
    this.#check(at, length);
    for (let done = 0; done < length;) {
      const place = this.#place(at + done, true);
      const count = this.#piece(at + done, length - done);
      this.#parts.frames.window(place).write(this.#offset(place, at + done), from, fromAt + done, count);
      done += count;
    }
  }

  /** Nothing is written when a page of the range may not be. */
  #check(at: number, length: number): void {
    if (at + length > this.length) throw new MemoryFault();
    const last = (at + Math.max(length, 1) - 1) >>> this.#shift;
    for (let page = at >>> this.#shift; page <= last; page++)
      if (((this.#states[page] ?? 0) & READ_ONLY) !== 0) throw new MemoryFault();
  }

  #piece(at: number, most: number): number {
    return Math.min(most, this.#pageBytes - (at & (this.#pageBytes - 1)));
  }
}
