/**
 * 14: run a program for another system.
 *
 * `runWasi` makes a machine, a kernel and an environment for a WASI program, gives
 * it arguments, a directory and limits, and says what came of it. A second one
 * turns a loop without end, and is stopped by its limit.
 */
import { makeModuleBuilder } from "@exolith/secure-bind";
import { runWasi } from "@exolith/libos-unix/board";
import { readOptions } from "./support/options.ts";

readOptions();

/** Writes "hello, world" to its standard output, and exits with 3. */
function hello(): Uint8Array {
  const m = makeModuleBuilder();
  const wasi = "wasi_snapshot_preview1";
  const write = m.importFunction(wasi, "fd_write", m.type(["i32", "i32", "i32", "i32"], ["i32"]));
  const exit = m.importFunction(wasi, "proc_exit", m.type(["i32"], []));
  m.memory({ minimum: 1 });
  const text = new TextEncoder().encode("hello, world\n");
  m.data(text, 64);
  m.data(Uint8Array.of(64, 0, 0, 0, text.length, 0, 0, 0), 16);
  const f = m.function([], []);
  f.i32(1).i32(16).i32(1).i32(32).op("call", write).op("drop").i32(3).op("call", exit);
  m.export("_start", "function", f.index);
  return m.build();
}

/** Never ends by itself. */
function spin(): Uint8Array {
  const m = makeModuleBuilder();
  const f = m.function([], []);
  f.open("loop").op("br", 0).end();
  m.export("_start", "function", f.index);
  return m.build();
}

const { outcome, exitCode, stdout, ledger } = await runWasi(hello(), {
  args: ["hello"],
  mode: "paged",
  mounts: { "/": { "notes.txt": "only this is seen\n" } },
  limits: { frames: 1024, outputBytes: 1000 },
});
console.log(`it wrote: ${new TextDecoder().decode(stdout).trimEnd()}`);
console.log(`it ended: ${JSON.stringify(outcome)}, exit code ${exitCode}`);
console.log(`it wrote ${ledger.outputBytes} bytes and touched ${ledger.paging?.zeroed} pages`);

const endless = await runWasi(spin(), { limits: { milliseconds: 50 } });
console.log(`the other: ${JSON.stringify(endless.outcome)}, exit code ${endless.exitCode}`);
