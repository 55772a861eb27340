/** Readers of the sections that declare things: types, imports, functions, tables, memories, globals, exports, code. */
import type { ByteReader } from "./byte-reader.ts";
import { readConstant } from "./constant-expression.ts";
import { isValueByte } from "./instruction-reader.ts";
import { demandWithin } from "./module-limits.ts";
import { refuse } from "./module-refusal.ts";
import {
  type FunctionType,
  type ParseRules,
  type ParsedModule,
  type TableType,
  importKey,
  typeNames,
  typeOfFunction,
} from "./parsed-module.ts";
import { RESERVED_MODULE, RESERVED_PREFIX } from "./runtime.ts";
import { VALUE_TYPES } from "./value-type.ts";

/** Forms of a type. */
const FUNCTION_FORM = 0x60;
/** A table with an expression for its elements begins with this. */
const TABLE_WITH_VALUE = 0x40;

/** Kinds of imports and exports. */
const FUNCTION = 0;
const TABLE = 1;
const MEMORY = 2;
const GLOBAL = 3;
const TAG = 4;
const KIND_NAMES = ["function", "table", "memory", "global", "tag"];

/** Bits of the flags before a size. */
const HAS_MAXIMUM = 1;
const SHARED = 2;
const WIDE = 4;
const PAGE_SIZE = 8;

/** The memory that may be imported, because compilers are asked to; it becomes the module's own. */
const MEMORY_KEY: string = importKey("env", "memory");

function readValueType(reader: ByteReader): number {
  const at = reader.at;
  const byte = reader.u8();
  if (!isValueByte(byte)) refuse("Unsupported", at, "type of a value");
  return byte;
}

function readTypeList(reader: ByteReader, rules: ParseRules): readonly number[] {
  const at = reader.at;
  const count = reader.count();
  demandWithin(count, rules.limits, "parameters", at);
  return Array.from({ length: count }, () => readValueType(reader));
}

/** Function types; anything else in this section belongs to extensions. */
export function readTypes(reader: ByteReader, module: ParsedModule, rules: ParseRules): void {
  const at = reader.at;
  const count = reader.count(2);
  demandWithin(count, rules.limits, "types", at);
  const from = reader.at;
  for (let i = 0; i < count; i++) {
    const start = reader.at;
    if (reader.u8() !== FUNCTION_FORM) refuse("Unsupported", start, "garbage collection");
    module.types.push({ parameters: readTypeList(reader, rules), results: readTypeList(reader, rules) });
  }
  module.typeEntries = { count, from, to: reader.at };
}

const sameTypes = (wanted: readonly string[], offered: readonly string[]): boolean =>
  wanted.length === offered.length && wanted.every((type, i) => type === offered[i]);

function typeAt(reader: ByteReader, module: ParsedModule): { index: number; type: FunctionType } {
  const at = reader.at;
  const index = reader.u32();
  const type = module.types[index];
  return type === undefined ? refuse("Malformed", at, "type") : { index, type };
}

function importFunction(reader: ByteReader, module: ParsedModule, key: string, rules: ParseRules): boolean {
  const { index, type } = typeAt(reader, module);
  const offered = rules.offered.get(key);
  if (offered === undefined) return false;
  if (!sameTypes(typeNames(type.parameters), offered.parameters)) return false;
  if (!sameTypes(typeNames(type.results), offered.results)) return false;
  module.imports.push(offered);
  module.importTypes.push(index);
  return true;
}

/** Imports: functions that are offered, and the memory; nothing else comes from outside. */
export function readImports(reader: ByteReader, module: ParsedModule, rules: ParseRules): void {
  const at = reader.at;
  const count = reader.count(4);
  demandWithin(count, rules.limits, "imports", at);
  for (let i = 0; i < count; i++) {
    const start = reader.at;
    const from = reader.name(rules.limits.nameBytes);
    const name = reader.name(rules.limits.nameBytes);
    const kind = reader.u8();
    if (from === RESERVED_MODULE) refuse("ReservedName", start, `${from}.${name}`);
    if (kind === TAG) refuse("Unsupported", start, "exceptions");
    const key = importKey(from, name);
    if (kind === MEMORY && key === MEMORY_KEY) readMemory(reader, module, rules);
    else if (kind !== FUNCTION || !importFunction(reader, module, key, rules))
      refuse("BadImport", start, `${KIND_NAMES[kind] ?? "import"} ${from}.${name}`);
  }
}

/** The types of the module's own functions. */
export function readFunctions(reader: ByteReader, module: ParsedModule, rules: ParseRules): void {
  const at = reader.at;
  const count = reader.count();
  demandWithin(count, rules.limits, "functions", at);
  const from = reader.at;
  for (let i = 0; i < count; i++) module.functionTypes.push(typeAt(reader, module).index);
  module.functionEntries = { count, from, to: reader.at };
}

