/** Every example runs, ends by itself, says the same each time, and takes the common options. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const directory = fileURLToPath(new URL("..", import.meta.url));
/** Their machine is made by the library that they show: there is no wire, and nothing to look into. */
const WITHOUT_MACHINE: ReadonlySet<string> = new Set(["14-run-wasi.ts"]);
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
  expect(programs.map((name) => name.slice(0, 2))).toEqual([
    "01",
    "02",
    "03",
    "04",
    "05",
    "06",
    "07",
    "08",
    "10",
    "11",
    "12",
    "13",
    "14",
  ]);
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
    const looking = ["--trace", "--calls", "--tables"];
    const options = ["--seed", "7", "--drop", "0.1", "--corrupt", "0.05", ...looking, "--pcap", pcap];
    const { code, err, out } = await run(program, options);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    if (WITHOUT_MACHINE.has(program)) {
      expect(out).toBe(
        readFileSync(join(directory, `test/expected/${program.replace(".ts", ".txt")}`), "utf8"),
      );
      return;
    }
    for (const part of ["  environmentCreate", "Environments"]) expect(out).toContain(part);
    expect(out).not.toMatch(/ µs {2}call /);
    expect(readFileSync(pcap).readUInt32LE(0)).toBe(0xa1b23c4d);
    rmSync(place, { recursive: true });
  });
});

/** The packets of a capture with times in nanoseconds. */
function packetsOf(pcap: Buffer): Buffer[] {
  const packets: Buffer[] = [];
  for (let at = 24; at < pcap.length; at += 16 + pcap.readUInt32LE(at + 8))
    packets.push(pcap.subarray(at + 16, at + 16 + pcap.readUInt32LE(at + 8)));
  return packets;
}

/** The counts and names under `title`, of a summary of calls. */
function summaryOf(out: string, title: string): Map<string, number> {
  const [, after = ""] = out.split(`${title}\n`);
  const lines = after.split("\n").map((line) => /^ +(\d+) {2}(\w+)$/.exec(line));
  const end = lines.indexOf(null);
  return new Map(lines.slice(0, end).map((found) => [found?.[2] ?? "", Number(found?.[1])]));
}

test("[D7] one documented command prints the published state, the calls of each environment and the trace, and captures the wire", async () => {
  const readme = readFileSync(join(directory, "README.md"), "utf8");
  const [, command = ""] = /## To look inside[\s\S]*?```\n(node .+)\n```/.exec(readme) ?? [];
  const [node, condition, program = "", ...options] = command.split(" ");
  expect([node, condition, program.slice(0, 9)]).toEqual([
    "node",
    "--conditions=@exolith/source",
    "examples/",
  ]);
  const place = mkdtempSync(join(tmpdir(), "exolith-example-"));
  const words = options.map((word) => (word.endsWith(".pcap") ? join(place, word) : word));
  const { code, err, out } = await run(program.slice(9), words);
  expect({ code, err }).toEqual({ code: 0, err: "" });

  for (const machine of ["the left machine", "the right machine"])
    for (const part of ["Published tables", "Kernel calls", "Trace"])
      expect(out).toContain(`${part} of ${machine}`);
  const [, facts = ""] = /the minimal libOS: (.*)/.exec(out) ?? [];
  const [frames, calls, slices] = [...facts.matchAll(/\d+/g)].map(Number);
  const [, left = ""] = out.split("Published tables of the left machine");
  const [, row = ""] = /^ +2 +1\.1 +(.*)$/m.exec(left) ?? [];
  const [parent, , begun, , held, , , made] = row.split(/ +/).map(Number);
  expect([parent, begun, held, made]).toEqual([1, slices, frames, calls]);
  for (const table of ["Slices", "Frames", "Packet rings", "Filters", "Transmit bindings"])
    expect(left).toContain(table);

  const summary = summaryOf(out, `Environment 2: ${calls} calls`);
  expect([...summary.values()].reduce((sum, count) => sum + count, 0)).toBe(calls);
  const noted = (name: string): number =>
    [
      ...(out.split("Kernel calls of the left machine")[0] ?? "").matchAll(/ call +environment 2, (\w+) /g),
    ].filter(([, called]) => called === name).length;
  for (const [name, count] of summary) expect([name, noted(name)]).toEqual([name, count]);

  const packets = packetsOf(readFileSync(join(place, "wire.pcap")));
  const echoes = packets.filter((packet) => packet.readUInt16BE(12) === 0x0800 && packet[23] === 1);
  expect(echoes.map((packet) => packet[34])).toEqual([8, 0, 8, 0, 8, 0, 8, 0]);
  rmSync(place, { recursive: true });
});

test("an option that makes no sense is explained", async () => {
  const unknown = await run("01-hello-environment.ts", ["--what"]);
  const wild = await run("01-hello-environment.ts", ["--drop", "7"]);
  const vague = await run("01-hello-environment.ts", ["--trace=all"]);
  for (const { code, err } of [unknown, wild, vague]) {
    expect(code).toBe(2);
    expect(err).toContain("Options:");
  }
});
