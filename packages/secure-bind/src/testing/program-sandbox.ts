/** Modules in the form of programs, without suspension: for tests of how they reach their memory. */
import { AddedTypes } from "../wasm/added-types.ts";
import { BodyRewriter, type RewriteContext } from "../wasm/body-rewriter.ts";
import { GrowableSegment } from "../wasm/growable-segment.ts";
import type { MemoryModel } from "../wasm/memory-model.ts";
import { MODULE_LIMITS } from "../wasm/module-limits.ts";
import { KINDS } from "../wasm/opcodes.ts";
import type { PageBits } from "../wasm/page-tables.ts";
import { PagedFunctions } from "../wasm/paged-functions.ts";
import { Paged } from "../wasm/paged.ts";
import type { ParsedModule } from "../wasm/parsed-module.ts";
import { placeData } from "../wasm/place-data.ts";
import type { ProgramPlace, RewrittenProgram } from "../wasm/program.ts";
import { ProgramFunctions } from "../wasm/program-functions.ts";
import { readModule } from "../wasm/read-module.ts";
import { type ModuleData, dataOf } from "../wasm/rewrite.ts";
import {
  CALL_COUNT,
  CALLS,
  PROGRAM_GLOBAL_COUNT,
  PROGRAM_GLOBALS,
  RESERVED_MODULE,
  RUNTIME_NAMES,
  STOP_CAUSE_NAMES,
} from "../wasm/runtime.ts";
import { type AddedExport, EXPORT_KIND, writeModule } from "../wasm/write-module.ts";
import { type CallOutcome, buildModule } from "./sandbox.ts";

const PAGE = 65_536;

/** How a module under test reaches its memory. */
export type TestMode = "segment" | PageBits;

/** A module in the form of a program. */
export interface TestProgram {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly pages: number;
  /** What belongs into its memory, and how that is reached. */
  readonly data: readonly ModuleData[];
  readonly shape: RewrittenProgram;
}

/** What whoever runs a program does for it. */
export interface TestCalls {
  miss?(address: number, writes: number): void;
  grow?(pages: number): number;
}

/** What a program exports here, which tests set and ask for. */
function addedExports(functions: ProgramFunctions, table: number): AddedExport[] {
  const { function: kind, table: tables, global } = EXPORT_KIND;
  const added: AddedExport[] = [
    { name: RUNTIME_NAMES.begin, kind, index: functions.begin() },
    { name: RUNTIME_NAMES.fuel, kind, index: functions.reader("fuel") },
    { name: RUNTIME_NAMES.cause, kind, index: functions.reader("cause") },
    { name: RUNTIME_NAMES.calls, kind: tables, index: table },
    { name: RUNTIME_NAMES.pages, kind: global, index: PROGRAM_GLOBALS.pages },
    { name: RUNTIME_NAMES.limit, kind: global, index: PROGRAM_GLOBALS.limit },
  ];
  return added;
}

function makeFunctions(
  module: ParsedModule,
  mode: TestMode,
  maximumPages: number,
  types: AddedTypes,
): ProgramFunctions {
  const layout = {
    firstFunction: module.imports.length + module.functionTypes.length,
    firstGlobal: PROGRAM_GLOBAL_COUNT + module.globals.length,
    memoryBytes: (module.memoryPages ?? 0) * PAGE,
    hasMessage: false,
    tableElements: MODULE_LIMITS.tableElements,
    segmentBytes: (index: number) => {
      const { offset, from, to } = module.data[index] ?? { offset: 0, from: 0, to: 0 };
      return offset === undefined ? to - from : 0;
    },
    callsTable: module.tables.length,
    maximumPages,
    isGrowable: true,
  };
  return mode === "segment" ? new ProgramFunctions(layout, types) : new PagedFunctions(layout, types, mode);
}

