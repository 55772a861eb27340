/** Puts the rewritten module together: the sections that are kept, and what was added. */
import type { AddedTypes } from "./added-types.ts";
import { HINTS_NAME, branchHints } from "./branch-hints.ts";
import { ByteWriter } from "./byte-writer.ts";
import { type ModuleLimits, demandWithin } from "./module-limits.ts";
import { type Entries, type ParsedModule } from "./parsed-module.ts";
import { RESERVED_MODULE, RUNTIME_NAMES } from "./runtime.ts";
import type { RuntimeFunctions } from "./runtime-functions.ts";
import { VALUE_TYPES } from "./value-type.ts";

const HEADER = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

/** Section numbers. */
const TYPE = 1;
const IMPORT = 2;
const FUNCTION = 3;
const TABLE = 4;
const GLOBAL = 6;
const EXPORT = 7;
const ELEMENT = 9;
const CODE = 10;
const DATA = 11;
const CUSTOM = 0;
const DATA_COUNT = 12;

/** Kinds of imports and exports. */
const KIND_FUNCTION = 0;
const KIND_MEMORY = 2;
const KIND_GLOBAL = 3;

/** What is exported besides functions of the module's own. */
export const EXPORT_KIND = { function: 0, table: 1, global: 3 } as const;

/** One export of the rewriter's. */
export interface AddedExport {
  readonly name: string;
  readonly kind: number;
  readonly index: number;
}

/** What a module is put together from. */
export interface ModuleForm {
  readonly module: ParsedModule;
  readonly limits: ModuleLimits;
  readonly types: AddedTypes;
  readonly runtime: RuntimeFunctions;
  /** How far the module's globals moved. */
  readonly globalShift: number;
  /** Writes the body of own function `index` behind its size. */
  readonly bodies: { rewrite(index: number, to: ByteWriter): void };
  /** Exports that are added; asked for once the bodies are written. */
  readonly exports: () => readonly AddedExport[];
  /** Elements of one more table of functions, behind the module's own; 0 for none. */
  readonly callElements: number;
  /** Whether it is a program, which has its frames saved in memory. */
  readonly isProgram: boolean;
}

const IMMUTABLE = 0;
const MUTABLE = 1;
const I32_CONST = 0x41;
const END = 0x0b;
const HAS_MAXIMUM = 1;
const PASSIVE = 1;

/** Writes a section behind its number and size; one without entries is left out. */
function writeSection(to: ByteWriter, id: number, count: number, write: (body: ByteWriter) => void): void {
  if (count === 0) return;
  const body = new ByteWriter();
  body.u32(count);
  write(body);
  to.u8(id);
  to.append(body, true);
}

/** Copies entries as they are, but for the numbers of globals, which moved. */
function copyEntries(module: ParsedModule, entries: Entries, shift: number, to: ByteWriter): void {
  let at = entries.from;
  for (const use of module.globalUses) {
    if (use.from < at || use.to > entries.to) continue;
    to.bytes(module.bytes, at, use.from);
    to.u32(use.index + shift);
    at = use.to;
  }
  to.bytes(module.bytes, at, entries.to);
}

function writeImports({ module, isProgram }: ModuleForm, to: ByteWriter): void {
  // A program saves its frames in memory, whether or not it has one of its own.
  const hasMemory = module.memoryPages !== undefined || isProgram;
  writeSection(to, IMPORT, module.imports.length + (hasMemory ? 2 : 1), (body) => {
    for (const [i, { module: from, name }] of module.imports.entries()) {
      body.name(from);
      body.name(name);
      body.u8(KIND_FUNCTION);
      body.u32(module.importTypes[i] ?? 0);
    }
    body.name(RESERVED_MODULE);
    body.name(RUNTIME_NAMES.base);
    body.bytes([KIND_GLOBAL, VALUE_TYPES.i32, IMMUTABLE]);
    if (!hasMemory) return;
    body.name(RESERVED_MODULE);
    body.name(RUNTIME_NAMES.memory);
    body.bytes([KIND_MEMORY, 0, 0]);
  });
}

/** What the tables do not have from the start is shared alike by those that may grow. */
function writeTables({ module: { tables }, limits, callElements }: ModuleForm, to: ByteWriter): void {
  const used = tables.reduce((sum, { minimum }) => sum + minimum, 0);
  const growing = tables.filter(({ minimum, maximum }) => maximum === undefined || maximum > minimum);
  const share = Math.floor((limits.tableElements - used) / Math.max(growing.length, 1));
  writeSection(to, TABLE, tables.length + Number(callElements > 0), (body) => {
    for (const { type, minimum, maximum } of tables) {
      body.u8(type);
      body.u8(HAS_MAXIMUM);
      body.u32(minimum);
      body.u32(Math.min(maximum ?? Infinity, minimum + share));
    }
    if (callElements > 0) body.bytes([VALUE_TYPES.funcref, HAS_MAXIMUM, callElements, callElements]);
  });
}

