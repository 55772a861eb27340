/** The programs of the bench do what they are measured for, whoever runs them. */
import { expect, test } from "vitest";
import { EXIT } from "@exolith/secure-bind";
import { runWasi } from "@exolith/libos-unix/board";
import { CALLS_FILE, CALL_NAMES, WRITE_BYTES, callsModule, type CallName } from "./calls-module.ts";
import { touchingModule } from "./faults.ts";
import { LinearMemory } from "./linear-memory.ts";
import { makeLibos, signatures } from "./libos.ts";
import { nodePeer, shimPeer } from "./peers.ts";
import { RAW } from "./raw.ts";
import { CODE_ALONE, MODES, Site, finish, rewritten } from "./rewritten.ts";
import { DEPTHS, pauseOften, pausing } from "./suspension.ts";
import { UsageError, names } from "../whole.ts";

const TIMES = 50;
const FILES = { [CALLS_FILE]: "text" };

/** How often each call of WASI is made, besides the two marks. */
const EXPECTED: Readonly<Record<CallName, Readonly<Record<string, number>>>> = {
  fd_write: { fd_write: TIMES + 2 },
  clock_time_get: { fd_write: 2, clock_time_get: TIMES },
  "open, stat, close": { fd_write: 2, path_open: TIMES, path_filestat_get: TIMES, fd_close: TIMES },
};

test.each(CALL_NAMES)(
  "a program makes its calls as often as it is told to, and they succeed: %s",
  async (call) => {
    for (const { mode, pageBits } of MODES) {
      const { outcome, ledger, stderr, stdout } = await runWasi(callsModule(call, TIMES), {
        mode,
        pageBytes: pageBits === 16 ? 65_536 : 4096,
        mounts: { "/": FILES },
      });
      expect(outcome).toEqual({ kind: "exited", code: 0 });
      expect(ledger.calls).toEqual(EXPECTED[call]);
      expect(stderr).toHaveLength(2);
      expect(stdout).toHaveLength(call === "fd_write" ? TIMES * WRITE_BYTES : 0);
    }
  },
);

test.each(CALL_NAMES)("the peers answer them as well: %s", async (call) => {
  for (const peer of [nodePeer(), await shimPeer()])
    try {
      expect(await peer.subject(call, TIMES).round()).toBeGreaterThanOrEqual(0);
    } finally {
      peer.close();
    }
});

test("a program that makes a call that fails is stopped", () => {
  const way = RAW.prepare(callsModule("open, stat, close", TIMES));
  expect(() => way.run({ files: { other: "" } })).toThrow(WebAssembly.RuntimeError);
  expect(() => way.run({ files: FILES })).not.toThrow();
});

test("raw and as code alone a program writes the same", () => {
  const module = callsModule("fd_write", TIMES);
  const outputs = [RAW, ...CODE_ALONE].map((way) => way.prepare(module).run({}));
  for (const run of outputs) expect(run).toMatchObject({ output: "\0".repeat(TIMES * WRITE_BYTES) });
});

test.each(MODES)("a pausing program is suspended at each pause, at every depth: $name", (mode) => {
  const program = pausing(new Site(mode));
  for (const depth of DEPTHS) {
    pauseOften(program, depth, TIMES);
    expect(program.result()).toBe((depth * (depth + 1)) / 2);
  }
  expect(program.enter("run", 1, 2)).toBe(EXIT.suspended);
});

test.each(MODES)("each page is touched, and a site is all zero for the next program: $name", (mode) => {
  const site = new Site(mode);
  const program = rewritten(touchingModule(4096), mode, signatures);
  const memory = new LinearMemory(site.wasm, site.start, () => placed.pages() * 65_536);
  let placed = site.place(program, makeLibos(() => memory, {}).functions);
  finish(placed, placed.initialise());
  finish(placed, placed.enter("touch"));
  for (let at = 65_536; at < memory.length; at += 4096) expect(memory.getU8(at)).toBe(1);
  placed = site.place(program, makeLibos(() => memory, {}).functions);
  expect(memory.getU8(65_536)).toBe(0);
});

test("--only takes known names", () => {
  expect(names("only", "a,b", ["a", "b", "c"])).toEqual(["a", "b"]);
  for (const wrong of ["", "a,", "d", 1, true]) expect(() => names("only", wrong, ["a"])).toThrow(UsageError);
});
