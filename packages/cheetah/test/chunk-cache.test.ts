/** The cache alone, with rows that ask, wait and let go in any order: nobody waits for nothing, and nothing is lost. */
import { TRANSFER_STATUS } from "@exolith/exokernel/abi";
import type { Window } from "@exolith/exokernel/abi";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { ChunkFrames } from "../src/cache/chunk-cache.ts";
import { CHUNK_BLOCKS, CHUNK_BYTES, ChunkCache, FAILED, WAIT } from "../src/cache/chunk-cache.ts";
import type { BlockStore } from "../src/disk/block-store.ts";
import { makeWaitLists } from "../src/memory/wait-lists.ts";

const ROWS = 12;
const SIZES = [1, 4, 8, 32];
/** Reads that the disk takes at a time. */
const DISK_READS = 3;
/** Times that a row goes on at most without any read that ends. */
const TURNS_A_ROW = 4;
/** Chunks that a row holds at most. */
const HELD = 4;
/** Reads, and what comes of them, that a row needs at most after its turn has come. */
const ROUNDS_A_ROW = 3;

/** A cache looks at nothing in a window: who the window is says it all. */
const makeWindow = (): Window => ({ length: CHUNK_BYTES }) as Window;

/** A disk whose reads end when the test says so. */
class HeldDisk implements BlockStore {
  readonly blocks: number;
  /** By window: the group that was read into it last. */
  readonly contents = new Map<Window, number>();
  readonly #reads: { readonly word: number; readonly window: Window; readonly group: number }[] = [];
  readonly #status = new Map<number, number>();

  constructor(groups: number) {
    this.blocks = groups * CHUNK_BLOCKS;
  }

  read(first: number, _count: number, window: Window, _at: number, word: number): boolean {
    if (this.#reads.length === DISK_READS) return false;
    this.#status.set(word, TRANSFER_STATUS.pending);
    this.#reads.push({ word, window, group: first / CHUNK_BLOCKS });
    this.contents.delete(window);
    return true;
  }

  write(): boolean {
    return false;
  }

  status(word: number): number {
    return this.#status.get(word) ?? TRANSFER_STATUS.pending;
  }

  /** Ends one of the reads, the `which`th in a circle; false when there is none. */
  end(which: number, isGood: boolean): boolean {
    const [read] = this.#reads.splice(which % Math.max(1, this.#reads.length), 1);
    if (read === undefined) return false;
    this.#status.set(read.word, isGood ? TRANSFER_STATUS.done : TRANSFER_STATUS.failed);
    if (isGood) this.contents.set(read.window, read.group);
    return true;
  }
}

/** Frames that come back when they are wanted, as long as there are some. */
class Frames implements ChunkFrames {
  readonly spare: Window[] = [];

  claim(): Window | undefined {
    return this.spare.pop();
  }

  release(): boolean {
    this.spare.push(makeWindow());
    return true;
  }
}

interface Row {
  readonly row: number;
  readonly held: { readonly chunk: number; readonly group: number }[];
  wanted: number | undefined;
  hasTaken: boolean;
}

/** Some rows, their cache and its disk. */
class Crowd {
  readonly groups: number;
  readonly disk: HeldDisk;
  readonly cache: ChunkCache;
  readonly waits: ReturnType<typeof makeWaitLists>;
  readonly rows: readonly Row[];
  /** What came of every question, in order. */
  readonly answers: string[] = [];

  constructor(chunks: number) {
    this.groups = 2 * chunks + 2;
    this.disk = new HeldDisk(this.groups);
    this.waits = makeWaitLists(ROWS, chunks);
    const windows = Array.from({ length: chunks }, makeWindow);
    this.cache = new ChunkCache(windows, this.disk, this.waits, ROWS, new Frames());
    this.rows = Array.from({ length: ROWS }, (_, row) => ({
      row,
      held: [],
      wanted: undefined,
      hasTaken: row % 2 === 1,
    }));
  }

  /** `row` asks for `group`, unless it waits already: then it asks for that again. */
  ask(row: Row, group: number): void {
    if (row.wanted === undefined && row.held.length === HELD) return;
    row.wanted ??= group % this.groups;
    this.goOn(row);
  }

  /** `row` asks again for what it waits for, if it does. */
  goOn(row: Row): void {
    if (row.wanted === undefined) return;
    const { misses } = this.cache.counters;
    const chunk = this.cache.hold(row.wanted, row.row, row.hasTaken);
    this.answers.push(`${row.row}: ${chunk < 0 ? chunk : "held"}`);
    if (this.cache.counters.misses > misses) this.#expectSpared(row);
    if (chunk === WAIT) return;
    if (chunk !== FAILED) row.held.push({ chunk, group: row.wanted });
    row.wanted = undefined;
  }