/** A mutable i32 that starts as `value`. */
function writeGlobal(to: ByteWriter, value: number): void {
  to.bytes([VALUE_TYPES.i32, MUTABLE, I32_CONST]);
  to.s32(value | 0);
  to.u8(END);
}

function writeGlobals({ module, runtime, globalShift }: ModuleForm, to: ByteWriter): void {
  const own = globalShift - 1;
  const { globalEntries } = module;
  writeSection(to, GLOBAL, own + globalEntries.count + runtime.globalValues.length, (body) => {
    for (let i = 0; i < own; i++) writeGlobal(body, 0);
    copyEntries(module, globalEntries, globalShift, body);
    for (const value of runtime.globalValues) writeGlobal(body, value);
  });
}

function writeExports({ module, exports }: ModuleForm, to: ByteWriter): void {
  const own = module.exports.map(({ name, index }) => ({ name, kind: KIND_FUNCTION, index }));
  const all: AddedExport[] = [...own, ...exports()];
  if (module.start !== undefined)
    all.push({ name: RUNTIME_NAMES.start, kind: KIND_FUNCTION, index: module.start });
  writeSection(to, EXPORT, all.length, (body) => {
    for (const { name, kind, index } of all) {
      body.name(name);
      body.u8(kind);
      body.u32(index);
    }
  });
}

/** Data segments keep their numbers: those that were placed are empty now, as if dropped. */
function writeData({ module }: ModuleForm, to: ByteWriter): void {
  writeSection(to, DATA, module.data.length, (body) => {
    for (const { offset, from, to: end } of module.data) {
      body.u32(PASSIVE);
      const size = offset === undefined ? end - from : 0;
      body.u32(size);
      body.bytes(module.bytes, from, from + size);
    }
  });
}

function writeTypes(module: ParsedModule, types: AddedTypes, to: ByteWriter): void {
  writeSection(to, TYPE, module.types.length + types.count, (body) => {
    body.bytes(module.bytes, module.typeEntries.from, module.typeEntries.to);
    types.write(body);
  });
}

/** The bodies of the module's functions, rewritten; `starts` are the offsets of their sizes. */
function writeCode({ module, limits, bodies }: ModuleForm, starts: number[]): ByteWriter {
  const to = new ByteWriter(module.bytes.length * 4);
  for (const [i, { from }] of module.bodies.entries()) {
    starts.push(to.length);
    bodies.rewrite(i, to);
    demandWithin(to.length, limits, "rewrittenBytes", from);
  }
  return to;
}

/** The rewritten module. **Fails** ends the pass with a refusal. **Cost** O(bytes). */
export function writeModule(form: ModuleForm): Uint8Array {
  const { module, runtime, types } = form;
  const starts: number[] = [];
  const bodies = writeCode(form, starts);
  const exports = new ByteWriter();
  writeExports(form, exports);
  const hints = branchHints(bodies, starts, module.imports.length);
  for (const built of runtime.built) built.write(bodies);
  const to = new ByteWriter(bodies.length + hints.length + module.bytes.length + 4_096);
  to.bytes(HEADER);
  writeTypes(module, types, to);
  writeImports(form, to);
  const { functionEntries } = module;
  writeSection(to, FUNCTION, functionEntries.count + runtime.built.length, (body) => {
    body.bytes(module.bytes, functionEntries.from, functionEntries.to);
    for (const type of runtime.typeNumbers) body.u32(type);
  });
  writeTables(form, to);
  writeGlobals(form, to);
  to.append(exports);
  writeSection(to, ELEMENT, module.elementEntries.count, (body) =>
    copyEntries(module, module.elementEntries, form.globalShift, body),
  );
  if (module.hasDataCount) writeCount(to, DATA_COUNT, module.data.length);
  writeHints(to, hints);
  const counted = new ByteWriter(8);
  counted.u32(module.bodies.length + runtime.built.length);
  to.u8(CODE);
  to.u32(counted.length + bodies.length);
  to.append(counted);
  to.append(bodies);
  writeData(form, to);
  return to.take();
}

/** A section that is one number. */
function writeCount(to: ByteWriter, id: number, value: number): void {
  const count = new ByteWriter(8);
  count.u32(value);
  to.u8(id);
  to.append(count, true);
}

/** Hints stand in front of the code that they are about. */
function writeHints(to: ByteWriter, hints: ByteWriter): void {
  if (hints.length === 0) return;
  const body = new ByteWriter(hints.length + 32);
  body.name(HINTS_NAME);
  body.append(hints);
  to.u8(CUSTOM);
  to.append(body, true);
}
