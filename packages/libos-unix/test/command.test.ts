/** The command `unix`, as a shell runs it. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { moduleOf } from "./hand-made.ts";
import { program } from "./programs.ts";

const MAIN = join(import.meta.dirname, "../src/main.ts");
const NODE = process.execPath;

let scratch = "";
const at = (name: string): string => join(scratch, name);
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "exolith-command-"));
  writeFileSync(at("loop.wasm"), moduleOf('(memory 1) (func (export "_start") (loop $again (br $again)))'));
  const busy = `(import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32))) (memory 1)
    (func (export "_start") (drop (call $yield)) (loop $again (br $again)))`;
  writeFileSync(at("busy.wasm"), moduleOf(busy));
  writeFileSync(at("trap.wasm"), moduleOf('(memory 1) (func (export "_start") (unreachable))'));
  writeFileSync(at("text.wasm"), "this is no module");
  writeFileSync(at("stranger.wasm"), moduleOf('(import "env" "other" (func)) (func (export "_start"))'));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const names = ["hello", "cat", "arguments", "directories", "exit-code", "attack-grow", "attack-output"];
const programs = await Promise.all(names.map((name) => program(name)));
const whenBuilt = test.skipIf(programs.some(({ bytes }) => bytes === undefined));
beforeAll(() => {
  for (const { name, bytes } of programs) if (bytes !== undefined) writeFileSync(at(`${name}.wasm`), bytes);
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Milliseconds after which a child is ended, so that none outlives its test. */
const PATIENCE = 50_000;

const start = (words: readonly string[]): ChildProcessWithoutNullStreams =>
  spawn(NODE, ["--conditions=@exolith/source", "--no-warnings", MAIN, ...words], {
    cwd: scratch,
    timeout: PATIENCE,
    killSignal: "SIGKILL",
  });

const ended = (child: ChildProcessWithoutNullStreams): Promise<Ended> =>
  new Promise((resolve) => {
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (bytes: Buffer) => out.push(bytes));
    child.stderr.on("data", (bytes: Buffer) => err.push(bytes));
    child.stdin.on("error", () => {});
    child.on("close", (code) =>
      resolve({ code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }),
    );
  });

function unix(line: string, stdin: string | Uint8Array = ""): Promise<Ended> {
  const child = start(line.split(" ").filter(Boolean));
  child.stdin.end(stdin);
  return ended(child);
}

whenBuilt("exit codes, and nothing else, come through", async () => {
  const [hello, code, failed] = await Promise.all([
    unix("run hello.wasm"),
    unix("run exit-code.wasm 7"),
    unix("run cat.wasm /none"),
  ]);
  expect(hello).toEqual({ code: 0, stdout: "hello\n", stderr: "" });
  expect(code?.code).toBe(7);
  expect([failed?.code, failed?.stdout, failed?.stderr.includes("/none")]).toEqual([1, "", true]);
});

whenBuilt("arguments and variables are the program's, the first argument is its path", async () => {
  const given = await unix("run arguments.wasm --env A=1 --env B=x=y -- one --stats");
  expect(given.stdout).toContain("arguments.wasm");
  expect(given.stdout).toMatch(/one[\s\S]*--stats/);
  expect(given.stdout).toContain("A=1");
  expect(given.stdout).toContain("B=x=y");
  expect(given.stdout).not.toContain("PATH=");
  expect(given.stderr).toBe("");
});

whenBuilt("mounts: read, written, and only read", async () => {
  writeFileSync(at("in.txt"), "from the host\n");
  const [read, made, refused, none] = await Promise.all([
    unix(`run cat.wasm --mount ${scratch}:/d /d/in.txt`),
    unix(`run directories.wasm --mount ${mkdtempSync(at("m-"))}:/`),
    unix(`run directories.wasm --mount ${mkdtempSync(at("m-"))}:/:ro`),
    unix("run cat.wasm --mount /does/not/exist:/d /d/in.txt"),
  ]);
  expect(read).toEqual({ code: 0, stdout: "from the host\n", stderr: "" });
  expect([made?.code, made?.stdout.includes("300 in d/below")]).toEqual([0, true]);
  expect(refused?.stdout).toMatch(/Read-only file system/);
  expect([none?.code, none?.stderr.includes("cannot mount /does/not/exist: noent")]).toEqual([2, true]);
});

whenBuilt("--trace calls: a line for each call, on the standard error", async () => {
  const { code, stdout, stderr } = await unix("run hello.wasm --trace calls");
  expect([code, stdout]).toEqual([0, "hello\n"]);
  const lines = stderr.trim().split("\n");
  expect(lines.find((line) => line.startsWith("fd_write("))).toMatch(/^fd_write\(1, .*\) = .*6/);
  expect(lines.find((line) => line.startsWith("fd_fdstat_get(1"))).toMatch(/= (0|success)/);
  for (const line of lines) expect(line).toMatch(/^[a-z_]+\(.*\)( = .*)?$/);
});

whenBuilt("--stats: what it used, at the end, on the standard error", async () => {
  const { code, stdout, stderr } = await unix("run hello.wasm --mode paged --stats");
  expect([code, stdout]).toEqual([0, "hello\n"]);
  expect(stderr).toMatch(/^outputBytes: 6$/m);
  expect(stderr).toMatch(/^calls\.fd_write: 1$/m);
  expect(stderr).toMatch(/^paging\.zeroed: \d+$/m);
  expect(stderr).toMatch(/^milliseconds: [\d.]+$/m);
});

