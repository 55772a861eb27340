/** The rewriter of programs: an alien module becomes one that is translated, metered and can be suspended. */
import { AddedTypes } from "./added-types.ts";
import { CallSurvey } from "./call-survey.ts";
import { GrowableSegment, mayGrow } from "./growable-segment.ts";
import type { MemoryModel } from "./memory-model.ts";
import { MODULE_LIMITS, type ModuleLimits } from "./module-limits.ts";
import { type ModuleRefusal, Refused, refuse, refuseModule } from "./module-refusal.ts";
import { INSTRUCTION_CLASSES } from "./opcodes.ts";
import { Paged } from "./paged.ts";
import { PagedFunctions } from "./paged-functions.ts";
import type { ParsedModule } from "./parsed-module.ts";
import { ProgramBody } from "./program-body.ts";
import { globalName } from "./program-snapshot.ts";
import { PAGES_MAX, ProgramFunctions, type ProgramLayout } from "./program-functions.ts";
import type { ProgramOptions, RewrittenProgram } from "./program.ts";
import { readModule } from "./read-module.ts";
import {
  type ModuleData,
  copyBytes,
  dataOf,
  hasVectors,
  kindsWithout,
  offeredFunctions,
  passiveBytes,
  signature,
} from "./rewrite.ts";
import {
  CALL_COUNT,
  GLOBALS,
  PAGE_BYTES,
  PROGRAM_GLOBALS,
  PROGRAM_GLOBAL_COUNT,
  RUNTIME_NAMES,
} from "./runtime.ts";
import { Segment } from "./segment.ts";
import { VALUE_TYPES } from "./value-type.ts";
import { EXPORT_KIND, type AddedExport, writeModule } from "./write-module.ts";

/** How large a program may be, unless the caller says otherwise. */
export const PROGRAM_LIMITS: ModuleLimits = Object.freeze({
  ...MODULE_LIMITS,
  bytes: 64 << 20,
  bodyBytes: 4 << 20,
  moves: 1 << 26,
  allMoves: 2 ** 31,
  elements: 1 << 18,
  tableElements: 1 << 18,
  dataBytes: 32 << 20,
  dataSegments: 100_000,
  nesting: 32_768,
  rewrittenBytes: 256 << 20,
});

/** What is kept of a rewritten program besides. */
export interface ProgramParts {
  readonly bytes: Uint8Array;
  readonly hasStart: boolean;
  /** What belongs into its memory before it runs. */
  readonly data: readonly ModuleData[];
  /** Names of the exports that are its globals that may change. */
  readonly globals: readonly string[];
  /** What it has that no snapshot holds, if anything. */
  readonly unsaved: string | undefined;
  /** The compiled module, once it was wanted. */
  compiled: WebAssembly.Module | undefined;
}

const parts = new WeakMap<RewrittenProgram, ProgramParts>();

/** The private parts of a program; undefined for what `rewriteProgram` did not make. */
export const programParts = (program: RewrittenProgram): ProgramParts | undefined => parts.get(program);

const { freeze } = Object;

function layoutOf(module: ParsedModule, limits: ModuleLimits, mode: ProgramOptions["mode"]): ProgramLayout {
  const minimum = module.memoryPages ?? 0;
  const most = mode === "paged" ? PAGES_MAX : PAGES_MAX - 1;
  const maximumPages = Math.min(module.maximumPages ?? most, most);
  if (minimum > maximumPages) refuse("TooLarge", -1, "memoryPages");
  return {
    firstFunction: module.imports.length + module.functionTypes.length,
    firstGlobal: PROGRAM_GLOBAL_COUNT + module.globals.length,
    memoryBytes: minimum * PAGE_BYTES,
    hasMessage: false,
    tableElements: limits.tableElements,
    segmentBytes: (index) => passiveBytes(module, index),
    callsTable: module.tables.length,
    maximumPages,
    isGrowable: maximumPages > minimum && mayGrow(module),
  };
}

interface Model {
  readonly model: MemoryModel;
  readonly functions: ProgramFunctions;
}

function modelOf(options: ProgramOptions, layout: ProgramLayout, types: AddedTypes): Model {
  const { mode, pageBits = 12 } = options;
  if (mode === "paged") {
    const functions = new PagedFunctions(layout, types, pageBits);
    return { functions, model: new Paged(functions) };
  }
  const functions = new ProgramFunctions(layout, types);
  const { memoryBytes } = layout;
  if (layout.isGrowable) return { functions, model: new GrowableSegment(functions, memoryBytes) };
  const outside = functions.outside();
  return { functions, model: new Segment({ memoryBytes, hasMessage: false, outside, bulk: functions }) };
}

const EXPORTED_GLOBALS: readonly (readonly [string, number])[] = [
  [RUNTIME_NAMES.fuel, GLOBALS.fuel],
  [RUNTIME_NAMES.stack, GLOBALS.stack],
  [RUNTIME_NAMES.cause, GLOBALS.cause],
  [RUNTIME_NAMES.state, PROGRAM_GLOBALS.state],
  [RUNTIME_NAMES.context, PROGRAM_GLOBALS.context],
  [RUNTIME_NAMES.contextEnd, PROGRAM_GLOBALS.contextEnd],
  [RUNTIME_NAMES.contextStart, PROGRAM_GLOBALS.contextStart],
  [RUNTIME_NAMES.grant, PROGRAM_GLOBALS.grant],
  [RUNTIME_NAMES.pages, PROGRAM_GLOBALS.pages],
  [RUNTIME_NAMES.limit, PROGRAM_GLOBALS.limit],
];

