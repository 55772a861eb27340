import { expect, test } from "vitest";
import type { SeriesPoint } from "./point.ts";
import { checkTable, goalsOf, isHeldBack, pointOf, sparedCycles } from "./shape.ts";
import type { SeriesTable } from "./table.ts";

const point = (size: number, cycles: number, more: Partial<SeriesPoint> = {}): SeriesPoint => ({
  size,
  requests: 100,
  requestsPerSecond: 2e8 / cycles,
  bytesPerSecond: (size * 2e8) / cycles,
  idle: 0,
  link: 0.5,
  cycles,
  packetsIn: 3,
  packetsOut: 3,
  bytesCopied: 0,
  bytesSummed: 0,
  parts: { devices: 0, protocols: 0, HTTP: 0, kernel: 0, sockets: 0, processes: 0, bytes: 0 },
  work: {},
  ...more,
});

/** Servers by the cycles of a request, at each size. */
const table = (sizes: readonly number[], cycles: Readonly<Record<string, number>>): SeriesTable => ({
  machine: "test",
  rows: Object.entries(cycles).map(([server, each]) => ({
    server,
    points: sizes.map((size) => point(size, each)),
  })),
});

const AS_IN_PAPER = {
  "NCSA/BSD": 9000,
  "Harvest/BSD": 8000,
  "Socket/BSD": 8000,
  "Socket/Xok": 4000,
  Cheetah: 2000,
};
const broken = (found: SeriesTable): readonly string[] =>
  checkTable(found)
    .filter(({ holds }) => !holds)
    .map(({ what }) => what);

test("the paper's order holds, with its baselines equal to the sockets server", () => {
  const found = table([0, 100], AS_IN_PAPER);
  expect(checkTable(found)).toHaveLength(2 * 4 * 2);
  expect(broken(found)).toEqual([]);
});

test("any pair out of order is found, and equal is not better where it must be", () => {
  expect(broken(table([0], { ...AS_IN_PAPER, "NCSA/BSD": 7999 }))).toHaveLength(2);
  expect(broken(table([0], { ...AS_IN_PAPER, "Harvest/BSD": 7999 }))).toHaveLength(2);
  expect(broken(table([0], { ...AS_IN_PAPER, "Socket/Xok": 8000 }))).toHaveLength(2);
  expect(broken(table([0], { ...AS_IN_PAPER, Cheetah: 4000 }))).toHaveLength(2);
});

test("rates are not compared where the processor has time to spare", () => {
  const found = table([10_240], AS_IN_PAPER);
  const rows = found.rows.map(({ server, points }) => ({
    server,
    points: points.map((one) => ({ ...one, idle: 0.3, requestsPerSecond: 1000 })),
  }));
  expect(broken({ ...found, rows })).toEqual([]);
  expect(checkTable({ ...found, rows })).toHaveLength(4);
  expect(isHeldBack(point(0, 1, { idle: 0.04 }))).toBe(false);
});

test("the large document wants full links and an idle processor of Cheetah", () => {
  const found = table([102_400], AS_IN_PAPER);
  const withCheetah = (more: Partial<SeriesPoint>): SeriesTable => ({
    ...found,
    rows: found.rows.map(({ server, points }) => ({
      server,
      points: points.map((one) => (server === "Cheetah" ? { ...one, ...more } : one)),
    })),
  });
  expect(broken(withCheetah({ link: 0.95, idle: 0.31 }))).toEqual([]);
  expect(broken(withCheetah({ link: 0.92, idle: 0.31 }))).toHaveLength(1);
  expect(broken(withCheetah({ link: 0.95, idle: 0.29 }))).toHaveLength(1);
});

test("the goal is for small documents, and says what it would take", () => {
  const goals = goalsOf(table([0, 1024, 10_240], AS_IN_PAPER));
  expect(goals.map(({ reached }) => reached)).toEqual([true, true]);
  const missed = table([0], { ...AS_IN_PAPER, Cheetah: 2001 });
  expect(goalsOf(missed)[0]?.reached).toBe(false);
});

test("spared cycles are those of sockets and of a monolithic kernel, and of nothing else", () => {
  const cost = sparedCycles(point(0, 1000, { work: { systemCall: 2, httpRequest: 5, tcpSegment: 7 } }));
  expect(cost).toBe(2 * (80 + 90 * 0.625 + 64));
});

test("what was not measured is not made up", () => {
  expect(() => pointOf(table([0], AS_IN_PAPER), "Cheetah", 100)).toThrow("not measured");
});
