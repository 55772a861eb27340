/** Programs that wait: for times, for input, for one another; while they do they use no time of the processor. */
import { expect, test } from "vitest";
import { makeBoard } from "../src/board/unix-board.ts";
import { runWasi, startWasi } from "../src/board/run-wasi.ts";
import { makePipe } from "../src/descriptor/pipe.ts";
import { CLOCK, PREVIEW_1, UNSTABLE } from "../src/wasi/layout.ts";
import { moduleOf } from "./hand-made.ts";
import { program } from "./programs.ts";
import { readable } from "./run-here.ts";

const modes = ["segment", "paged"] as const;

const cat = (await program("cat")).bytes as Uint8Array<ArrayBuffer>;
const whenBuilt = test.skipIf(cat === undefined);

const encoder = new TextEncoder();
const pause = (milliseconds: number): Promise<void> => new Promise((done) => setTimeout(done, milliseconds));

/** Ends after so many milliseconds, of which it is told that they are over. */
const sleep = (milliseconds: number, { module, subscription } = PREVIEW_1): Uint8Array<ArrayBuffer> =>
  moduleOf(`(import "${module}" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (import "${module}" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (func (export "_start")
      (i32.store (i32.const ${subscription.clock}) (i32.const ${CLOCK.monotonic}))
      (i64.store (i32.const ${subscription.timeout}) (i64.const ${milliseconds * 1e6}))
      (drop (call $poll (i32.const 0) (i32.const 256) (i32.const 1) (i32.const 512)))
      (call $exit (i32.load (i32.const 512))))`);

test.each(modes)("who sleeps uses no time, and wakes when it is due (%s)", async (mode) => {
  const before = performance.now();
  const { outcome, ledger } = await runWasi(sleep(200), { mode });
  expect(performance.now() - before).toBeGreaterThan(195);
  expect(outcome).toEqual({ kind: "exited", code: 1 });
  expect(ledger.slices).toBeLessThan(10);
  expect(ledger.fuel).toBeLessThan(10_000);
});

test("a program that sleeps leaves the processor to another", async () => {
  const board = makeBoard({ frames: 1000 });
  const limits = { frames: 400 };
  const LOOP = moduleOf('(memory (export "memory") 1) (func (export "_start") (loop $again (br $again)))');
  const loop = startWasi(LOOP, { board, limits });
  const { outcome, ledger } = await runWasi(sleep(100), { board, limits });
  expect(outcome).toEqual({ kind: "exited", code: 1 });
  expect(ledger.slices).toBeLessThan(10);
  loop.stop();
  expect((await loop.result).ledger.slices).toBeGreaterThan(ledger.slices);
  await board.close();
});

test("a program that sleeps is stopped at once", async () => {
  const started = startWasi(sleep(3_600_000));
  await pause(20);
  started.stop();
  expect((await started.result).outcome).toEqual({ kind: "stopped" });
});

whenBuilt.each(modes)(
  "input comes from outside: the program waits, and goes on when it is woken (%s)",
  async (mode) => {
    const { reader, writer } = makePipe();
    const seen: string[] = [];
    const stdout = (bytes: Uint8Array): void => void seen.push(readable(bytes) as string);
    const started = startWasi(cat, { args: ["cat"], mode, stdin: reader, stdout });
    const give = (text: string): void => {
      expect(writer.write(encoder.encode(text), 0, text.length)).toBe(text.length);
      started.wake();
    };
    give("one ");
    while (seen.length < 1) await pause(1);
    const { slices } = started.ledger();
    await pause(30);
    expect(started.ledger().slices).toBe(slices);
    give("two");
    while (seen.length < 2) await pause(1);
    writer.close();
    started.wake();
    expect((await started.result).outcome).toEqual({ kind: "exited", code: 0 });
    expect(seen).toEqual(["one ", "two"]);
  },
);

whenBuilt.each(modes)(
  "a pipeline of programs on one board, through pipes that hold little (%s)",
  async (mode) => {
    const length = 5;
    const board = makeBoard({ frames: length * 500, spaces: length });
    const pipes = Array.from({ length: length - 1 }, () => makePipe(100));
    const text = "all of it, in order; ".repeat(2000);
    const started = Array.from({ length }, (_, at) =>
      startWasi(cat, {
        args: ["cat"],
        board,
        mode,
        limits: { frames: 400 },
        stdin: pipes[at - 1]?.reader ?? text,
        ...(pipes[at] === undefined ? {} : { stdout: pipes[at].writer }),
      }),
    );
    const results = await Promise.all(started.map(({ result }) => result));
    expect(results.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0, 0]);
    expect(readable(results.at(-1)?.stdout)).toBe(text);
    await board.close();
  },
);

whenBuilt(
  "who writes where nobody reads any more is told, and who reads where nobody writes is at the end",
  async () => {
    const board = makeBoard({ frames: 1200 });
    const limits = { frames: 400 };
    const { reader, writer } = makePipe(64);
    const endless = startWasi(cat, {
      args: ["cat"],
      board,
      limits,
      stdin: "x".repeat(100_000),
      stdout: writer,
    });
    const EXIT = moduleOf('(memory (export "memory") 1) (func (export "_start"))');
    const quitter = await runWasi(EXIT, { board, limits, stdin: reader });
    expect(quitter.outcome).toEqual({ kind: "exited", code: 0 });
    expect((await endless.result).exitCode).toBe(1);
    await board.close();
  },
);

test.each(modes)("a program may import under the older name (%s)", async (mode) => {
  const { outcome, ledger } = await runWasi(sleep(20, UNSTABLE), { mode });
  expect(outcome).toEqual({ kind: "exited", code: 1 });
  expect(ledger.calls).toEqual({ poll_oneoff: 1 });
});
