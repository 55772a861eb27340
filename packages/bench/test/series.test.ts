/** `bench series`: five servers on simulated machines, and that their clients may misbehave. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PENTIUM_PRO_200 } from "@exolith/hw-model";
import { expect, test } from "vitest";
import { benchSeries } from "../src/series/bench-series.ts";
import { SIZES } from "../src/series/documents.ts";
import { measurePoint } from "../src/series/point.ts";
import { printSeriesReport } from "../src/series/print-series.ts";
import { SERVERS } from "../src/series/servers.ts";
import { pointOf, sparedCycles } from "../src/series/shape.ts";
import { measureTable } from "../src/series/table.ts";
import { WORK_NAMES } from "../src/series/work.ts";

const OPTIONS = { clients: 8, rounds: 6, seed: 1 };
const report = benchSeries(OPTIONS, () => {});
const { table } = report;

test.todo(
  "[W6] the order of SOSP'97 and links full at 100 KB with the processor idle are shown; but Cheetah is not even twice Socket/BSD, not 4 times: counts of instructions in the best case hold no misses of caches",
);

test("five servers at five sizes: every invariant of the figure holds, in the figure's order", () => {
  expect(table.rows.map(({ server }) => server)).toEqual([
    "NCSA/BSD",
    "Harvest/BSD",
    "Socket/BSD",
    "Socket/Xok",
    "Cheetah",
  ]);
  for (const { points } of table.rows) expect(points.map(({ size }) => size)).toEqual(SIZES);
  expect(report.invariants).toHaveLength(5 * (4 + 1) + 2);
  expect(report.invariants.filter(({ holds }) => !holds)).toEqual([]);
});

test("rings that are full hold nobody up: 64 clients a link are answered as quickly as 32, to the last one", () => {
  const server = SERVERS.find(({ name }) => name === "Socket/BSD");
  if (server === undefined) throw new Error("no such server");
  const rateOf = (clients: number): number =>
    measurePoint({ profile: PENTIUM_PRO_200, server, size: 102_400, clients, rounds: 2, seed: 1 })
      .requestsPerSecond;
  expect(rateOf(64)).toBeGreaterThan(0.95 * rateOf(32));
});

test("the goal of 4 times is judged for each small size, by what was measured", () => {
  expect(report.goals).toHaveLength(3);
  for (const { reached, measured } of report.goals) {
    const ratio = Number.parseFloat(measured);
    expect(ratio).toBeGreaterThan(1);
    expect(reached).toBe(ratio >= 4);
  }
});

test("no piece of work is left out: each is done by one of the servers", () => {
  const done = new Set(table.rows.flatMap(({ points }) => points.flatMap(({ work }) => Object.keys(work))));
  expect(WORK_NAMES.filter((name) => !done.has(name))).toEqual([]);
});

test("each server does what it is, for every request", () => {
  for (const size of SIZES) {
    const [ncsa, harvest, sockets, library, cheetah] = SERVERS.map(({ name }) => pointOf(table, name, size));
    expect(ncsa?.work).toMatchObject({ fork: 1, exit: 1, copyOnWrite: 10, fileOpen: 1 });
    expect(harvest?.work.fork).toBeUndefined();
    expect(harvest?.work.systemCall).toBeGreaterThan(sockets?.work.systemCall ?? Infinity);
    const { systemCall, libraryCall } = library?.work ?? {};
    expect(systemCall).toBeUndefined();
    expect(libraryCall).toBeGreaterThan(3);
    expect(cheetah).toMatchObject({ work: { httpRequest: 1, tcpConnection: 1 } });
    expect(sparedCycles(cheetah as NonNullable<typeof cheetah>)).toBe(0);
  }
});

test("every cycle belongs to a part, and a part that a server does without is empty", () => {
  for (const { server, points } of table.rows)
    for (const { parts, cycles, size } of points) {
      const sum = Object.values(parts).reduce((all, part) => all + part, 0);
      expect(sum, `${server}, ${size}`).toBeCloseTo(cycles, 3);
      for (const part of Object.values(parts)) expect(part).toBeGreaterThanOrEqual(0);
      expect(parts.processes > 0).toBe(server === "NCSA/BSD");
      expect(parts.sockets > 0).toBe(server !== "Cheetah");
    }
});

test("bytes cross into sockets by a copy, out of files by another, and not at all in Cheetah", () => {
  const size = 102_400;
  const copied = (server: string): number => pointOf(table, server, size).bytesCopied;
  expect(copied("NCSA/BSD")).toBeGreaterThan(2 * size + 10 * 4096);
  for (const server of ["Harvest/BSD", "Socket/BSD", "Socket/Xok"]) {
    expect(copied(server)).toBeGreaterThan(size);
    expect(copied(server)).toBeLessThan(1.1 * size);
  }
  expect(copied("Cheetah")).toBeLessThan(0.05 * size);
});

test("nothing is lost at the servers' interfaces", () => {
  for (const { points } of table.rows) for (const { packetsLost } of points) expect(packetsLost).toBe(0);
});

test("one packet less with FIN on the data, where one packet holds it", () => {
  for (const size of [0, 100, 1024]) {
    expect(pointOf(table, "Socket/BSD", size).packetsOut).toBe(4);
    expect(pointOf(table, "Cheetah", size).packetsOut).toBe(3);
  }
});

test("the report names every server and says what is not reached", () => {
  const text = printSeriesReport(report);
  for (const { name } of SERVERS) expect(text).toContain(`| ${name}`);
  expect(text).toContain("29.3");
  expect(text).toMatch(/0 bytes: Cheetah >= 4x Socket\/BSD .* not reached/);
});

test("the same seed gives the same table, another seed the same work", () => {
  const again = { clients: 3, rounds: 5, seed: 1, sizes: [100, 10_240] };
  const once = measureTable(again);
  expect(measureTable(again)).toEqual(once);
  const other = measureTable({ ...again, seed: 2 });
  for (const { name } of SERVERS)
    expect(pointOf(other, name, 100).work.tcpSegment).toBe(pointOf(once, name, 100).work.tcpSegment);
});

const CLI = fileURLToPath(new URL("../src/cli.ts", import.meta.url));

const bench = (words: readonly string[]): Promise<{ code: number; out: string; err: string }> =>
  new Promise((resolve) => {
    const args = ["--conditions=@exolith/source", CLI, "series", ...words];
    const child = execFile(process.execPath, args, (_, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    );
  });

test("the command prints the same table, and writes it as JSON", async () => {
  const scratch = mkdtempSync(join(tmpdir(), "bench-series-"));
  try {
    const json = join(scratch, "series.json");
    const { code, out } = await bench(["--clients", "1", "--rounds", "3", "--json", json]);
    const expected = benchSeries({ clients: 1, rounds: 3, seed: 1 }, () => {});
    expect(out).toBe(`${printSeriesReport(expected)}\n`);
    expect(JSON.parse(readFileSync(json, "utf8"))).toEqual(expected);
    expect(code).toBe(Number(expected.invariants.some(({ holds }) => !holds)));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
});

test("what cannot be measured is refused by name", async () => {
  const { code, err } = await bench(["--clients", "65"]);
  expect(code).toBe(2);
  expect(err).toContain("--clients takes a whole number from 1 to 64, not 65");
});
