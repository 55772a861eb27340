/**
 * The rewriter: an alien WebAssembly module becomes one that can do no harm.
 *
 * What comes out reads and writes nothing but its segment, stops when its fuel
 * or its stack is used up, calls nothing but what it was offered, and otherwise
 * does what the module does.
 */
import { AddedTypes } from "./added-types.ts";
import { BodyRewriter, type RewriteContext } from "./body-rewriter.ts";
import type { MemoryModel } from "./memory-model.ts";
import { MODULE_LIMITS, type ModuleLimits } from "./module-limits.ts";
import { type ModuleRefusal, Refused, refuse, refuseModule } from "./module-refusal.ts";
import { CLASSES, INSTRUCTION_CLASSES, type InstructionClass, KIND, KINDS } from "./opcodes.ts";
import {
  type ExportedFunction,
  type HostFunction,
  type ParsedModule,
  importKey,
  typeNames,
  typeOfFunction,
} from "./parsed-module.ts";
import { readModule } from "./read-module.ts";
import {
  GLOBAL_COUNT,
  GLOBAL_COUNT_WITH_MESSAGE,
  MESSAGE_BASE,
  PAGE_BYTES,
  RESERVED_MODULE,
  RUNTIME_NAMES,
} from "./runtime.ts";
import { RuntimeFunctions } from "./runtime-functions.ts";
import { Segment, type SegmentLayout } from "./segment.ts";
import { VALUE_TYPES } from "./value-type.ts";
import { EXPORT_KIND, type ModuleForm, writeModule } from "./write-module.ts";

export type { ExportedFunction, HostFunction } from "./parsed-module.ts";

/** What a module may be and do. */
export interface RewriteOptions {
  /** What it may import; everything else is refused by name. */
  readonly imports?: readonly HostFunction[];
  /** Classes of instructions that it must not have. */
  readonly forbid?: readonly InstructionClass[];
  /** Whether it finds a message at `MESSAGE_BASE`, which it may read and not write. */
  readonly message?: boolean;
  /** How large it may be; what is absent is as in `MODULE_LIMITS`. */
  readonly limits?: Partial<ModuleLimits>;
}

