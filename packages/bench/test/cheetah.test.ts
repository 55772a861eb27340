import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { benchCheetah, type CheetahBenchOptions } from "../src/cheetah/bench-cheetah.ts";
import { drawCheetahReport } from "../src/cheetah/chart.ts";
import { printCheetahReport } from "../src/cheetah/print-cheetah.ts";
import { familyOf } from "../src/cheetah/processor-time.ts";
import { Missing, hasProgram, requireHost } from "../src/cheetah/requirements.ts";

const TINY: CheetahBenchOptions = {
  rounds: 1,
  seconds: 1,
  connections: 8,
  warmUpSeconds: 0,
  documents: ["1K"],
  clients: ["wrk"],
  servers: ["nginx", "node-http", "ring-c"],
  modes: ["keep-alive", "close"],
  steer: false,
  ablation: false,
};

/** Why namespaces cannot be made here. */
function lacking(): string | undefined {
  try {
    requireHost();
  } catch (error) {
    if (error instanceof Missing) return error.message;
    throw error;
  }
  return hasProgram("wrk") ? undefined : "not installed: wrk";
}

const reason = lacking();
if (reason !== undefined) console.log(`skipped: ${reason}`);

const namespaces = (): readonly string[] =>
  execFileSync("ip", ["netns", "list"], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.startsWith(`exolith-bench-${process.pid}-`));

test.skipIf(reason !== undefined)(
  "servers take turns in namespaces, and nothing is left of them",
  async () => {
    const report = await benchCheetah(TINY, () => {});
    const left = new Set(report.skipped.map(({ name }) => name));
    expect(left.has("node-http")).toBe(false);
    const servers = TINY.servers.filter((name) => !left.has(name));
    expect(report.rows).toHaveLength(2 * servers.length);
    for (const row of report.rows) {
      expect(row.failures, row.server).toBe(0);
      expect(row.rate.median, row.server).toBeGreaterThan(100);
      expect(row.samples[0]?.clientShare, row.server).toBeGreaterThan(0.01);
      expect(row.processor.median, row.server).toBeGreaterThan(0.5);
      // At least a request and an answer, and with a connection each SYN and FIN besides.
      expect(row.packets.median, row.server).toBeGreaterThanOrEqual(row.mode === "close" ? 6 : 1.9);
    }
    expect(report.goals.every(({ reached }) => reached === undefined)).toBe(true);
    expect(printCheetahReport(report)).toContain("not judged");
    const drawing = drawCheetahReport(report);
    expect(drawing.match(/<circle/g)).toHaveLength(report.rows.length);
    expect(drawing).not.toContain("NaN");
    expect(namespaces()).toEqual([]);
  },
);

test.skipIf(reason !== undefined)("webswamp loads a server from beside the host's network", async () => {
  const options: CheetahBenchOptions = {
    ...TINY,
    documents: ["10K", "mix"],
    clients: ["webswamp"],
    servers: ["node-http"],
    steer: true,
  };
  const { rows, skipped } = await benchCheetah(options, () => {});
  expect(skipped).toEqual([]);
  expect(rows.map(({ mode, document }) => `${mode} ${document}`)).toEqual([
    "keep-alive 10K",
    "keep-alive mix",
    "close 10K",
    "close mix",
  ]);
  for (const { samples, failures } of rows) {
    expect(failures).toBe(0);
    expect(samples[0]?.rate).toBeGreaterThan(50);
    expect(samples[0]?.serverShare).toBeGreaterThan(0);
    expect(samples[0]?.clientShare).toBeGreaterThan(0);
  }
});

test.skipIf(reason !== undefined)("a server that is not installed is left out, and named", async () => {
  const { PATH } = process.env;
  const directory = mkdtempSync(join(tmpdir(), "exolith-bench-test-"));
  try {
    for (const name of ["ip", "sh", "taskset", "wrk"])
      symlinkSync(
        execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim(),
        join(directory, name),
      );
    process.env["PATH"] = directory;
    const report = await benchCheetah({ ...TINY, servers: ["nginx", "ring-c"] }, () => {});
    expect(report.rows).toEqual([]);
    expect(report.skipped).toEqual([
      { name: "nginx", why: "not installed: nginx" },
      { name: "ring-c", why: "not installed: cc" },
    ]);
    expect(printCheetahReport(report)).toContain("nginx skipped: not installed: nginx");
  } finally {
    process.env["PATH"] = PATH;
    rmSync(directory, { recursive: true });
  }
  expect(namespaces()).toEqual([]);
});

test.skipIf(reason !== undefined)(
  "Control-C under load leaves no namespace, no program and no file",
  async () => {
    const scratch = mkdtempSync(join(tmpdir(), "exolith-bench-test-"));
    const module = fileURLToPath(new URL("../src/cli.ts", import.meta.url));
    const words = ["cheetah", "--documents", "1K", "--servers", "nginx,node-http", "--clients", "wrk"];
    const briefly = ["--only", "keep-alive", "--seconds", "1", "--warm-up", "1"];
    const child = spawn(process.execPath, ["--conditions=@exolith/source", module, ...words, ...briefly], {
      env: { ...process.env, TMPDIR: scratch },
      stdio: ["ignore", "ignore", "pipe"],
    });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    await new Promise<void>((resolve, reject) => {
      let said = "";
      child.stderr.on("data", (part: Buffer) => {
        said += part.toString();
        if (said.includes("round 1:")) resolve();
      });
      child.once("exit", () => reject(new Error(said)));
    });
    const family = familyOf(child.pid ?? 0).slice(1);
    expect(family.length).toBeGreaterThanOrEqual(2);
    child.kill("SIGINT");
    expect(await ended).toBe(130);
    expect(execFileSync("ip", ["netns", "list"], { encoding: "utf8" })).not.toContain(`-${child.pid}-`);
    await expect.poll(() => family.filter((pid) => existsSync(`/proc/${pid}/exe`))).toEqual([]);
    expect(readdirSync(scratch)).toEqual([]);
    rmSync(scratch, { recursive: true });
  },
);
