/** Streams of the caller's own: what is wrong with them ends their program at most, and who waits costs others nothing. */
import { expect, test } from "vitest";
import { makeBoard } from "../src/board/unix-board.ts";
import { runWasi, startWasi, type Input, type Output } from "../src/board/run-wasi.ts";
import { makePipe } from "../src/descriptor/pipe.ts";
import { AGAIN, INPUT_RIGHTS, OUTPUT_RIGHTS, type Stream } from "../src/descriptor/stream.ts";
import { FILE_TYPE } from "../src/wasi/layout.ts";
import { WRITE, moduleOf } from "./hand-made.ts";

const limits = { frames: 300 };
const pause = (milliseconds: number): Promise<void> => new Promise((done) => setTimeout(done, milliseconds));

const READ = `(import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))`;
const START = '(memory (export "memory") 3) (func (export "_start")';
const EMPTY = moduleOf(`${START})`);
const LOOP = moduleOf(`${START} (loop $again (br $again)))`);
/** Ends with what reading one byte gave. */
const READ_ONE = moduleOf(`${READ} ${START} (i32.store (i32.const 4) (i32.const 1))
  (call $exit (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8))))`);
const SAY_HI = moduleOf(`${WRITE} ${START} (i32.store (i32.const 4) (i32.const 2))
  (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))`);

const waits: Stream = {
  fileType: FILE_TYPE.unknown,
  rights: INPUT_RIGHTS | OUTPUT_RIGHTS,
  read: () => AGAIN,
  write: () => AGAIN,
  readable: () => AGAIN,
  writable: () => AGAIN,
  close: () => undefined,
};

test("a stream that throws when it is closed is closed: the program ends as it did, and so does the board", async () => {
  let closed = 0;
  const bad: Stream = {
    ...waits,
    write: (_from, _at, length) => length,
    close: () => {
      closed += 1;
      throw new Error("close");
    },
  };
  const board = makeBoard({ frames: 2000 });
  const other = startWasi(LOOP, { board, limits });
  const { reader, writer } = makePipe();
  const { outcome } = await runWasi(SAY_HI, {
    board,
    limits,
    stdin: bad,
    stdout: { ...bad },
    stderr: writer,
  });
  expect([outcome, closed, reader.readable()]).toEqual([{ kind: "exited", code: 0 }, 2, 0]);
  other.stop();
  expect((await other.result).outcome).toEqual({ kind: "stopped" });
  await board.close();
});

test("a stream that throws when it is asked ends the program that waits for it, and no other", async () => {
  let isArmed = false;
  const bad: Stream = {
    ...waits,
    readable: () => {
      if (isArmed) throw new Error("readable");
      return AGAIN;
    },
  };
  const board = makeBoard({ frames: 2000 });
  const other = startWasi(LOOP, { board, limits });
  const one = startWasi(READ_ONE, { board, limits, stdin: bad });
  while ((one.ledger().slices ?? 0) < 1) await pause(1);
  await pause(10);
  isArmed = true;
  one.wake();
  const { outcome } = await one.result;
  expect(outcome).toMatchObject({ kind: "faulted", fault: "thrown", reason: new Error("readable") });
  other.stop();
  expect((await other.result).outcome).toEqual({ kind: "stopped" });
  await board.close();
});

test("what is no stream is refused by name, before anything runs", async () => {
  for (const wrong of [{}, null, 5, true, [1], { read: () => 0 }])
    expect(() => startWasi(EMPTY, { stdin: wrong as unknown as Input })).toThrow(/^stdin is neither/);
  for (const name of ["stdout", "stderr"] as const)
    for (const wrong of [{}, null, 5, "text", new Uint8Array(1)])
      expect(() => startWasi(EMPTY, { [name]: wrong as unknown as Output })).toThrow(TypeError);
  const bytes = Uint8Array.of(7, 8);
  for (const stdin of [bytes, bytes.buffer, "x"])
    expect((await runWasi(READ_ONE, { stdin })).outcome).toEqual({ kind: "exited", code: 0 });
});

test("a program that is not started leaves no stream of its open, and closes each once", async () => {
  const small = makeBoard({ frames: 10 });
  await small.close();
  for (const options of [
    { limits: { descriptors: 2 } },
    { limits: { frames: Number.NaN } },
    { args: ["a\0"] },
    { mounts: { "/": { "../up": "" } } },
    { board: small },
    { stdin: {} as Stream },
  ]) {
    const { reader, writer } = makePipe();
    let closed = 0;
    const stderr: Stream = {
      ...waits,
      close: () => {
        closed += 1;
        throw new Error("close");
      },
    };
    expect(() => startWasi(EMPTY, { stdout: writer, stderr, ...options })).toThrow();
    expect([reader.readable(), closed]).toEqual([0, 1]);
  }
});

/** Waits for `count` subscriptions to its input. */
const POLL = (count: number): Uint8Array =>
  moduleOf(`(import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    ${START} (local $at i32)
      (loop $next
        (i32.store8 (i32.add (i32.const 8) (i32.mul (local.get $at) (i32.const 48))) (i32.const 1))
        (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.const ${count}))))
      (drop (call $poll (i32.const 0) (i32.const 65536) (i32.const ${count}) (i32.const 130000))))`);

test("who sleeps is asked nothing while others run, and a stream that is named often is asked once", async () => {
  const board = makeBoard({ frames: 2000, quantumSeconds: 0.001 });
  const { reader, writer } = makePipe();
  let asked = 0;
  const counting: Stream = { ...reader, readable: () => ((asked += 1), reader.readable()) };
  const sleeper = startWasi(POLL(1024), { board, limits, stdin: counting });
  while (sleeper.ledger().slices < 1) await pause(1);
  await pause(20);
  const before = asked;
  const loop = startWasi(LOOP, { board, limits });
  while (loop.ledger().slices < 30) await pause(1);
  expect(asked).toBe(before);
  // The first attempt asks for each subscription; falling asleep asks for each stream.
  expect(before).toBeLessThanOrEqual(1024 + 4);
  expect(reader.waiters?.size).toBe(1);
  // From outside: no word but the pipe's own.
  writer.write(Uint8Array.of(1), 0, 1);
  expect((await sleeper.result).outcome).toEqual({ kind: "exited", code: 0 });
  expect(reader.waiters?.size).toBe(0);
  loop.stop();
  await loop.result;
  await board.close();
});

test("a program that is stopped while it waits leaves nothing behind at the stream", async () => {
  const { reader } = makePipe();
  const started = startWasi(READ_ONE, { stdin: { ...reader, close: () => undefined } });
  while ((reader.waiters?.size ?? 0) === 0) await pause(1);
  started.stop();
  expect((await started.result).outcome).toEqual({ kind: "stopped" });
  expect(reader.waiters?.size).toBe(0);
});

test("two wait for one pipe: who finds nothing left waits again, and is told of what comes next", async () => {
  const board = makeBoard({ frames: 2000 });
  const { reader, writer } = makePipe();
  const stdin: Stream = { ...reader, close: () => undefined };
  const both = [0, 1].map(() => startWasi(READ_ONE, { board, limits, stdin }));
  let ended = 0;
  for (const { result } of both) void result.then(() => (ended += 1));
  for (const count of [1, 2]) {
    while ((reader.waiters?.size ?? 0) < 3 - count) await pause(1);
    writer.write(Uint8Array.of(count), 0, 1);
    while (ended < count) await pause(1);
  }
  for (const { result } of both) expect((await result).outcome).toEqual({ kind: "exited", code: 0 });
  await board.close();
});