whenBuilt("limits end it with the code of a signal, and are named", async () => {
  const [time, frames, output, trap] = await Promise.all([
    unix("run loop.wasm --time 20"),
    unix("run attack-grow.wasm --mode paged --frames 1000"),
    unix("run attack-output.wasm --output 100000"),
    unix("run trap.wasm"),
  ]);
  expect(time).toEqual({
    code: 152,
    stdout: "",
    stderr: "unix: loop.wasm: stopped: limit of milliseconds reached\n",
  });
  expect([frames?.code, frames?.stderr]).toEqual([
    137,
    "unix: attack-grow.wasm: stopped: limit of frames reached\n",
  ]);
  expect([output?.code, output?.stderr]).toEqual([
    137,
    "unix: attack-output.wasm: stopped: limit of outputBytes reached\n",
  ]);
  expect(output?.stdout.length).toBeLessThanOrEqual(100_000);
  expect([trap?.code, trap?.stderr.startsWith("unix: trap.wasm: stopped: unreachable fault")]).toEqual([
    132,
    true,
  ]);
});

test("what cannot be run: 126 and why, 127 when it is not there, 2 for mistakes", async () => {
  const [none, text, stranger, small, option, nothing] = await Promise.all([
    unix("run none.wasm"),
    unix("run text.wasm"),
    unix("run stranger.wasm"),
    unix("run loop.wasm --frames 100"),
    unix("run loop.wasm --bogus"),
    unix(""),
  ]);
  expect([none?.code, none?.stderr]).toEqual([127, expect.stringContaining("no such file")]);
  expect([text?.code, text?.stderr]).toEqual([126, expect.stringContaining("it is no WebAssembly module")]);
  expect([stranger?.code, stranger?.stderr]).toEqual([126, expect.stringMatching(/not offered \(.*other/)]);
  expect([small?.code, small?.stderr]).toEqual([
    126,
    expect.stringContaining("its limit of frames is too small"),
  ]);
  expect([option?.code, option?.stderr]).toEqual([2, expect.stringContaining("Unknown option '--bogus'")]);
  expect(option?.stderr).toContain("see unix --help");
  expect([nothing?.code, nothing?.stderr]).toEqual([2, expect.stringContaining("what to do?")]);
});

test("help and version go to the standard output", async () => {
  const [help, version] = await Promise.all([unix("--help"), unix("--version")]);
  expect([help?.code, help?.stderr, help?.stdout.startsWith("Usage: unix run")]).toEqual([0, "", true]);
  const { version: own } = JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8")) as {
    version: string;
  };
  expect(version).toEqual({ code: 0, stdout: `${own}\n`, stderr: "" });
});

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("%s stops the program, which loops: %i", async (signal, code) => {
  const child = start(["run", "busy.wasm", "--trace", "calls"]);
  child.stdin.end();
  // Its first call shows that it runs.
  child.stderr.once("data", () => child.kill(signal));
  const { code: was, stderr } = await ended(child);
  expect([was, stderr]).toEqual([code, expect.stringContaining("unix: busy.wasm: stopped\n")]);
});

whenBuilt("a program that waits for input: it comes in pieces, and Ctrl-C ends the wait", async () => {
  const child = start(["run", "cat.wasm"]);
  const seen: string[] = [];
  child.stdout.on("data", (bytes: Buffer) => {
    seen.push(bytes.toString());
    if (seen.length === 1) child.stdin.write("second\n");
    else child.kill("SIGINT");
  });
  child.stdin.write("first\n");
  const { code, stdout } = await ended(child);
  expect([code, stdout]).toEqual([130, "first\nsecond\n"]);
});

whenBuilt("megabytes through pipes, in order", async () => {
  const bytes = new Uint8Array(5_000_000).map((_, index) => 97 + (index % 23) + ((index >> 9) & 1));
  const { code, stdout } = await unix("run cat.wasm", bytes);
  expect([code, stdout.length]).toEqual([0, bytes.length]);
  expect(stdout === Buffer.from(bytes).toString()).toBe(true);
});

whenBuilt("an output that nobody reads any more: the program is told, and ends", async () => {
  const child = start(["run", "attack-output.wasm"]);
  child.stdin.end();
  const code = new Promise((resolve) => child.on("exit", resolve));
  child.stdout.once("data", () => child.stdout.destroy());
  child.stderr.resume();
  expect(await code).toBe(1);
});

test("a standard error that nobody reads: the exit code is what it would be", async () => {
  const codeOf = (line: string): Promise<unknown> => {
    const child = start(line.split(" "));
    child.stdin.end();
    child.stdout.resume();
    child.stderr.destroy();
    return new Promise((resolve) => child.on("exit", resolve));
  };
  const lines = [
    "run loop.wasm --time 20 --stats",
    "run trap.wasm --trace calls",
    "run text.wasm",
    "run none.wasm",
    "run --x",
  ];
  const codes = await Promise.all(lines.map(codeOf));
  expect(codes).toEqual([152, 132, 126, 127, 2]);
});

whenBuilt("an input that stays open does not keep it: the program ends first", async () => {
  const child = start(["run", "hello.wasm"]);
  const { code, stdout } = await ended(child);
  expect([code, stdout]).toEqual([0, "hello\n"]);
  child.stdin.destroy();
});
