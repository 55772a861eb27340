/**
 * The file cache, which is the retransmission pool as well.
 *
 * A chunk is sixteen frames that hold sixteen neighbouring blocks of the disk. A
 * response names bytes of a chunk as a piece to send; the chunk is held until the
 * peer has acknowledged them, and every retransmission gathers them from the same
 * frames. What nobody holds is given up in the order of last use; when the kernel
 * asks for frames, in that order to the kernel, and claimed again when there are many.
 * Who asks for much and takes nothing of it gets less than those who take what they get.
 *
 * ```
 *   empty ── load ──► queued ──► loading ──► ready ──► empty ──► given back
 *                  (disk full)          hold ⇄ release      ◄──
 * ```
 */
import { TRANSFER_STATUS } from "@exolith/exokernel/abi";
import type { Window } from "@exolith/exokernel/abi";
import type { BlockStore } from "../disk/block-store.ts";
import { IndexLists } from "../memory/index-lists.ts";
import { awaitingAny, type WaitLists } from "../memory/wait-lists.ts";

/** Frames of a chunk, and blocks: 64 KiB. */
export const CHUNK_BLOCKS = 16;
/** Bytes of a chunk. */
export const CHUNK_BYTES = 65_536;

/** What `hold` returns instead of a chunk: wait to be woken. */
export const WAIT = -1;
/** What `hold` returns instead of a chunk: the disk could not read it. */
export const FAILED = -2;

const NONE = -1;
const EMPTY = 0;
const LOADING = 1;
const READY = 2;

/** Lists of chunks: held by nobody (least recently used first), to be given to the disk, given to it, and without frames. */
const IDLE_LIST = 0;
const QUEUED_LIST = 1;
const FLIGHT_LIST = 2;
const GONE_LIST = 3;

/** Chunks that are never given back: with so many, every response still ends. */
export const KEPT_CHUNKS = 4;

/** Where the frames of chunks go when the kernel wants them, and come from later. */
export interface ChunkFrames {
  /** Memory for one chunk, when the machine has frames to spare. */
  claim(): Window | undefined;
  /** Gives one chunk's memory back; its window is dead. False when something still uses it. */
  release(window: Window): boolean;
}

/** Frames that stay as they are. */
const FIXED_FRAMES: ChunkFrames = { claim: () => undefined, release: () => false };

/**
 * Shares of the chunks that are not given up while others are held: what is asked for often stays.
 *
 * Newcomers, whose clients have taken nothing yet and may never, leave more than
 * others: so clients that only ask do not come in the way of those that get on.
 */
const SPARED_BY_NEWCOMERS = 1 / 4;
const SPARED_BY_OTHERS = 1 / 8;

/** A chunk of which so many pieces have been taken is there for newcomers too, for as long as it is in the cache. */
const POPULAR_TAKES = 4;

/** What the cache counts. */
export interface CacheCounters {
  hits: number;
  misses: number;
  evictions: number;
  readAhead: number;
  failures: number;
  givenBack: number;
}

/** Chunks of one block store, shared by the rows of `waits`. */
export class ChunkCache {
  readonly counters: CacheCounters = {
    hits: 0,
    misses: 0,
    evictions: 0,
    readAhead: 0,
    failures: 0,
    givenBack: 0,
  };
  readonly #windows: Window[];
  readonly #frames: ChunkFrames;
  readonly #store: BlockStore;
  readonly #waits: WaitLists;
  readonly #chunkOf: Int32Array;
  readonly #group: Int32Array;
  readonly #state: Uint8Array;
  readonly #holders: Int32Array;
  readonly #lists: IndexLists;
  /** By row: the chunk it waits for and already holds, or `FAILED`. */
  readonly #promised: Int32Array;
  /** By row: 1 when an idle chunk has been set aside for it. */
  readonly #granted: Uint8Array;
  #grants = 0;
  /** By chunk: times that pieces of it have been taken, up to `POPULAR_TAKES`. */
  readonly #takes: Uint8Array;
  /** By chunk: 1 while it is held and a newcomer began that. */
  readonly #isNewcomers: Uint8Array;
  #newcomerChunks = 0;
  /** Chunks to be given back as they come free. */
  #owed = 0;

