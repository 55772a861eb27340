/** Limits hold, and an outcome names the one that was reached; what cannot be run is refused with the reason. */
import { expect, test } from "vitest";
import { makeBoard } from "../src/board/unix-board.ts";
import { runWasi, startWasi } from "../src/board/run-wasi.ts";
import { describeOutcome } from "../src/program/program-outcome.ts";
import { DescriptorTable } from "../src/descriptor/table.ts";
import type { ProgramLimits } from "../src/program/program-limits.ts";
import { WRITE, moduleOf, sweep } from "./hand-made.ts";
import { program } from "./programs.ts";
import { memoryDirectory, readable, runHere } from "./run-here.ts";

const modes = ["segment", "paged"] as const;

const attack = async (name: string) => (await program(`attack-${name}`)).bytes as Uint8Array<ArrayBuffer>;
const isMissing = (await program("attack-grow")).bytes === undefined;
const whenBuilt = test.skipIf(isMissing);

const START = '(func (export "_start")';
const EMPTY = moduleOf(`(memory (export "memory") 1) ${START})`);
const LOOP = moduleOf(`(memory (export "memory") 1) ${START} (loop $again (br $again)))`);

whenBuilt(
  "frames, in a segment: memory grows no further than they reach, and the program goes on",
  async () => {
    const { result, stdout } = await runHere(await attack("grow"), {}, { limits: { frames: 4096 } });
    expect([result.outcome.kind, readable(stdout)]).toEqual(["exited", "14\n"]);
    expect(result.ledger.frames).toBe(4096);
  },
);

whenBuilt.each([4096, 65_536] as const)("frames, with pages of %i: limited", async (pageBytes) => {
  const limits = { frames: 4096 };
  const { result } = await runHere(await attack("grow"), {}, { mode: "paged", pageBytes, limits });
  expect(result.outcome).toEqual({ kind: "limited", limit: "frames" });
  expect([result.exitCode, describeOutcome(result.outcome)]).toEqual([
    137,
    "stopped: limit of frames reached",
  ]);
  expect(result.ledger.frames).toBeLessThanOrEqual(4096);
  expect(result.ledger.frames).toBeGreaterThan(4096 - 128);
});

test("frames that run out in a call: the limit is named, not an address", async () => {
  const FILL =
    moduleOf(`(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
    (memory (export "memory") 64) ${START} (drop (call $random (i32.const 0) (i32.const 4194304))))`);
  const here = await runHere(FILL, {}, { mode: "paged", limits: { frames: 512 } });
  expect(here.result.outcome).toEqual({ kind: "limited", limit: "frames" });
});

test.each(modes)("milliseconds: a loop without end is stopped (%s)", async (mode) => {
  const { outcome, exitCode, ledger } = await runWasi(LOOP, { mode, limits: { milliseconds: 20 } });
  expect([outcome, exitCode]).toEqual([{ kind: "limited", limit: "milliseconds" }, 152]);
  expect(ledger.milliseconds).toBeGreaterThan(20);
});

whenBuilt.each(modes)("descriptors: opening is refused, and the program goes on (%s)", async (mode) => {
  const given = { preopens: { "/": {} } };
  const few = await runHere(await attack("descriptors"), given, { mode, limits: { descriptors: 64 } });
  expect([few.code, readable(few.stdout)]).toEqual([0, "60: No file descriptors available\n"]);
  const many = await runHere(await attack("descriptors"), given, { mode });
  expect(readable(many.stdout)).toBe("1020: No file descriptors available\n");
});

whenBuilt.each(modes)("outputBytes: no byte more than that is written (%s)", async (mode) => {
  const limits = { outputBytes: 1_000_000 };
  const { outcome, stdout, exitCode, ledger } = await runWasi(await attack("output"), { mode, limits });
  expect([outcome, exitCode]).toEqual([{ kind: "limited", limit: "outputBytes" }, 137]);
  expect(stdout.length).toBeLessThanOrEqual(1_000_000);
  expect(stdout.length).toBeGreaterThan(900_000);
  expect(ledger.outputBytes).toBe(stdout.length);
});

whenBuilt("outputBytes: what is collected has a limit even when none is given", async () => {
  const { outcome, stdout } = await runWasi(await attack("output"));
  expect(outcome).toEqual({ kind: "limited", limit: "outputBytes" });
  expect(stdout.length).toBe(64 << 20);
});

