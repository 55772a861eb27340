/** Every example runs, ends by itself, says the same each time, and takes the common options. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const directory = fileURLToPath(new URL("..", import.meta.url));
const programs = readdirSync(directory).filter((name) => /^\d\d-[\w-]+\.ts$/.test(name));

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const run = (program: string, options: readonly string[]): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    const parameters = ["--conditions=@exolith/source", join(directory, program), ...options];
    const child = spawn(process.execPath, parameters, { stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let err = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, out, err }));
  });

test("the ladder is there", () => {
  expect(programs.map((name) => name.slice(0, 2))).toEqual(["01", "02", "04", "06", "08", "10", "11", "12"]);
});

describe.each(programs)("%s", (program) => {
  test("says what is written down, and the same each time", async () => {
    const first = await run(program, ["--seed", "1"]);
    expect(first).toMatchObject({ code: 0, err: "" });
    await expect(first.out).toMatchFileSnapshot(`expected/${program.replace(".ts", ".txt")}`);
    expect(await run(program, ["--seed", "1"])).toEqual(first);
  });

  test("is at most 120 lines", () => {
    expect(readFileSync(join(directory, program), "utf8").split("\n").length - 1).toBeLessThanOrEqual(120);
  });

  test("takes all options: a bad wire, a trace, a capture", async () => {
    const place = mkdtempSync(join(tmpdir(), "exolith-example-"));
    const pcap = join(place, "wire.pcap");
    const options = ["--seed", "7", "--drop", "0.1", "--corrupt", "0.05", "--trace", "--pcap", pcap];
    const { code, err, out } = await run(program, options);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("environmentCreate");
    expect(readFileSync(pcap).readUInt32LE(0)).toBe(0xa1b23c4d);
    rmSync(place, { recursive: true });
  });
});

test("an option that makes no sense is explained", async () => {
  const unknown = await run("01-hello-environment.ts", ["--what"]);
  const wild = await run("01-hello-environment.ts", ["--drop", "7"]);
  for (const { code, err } of [unknown, wild]) {
    expect(code).toBe(2);
    expect(err).toContain("Options:");
  }
});
