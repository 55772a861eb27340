/** What a board shows of a kernel: its trace, its calls and its tables, as far as they were asked for. */
import type { Gate } from "../abi/gate.ts";
import { callSummary, tableLines } from "./table-text.ts";
import { traceLines } from "./trace-text.ts";
import { NO_TRACE, makeTrace, type Trace } from "../trace.ts";

/** What a trace holds: events, or every kernel call as well. */
export type TraceDetail = "events" | "calls";

/** What is to be shown; nothing by default, at no cost. */
export interface InspectionOptions {
  /** Keep a trace, and show it. */
  readonly trace?: TraceDetail | undefined;
  /** Show how often each environment made each call. */
  readonly calls?: boolean | undefined;
  /** Show the published tables. */
  readonly tables?: boolean | undefined;
}

/** An inspection of one kernel. */
export interface Inspection {
  /** To boot the kernel with. */
  readonly trace: Trace;
  /** What was asked for, as `root` reads it now; no lines when nothing was. `title` names the machine. */
  lines(title: string, root: Gate): string[];
}

/** Events that the trace of an inspection holds: the last ones. */
export const INSPECTION_EVENTS = 4096;

/** True for what `trace` may be. */
export const isTraceDetail = (value: unknown): value is TraceDetail =>
  value === "events" || value === "calls";

/**
 * The words of a command line with a bare `--trace` as `--trace=events`.
 *
 * Only `events` or `calls` after it belongs to it, so that `--trace site` is the option and then a word.
 */
export const withTraceDetail = (words: readonly string[]): string[] =>
  words.flatMap((word, i) => {
    if (word === "--trace") return isTraceDetail(words[i + 1]) ? [] : ["--trace=events"];
    return words[i - 1] === "--trace" && isTraceDetail(word) ? [`--trace=${word}`] : [word];
  });

/** An inspection that shows what `options` ask for. */
export function makeInspection(options: InspectionOptions = {}): Inspection {
  const { trace: detail, calls = false, tables = false } = options;
  const trace = detail === undefined ? NO_TRACE : makeTrace(INSPECTION_EVENTS, { calls: detail === "calls" });
  const part = (title: string, lines: readonly string[]): string[] => ["", title, ...lines];
  return {
    trace,
    lines: (title, root) => [
      ...(detail === undefined ? [] : part(`Trace of ${title}`, traceLines(trace, root.clock.hertz))),
      ...(calls ? part(`Kernel calls of ${title}`, callSummary(root)) : []),
      ...(tables ? part(`Published tables of ${title}`, tableLines(root)) : []),
    ],
  };
}