  /** Lets the oldest of what `row` holds go. */
  release(row: Row, isTaken: boolean): void {
    const piece = row.held.shift();
    if (piece === undefined) return;
    expect(this.disk.contents.get(this.cache.window(piece.chunk))).toBe(piece.group);
    this.cache.release(piece.chunk);
    if (isTaken) this.cache.noteTaken(piece.chunk);
  }

  forget(row: Row): void {
    this.cache.forget(row.row);
    row.wanted = undefined;
  }

  /** Another client has the row. */
  replace(row: Row): void {
    this.forget(row);
    while (row.held.length > 0) this.release(row, false);
    row.hasTaken = false;
  }

  endReads(): void {
    while (this.disk.end(0, true)) this.cache.poll();
  }

  /** All go on that may, and there is an end to it. */
  settle(): void {
    const { lists, runnable } = this.waits;
    let turns = 0;
    for (let row = lists.take(runnable); row >= 0; row = lists.take(runnable)) {
      this.goOn(this.rows[row]!);
      expect((turns += 1)).toBeLessThanOrEqual(ROWS * TURNS_A_ROW);
    }
  }

  /** All reads end and all that is held is let go, again and again; how many times there was still somebody who waited. */
  drain(): number {
    let rounds = 0;
    for (; this.rows.some(isBusy) && rounds <= ROWS * ROUNDS_A_ROW; rounds++) {
      this.endReads();
      this.settle();
      for (const row of this.rows) while (row.held.length > 0) this.release(row, false);
    }
    this.endReads();
    this.settle();
    return rounds;
  }

  /** Nobody waits and nothing is held. */
  expectQuiet(): void {
    expect(this.rows.filter(isBusy)).toEqual([]);
    expect(this.rows.map(({ row }) => this.waits.lists.listOf(row))).toEqual(this.rows.map(() => -1));
    expect(this.cache.idle).toBe(this.cache.chunks);
  }

  /** Nothing of the disk is in the cache any more, and the rows are as in the beginning. */
  reset(): void {
    this.cache.invalidate(0, this.disk.blocks);
    for (const row of this.rows) row.hasTaken = row.row % 2 === 1;
    this.answers.length = 0;
  }

  #expectSpared(row: Row): void {
    const { idle, chunks } = this.cache;
    expect(idle).toBeGreaterThanOrEqual(Math.floor(chunks / (row.hasTaken ? 8 : 4)));
  }
}

const isBusy = ({ wanted, held }: Row): boolean => wanted !== undefined || held.length > 0;

interface Step {
  readonly name: keyof typeof ACTS;
  readonly row: number;
  readonly group: number;
}

/** What happens to a server's rows. */
const ACTS = {
  ask: (crowd: Crowd, row: Row, group: number) => crowd.ask(row, group),
  have: (crowd: Crowd, row: Row, group: number) => {
    crowd.ask(row, group);
    crowd.endReads();
    crowd.settle();
  },
  run: (crowd: Crowd) => crowd.settle(),
  read: (crowd: Crowd, _row: Row, which: number) => {
    if (crowd.disk.end(which, true)) crowd.cache.poll();
  },
  failToRead: (crowd: Crowd, _row: Row, which: number) => {
    if (crowd.disk.end(which, false)) crowd.cache.poll();
  },
  take: (crowd: Crowd, row: Row) => {
    crowd.release(row, true);
    crowd.goOn(row);
  },
  getOn: (crowd: Crowd, row: Row) => {
    row.hasTaken = true;
    crowd.goOn(row);
  },
  forget: (crowd: Crowd, row: Row) => crowd.forget(row),
  replace: (crowd: Crowd, row: Row) => crowd.replace(row),
  readAhead: (crowd: Crowd, _row: Row, group: number) => crowd.cache.readAhead(group % crowd.groups),
  invalidate: (crowd: Crowd, _row: Row, group: number) =>
    crowd.cache.invalidate((group % crowd.groups) * CHUNK_BLOCKS, 1),
  giveBack: (crowd: Crowd, _row: Row, group: number) => {
    crowd.cache.giveBack((group % 3) * CHUNK_BLOCKS);
  },
};

const USUAL: Step["name"][] = ["ask", "ask", "have", "have", "have", "run", "read", "take"];
const RARE: Step["name"][] = ["failToRead", "getOn", "forget", "replace", "readAhead", "invalidate"];

const ANY: Step["name"][] = [...USUAL, ...USUAL, ...USUAL, ...RARE];

/** Many things that happen, of `names`. */
const steps = (names: readonly Step["name"][]): fc.Arbitrary<Step[]> =>
  fc.array(fc.record({ name: fc.constantFrom(...names), row: fc.nat(ROWS - 1), group: fc.nat(2 * 32 + 1) }), {
    maxLength: 160,
    size: "max",
  });

const act = (crowd: Crowd, { name, row, group }: Step): void => ACTS[name](crowd, crowd.rows[row]!, group);

