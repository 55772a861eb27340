/** Programs with more pages than frames: what goes, what comes back, and what may not be written. */
import { expect, test } from "vitest";
import { runWasi, type RunOptions } from "../src/board/run-wasi.ts";
import { firstInFirstOut, secondChance } from "../src/memory/page-policy.ts";
import type { Pager } from "../src/memory/pager.ts";
import { describeOutcome } from "../src/program/program-outcome.ts";
import { makeArrayStore, type ArrayStore } from "../src/testing/array-store.ts";
import { SAY, WRITE, moduleOf, sweep } from "./hand-made.ts";
import { program } from "./programs.ts";
import { readable, runHere } from "./run-here.ts";

/** Frames that a program has besides those for its pages. */
const CONTEXT = 128;

const paged = (frames: number, store: ArrayStore, more: RunOptions = {}): RunOptions => ({
  mode: "paged",
  limits: { frames: CONTEXT + frames },
  store: () => store,
  ...more,
});

test.each([4096, 65_536] as const)(
  "a working set of twice the frames: the program ends, and is right (pages of %i)",
  async (pageBytes) => {
    const pages = 512;
    const store = makeArrayStore(1024, pageBytes);
    const { outcome, stdout, ledger } = await runWasi(
      sweep(pages, 4),
      paged(pages / 2, store, { pageBytes }),
    );
    expect([outcome, readable(stdout)]).toEqual([{ kind: "exited", code: 0 }, `${pages * 4}\n`]);
    expect(ledger.frames).toBeLessThanOrEqual(CONTEXT + pages / 2);
    expect(ledger.paging).toMatchObject({ saved: store.saves, loaded: store.loads });
    expect(store.loads).toBeGreaterThan(pages / (pageBytes / 4096));
  },
);

test("without a store the same program is stopped by its limit", async () => {
  const { outcome } = await runWasi(sweep(512, 4), { mode: "paged", limits: { frames: CONTEXT + 256 } });
  expect(outcome).toEqual({ kind: "limited", limit: "frames" });
});

/** Touches 400 pages, and has a call fill 300 of them. */
const FILL =
  moduleOf(`(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (memory (export "memory") 40) (func (export "_start")
    (drop (call $random (i32.const 0) (i32.const 1228800))) (drop (call $random (i32.const 0) (i32.const 1228800))))`);

test("a store with too few places, or one that breaks, stops it with an outcome, and the board goes on", async () => {
  const few = await runWasi(sweep(512, 4), paged(256, makeArrayStore(10)));
  expect(few.outcome).toEqual({ kind: "limited", limit: "frames" });
  for (const broken of ["saves", "loads"] as const) {
    const store = makeArrayStore(1024);
    store.broken = broken;
    const { outcome, exitCode } = await runWasi(sweep(512, 4), paged(256, store));
    expect([outcome, exitCode]).toEqual([{ kind: "failed", part: "store" }, 135]);
    expect(describeOutcome(outcome)).toBe("stopped: the store of its pages failed");
    expect((await runWasi(FILL, paged(100, store))).outcome).toEqual({ kind: "failed", part: "store" });
  }
});

/** Touches eight pages again and again, and between that ever another of 300. */
const LOCAL = moduleOf(`${WRITE} (memory (export "memory") 40) ${SAY}
  (func (export "_start") (local $round i32) (local $hot i32) (local $sum i32)
    (loop $rounds
      (local.set $hot (i32.const 0))
      (loop $next
        (i32.store (i32.add (i32.const 65536) (i32.mul (local.get $hot) (i32.const 4096)))
          (i32.add (local.get $round) (i32.const 1)))
        (br_if $next (i32.lt_u (local.tee $hot (i32.add (local.get $hot) (i32.const 1))) (i32.const 8))))
      (local.set $sum (i32.add (local.get $sum)
        (i32.load (i32.add (i32.const 131072) (i32.mul (i32.rem_u (local.get $round) (i32.const 300)) (i32.const 4096))))))
      (i32.store (i32.add (i32.const 131072) (i32.mul (i32.rem_u (local.get $round) (i32.const 300)) (i32.const 4096)))
        (local.get $round))
      (br_if $rounds
        (i32.lt_u (local.tee $round (i32.add (local.get $round) (i32.const 1))) (i32.const 2000))))
    (call $say (local.get $sum)))`);

test("the library chooses: two policies bring back other pages, each always the same", async () => {
  const run = async (policy: typeof secondChance): Promise<unknown> => {
    const store = makeArrayStore(1024);
    const { outcome, stdout, ledger } = await runWasi(LOCAL, paged(24, store, { policy }));
    expect([outcome, readable(stdout)]).toEqual([{ kind: "exited", code: 0 }, `${(1699 * 1700) / 2}\n`]);
    return ledger.paging;
  };
  const first = (await run(firstInFirstOut)) as { loaded: number };
  const second = (await run(secondChance)) as { loaded: number };
  expect(await run(firstInFirstOut)).toEqual(first);
  expect(await run(secondChance)).toEqual(second);
  // The eight pages stay with a second chance; each of the others comes once a round anyway.
  expect(second.loaded).toBeLessThan(first.loaded * 0.9);
  expect(second.loaded).toBeGreaterThanOrEqual(1700);
});

