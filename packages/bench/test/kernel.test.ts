/** The bench of the kernel as a program, with so few operations that no figure of the host means anything. */
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import type { KernelBenchReport } from "../src/index.ts";

const CLI = fileURLToPath(new URL("../src/cli.ts", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "exolith-bench-test-"));
afterAll(() => rmSync(scratch, { recursive: true }));

const bench = (
  words: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ code: number; out: string; err: string }> =>
  new Promise((resolve) => {
    const args = ["--conditions=@exolith/source", CLI, "kernel", ...words];
    const child = execFile(process.execPath, args, { env }, (_, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    );
  });

const few = ["--rounds", "2", "--operations", "400"];

test("every operation, peer, invariant and goal is in the report, as text and as JSON", async () => {
  const json = join(scratch, "kernel.json");
  const { code, out } = await bench([...few, "--json", json]);
  expect(code).toBe(0);
  const report = JSON.parse(readFileSync(json, "utf8")) as KernelBenchReport;
  expect(report.rows).toHaveLength(9 + 16);
  for (const { name, nanoseconds, bytes, cycles } of report.rows) {
    expect(out).toContain(`| ${name}`);
    expect(nanoseconds.median, name).toBeGreaterThan(0);
    expect(nanoseconds.rounds).toBe(2);
    expect(bytes, name).toBeGreaterThanOrEqual(0);
    if (cycles === undefined) expect(name).toMatch(/^(window|DataView) /);
    else expect(Object.keys(cycles)).toEqual(["dec5000-125", "pentium-pro-200", "modern-3ghz"]);
  }
  const peers = [...report.peers.map(({ name }) => name), ...report.skipped.map(({ name }) => name)];
  for (const peer of [
    "any of eight",
    "process.ppid",
    "koffi",
    "getppid in C",
    "pipe",
    "Atomics",
    "postMessage",
  ])
    expect(peers.some((name) => name.includes(peer))).toBe(true);
  for (const { nanoseconds } of report.peers) expect(nanoseconds.median).toBeGreaterThan(0);
  expect(report.invariants.map(({ id, holds }) => [id, holds])).toEqual([
    ["S1", true],
    ["S1", true],
    ["S3", true],
  ]);
  expect(report.goals).toHaveLength(3 + 8 + 3);
  for (const { what } of report.goals) expect(out).toContain(`| ${what}`);
});

/** An environment whose programs are these and no others. */
function onlyWith(...programs: readonly string[]): NodeJS.ProcessEnv {
  const directory = mkdtempSync(join(scratch, "programs-"));
  for (const program of programs) {
    const found = execFileSync("sh", ["-c", `command -v ${program}`], { encoding: "utf8" }).trim();
    symlinkSync(found, join(directory, program));
  }
  return { ...process.env, PATH: directory };
}

test("without a C compiler the pipe is Node's own, and the reason is printed", async () => {
  const { code, out } = await bench(few, onlyWith("mkfifo"));
  expect(code).toBe(0);
  expect(out).toMatch(/\| getppid in C +\| +skipped: no C compiler that works: \S/);
  expect(out).toMatch(/\| pipe round trip in Node +\| +\d/);
  expect(out).toMatch(/null call below getppid in C +\| +not measured +\| +not judged/);
});

test("without anything to make a pipe with, that is said, and the rest is measured", async () => {
  const { code, out } = await bench(few, onlyWith());
  expect(code).toBe(0);
  expect(out).toMatch(/\| pipe round trip in Node +\| +skipped: \S/);
  expect(out).toMatch(/cheaper than the pipe's +\| +not measured +\| +not judged/);
});

test("an option that makes no sense is explained", async () => {
  const { code, err } = await bench(["--rounds", "0"]);
  expect(code).toBe(2);
  expect(err).toContain("--rounds takes a whole number");
});