  /** `windows` are the chunks; completion words `0…windows.length-1` of `store` are the cache's. */
  constructor(
    windows: readonly Window[],
    store: BlockStore,
    waits: WaitLists,
    rows: number,
    frames: ChunkFrames = FIXED_FRAMES,
  ) {
    this.#windows = [...windows];
    this.#frames = frames;
    this.#store = store;
    this.#waits = waits;
    this.#chunkOf = new Int32Array(Math.ceil(store.blocks / CHUNK_BLOCKS)).fill(NONE);
    this.#group = new Int32Array(windows.length).fill(NONE);
    this.#state = new Uint8Array(windows.length);
    this.#holders = new Int32Array(windows.length);
    this.#lists = new IndexLists(windows.length, 4);
    this.#promised = new Int32Array(rows).fill(NONE);
    this.#granted = new Uint8Array(rows);
    this.#takes = new Uint8Array(windows.length);
    this.#isNewcomers = new Uint8Array(windows.length);
    for (let chunk = 0; chunk < windows.length; chunk++) this.#lists.add(IDLE_LIST, chunk);
  }

  /** Chunks that have frames. */
  get chunks(): number {
    return this.#windows.length - this.#lists.count(GONE_LIST);
  }

  /** Chunks that nobody holds. */
  get idle(): number {
    return this.#lists.count(IDLE_LIST);
  }

  /** The memory of `chunk`. */
  window(chunk: number): Window {
    return this.#windows[chunk]!;
  }