test("with the fewest frames that there may be, accesses that cross pages, and copies, come to an end", async () => {
  const CROSS = moduleOf(`${WRITE} (memory (export "memory") 4) ${SAY}
    (func (export "_start") (local $at i32) (local $right i32)
      (local.set $at (i32.const 8191))
      (loop $next
        (i64.store (local.get $at) (i64.const 0x0102030405060708))
        (memory.copy (i32.add (local.get $at) (i32.const 61000)) (local.get $at) (i32.const 8))
        (if (i64.eq (i64.load (i32.add (local.get $at) (i32.const 61000))) (i64.const 0x0102030405060708))
          (then (local.set $right (i32.add (local.get $right) (i32.const 1)))))
        (br_if $next
          (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4096))) (i32.const 100000))))
      (memory.copy (i32.const 4095) (i32.const 50000) (i32.const 90000))
      (memory.fill (i32.const 1) (i32.const 0) (i32.const 200000))
      (call $say (local.get $right)))`);
  const store = makeArrayStore(1024);
  const { outcome, stdout } = await runWasi(CROSS, paged(5, store));
  expect([outcome, readable(stdout)]).toEqual([{ kind: "exited", code: 0 }, "23\n"]);
});

/** Says 1, writes to page 20, says what it finds there, and so on three times. */
const WRITER = moduleOf(`${WRITE} (memory (export "memory") 2) ${SAY}
  (func (export "_start") (local $round i32)
    (i32.store (i32.const 81920) (i32.const 40))
    (loop $again
      (call $say (i32.const 1))
      (i32.store (i32.const 81924) (i32.const 7))
      (i32.store (i32.const 81920) (i32.add (i32.load (i32.const 81920)) (i32.const 1)))
      (call $say (i32.load (i32.const 81920)))
      (br_if $again (i32.lt_u (local.tee $round (i32.add (local.get $round) (i32.const 1))) (i32.const 3)))))`);

function watched(answer: (pager: Pager, address: number) => boolean) {
  const faults: [string, number][] = [];
  const said: string[] = [];
  let pager: Pager | undefined;
  const options: RunOptions = {
    mode: "paged",
    stdout: (bytes) => {
      const text = readable(bytes) as string;
      said.push(text.trim());
      if (text === "1\n") pager?.protect(81_920, 4096, true);
    },
    paging: {
      loaded: (loaded) => {
        pager = loaded;
      },
      fault: (fault, address, from) => {
        faults.push([fault, address]);
        return answer(from, address);
      },
    },
  };
  return { faults, said, options };
}

test("a write to a page that was made read-only arrives as a fault, which is answered", async () => {
  const { faults, said, options } = watched((pager, address) => {
    pager.protect(address, 1, false);
    return true;
  });
  const { outcome } = await runWasi(WRITER, options);
  expect(outcome).toEqual({ kind: "exited", code: 0 });
  expect(said).toEqual(["1", "41", "1", "42", "1", "43"]);
  expect(faults).toEqual(Array.from({ length: 3 }, () => ["protection", 81_924]));
});

test.each([
  ["is refused", (): boolean => false],
  ["is said to be answered, and is not", (): boolean => true],
] as const)("a fault that %s is fatal", async (_, answer) => {
  const { faults, said, options } = watched(answer);
  const { outcome, exitCode } = await runWasi(WRITER, options);
  expect(outcome).toMatchObject({ kind: "faulted", fault: "protection", address: 81_924 });
  expect([exitCode, said]).toEqual([139, ["1"]]);
  expect(faults.length).toBeGreaterThan(0);
});

const sqlite = await program("sqlite3");
test.skipIf(sqlite.bytes === undefined)("SQLite with half of the frames that it touches", async () => {
  const given = {
    args: [":memory:"],
    stdin: `create table t(x, y); with recursive n(i) as (select 1 union all select i + 1 from n where i < 1500)
      insert into t select i, printf('row %d', i * 7) from n; create index i on t(y);
      select count(*), sum(x), max(y) from t; pragma integrity_check;`,
    preopens: { "/": {} },
  };
  const bytes = sqlite.bytes as Uint8Array;
  const whole = await runHere(bytes, given, { mode: "paged" });
  const store = makeArrayStore(4096);
  const frames = Math.floor((whole.result.ledger.frames - CONTEXT) / 2);
  const half = await runHere(bytes, given, paged(frames, store));
  expect(readable(half.stdout)).toBe(readable(whole.stdout));
  expect(half.result.ledger.frames).toBeLessThanOrEqual(CONTEXT + frames);
  expect(store.loads).toBeGreaterThan(10);
});