/** Numbers of the globals that may change: the module's own, and those that say how long its data is. */
function changing({ globals }: ParsedModule, functions: ProgramFunctions): readonly number[] {
  const own = [...globals.keys()].filter((i) => globals[i]?.isMutable === true && isNumber(globals[i].type));
  const added = functions.globalValues.map((_, i) => globals.length + i);
  return [...own, ...added].map((i) => PROGRAM_GLOBAL_COUNT + i);
}

const { v128 } = VALUE_TYPES;
const isNumber = (type: number): boolean => type > v128;

/** What a program has that cannot be read from outside. */
function unsavedOf({ globals }: ParsedModule, { changesTables }: ProgramBody): string | undefined {
  if (changesTables) return "tables that change";
  const isUnsaved = globals.some(({ isMutable, type }) => isMutable && !isNumber(type));
  return isUnsaved ? "a global that is a vector or a reference" : undefined;
}

function addedExports(layout: ProgramLayout, changes: readonly number[]): readonly AddedExport[] {
  const globals = EXPORTED_GLOBALS.map(([name, index]) => ({ name, kind: EXPORT_KIND.global, index }));
  const calls = { name: RUNTIME_NAMES.calls, kind: EXPORT_KIND.table, index: layout.callsTable };
  const own = changes.map((index) => ({ name: globalName(index), kind: EXPORT_KIND.global, index }));
  return [...globals, calls, ...own];
}

/** What came of writing a module. */
interface Written {
  readonly bytes: Uint8Array;
  readonly layout: ProgramLayout;
  readonly globals: readonly string[];
  readonly unsaved: string | undefined;
}

function write(module: ParsedModule, options: ProgramOptions, limits: ModuleLimits): Written {
  const { forbid = [] } = options;
  const usesVectors = hasVectors(module);
  const forbidsVectors = forbid.includes("simd");
  if (usesVectors && forbidsVectors) refuse("Forbidden", -1, "v128");
  const kinds = kindsWithout(forbid);
  const types = new AddedTypes(module.types.length);
  const layout = layoutOf(module, limits, options.mode);
  const { model, functions } = modelOf(options, layout, types);
  const bodies = new ProgramBody({
    module,
    limits,
    kinds,
    globalShift: PROGRAM_GLOBAL_COUNT,
    hasVectors: usesVectors,
    forbidsVectors,
    types,
    functions,
    model,
    survey: new CallSurvey(module, kinds, { limits, forbidsVectors }),
  });
  const bytes = writeModule({
    module,
    limits,
    types,
    runtime: functions,
    globalShift: PROGRAM_GLOBAL_COUNT,
    bodies,
    exports: () => addedExports(layout, changing(module, functions)),
    callElements: CALL_COUNT,
    isProgram: true,
  });
  const globals = changing(module, functions).map(globalName);
  return { bytes, layout, globals, unsaved: unsavedOf(module, bodies) };
}

function rewrite(alien: unknown, options: ProgramOptions): RewrittenProgram {
  const limits = { ...PROGRAM_LIMITS, ...options.limits };
  const bytes = copyBytes(alien, limits.bytes);
  if (bytes === undefined) return refuse("NotAModule", -1, "bytes");
  const module = readModule(bytes, { limits, offered: offeredFunctions(options.imports ?? []) });
  // First what is limited, then the engine, whose work on some modules is no matter of bytes.
  const { bytes: written, layout, globals, unsaved } = write(module, options, limits);
  if (!WebAssembly.validate(bytes)) refuse("Invalid", -1, "types");
  const program: RewrittenProgram = freeze({
    get bytes(): Uint8Array {
      return written.slice();
    },
    mode: options.mode,
    pageBits: options.pageBits ?? 12,
    memoryPages: module.memoryPages ?? 0,
    maximumPages: layout.maximumPages,
    exports: freeze(module.exports.map(({ name, index }) => freeze({ name, ...signature(module, index) }))),
    imports: freeze([...module.imports]),
    functions: module.bodies.length,
  });
  const data = dataOf(module);
  const hasStart = module.start !== undefined;
  parts.set(program, { bytes: written, hasStart, data, globals, unsaved, compiled: undefined });
  return program;
}

/**
 * A program made of an alien module, or why it was refused.
 *
 * **Holds** as for `rewriteModule`: the bytes are copied first, no code of their
 * owner runs, no bytes make it throw.
 * **Fails** any rule but those of placing. A class in `forbid` that there is not,
 * a mode or a number of bits that there is not is a `RangeError`.
 * **Cost** O(bytes), 20 to 50 ns a byte.
 */
export function rewriteProgram(bytes: unknown, options: ProgramOptions): RewrittenProgram | ModuleRefusal {
  const own = Object.assign(Object.create(null), options) as ProgramOptions;
  for (const name of own.forbid ?? [])
    if (!Object.hasOwn(INSTRUCTION_CLASSES, name)) throw new RangeError(`no class of instructions: ${name}`);
  if (own.mode !== "paged" && own.mode !== "segment")
    throw new RangeError(`no such mode: ${String(own.mode)}`);
  const { pageBits = 12 } = own;
  if (pageBits !== 12 && pageBits !== 16) throw new RangeError(`no pages of ${String(pageBits)} bits`);
  try {
    return rewrite(bytes, own);
  } catch (thrown) {
    if (thrown instanceof Refused) return thrown.refusal;
    return refuseModule("Internal", -1, thrown instanceof Error ? thrown.name : "thrown");
  }
}
