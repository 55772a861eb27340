/** What the modules of binaryen's fuzzer import, done alike in the sandbox and out of it. */
import type { HostFunction } from "../../src/index.ts";

/** The module name of all of it. */
export const SUPPORT = "fuzzing-support";

type Types = HostFunction["parameters"];
const offer = (name: string, parameters: Types, results: Types = []): HostFunction => ({
  module: SUPPORT,
  name,
  parameters,
  results,
});

/** What is offered. `log-v128` is not: no such value can come out of a module, so `generate.ts` fills it in. */
export const SUPPORT_FUNCTIONS: readonly HostFunction[] = [
  offer("log-i32", ["i32"]),
  offer("log-i64", ["i64"]),
  offer("log-f32", ["f32"]),
  offer("log-f64", ["f64"]),
  offer("sleep", ["i32", "i32"], ["i32"]),
  offer("call-export", ["i32", "i32"]),
  offer("call-export-catch", ["i32"], ["i32"]),
  offer("call-ref", ["funcref", "i32"]),
  offer("call-ref-catch", ["funcref"], ["i32"]),
  offer("table-get", ["i32"], ["funcref"]),
  offer("table-set", ["i32", "funcref"]),
];

type Call = (...values: readonly unknown[]) => unknown;

/** The functions of one module, and what they have seen. */
export interface Support {
  readonly functions: Readonly<Record<string, Call>>;
  /** What was logged, in its order. */
  readonly seen: unknown[];
  /** The functions that the module exports, in an order that does not depend on where it runs. */
  exported: readonly Call[];
}

/** Calls of one another that are not refused. */
const DEPTH = 6;
/** References that are kept for a module. */
const ELEMENTS = 16;

/** A number as either kind of number takes it. */
const ZERO = "0";

/** 1 when `act` throws, else 0. */
function throws(act: () => void): number {
  try {
    act();
    return 0;
  } catch {
    return 1;
  }
}

/** Fresh functions for a module. */
export function makeSupport(): Support {
  const seen: unknown[] = [];
  const table: unknown[] = Array.from({ length: ELEMENTS }, () => null);
  let depth = 0;
  const enter = (call: unknown): void => {
    if (typeof call !== "function" || depth === DEPTH) throw new Error("nothing to call, or too deep");
    depth += 1;
    try {
      (call as Call)(...Array.from({ length: call.length }, () => ZERO));
    } finally {
      depth -= 1;
    }
  };
  const log = (value: unknown): void => void seen.push(value);
  const callExport = (index: unknown): void =>
    enter(support.exported[((index as number) >>> 0) % Math.max(support.exported.length, 1)]);
  const support: Support = {
    functions: {
      "log-i32": log,
      "log-i64": log,
      "log-f32": log,
      "log-f64": log,
      sleep: (_time, id) => id,
      "call-export": callExport,
      "call-export-catch": (index) => throws(() => callExport(index)),
      "call-ref": enter,
      "call-ref-catch": (call) => throws(() => enter(call)),
      "table-get": (index) => table[(index as number) >>> 0] ?? null,
      "table-set": (index, call) => {
        if ((index as number) >>> 0 >= ELEMENTS) throw new Error("no such element");
        table[(index as number) >>> 0] = call;
      },
    },
    seen,
    exported: [],
  };
  return support;
}
