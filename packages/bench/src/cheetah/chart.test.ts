import { expect, test } from "vitest";
import { figure } from "../statistics.ts";
import type { CheetahBenchReport, CheetahRow } from "./bench-cheetah.ts";
import { drawCheetahReport } from "./chart.ts";
import { printCheetahReport } from "./print-cheetah.ts";
import type { Sample } from "./measure.ts";

const sample = (processor: number): Sample => ({
  rate: 1000,
  processor,
  user: 1,
  system: processor - 1,
  deferred: 0,
  busy: processor,
  packets: 2,
  latency: { p50: 1, p90: 2, p99: 3, p999: 4 },
  failures: 0,
  serverShare: 0.5,
  clientShare: undefined,
});

function row(server: string, document: string, ...processor: readonly number[]): CheetahRow {
  const samples = processor.map(sample);
  const of = (read: (one: Sample) => number) => figure(samples.map(read));
  return {
    server,
    client: "wrk",
    mode: "keep-alive",
    document,
    rate: of(({ rate }) => rate),
    processor: of((one) => one.processor),
    user: of(({ user }) => user),
    system: of(({ system }) => system),
    deferred: of(({ deferred }) => deferred),
    busy: of(({ busy }) => busy),
    packets: of(({ packets }) => packets),
    latency: { p50: 1, p99: 3 },
    failures: 0,
    samples,
  };
}

const reportOf = (rows: readonly CheetahRow[]): CheetahBenchReport => ({
  host: { processor: "A & B <C>", cores: 2, memoryGiB: 1, runtime: "Node", load: 0 },
  cores: { server: 0, client: 1 },
  options: {
    rounds: 1,
    seconds: 1,
    connections: 1,
    warmUpSeconds: 0,
    documents: ["1K"],
    clients: ["wrk"],
    servers: ["nginx"],
    modes: ["keep-alive"],
    steer: false,
    ablation: false,
  },
  rows,
  skipped: [],
  goals: [],
});

const ROWS = [
  row("cheetah", "0", 2, 3, 4),
  row("cheetah", "100K", 20),
  row("cheetah", "mix", 10),
  row("nginx", "0", 6),
  row("nginx", "100K", 30),
  row("nginx", "mix", 9),
];

test("a curve for each server, a mark for each row, and the mix beside the curves", () => {
  const drawing = drawCheetahReport(reportOf(ROWS));
  const curves = [...drawing.matchAll(/points="([^"]*)"/g)].map(([, points = ""]) => points.split(" "));
  expect(curves.map((points) => points.length)).toEqual([2, 2]);
  expect(drawing.match(/<circle/g)).toHaveLength(ROWS.length);
  // Dearer is higher: SVG counts from the top.
  const [cheetah, nginx] = curves.map((points) => Number(points[0]?.split(",")[1]));
  expect(nginx).toBeLessThan(cheetah ?? 0);
  expect(drawing).toContain("A &amp; B &lt;C&gt;");
  expect(drawing).not.toMatch(/NaN|undefined|Infinity/);
});

test("nothing measured is nothing drawn, and no error", () => {
  const drawing = drawCheetahReport(reportOf([]));
  expect(drawing).toMatch(/^<svg /);
  expect(drawing).not.toMatch(/NaN|undefined|Infinity/);
  expect(printCheetahReport(reportOf([]))).toContain("servers on core 0, clients on 1");
});

test("ratios are printed against those that were measured", () => {
  const printed = printCheetahReport(reportOf(ROWS));
  expect(printed).toContain("vs nginx");
  expect(printed).not.toContain("vs node-http");
  expect(printed).toMatch(/cheetah \| +100K .*50 % \| +- \| +0\.67x \|/);
});