/** `bytes` as a program that reaches its memory in this way, and may grow to so many pages. */
export function programOf(bytes: Uint8Array, mode: TestMode, maximumPages = 65_535): TestProgram {
  const module = readModule(bytes, { limits: MODULE_LIMITS, offered: new Map() });
  const types = new AddedTypes(module.types.length);
  const functions = makeFunctions(module, mode, maximumPages, types);
  const model: MemoryModel =
    functions instanceof PagedFunctions
      ? new Paged(functions)
      : new GrowableSegment(functions, (module.memoryPages ?? 0) * PAGE);
  const context: RewriteContext = {
    module,
    limits: { ...MODULE_LIMITS, moves: 1 << 26, allMoves: 1 << 28 },
    kinds: KINDS,
    globalShift: PROGRAM_GLOBAL_COUNT,
    hasVectors: false,
    forbidsVectors: false,
    types,
    runtime: functions,
    model,
  };
  const written = writeModule({
    ...context,
    bodies: new BodyRewriter(context),
    exports: () => addedExports(functions, module.tables.length),
    callElements: CALL_COUNT,
    isProgram: true,
  });
  const shape = { mode: mode === "segment" ? "segment" : "paged", pageBits: mode === "segment" ? 12 : mode };
  return {
    bytes: written as Uint8Array<ArrayBuffer>,
    pages: module.memoryPages ?? 0,
    data: dataOf(module),
    shape: shape as RewrittenProgram,
  };
}

type Call = (...values: readonly (number | bigint)[]) => unknown;

/** Functions of the host as a table wants them: exported by a module. */
function exportedCalls(calls: Record<"miss" | "grow", Call>): Record<string, unknown> {
  const bytes = buildModule((m) => {
    m.export("miss", "function", m.importFunction("host", "miss", m.type(["i32", "i32"], [])));
    m.export("grow", "function", m.importFunction("host", "grow", m.type(["i32"], ["i32"])));
  });
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), { host: calls }).exports;
}

/** A program that can be called. */
export interface PlacedProgram {
  readonly exports: Record<string, unknown>;
  /** A fresh run of one exported function; what a miss throws that is no trap goes to the caller. */
  call(name: string, ...values: readonly (number | bigint)[]): CallOutcome;
  /** Places its data. */
  placeData(): CallOutcome;
  pages(): number;
  fuel(): number;
}

/** Places a program at `base` of `memory`. */
export function placeProgram(
  program: TestProgram,
  memory: WebAssembly.Memory,
  base: number,
  calls: TestCalls,
): PlacedProgram {
  const module = new WebAssembly.Module(program.bytes);
  const global = new WebAssembly.Global({ value: "i32" }, base | 0);
  const { exports } = new WebAssembly.Instance(module, { [RESERVED_MODULE]: { memory, base: global } });
  const table = exports[RUNTIME_NAMES.calls] as WebAssembly.Table;
  const given = exportedCalls({
    miss: (address, writes) => calls.miss?.(Number(address) >>> 0, Number(writes)),
    grow: (pages) => calls.grow?.(Number(pages) >>> 0) ?? -1,
  });
  for (const name of ["miss", "grow"] as const) table.set(CALLS[name], given[name]);
  (exports[RUNTIME_NAMES.pages] as WebAssembly.Global).value = program.pages;
  (exports[RUNTIME_NAMES.limit] as WebAssembly.Global).value = (program.pages * PAGE) | 0;
  const begin = exports[RUNTIME_NAMES.begin] as Call;
  const call = (name: string, ...values: readonly (number | bigint)[]): CallOutcome => {
    begin(2 ** 31 - 1, 1 << 20, 0, 0);
    try {
      return { value: (exports[name] as Call)(...values) };
    } catch (thrown) {
      if (!(thrown instanceof WebAssembly.RuntimeError)) throw thrown;
      const cause = (exports[RUNTIME_NAMES.cause] as () => number)();
      return { stopped: STOP_CAUSE_NAMES[cause] ?? "?" };
    }
  };
  return {
    exports,
    call,
    placeData: () => ({
      value: placeData(program.shape, program.data, { memory, base, ...calls } as ProgramPlace),
    }),
    pages: () => Number((exports[RUNTIME_NAMES.pages] as WebAssembly.Global).value),
    fuel: () => (exports[RUNTIME_NAMES.fuel] as () => number)(),
  };
}