test("more is open than the limit of descriptors allows: it is not started", async () => {
  await expect(runWasi(EMPTY, { limits: { descriptors: 2 } })).rejects.toThrow("limit of descriptors");
});

test.each(
  Object.entries({
    frames: [Number.NaN, -1, 1.5, Infinity, 1e9, "20"],
    milliseconds: [Number.NaN, -1, "20", null],
    descriptors: [Number.NaN, -1, 1.5, Infinity, 2 ** 33],
    outputBytes: [Number.NaN, -5, 0.5, {}],
  }),
)("a limit of %s that is no amount is refused by name", async (name, values) => {
  const board = makeBoard({ frames: 1000 });
  for (const value of values) {
    const limits = { [name]: value } as ProgramLimits;
    expect(() => startWasi(EMPTY, { limits })).toThrow(new RegExp(`limit of ${name}`));
    expect(() => startWasi(EMPTY, { limits, board })).toThrow(RangeError);
    const descriptors = new DescriptorTable(3);
    const random = (): void => undefined;
    expect(() => board.start({ module: EMPTY, mode: "segment", descriptors, random, limits })).toThrow(
      RangeError,
    );
  }
  await board.close();
});

test("limits at their edges hold", async () => {
  const kinds = async (limits: ProgramLimits) => (await runWasi(LOOP, { limits })).outcome;
  expect(await kinds({ milliseconds: 0 })).toEqual({ kind: "limited", limit: "milliseconds" });
  expect(await kinds({ milliseconds: 0.5, outputBytes: Infinity })).toMatchObject({ limit: "milliseconds" });
  const none = {
    frames: undefined,
    descriptors: undefined,
    outputBytes: undefined,
    milliseconds: 1,
  } as object;
  expect(await kinds(none)).toMatchObject({ limit: "milliseconds" });
});

/** Writes `length` bytes at a time for ever. */
const writeAll = (length: number, pages: number): Uint8Array =>
  moduleOf(`${WRITE} (memory (export "memory") ${pages}) ${START} (i32.store (i32.const 4) (i32.const ${length}))
    (loop $again (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))) (br $again)))`);

test("outputBytes: what is written before the limit is reached is in the ledger, chunk by chunk", async () => {
  const { outcome, stdout, ledger } = await runWasi(writeAll(196_608, 8), {
    limits: { outputBytes: 131_072 },
  });
  expect(outcome).toEqual({ kind: "limited", limit: "outputBytes" });
  expect([stdout.length, ledger.outputBytes, ledger.bytesWritten]).toEqual([131_072, 131_072, 131_072]);
});

test("outputBytes that is undefined is as if it were not given: what is collected has its bound", async () => {
  const limits = { outputBytes: undefined } as object;
  const { outcome, stdout } = await runWasi(writeAll(1 << 22, 80), { limits, stderr: () => undefined });
  expect([outcome, stdout.length]).toEqual([{ kind: "limited", limit: "outputBytes" }, 64 << 20]);
});

/** Touches so many pages, then does what comes after. */
const touch = (pages: number, after: string): Uint8Array =>
  moduleOf(`(memory (export "memory") ${Math.ceil(pages / 16)}) ${START} (local $page i32)
    (loop $next
      (i32.store (i32.mul (local.get $page) (i32.const 4096)) (i32.const 1))
      (br_if $next (i32.lt_u (local.tee $page (i32.add (local.get $page) (i32.const 1))) (i32.const ${pages}))))
    ${after})`);

test("a paged program that finds no frame below its own limit is told that the board is full", async () => {
  const board = makeBoard({ frames: 2000, spaces: 2 });
  const hog = startWasi(touch(1500, "(loop $again (br $again))"), {
    board,
    mode: "paged",
    limits: { frames: 1900 },
  });
  while (hog.ledger().frames < 1500 + 128) await new Promise((resolve) => setTimeout(resolve, 1));
  const { outcome, exitCode, ledger } = await runWasi(touch(600, ""), {
    board,
    mode: "paged",
    limits: { frames: 900 },
  });
  expect([outcome, exitCode]).toEqual([{ kind: "limited", limit: "boardFrames" }, 137]);
  expect(describeOutcome(outcome)).toBe("stopped: all frames of the board are taken, below its own limit");
  expect(ledger.frames).toBeLessThan(900);
  hog.stop();
  await hog.result;
  expect((await runWasi(touch(600, ""), { board, mode: "paged", limits: { frames: 900 } })).exitCode).toBe(0);
  await board.close();
});

