/** Programs that want more than their share get what is theirs, and nobody else notices. */
import { expect, test } from "vitest";
import { makeBoard } from "../src/board/unix-board.ts";
import { runWasi, startWasi, type RunOptions } from "../src/board/run-wasi.ts";
import { SAY, WRITE, moduleOf, sweep } from "./hand-made.ts";
import { program } from "./programs.ts";
import { readable, runHere } from "./run-here.ts";

const modes = ["segment", "paged"] as const;

const built = async (name: string) => (await program(name)).bytes as Uint8Array<ArrayBuffer>;
const isMissing = (await program("attack-read")).bytes === undefined;
const whenBuilt = test.skipIf(isMissing);

const LOOP = moduleOf('(memory (export "memory") 1) (func (export "_start") (loop $again (br $again)))');

/** Keeps 1 MiB full of one byte; looks at all of it again and again, and ends when a byte is another. */
const CANARY = moduleOf(`(memory (export "memory") 17)
  (func (export "_start") (local $at i32)
    (memory.fill (i32.const 65536) (i32.const 0xa5) (i32.const 1048576))
    (loop $again
      (local.set $at (i32.const 65536))
      (loop $next
        (if (i64.ne (i64.load (local.get $at)) (i64.const 0xa5a5a5a5a5a5a5a5)) (then (unreachable)))
        (br_if $next
          (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 1114112))))
      (br $again)))`);

/** Writes eight bytes at an address. */
const writeAt = (address: number): Uint8Array<ArrayBuffer> =>
  moduleOf(`(memory (export "memory") 1)
    (func (export "_start") (i64.store (i32.const ${address | 0}) (i64.const -1)))`);

test.each(modes)(
  "no write leaves a program's memory: the next one in the same RAM keeps its bytes (%s)",
  async (mode) => {
    const board = makeBoard({ frames: 4000, spaces: 3 });
    const options: RunOptions = { board, mode, limits: { frames: 1000 } };
    const below = startWasi(CANARY, options);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const addresses = [
      65_536,
      65_529,
      1 << 20,
      1 << 22,
      1 << 24,
      0x7fff_fff8,
      0x8000_0000,
      0xfff0_0000,
      0xffff_fff8,
    ];
    const above = startWasi(CANARY, options);
    for (const address of addresses) {
      const { outcome } = await runWasi(writeAt(address), options);
      expect([address, outcome]).toMatchObject([address, { kind: "faulted", fault: "access" }]);
    }
    for (const canary of [below, above]) {
      const fuel = canary.ledger().fuel;
      while (canary.ledger().fuel < fuel + 2_000_000) await new Promise((resolve) => setTimeout(resolve, 5));
      canary.stop();
      expect((await canary.result).outcome).toEqual({ kind: "stopped" });
    }
    await board.close();
  },
);

test.each(modes)("memory that another program left behind is zeros (%s)", async (mode) => {
  const board = makeBoard({ frames: 1200 });
  const options: RunOptions = { board, mode, limits: { frames: 1000 } };
  const leaver = startWasi(CANARY, options);
  await new Promise((resolve) => setTimeout(resolve, 30));
  leaver.stop();
  await leaver.result;
  const LOOK = moduleOf(`${WRITE} (memory (export "memory") 50) ${SAY}
    (func (export "_start") (local $at i32) (local $all i64)
      (loop $next
        (local.set $all (i64.or (local.get $all) (i64.load (local.get $at))))
        (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 3276800))))
      (call $say (i32.wrap_i64 (i64.or (local.get $all) (i64.shr_u (local.get $all) (i64.const 32))))))`);
  const { outcome, stdout } = await runWasi(LOOK, options);
  expect([outcome.kind, readable(stdout)]).toEqual(["exited", "0\n"]);
  await board.close();
});

whenBuilt.each(modes)("the attackers: each is stopped, or gets nothing (%s)", async (mode) => {
  const high = await runHere(await built("attack-read"), {}, { mode });
  expect([high.result.outcome, readable(high.stdout)]).toMatchObject([
    { kind: "faulted", fault: "access" },
    "before\n",
  ]);
  const write = await runHere(await built("attack-read"), { args: ["write", "0x40000000"] }, { mode });
  expect([write.result.outcome, write.code]).toMatchObject([{ kind: "faulted", fault: "access" }, 139]);
  const pointers = await runHere(await built("attack-pointers"), { preopens: { "/": {} } }, { mode });
  expect([pointers.code, readable(pointers.stdout)]).toEqual([0, "0\n"]);
  const names = ["etc/passwd", "tmp", "/etc/passwd"];
  const paths = await runHere(await built("attack-paths"), { args: names, preopens: { "/": {} } }, { mode });
  expect([paths.code, readable(paths.stdout), paths.preopens["/"]]).toEqual([0, "0\n", {}]);
  const loop = await runHere(await built("attack-loop"), {}, { mode, limits: { milliseconds: 50 } });
  expect(loop.result.outcome).toEqual({ kind: "limited", limit: "milliseconds" });
});

