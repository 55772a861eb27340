import { expect, test } from "vitest";
import { figure } from "../statistics.ts";
import type { CheetahRow } from "./bench-cheetah.ts";
import { MODES, type Mode } from "./client.ts";
import { judgeCheetah } from "./goals.ts";
import type { Sample } from "./measure.ts";

const DOCUMENTS = ["0", "100", "1K", "10K", "100K", "1M"];
const ALL = { documents: DOCUMENTS, modes: MODES };

const sample = (processor: number): Sample => ({
  rate: 1e6 / processor,
  processor,
  user: processor / 4,
  system: (processor * 3) / 4,
  deferred: 0,
  busy: processor,
  packets: 2,
  latency: { p50: 1, p90: 1, p99: 1, p999: 1 },
  failures: 0,
  serverShare: 1,
  clientShare: undefined,
});

/** A row whose rounds took so many microseconds. */
function row(server: string, document: string, mode: Mode, ...rounds: readonly number[]): CheetahRow {
  const samples = rounds.map(sample);
  const of = (read: (one: Sample) => number) => figure(samples.map(read));
  return {
    server,
    client: "wrk",
    mode,
    document,
    rate: of(({ rate }) => rate),
    processor: of(({ processor }) => processor),
    user: of(({ user }) => user),
    system: of(({ system }) => system),
    deferred: of(({ deferred }) => deferred),
    busy: of(({ busy }) => busy),
    packets: of(({ packets }) => packets),
    latency: { p50: 1, p99: 1 },
    failures: 0,
    samples,
  };
}

/** Every server at every document and mode, each at so many times 1 µs. */
const everywhere = (costs: Readonly<Record<string, number>>): readonly CheetahRow[] =>
  MODES.flatMap((mode) =>
    DOCUMENTS.flatMap((document) =>
      Object.entries(costs).map(([server, cost]) => row(server, document, mode, cost)),
    ),
  );

const missed = (rows: readonly CheetahRow[]): readonly string[] =>
  judgeCheetah(rows, ALL)
    .filter(({ reached }) => reached === false)
    .map(({ what }) => what);

test("goals are reached at their bound, and not past it", () => {
  const good = { cheetah: 4, nginx: 8, "node-http": 16, "ring-c": 4 };
  expect(missed(everywhere(good))).toEqual([]);
  expect(missed(everywhere({ ...good, nginx: 7 }))).toEqual([
    "0, keep-alive: <= 0.5x nginx",
    "100, keep-alive: <= 0.5x nginx",
    "1K, keep-alive: <= 0.5x nginx",
  ]);
  expect(missed(everywhere({ ...good, "ring-c": 2 }))).toHaveLength(3);
  expect(missed(everywhere({ ...good, cheetah: 5 }))).toContain("1K, keep-alive: user time <= 1.2 µs");
});

test("the better of two peers is the one that counts", () => {
  const rows = everywhere({ cheetah: 6, nginx: 8, "node-http": 100, "ring-c": 6 });
  expect(missed(rows)).toContain("10K, keep-alive: <= 0.7x nginx or node-http");
  expect(missed(rows)).not.toContain("100K, keep-alive: <= 1x nginx or node-http");
});

test("a ratio is that of each round, not of the medians", () => {
  const rows = [row("cheetah", "1K", "close", 5, 50, 500), row("nginx", "1K", "close", 10, 100, 1000)];
  const [goal] = judgeCheetah(rows, { documents: ["1K"], modes: ["close"] });
  expect(goal).toMatchObject({ measured: "0.50x", reached: true });
  const crossed = [row("cheetah", "1K", "close", 5, 50, 500), row("nginx", "1K", "close", 1000, 10, 100)];
  expect(judgeCheetah(crossed, { documents: ["1K"], modes: ["close"] })[0]).toMatchObject({
    measured: "5.00x",
    reached: false,
  });
});

test("what is missing is not judged, and nothing passes in silence", () => {
  const without = everywhere({ cheetah: 4, nginx: 8 });
  const goals = judgeCheetah(without, ALL);
  const open = goals.filter(({ reached }) => reached === undefined).map(({ what }) => what);
  expect(open).toContain("1K, keep-alive: <= 0.3x node-http");
  expect(open).toContain("10K, keep-alive: <= 0.7x nginx or node-http");
  expect(judgeCheetah([], ALL).every(({ reached }) => reached === undefined)).toBe(true);
  expect(goals).toHaveLength(judgeCheetah([], ALL).length);
});

test("only goals about what was asked for are named", () => {
  const goals = judgeCheetah([], { documents: ["10K"], modes: ["keep-alive"] });
  expect(goals.map(({ what }) => what)).toEqual(["10K, keep-alive: <= 0.7x nginx or node-http"]);
});
