/** What webswamp prints. */
import { FAILURES, FAILURE_NAMES } from "../webswamp/results.ts";
import type { SwampReport } from "./swamp.ts";

/** The figures of a report, for programs. */
export interface SwampFigures {
  readonly requests: number;
  readonly failed: number;
  readonly seconds: number;
  readonly pagesPerSecond: number;
  readonly bytesPerSecond: number;
  /** Bytes of all bodies and all heads. */
  readonly bodyBytes: number;
  readonly headBytes: number;
  readonly connections: number;
  /** Microseconds. */
  readonly latency: Readonly<Record<"p50" | "p90" | "p99" | "p999" | "mean" | "most", number>>;
  readonly failures: Readonly<Record<string, number>>;
  readonly userShare: number;
  readonly systemShare: number;
  readonly isPartial: boolean;
}

/** Reads everything there is to say. */
export function figuresOf({ results, userShare, systemShare, isPartial }: SwampReport): SwampFigures {
  const { latency, pages, bodyBytes, headBytes, seconds, connections, failed } = results;
  const a = (sum: number): number => (seconds === 0 ? 0 : sum / seconds);
  return {
    requests: pages,
    failed,
    seconds,
    pagesPerSecond: a(pages),
    bytesPerSecond: a(bodyBytes),
    bodyBytes,
    headBytes,
    connections,
    latency: {
      p50: latency.quantile(0.5),
      p90: latency.quantile(0.9),
      p99: latency.quantile(0.99),
      p999: latency.quantile(0.999),
      mean: latency.mean,
      most: latency.most,
    },
    failures: { ...results.failures },
    userShare,
    systemShare,
    isPartial,
  };
}

const UNITS = ["B", "KB", "MB", "GB"] as const;

/** `12.3 MB`: decimal units. */
function amount(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 2)} ${UNITS[power] ?? "B"}`;
}

const duration = (microseconds: number): string =>
  microseconds < 1000 ? `${microseconds.toFixed(0)} µs` : `${(microseconds / 1000).toFixed(2)} ms`;

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;

/** Lines for people. */
export function printSwamp(report: SwampReport): string {
  const figures = figuresOf(report);
  const { latency, failed } = figures;
  const names = ["p50", "p90", "p99", "p999"] as const;
  const lines = [
    `${figures.requests} pages and ${amount(figures.bodyBytes)} in ${figures.seconds.toFixed(2)} s over ${figures.connections} connections${figures.isPartial ? ", ended early" : ""}`,
    `pages/s  ${figures.pagesPerSecond.toFixed(0)}`,
    `bytes/s  ${amount(figures.bytesPerSecond)}`,
    `latency  ${names.map((name) => `${name} ${duration(latency[name])}`).join(", ")}, most ${duration(latency.most)}`,
    `busy     ${percent(report.userShare)} user, ${percent(report.systemShare)} system of one processor`,
    `failed   ${failed}`,
    ...FAILURE_NAMES.filter((name) => report.results.failures[name] > 0).map(
      (name) => `  ${report.results.failures[name]} ${name}: ${FAILURES[name]}`,
    ),
  ];
  return lines.join("\n");
}