test.each(SIZES)("of %i chunks everybody has the one it waits for once the others let go", (chunks) => {
  fc.assert(
    fc.property(steps([...ANY, "giveBack"]), (list) => {
      const crowd = new Crowd(chunks);
      for (const step of list) act(crowd, step);
      expect(crowd.drain()).toBeLessThanOrEqual(ROWS * ROUNDS_A_ROW);
      crowd.expectQuiet();
    }),
    { numRuns: 200 },
  );
});

test.each(SIZES)("of %i chunks nothing stays behind: the same again comes to the same", (chunks) => {
  fc.assert(
    fc.property(steps(ANY), (list) => {
      const crowd = new Crowd(chunks);
      const behave = (): string[] => {
        crowd.reset();
        for (const step of list) act(crowd, step);
        crowd.drain();
        crowd.expectQuiet();
        return [...crowd.answers];
      };
      expect(behave()).toEqual(behave());
    }),
    { numRuns: 100 },
  );
});

test("what is taken of a chunk that is shown no more does not make the next contents of it popular", () => {
  const crowd = new Crowd(4);
  const [newcomer, taker, other] = [crowd.rows[0]!, crowd.rows[1]!, crowd.rows[3]!];
  for (let hold = 0; hold < HELD; hold++) ACTS.have(crowd, taker, 0);
  crowd.cache.invalidate(0, 1);
  for (let hold = 0; hold < HELD; hold++) crowd.release(taker, true);
  for (let group = 1; group <= 4; group++) ACTS.have(crowd, other, group);
  crowd.release(other, false);
  crowd.ask(newcomer, 1);
  expect(crowd.waits.lists.listOf(newcomer.row)).toBe(crowd.waits.freeNewcomers);
});

/** Asks for those who wait for any chunk, whether there is one for them. */
function expectNoneForWaiting(crowd: Crowd): void {
  const { lists, free, freeNewcomers } = crowd.waits;
  for (const list of [free, freeNewcomers]) {
    const row = lists.first(list);
    if (row < 0) continue;
    const { misses } = crowd.cache.counters;
    crowd.goOn(crowd.rows[row]!);
    expect(crowd.cache.counters.misses).toBe(misses);
    crowd.settle();
  }
}

test.each(SIZES)("of %i chunks nobody waits for one that he would have if he asked again", (chunks) => {
  fc.assert(
    fc.property(steps(ANY), (list) => {
      const crowd = new Crowd(chunks);
      for (const step of list) {
        act(crowd, step);
        crowd.settle();
        expectNoneForWaiting(crowd);
      }
    }),
    { numRuns: 200 },
  );
});

test("what comes free is for the one who waits, and not for one who asks before that goes on", () => {
  const crowd = new Crowd(1);
  const [, holder, late, waiting] = crowd.rows as [Row, Row, Row, Row];
  late.hasTaken = true;
  ACTS.have(crowd, holder, 0);
  crowd.ask(waiting, 1);
  crowd.release(holder, true);
  crowd.ask(late, 2);
  crowd.settle();
  crowd.endReads();
  crowd.settle();
  expect([waiting.held.length, late.held.length]).toEqual([1, 0]);
});

test.each(["goes away", "gets on"] as const)(
  "when the last newcomer that waits %s, it is at once the turn of the others that wait",
  (what) => {
    const crowd = new Crowd(8);
    const [newcomer, other, reader, taker] = crowd.rows as [Row, Row, Row, Row];
    reader.hasTaken = taker.hasTaken = true;
    other.hasTaken = false;
    for (let group = 0; group < HELD; group++) ACTS.have(crowd, reader, group);
    for (let group = HELD; group < 6; group++) ACTS.have(crowd, other, group);
    crowd.ask(newcomer, 6);
    crowd.ask(taker, 7);
    expect(crowd.waits.lists.count(crowd.waits.runnable)).toBe(0);
    ACTS[what === "gets on" ? "getOn" : "forget"](crowd, newcomer);
    expect(crowd.waits.lists.first(crowd.waits.runnable)).toBe(taker.row);
  },
);

test("a quarter of the chunks stays when newcomers ask for anything, and who has taken something has one at once", () => {
  const sizes = fc.integer({ min: 8, max: 40 });
  fc.assert(
    fc.property(sizes, steps(["ask", "ask", "ask", "run", "read", "replace"]), (chunks, list) => {
      const crowd = new Crowd(chunks);
      const taker = crowd.rows[0]!;
      for (const row of crowd.rows) row.hasTaken = false;
      for (const step of list) if (step.row > 0) act(crowd, step);
      crowd.endReads();
      crowd.settle();
      crowd.endReads();
      expect(crowd.cache.idle).toBeGreaterThanOrEqual(Math.floor(chunks / 4));
      const { misses } = crowd.cache.counters;
      crowd.cache.invalidate(0, CHUNK_BLOCKS);
      taker.hasTaken = true;
      crowd.ask(taker, 0);
      expect(crowd.cache.counters.misses).toBe(misses + 1);
    }),
    { numRuns: 200 },
  );
});
