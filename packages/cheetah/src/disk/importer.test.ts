import { BLOCK_BYTES, TRANSFER_STATUS, type Cycles } from "@exolith/exokernel/abi";
import { makeWindow } from "@exolith/exokernel/testing";
import { expect, test } from "vitest";
import type { BlockStore } from "./block-store.ts";
import { Importer } from "./importer.ts";
import { Site } from "./site.ts";
import type { SiteSource } from "./site-source.ts";
import { STAGING_BYTES, Staging } from "./staging.ts";

const HERTZ = 1_000_000;
const BLOCKS = 4096;

/** Blocks that move at once. */
function memoryStore(): BlockStore {
  const bytes = new Uint8Array(BLOCKS * BLOCK_BYTES);
  return {
    blocks: BLOCKS,
    read: (first, count, window, at) => {
      window.write(at, bytes, first * BLOCK_BYTES, count * BLOCK_BYTES);
      return true;
    },
    write: (first, count, window, at) => {
      window.read(at, bytes, first * BLOCK_BYTES, count * BLOCK_BYTES);
      return true;
    },
    status: () => TRANSFER_STATUS.done,
  };
}

interface Timed {
  readonly importer: Importer;
  readonly clock: { time: number };
  /** Polls until nothing is under way; the longest poll in cycles. */
  settle(): number;
}

/** An importer of `files` empty files, each of which takes `cycles` to list. */
function makeTimed(files: number, cycles: number): Timed {
  const clock = { time: 0 };
  const source: SiteSource = {
    *list() {
      for (let i = 0; i < files; i++) {
        clock.time += cycles;
        yield { path: `${i}`, size: 0, modified: 0 };
      }
    },
    read: () => 0,
  };
  const windows = [makeWindow(STAGING_BYTES), makeWindow(STAGING_BYTES)];
  const site = new Site(BLOCKS);
  const staging = new Staging(windows, memoryStore(), 0, () => {});
  const now = (): Cycles => clock.time as Cycles;
  const importer = new Importer({
    site,
    staging,
    source,
    clock: { now, wallclock: now, hertz: HERTZ },
    grouping: true,
  });
  const settle = (): number => {
    const { rounds } = importer.progress;
    let longest = 0;
    while (importer.progress.rounds === rounds) {
      const before = clock.time;
      importer.poll();
      longest = Math.max(longest, clock.time - before);
    }
    return longest;
  };
  return { importer, clock, settle };
}

test("a poll takes about a millisecond, however many files there are", () => {
  const { importer, settle } = makeTimed(5000, 100);
  const longest = settle();
  expect(importer.progress).toMatchObject({ rounds: 1, files: 5000, error: undefined });
  expect(longest).toBeLessThanOrEqual(0.001 * HERTZ + 100);
  importer.refresh();
  expect(settle()).toBeLessThanOrEqual(0.001 * HERTZ + 100);
});

test("a refresh asked for all the time has a tenth of the time; the first import holds up none", () => {
  const { importer, clock, settle } = makeTimed(1000, 100);
  settle();
  importer.refresh();
  settle();
  expect(importer.progress.rounds).toBe(2);
  const ended = clock.time;
  importer.refresh();
  expect([importer.poll(), importer.progress.rounds]).toEqual([false, 2]);
  expect(importer.wakeAt()).toBe(ended + 10 * 1000 * 100);
  clock.time = importer.wakeAt() - 1;
  expect(importer.poll()).toBe(false);
  clock.time += 1;
  settle();
  expect(importer.progress.rounds).toBe(3);
});