/** Bytes that belong at an offset of the segment before the module runs. */
export interface ModuleData {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * A module that was rewritten. Only `rewriteModule` makes one.
 *
 * **Holds** what runs is a copy that nobody else has: `bytes` and the bytes in
 * `data` are for looking at.
 */
export interface RewrittenModule {
  /** The binary, copied each time it is asked for. */
  readonly bytes: Uint8Array;
  /** Bytes of the segment that it needs: the memory that it declares at least. */
  readonly memoryBytes: number;
  readonly data: readonly ModuleData[];
  readonly exports: readonly ExportedFunction[];
  readonly imports: readonly HostFunction[];
  /** Whether it has a function that runs first. */
  readonly hasStart: boolean;
  readonly hasMessage: boolean;
  /** Functions of its own. */
  readonly functions: number;
}

/** What is kept of a rewritten module besides. */
export interface RewrittenParts {
  readonly bytes: Uint8Array;
  readonly data: readonly ModuleData[];
  /** The compiled module, once it was wanted. */
  compiled: WebAssembly.Module | undefined;
}

const { freeze } = Object;
const parts = new WeakMap<RewrittenModule, RewrittenParts>();

/** The private parts of a module; undefined for what `rewriteModule` did not make. */
export const partsOf = (rewritten: RewrittenModule): RewrittenParts | undefined => parts.get(rewritten);

const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;
const getterOf = (of: object, name: PropertyKey): ((this: unknown) => unknown) =>
  Object.getOwnPropertyDescriptor(of, name)?.get ?? (() => undefined);
const typeNameOf = getterOf(typedArray, Symbol.toStringTag);
const lengthOf = getterOf(typedArray, "length");
const bufferLengthOf = getterOf(ArrayBuffer.prototype, "byteLength");

/** A copy of alien bytes, made without running their owner's code; undefined when they are none. */
export function copyBytes(alien: unknown, most: number): Uint8Array | undefined {
  const isBytes = typeNameOf.call(alien) === "Uint8Array";
  try {
    const length = isBytes ? lengthOf.call(alien) : bufferLengthOf.call(alien);
    if (!((length as number) <= most)) return refuse("TooLarge", -1, "bytes");
    return new Uint8Array(isBytes ? (alien as Uint8Array) : new Uint8Array(alien as ArrayBuffer));
  } catch (thrown) {
    if (thrown instanceof Refused) throw thrown;
    return undefined;
  }
}

/** `KIND` of each instruction, with those of the classes in `forbid` marked. */
export function kindsWithout(forbid: readonly InstructionClass[]): Uint8Array {
  const mask = forbid.reduce((sum, name) => sum | (INSTRUCTION_CLASSES[name] ?? 0), 0);
  if (mask === 0) return KINDS;
  return KINDS.map((kind, code) => (((CLASSES[code] ?? 0) & mask) === 0 ? kind : KIND.forbidden));
}

/** Whether vectors may come from a function or a global. */
export function hasVectors({ types, globals }: ParsedModule): boolean {
  const { v128 } = VALUE_TYPES;
  const named = types.some(({ parameters, results }) => parameters.includes(v128) || results.includes(v128));
  return named || globals.some(({ type }) => type === v128);
}

/** Makes the memory model of a module. */
export type ModelMaker = (layout: SegmentLayout) => MemoryModel;

/** Everything that a pass over `module` needs. */
function makeContext(
  module: ParsedModule,
  options: RewriteOptions,
  limits: ModuleLimits,
  makeModel: ModelMaker,
): RewriteContext {
  const { forbid = [] } = options;
  const hasMessage = options.message === true;
  const usesVectors = hasVectors(module);
  const forbidsVectors = forbid.includes("simd");
  if (usesVectors && forbidsVectors) refuse("Forbidden", -1, "v128");
  const memoryBytes = (module.memoryPages ?? 0) * PAGE_BYTES;
  if (hasMessage && memoryBytes > MESSAGE_BASE) refuse("TooLarge", -1, "memoryPages");
  const globalShift = hasMessage ? GLOBAL_COUNT_WITH_MESSAGE : GLOBAL_COUNT;
  const types = new AddedTypes(module.types.length);
  const runtime = new RuntimeFunctions(
    {
      firstFunction: module.imports.length + module.functionTypes.length,
      firstGlobal: globalShift + module.globals.length,
      memoryBytes,
      hasMessage,
      tableElements: limits.tableElements,
      segmentBytes: (index) => passiveBytes(module, index),
    },
    types,
  );
  return {
    module,
    limits,
    kinds: kindsWithout(forbid),
    globalShift,
    hasVectors: usesVectors,
    forbidsVectors,
    types,
    runtime,
    model: makeModel({ memoryBytes, hasMessage, outside: runtime.outside(), bulk: runtime }),
  };
}

/** The bytes of data segment `index` while it waits for `memory.init`. */
export function passiveBytes(module: ParsedModule, index: number): number {
  const segment = module.data[index];
  return segment === undefined || segment.offset !== undefined ? 0 : segment.to - segment.from;
}

/** What function `index` takes and leaves. */
export function signature(module: ParsedModule, index: number): Omit<ExportedFunction, "name"> {
  const type = module.types[typeOfFunction(module, index) ?? -1];
  return {
    parameters: typeNames(type?.parameters ?? []),
    results: typeNames(type?.results ?? []),
  };
}

/** The private data of a module. */
export const dataOf = (module: ParsedModule): readonly ModuleData[] =>
  module.data.flatMap(({ offset, from, to }) =>
    offset === undefined ? [] : [{ offset, bytes: module.bytes.slice(from, to) }],
  );

function describe(context: RewriteContext, bytes: Uint8Array, hasMessage: boolean): RewrittenModule {
  const { module } = context;
  const data = dataOf(module);
  const rewritten: RewrittenModule = freeze({
    get bytes(): Uint8Array {
      return bytes.slice();
    },
    memoryBytes: (module.memoryPages ?? 0) * PAGE_BYTES,
    data: freeze(data.map((segment) => freeze({ offset: segment.offset, bytes: segment.bytes.slice() }))),
    exports: freeze(module.exports.map(({ name, index }) => freeze({ name, ...signature(module, index) }))),
    imports: freeze([...module.imports]),
    hasStart: module.start !== undefined,
    hasMessage,
    functions: module.bodies.length,
  });
  parts.set(rewritten, { bytes, data, compiled: undefined });
  return rewritten;
}

const copyFunction = ({ module, name, parameters, results }: HostFunction): HostFunction =>
  freeze({ module, name, parameters: freeze([...parameters]), results: freeze([...results]) });

/** What is offered, by `importKey`; nothing of our own name. */
export function offeredFunctions(imports: readonly HostFunction[]): ReadonlyMap<string, HostFunction> {
  const offered = imports.filter(({ module }) => module !== RESERVED_MODULE).map(copyFunction);
  return new Map(offered.map((one) => [importKey(one.module, one.name), one]));
}

function formOf(context: RewriteContext): ModuleForm {
  const { runtime } = context;
  const { function: kind } = EXPORT_KIND;
  return {
    ...context,
    bodies: new BodyRewriter(context),
    exports: () => [
      { name: RUNTIME_NAMES.begin, kind, index: runtime.begin() },
      { name: RUNTIME_NAMES.fuel, kind, index: runtime.reader("fuel") },
      { name: RUNTIME_NAMES.cause, kind, index: runtime.reader("cause") },
    ],
    callElements: 0,
    isProgram: false,
  };
}

function rewrite(alien: unknown, options: RewriteOptions, makeModel: ModelMaker): RewrittenModule {
  const limits = { ...MODULE_LIMITS, ...options.limits };
  const bytes = copyBytes(alien, limits.bytes);
  if (bytes === undefined) return refuse("NotAModule", -1, "bytes");
  const module = readModule(bytes, { limits, offered: offeredFunctions(options.imports ?? []) });
  const context = makeContext(module, options, limits, makeModel);
  // First what is limited, then the engine, whose work on some modules is no matter of bytes.
  const written = writeModule(formOf(context));
  if (!WebAssembly.validate(bytes)) refuse("Invalid", -1, "types");
  return describe(context, written, options.message === true);
}

/** As `rewriteModule`, with another way to access memory. */
export function rewriteWith(
  bytes: unknown,
  options: RewriteOptions,
  makeModel: ModelMaker,
): RewrittenModule | ModuleRefusal {
  const own = Object.assign(Object.create(null), options) as RewriteOptions;
  for (const name of own.forbid ?? [])
    if (!Object.hasOwn(INSTRUCTION_CLASSES, name)) throw new RangeError(`no class of instructions: ${name}`);
  try {
    return rewrite(bytes, own, makeModel);
  } catch (thrown) {
    if (thrown instanceof Refused) return thrown.refusal;
    return refuseModule("Internal", -1, thrown instanceof Error ? thrown.name : "thrown");
  }
}

/**
 * A confined copy of an alien module, or why it was refused.
 *
 * **Holds** the bytes are copied before they are looked at, and no code of their
 * owner runs. No bytes make it throw. No recursion, whatever they claim.
 * **Fails** any rule but those of placing a module. A class in `forbid` that
 * there is not is a `RangeError`. Of `options`, what is inherited is not there.
 * **Cost** O(bytes), 10 to 20 ns a byte; memory for a few copies of the module.
 */
export const rewriteModule = (
  bytes: unknown,
  options: RewriteOptions = {},
): RewrittenModule | ModuleRefusal => rewriteWith(bytes, options, (layout) => new Segment(layout));