test("more paged programs than the board has spaces: refused, and the reason is the spaces", async () => {
  const board = makeBoard({ frames: 2000 });
  const first = startWasi(LOOP, { board, mode: "paged", limits: { frames: 400 } });
  const { outcome } = await runWasi(LOOP, { board, mode: "paged", limits: { frames: 400 } });
  expect(outcome).toEqual({ kind: "refused", error: "NoSpace" });
  expect(describeOutcome(outcome)).toBe("not started: all address spaces of the board are taken");
  first.stop();
  await first.result;
  await board.close();
});

test("addresses above 2 GiB in calls: each page is its own, and the program is not limited", async () => {
  for (const at of [0x7fff_fffc, 0x8000_0010]) {
    const module =
      moduleOf(`(import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32))) (memory (export "memory") 1)
      ${START} (drop (memory.grow (i32.const 45000)))
        (call $exit (i32.add (i32.const 100) (call $clock (i32.const 1) (i64.const 0) (i32.const ${at}))))
      )`);
    const { exitCode, ledger } = await runWasi(module, { mode: "paged" });
    expect(exitCode).toBe(100);
    expect(ledger.frames).toBeLessThan(128 + 128);
  }
});

test("zeros that nobody touched are written out without a frame for each page", async () => {
  const module = moduleOf(`${WRITE} (memory (export "memory") 200) ${START}
    (i32.store (i32.const 0) (i32.const 65536)) (i32.store (i32.const 4) (i32.const 12000000))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))`);
  const { outcome, stdout, ledger } = await runWasi(module, { mode: "paged", limits: { frames: 200 } });
  expect([outcome, stdout.length]).toEqual([{ kind: "exited", code: 0 }, 12_000_000]);
  expect(ledger.paging?.zeroed).toBeLessThan(5);
});

test("the clock of the processor goes on within a slice, and never back", async () => {
  const module =
    moduleOf(`${WRITE} (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
    (memory (export "memory") 1) ${START} (local $n i32) (local $i i32)
    (loop $next
      (drop (call $clock (i32.const 2) (i64.const 0) (i32.add (i32.const 1000) (i32.mul (local.get $i) (i32.const 8)))))
      (local.set $n (i32.const 0))
      (loop $work (br_if $work (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 100000))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 200))))
    (i32.store (i32.const 0) (i32.const 1000)) (i32.store (i32.const 4) (i32.const 1600))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))`);
  const before = performance.now();
  const { stdout, ledger } = await runWasi(module);
  const elapsed = performance.now() - before;
  const seen = [...new BigUint64Array(stdout.slice().buffer)];
  expect(seen.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(seen);
  // More readings differ than there were slices.
  expect(new Set(seen).size).toBeGreaterThan(Math.min(ledger.slices, 100));
  expect(Number(seen.at(-1)) / 1e6).toBeLessThanOrEqual(elapsed);
});

test("the ledger is read while the program runs, and afterwards", async () => {
  const started = startWasi(LOOP);
  const seen: number[] = [];
  while (seen.length < 3) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    const { fuel } = started.ledger();
    if (fuel > (seen.at(-1) ?? 0)) seen.push(fuel);
  }
  expect(started.ledger()).toMatchObject({ descriptors: 3, memoryPages: 1, paging: undefined });
  started.stop();
  const { outcome, exitCode, ledger } = await started.result;
  expect([outcome, exitCode]).toEqual([{ kind: "stopped" }, 130]);
  expect(ledger.fuel).toBeGreaterThanOrEqual(seen[2] as number);
  expect(started.ledger()).toEqual(ledger);
});

whenBuilt("the ledger counts calls, bytes and pages", async () => {
  const cat = (await program("cat")).bytes as Uint8Array<ArrayBuffer>;
  const { ledger } = await runWasi(cat, {
    args: ["cat", "/a"],
    mounts: { "/": { a: "x".repeat(5000) } },
    mode: "paged",
  });
  expect(ledger).toMatchObject({ bytesRead: 5000, bytesWritten: 5000, outputBytes: 5000 });
  expect(ledger.calls).toMatchObject({ fd_write: 2, path_open: 1 });
  expect(ledger.paging?.zeroed).toBeGreaterThan(0);
  expect(ledger.paging).toMatchObject({ saved: 0, loaded: 0 });
});