  /**
   * Holds the chunk with blocks `group * CHUNK_BLOCKS…` for `row`.
   *
   * A row that `hasTaken` nothing yet is a newcomer: it leaves more to others, and waits longer when many wait.
   * `WAIT`: `row` becomes runnable when it is there; ask again for the same, or
   * `forget`. `FAILED`: the disk could not read it. O(1), allocates nothing.
   */
  hold(group: number, row: number, hasTaken: boolean): number {
    const promised = this.#promised[row]!;
    if (promised !== NONE) return this.#collect(row, promised);
    const chunk = this.#chunkOf[group]!;
    if (chunk === NONE) return this.#miss(group, row, hasTaken);
    if (!this.#mayShow(chunk, row, hasTaken)) return this.#awaitAny(row, hasTaken);
    this.#addHolder(chunk, hasTaken);
    this.#waits.lists.remove(row);
    this.#returnGrant(row);
    if (this.#state[chunk] !== READY) return this.#await(chunk, row);
    this.counters.hits += 1;
    return chunk;
  }

  /** Ends one hold of `chunk`. O(1). */
  release(chunk: number): void {
    if ((this.#holders[chunk]! -= 1) === 0) this.#letGo(chunk);
  }

  /** A client has taken a piece of `chunk`. O(1). */
  noteTaken(chunk: number): void {
    if (this.#takes[chunk]! < POPULAR_TAKES) this.#takes[chunk]! += 1;
  }

  /** `row` wants nothing any more. O(1). */
  forget(row: number): void {
    this.#waits.lists.remove(row);
    this.#returnGrant(row);
    const promised = this.#promised[row]!;
    this.#promised[row] = NONE;
    if (promised >= 0) this.release(promised);
  }

  /** Reads `group` before anybody asks, if there is plenty of room. O(1). */
  readAhead(group: number): void {
    if (group >= this.#chunkOf.length || this.#chunkOf[group] !== NONE) return;
    if ((this.idle - this.#grants) * 4 < this.chunks || awaitingAny(this.#waits) > 0) return;
    this.#claim();
    this.counters.readAhead += 1;
    this.#load(this.#lists.take(IDLE_LIST), group);
  }

  /** The disk's blocks from `first` have been written: what was read of them before is not shown again. O(count). */
  invalidate(first: number, count: number): void {
    const last = Math.floor((first + count - 1) / CHUNK_BLOCKS);
    for (let group = Math.floor(first / CHUNK_BLOCKS); group <= last; group++) {
      const chunk = this.#chunkOf[group]!;
      if (chunk === NONE || this.#lists.listOf(chunk) === QUEUED_LIST) continue;
      this.#detach(chunk);
      if (this.#lists.listOf(chunk) === IDLE_LIST) this.#retire(chunk);
    }
  }

  /**
   * Gives the chunks back that were used longest ago, until that are `frames` frames; how many they were.
   *
   * What is missing then is given as soon as nobody holds it, before anybody gets
   * it who waits for a chunk, until this is called again. O(chunks given).
   */
  giveBack(frames: number): number {
    let given = 0;
    for (; given < frames && this.#giveOne(); given += CHUNK_BLOCKS);
    this.#owed = Math.max(0, Math.ceil((frames - given) / CHUNK_BLOCKS));
    return given;
  }

  /** False when no chunk can be spared. */
  #giveOne(): boolean {
    const chunk = this.#lists.first(IDLE_LIST);
    if (chunk === NONE || this.chunks <= KEPT_CHUNKS) return false;
    if (!this.#frames.release(this.#windows[chunk]!)) return false;
    this.#detach(chunk);
    this.#state[chunk] = EMPTY;
    this.#lists.add(GONE_LIST, chunk);
    this.counters.givenBack += 1;
    return true;
  }

  /** Gives the disk what it had no room for, and takes what it has finished. O(chunks in flight). */
  poll(): void {
    for (let chunk = this.#lists.first(FLIGHT_LIST); chunk !== NONE;) {
      const next = this.#lists.after(chunk);
      const status = this.#store.status(chunk);
      if (status !== TRANSFER_STATUS.pending) this.#finish(chunk, status === TRANSFER_STATUS.done);
      chunk = next;
    }
    for (let chunk = this.#lists.first(QUEUED_LIST); chunk !== NONE; chunk = this.#lists.first(QUEUED_LIST))
      if (!this.#submit(chunk)) return;
  }

  /** True while the disk has no room for what is to be read. */
  get blocked(): boolean {
    return this.#lists.count(QUEUED_LIST) > 0;
  }

  /** Chunks that may be given up for a newcomer, or for somebody who has taken something. */
  #spare(hasTaken: boolean): number {
    const share = hasTaken && !this.#isNewcomersTurn() ? SPARED_BY_OTHERS : SPARED_BY_NEWCOMERS;
    return this.idle - Math.floor(this.chunks * share);
  }

  /** Where both wait, those are next who hold less. */
  #isNewcomersTurn(): boolean {
    const { lists, freeNewcomers } = this.#waits;
    return lists.count(freeNewcomers) > 0 && 2 * this.#newcomerChunks < this.chunks - this.idle;
  }

  #collect(row: number, promised: number): number {
    if (promised >= 0 && this.#state[promised] !== READY) return WAIT;
    this.#promised[row] = NONE;
    return promised;
  }

  /** What somebody holds is there for all. What nobody holds a newcomer has if it is popular, or if there is plenty. */
  #mayShow(chunk: number, row: number, hasTaken: boolean): boolean {
    if (hasTaken || this.#holders[chunk]! > 0 || this.#takes[chunk] === POPULAR_TAKES) return true;
    return this.#mayTake(row, false);
  }

  #mayTake(row: number, hasTaken: boolean): boolean {
    return this.#spare(hasTaken) > (this.#granted[row] === 1 ? 0 : this.#grants);
  }

  #miss(group: number, row: number, hasTaken: boolean): number {
    this.#claim();
    if (!this.#mayTake(row, hasTaken)) return this.#awaitAny(row, hasTaken);
    this.#endGrant(row);
    this.counters.misses += 1;
    const chunk = this.#lists.take(IDLE_LIST);
    this.#load(chunk, group);
    this.#addHolder(chunk, hasTaken);
    this.#await(chunk, row);
    this.#grant();
    return WAIT;
  }

  /** Rather than give up something of use, takes frames for a chunk that has none. */
  #claim(): void {
    if (this.#owed > 0) return;
    const gone = this.#lists.first(GONE_LIST);
    const idle = this.#lists.first(IDLE_LIST);
    if (gone === NONE || (idle !== NONE && this.#group[idle] === NONE && this.idle > this.#grants)) return;
    const window = this.#frames.claim();
    if (window === undefined) return;
    this.#windows[gone] = window;
    this.#lists.addFirst(IDLE_LIST, gone);
  }

  /** A row that waits already keeps its place, and one whose chunk others have held meanwhile is the next. */
  #awaitAny(row: number, hasTaken: boolean): number {
    const { lists, free, freeNewcomers } = this.#waits;
    const list = hasTaken ? free : freeNewcomers;
    if (this.#granted[row] === 1) lists.addFirst(list, row);
    else if (lists.listOf(row) !== list) lists.add(list, row);
    this.#returnGrant(row);
    return WAIT;
  }

  #await(chunk: number, row: number): number {
    this.#promised[row] = chunk;
    this.#waits.lists.add(this.#waits.chunk + chunk, row);
    return WAIT;
  }

  #addHolder(chunk: number, hasTaken: boolean): void {
    const isFirst = (this.#holders[chunk]! += 1) === 1;
    if (isFirst && this.#state[chunk] === READY) this.#lists.remove(chunk);
    if (isFirst && !hasTaken) {
      this.#isNewcomers[chunk] = 1;
      this.#newcomerChunks += 1;
    }
  }

  #load(chunk: number, group: number): void {
    if (this.#group[chunk] !== NONE) {
      this.counters.evictions += 1;
      this.#detach(chunk);
    }
    this.#group[chunk] = group;
    this.#takes[chunk] = 0;
    this.#chunkOf[group] = chunk;
    this.#state[chunk] = LOADING;
    this.#submit(chunk);
  }

  #submit(chunk: number): boolean {
    const first = this.#group[chunk]! * CHUNK_BLOCKS;
    const count = Math.min(CHUNK_BLOCKS, this.#store.blocks - first);
    const accepted = this.#store.read(first, count, this.#windows[chunk]!, 0, chunk);
    this.#lists.add(accepted ? FLIGHT_LIST : QUEUED_LIST, chunk);
    return accepted;
  }

  #finish(chunk: number, done: boolean): void {
    this.#lists.remove(chunk);
    this.#state[chunk] = READY;
    if (!done) this.#fail(chunk);
    const { lists, runnable, chunk: first } = this.#waits;
    for (let row = lists.take(first + chunk); row !== NONE; row = lists.take(first + chunk)) {
      if (!done) this.#promised[row] = FAILED;
      lists.add(runnable, row);
    }
    if (!done) this.#holders[chunk] = 0;
    if (this.#holders[chunk] === 0) this.#letGo(chunk);
  }

  #fail(chunk: number): void {
    this.counters.failures += 1;
    this.#detach(chunk);
  }

  #detach(chunk: number): void {
    const group = this.#group[chunk]!;
    this.#group[chunk] = NONE;
    if (group !== NONE && this.#chunkOf[group] === chunk) this.#chunkOf[group] = NONE;
  }

  /** Nobody holds `chunk` any more; what is still being read is put where it belongs when that has ended. */
  #letGo(chunk: number): void {
    this.#newcomerChunks -= this.#isNewcomers[chunk]!;
    this.#isNewcomers[chunk] = 0;
    if (this.#state[chunk] === READY) this.#retire(chunk);
  }

  /** Nobody holds `chunk`: it may be given up, last of all if its contents are of use. */
  #retire(chunk: number): void {
    if (this.#group[chunk] === NONE) {
      this.#state[chunk] = EMPTY;
      this.#lists.addFirst(IDLE_LIST, chunk);
    } else this.#lists.add(IDLE_LIST, chunk);
    if (this.#owed > 0 && this.#giveOne()) this.#owed -= 1;
    this.#grant();
  }

  /** Sets idle chunks aside for those who have waited longest. */
  #grant(): void {
    for (let row = this.#nextWaiting(); row !== NONE; row = this.#nextWaiting()) {
      this.#granted[row] = 1;
      this.#grants += 1;
      this.#waits.lists.add(this.#waits.runnable, row);
    }
  }

  /** Who waits and may have a chunk: newcomers if it is their turn, or nobody else waits. */
  #nextWaiting(): number {
    if (awaitingAny(this.#waits) === 0) return NONE;
    const { lists, free, freeNewcomers } = this.#waits;
    const hasTaken = lists.count(free) > 0 && !this.#isNewcomersTurn();
    if (this.#spare(hasTaken) <= this.#grants) return NONE;
    return lists.take(hasTaken ? free : freeNewcomers);
  }

  /** `row` needs nothing set aside for it; and whose turn it is may have changed, now that it waits no more, or elsewhere. */
  #returnGrant(row: number): void {
    this.#endGrant(row);
    this.#grant();
  }

  #endGrant(row: number): void {
    this.#grants -= this.#granted[row]!;
    this.#granted[row] = 0;
  }
}