whenBuilt.each(modes)(
  "recursion without end is a fault of the stack, and a deep one comes back (%s)",
  async (mode) => {
    const endless = await runHere(await built("attack-recursion"), {}, { mode });
    expect(endless.result.outcome).toMatchObject({ kind: "faulted", fault: "stack" });
    expect(endless.code).toBe(139);
    const deep = await runHere(await built("recursion"), { args: ["1000"] }, { mode });
    expect([deep.code, readable(deep.stdout)]).toMatchObject([
      0,
      expect.stringMatching(/^at the bottom\n\d+\n$/),
    ]);
    const deeper = await runHere(await built("recursion"), { args: ["100000"] }, { mode });
    expect(deeper.result.outcome).toMatchObject({ kind: "faulted", fault: "stack" });
  },
);

whenBuilt(
  "1 GiB filled by one instruction: refused in a segment, limited in pages, and others have their slices",
  async () => {
    const board = makeBoard({ frames: 20_000, spaces: 1 });
    const limits = { frames: 16_384 };
    const other = startWasi(LOOP, { board, limits: { frames: 200 } });
    const fill = await built("attack-fill");
    const paged = await runHere(fill, {}, { board, mode: "paged", limits });
    expect([paged.result.outcome, readable(paged.stdout)]).toEqual([
      { kind: "limited", limit: "frames" },
      "filling\n",
    ]);
    const segment = await runHere(fill, {}, { board, limits });
    expect([segment.code, readable(segment.stdout)]).toEqual([0, "refused\n"]);
    expect(other.ledger().slices).toBeGreaterThan(2);
    other.stop();
    await other.result;
    await board.close();
  },
);

test.each(modes)(
  "a fill of all its memory is interrupted: slices of others come in between (%s)",
  async (mode) => {
    const FILL = moduleOf(`(memory (export "memory") 512)
    (func (export "_start") (loop $again
      (memory.fill (i32.const 0) (i32.const 1) (i32.const 33554432)) (br $again)))`);
    const board = makeBoard({ frames: 10_000, spaces: 2 });
    const filler = startWasi(FILL, { board, mode, limits: { frames: 9000 } });
    const other = startWasi(LOOP, { board, mode, limits: { frames: 200 } });
    while (filler.ledger().slices < 40) await new Promise((resolve) => setTimeout(resolve, 10));
    // A slice that ended late is paid for by later ones.
    expect(other.ledger().slices).toBeGreaterThan(34);
    expect(filler.ledger().suspensions).toBeGreaterThan(20);
    await board.close();
    expect((await filler.result).outcome).toEqual({ kind: "stopped" });
    expect((await other.result).outcome).toEqual({ kind: "stopped" });
  },
);

test("24 programs at once on one board: all right, none starved", async () => {
  const count = 24;
  const board = makeBoard({ frames: count * 400 + 200, spaces: count / 2, quantumSeconds: 0.001 });
  const work = sweep(64, 3000);
  const started = Array.from({ length: count }, (_, at) =>
    startWasi(work, { board, mode: modes[at % 2] as "paged", limits: { frames: 500 - (at % 2) * 200 } }),
  );
  const results = await Promise.all(started.map(({ result }) => result));
  for (const { outcome, stdout, ledger } of results) {
    expect([outcome, readable(stdout)]).toMatchObject([{ kind: "exited", code: 0 }, expect.any(String)]);
    expect(ledger.slices).toBeGreaterThan(1);
  }
  expect(new Set(results.map(({ stdout }) => readable(stdout))).size).toBe(1);
  await board.close();
});

test("a board that is switched off stops all that runs, waits, or has not begun", async () => {
  const board = makeBoard({ frames: 4000, spaces: 1 });
  const limits = { frames: 400 };
  const results = [
    startWasi(LOOP, { board, limits }).result,
    startWasi(LOOP, { board, limits, mode: "paged" }).result,
    startWasi(CANARY, { board, limits: { frames: 600 } }).result,
  ];
  await new Promise((resolve) => setTimeout(resolve, 20));
  results.push(startWasi(LOOP, { board, limits }).result);
  await board.close();
  for (const { outcome } of await Promise.all(results)) expect(outcome).toEqual({ kind: "stopped" });
});