function readLimits(reader: ByteReader, allowed: number): Omit<TableType, "type"> {
  const at = reader.at;
  const flags = reader.u8();
  if ((flags & SHARED) !== 0) refuse("Unsupported", at, "shared memory");
  if ((flags & WIDE) !== 0) refuse("Unsupported", at, "addresses of 64 bits");
  if ((flags & PAGE_SIZE) !== 0) refuse("Unsupported", at, "page sizes");
  if (flags > allowed) refuse("Malformed", at, "limits");
  const minimum = reader.u32();
  return { minimum, maximum: (flags & HAS_MAXIMUM) === 0 ? undefined : reader.u32() };
}

/** Tables: together of a size within the limit, which also caps how far they grow. */
export function readTables(reader: ByteReader, module: ParsedModule, rules: ParseRules): void {
  const at = reader.at;
  const count = reader.count(3);
  demandWithin(count, rules.limits, "tables", at);
  for (let i = 0, elements = 0; i < count; i++) {
    const start = reader.at;
    const type = reader.u8();
    if (type === TABLE_WITH_VALUE || (type !== VALUE_TYPES.funcref && type !== VALUE_TYPES.externref))
      refuse("Unsupported", start, "type of a table");
    const limits = readLimits(reader, HAS_MAXIMUM);
    elements += limits.minimum;
    demandWithin(elements, rules.limits, "tableElements", start);
    module.tables.push({ type, ...limits });
  }
}

function readMemory(reader: ByteReader, module: ParsedModule, rules: ParseRules): void {
  const at = reader.at;
  const { minimum, maximum } = readLimits(reader, HAS_MAXIMUM);
  if (module.memoryPages !== undefined) refuse("Unsupported", at, "several memories");
  demandWithin(minimum, rules.limits, "memoryPages", at);
  module.memoryPages = minimum;
  module.maximumPages = maximum;
}

/** The module's own memory. */
export function readMemories(reader: ByteReader, module: ParsedModule, rules: ParseRules): void {
  const count = reader.count(2);
  for (let i = 0; i < count; i++) readMemory(reader, module, rules);
}

/** Globals, with the values of those that others may be computed from. */
export function readGlobals(reader: ByteReader, module: ParsedModule, rules: ParseRules): void {
  const at = reader.at;
  const count = reader.count(4);
  demandWithin(count, rules.limits, "globals", at);
  const from = reader.at;
  for (let i = 0; i < count; i++) {
    const type = readValueType(reader);
    const mutable = reader.u8();
    if (mutable > 1) refuse("Malformed", reader.at - 1, "mutability");
    const value = readConstant(reader, module);
    const isMutable = mutable === 1;
    module.globals.push({
      type,
      isMutable,
      value: !isMutable && type === VALUE_TYPES.i32 ? value : undefined,
    });
  }
  module.globalEntries = { count, from, to: reader.at };
}

/** Exports: functions are kept; memories, tables and globals are never shown to the outside. */
export function readExports(reader: ByteReader, module: ParsedModule, rules: ParseRules): void {
  const at = reader.at;
  const count = reader.count(3);
  demandWithin(count, rules.limits, "exports", at);
  const names = new Set<string>();
  for (let i = 0; i < count; i++) {
    const start = reader.at;
    const name = reader.name(rules.limits.nameBytes);
    if (name.startsWith(RESERVED_PREFIX)) refuse("ReservedName", start, name);
    if (names.has(name)) refuse("DuplicateExport", start, name);
    names.add(name);
    const kind = reader.u8();
    const index = reader.u32();
    if (kind === FUNCTION) exportFunction(module, name, index, start);
    else if (kind === TAG) refuse("Unsupported", start, "exceptions");
    else if (kind !== TABLE && kind !== MEMORY && kind !== GLOBAL) refuse("Malformed", start, "export");
  }
}

function exportFunction(module: ParsedModule, name: string, index: number, at: number): void {
  if (typeOfFunction(module, index) === undefined) refuse("Malformed", at, "function");
  module.exports.push({ name, index });
}

/** The function that runs first. */
export function readStart(reader: ByteReader, module: ParsedModule): void {
  module.start = reader.u32();
  if (typeOfFunction(module, module.start) === undefined) refuse("Malformed", reader.at, "function");
}

/** Where the function bodies are. */
export function readCode(reader: ByteReader, module: ParsedModule, rules: ParseRules): void {
  const count = reader.count(3);
  if (count !== module.functionTypes.length) refuse("Malformed", reader.at, "functions without code");
  for (let i = 0; i < count; i++) {
    const at = reader.at;
    const size = reader.count();
    demandWithin(size, rules.limits, "bodyBytes", at);
    const from = reader.skip(size);
    module.bodies.push({ from, to: reader.at });
  }
}