test("a signal stops it, and one that is aborted already lets nothing of it run", async () => {
  const late = AbortSignal.timeout(30);
  expect((await runWasi(LOOP, { signal: late })).outcome).toEqual({ kind: "stopped" });
  const early = await runWasi(LOOP, { signal: AbortSignal.abort() });
  expect(early.outcome).toEqual({ kind: "stopped" });
  expect(early.ledger.fuel).toBe(0);
});

const refused = async (module: Uint8Array, options: Parameters<typeof runWasi>[1] = {}): Promise<string> => {
  const { outcome, exitCode } = await runWasi(module, options);
  expect([outcome.kind, exitCode]).toEqual(["refused", 126]);
  return describeOutcome(outcome);
};

test("what cannot be run is refused, and says why", async () => {
  expect(await refused(new TextEncoder().encode("#!/bin/sh\n"))).toContain("it is no WebAssembly module");
  expect(await refused(EMPTY.subarray(0, EMPTY.length - 3))).toContain("its module is malformed");
  const stranger = moduleOf(`(import "env" "stranger" (func)) (memory (export "memory") 1) ${START})`);
  expect(await refused(stranger)).toMatch(/imports what is not offered \(.*stranger.* at byte \d+\)/);
  const shared = moduleOf(`(memory 1 1 shared) ${START})`);
  expect(await refused(shared)).toContain("not supported");
  const noStart = "not started: it exports no function _start without parameters";
  expect(await refused(moduleOf('(memory (export "memory") 1)'))).toBe(noStart);
  expect(await refused(moduleOf('(memory (export "_start") 1)'))).toBe(noStart);
  expect(await refused(moduleOf(`(memory (export "memory") 1) ${START} (param i32))`))).toBe(noStart);
  const large = moduleOf(`(memory (export "memory") 2000) ${START})`);
  expect(await refused(large)).toContain("its memory has no room (2000 pages of 64 KiB");
  expect(await refused(EMPTY, { limits: { frames: 128 } })).toContain("leaves no room for its memory");
  expect(await refused(EMPTY, { limits: { frames: 16 } })).toContain("its limit of frames is too small");
  expect(await refused(EMPTY, { mode: "paged", limits: { frames: 130 } })).toContain("limit of frames");
  expect(await refused(new Uint8Array(70 << 20))).toContain("its module is too large");
});

test("what a module names does not reach a terminal as it is", async () => {
  const stranger = moduleOf(`(import "env" "\\1b[2J\\0aunix: all is well" (func)) ${START})`);
  const text = await refused(stranger);
  expect([...text].every((each) => each >= " " && each <= "~")).toBe(true);
  expect(text).toContain("unix: all is well");
});

test("the reason is data", async () => {
  const { outcome } = await runWasi(moduleOf(`(import "env" "f" (func)) ${START})`));
  expect(outcome).toMatchObject({
    kind: "refused",
    error: "BadProgram",
    refusal: { rule: "BadImport", what: expect.stringContaining("f"), at: expect.any(Number) },
  });
});

test("arguments that no C program could read are refused, and nothing is left behind", async () => {
  await expect(runWasi(EMPTY, { args: ["a\0b"] })).rejects.toThrow(RangeError);
  await expect(runWasi(EMPTY, { env: { A: "a\0b" } })).rejects.toThrow(RangeError);
  await expect(runWasi(EMPTY, { mounts: { "/": { "../up": "" } } })).rejects.toThrow("not a tree of files");
});

test("more programs than a board has room for: those that are too many are refused, the others run", async () => {
  const board = makeBoard({ frames: 3000 });
  const limits = { frames: 1000 };
  const started = Array.from({ length: 5 }, () => startWasi(LOOP, { board, limits }));
  for (const each of started.slice(3))
    expect((await each.result).outcome).toEqual({ kind: "refused", error: "Full" });
  for (const each of started.slice(0, 3)) each.stop();
  for (const each of started.slice(0, 3)) expect((await each.result).outcome).toEqual({ kind: "stopped" });
  const after = await runWasi(sweep(16, 3), { board, limits, mounts: { "/": memoryDirectory({}) } });
  expect([after.outcome, readable(after.stdout)]).toEqual([{ kind: "exited", code: 0 }, "48\n"]);
  await board.close();
  await expect(runWasi(EMPTY, { board })).rejects.toThrow("switched off");
});
