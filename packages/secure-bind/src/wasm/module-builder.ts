/** Builds WebAssembly binaries: for code that we generate, and for tests. */
import { ByteWriter } from "./byte-writer.ts";
import { FunctionBuilder } from "./function-builder.ts";
import { INSTRUCTIONS } from "./instructions.ts";
import { type ValueType, VALUE_TYPES } from "./value-type.ts";

/** The size of a memory in pages of 64 KiB, or of a table in elements. */
export interface Limits {
  readonly minimum: number;
  /** A shared memory must have one. */
  readonly maximum?: number;
  /** Between workers; memories only. */
  readonly shared?: boolean;
}

/** What an import or an export is. */
export type ExternalKind = "function" | "table" | "memory" | "global";

/** The type of a global. */
export interface GlobalType {
  readonly type: ValueType;
  readonly mutable?: boolean;
}

/** The module and the name that something is imported by. */
type Origin = readonly [module: string, name: string];

const KINDS: { readonly [K in ExternalKind]: number } = { function: 0, table: 1, memory: 2, global: 3 };

// Section numbers; they stand in a binary in the order of `build`.
const TYPE = 1;
const IMPORT = 2;
const FUNCTION = 3;
const TABLE = 4;
const MEMORY = 5;
const GLOBAL = 6;
const EXPORT = 7;
const START = 8;
const ELEMENT = 9;
const CODE = 10;
const DATA = 11;
const DATA_COUNT = 12;

const HEADER = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const FUNCTION_TYPE = 0x60;

/** Entries of one section, counted. */
class Entries {
  readonly bytes: ByteWriter = new ByteWriter(64);
  count = 0;

  /** One more entry, or none when writing it throws; its number. */
  add(write: (to: ByteWriter) => void): number {
    const at = this.bytes.length;
    try {
      write(this.bytes);
    } catch (thrown) {
      this.bytes.clear(at);
      throw thrown;
    }
    return this.count++;
  }

  /** Writes the section, or nothing when there is no entry. */
  write(section: number, to: ByteWriter): void {
    if (this.count === 0) return;
    const counted = new ByteWriter(this.bytes.length + 8);
    counted.u32(this.count);
    counted.append(this.bytes);
    to.u8(section);
    to.append(counted, true);
  }
}

function writeTypes(types: readonly ValueType[], to: ByteWriter): void {
  to.u32(types.length);
  for (const type of types) to.u8(VALUE_TYPES[type]);
}

function writeGlobalType({ type, mutable }: GlobalType, to: ByteWriter): void {
  to.u8(VALUE_TYPES[type]);
  to.u8(mutable === true ? 1 : 0);
}

function writeLimits({ minimum, maximum, shared }: Limits, to: ByteWriter): void {
  to.u8((maximum === undefined ? 0 : 1) | (shared === true ? 2 : 0));
  to.u32(minimum);
  if (maximum !== undefined) to.u32(maximum);
}

/** The sixteen bytes of an unsigned number, the lowest first. */
function vectorBytes(value: bigint): number[] {
  if (BigInt.asUintN(128, value) !== value) throw new RangeError(`not unsigned of 128 bits: ${value}`);
  return Array.from({ length: 16 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

/** Writes a constant of `type` as an expression; a reference is null, or the function of this number. */
function writeConstant(type: ValueType, value: number | bigint | undefined, to: ByteWriter): void {
  const constant = new FunctionBuilder(0, 0);
  if (type === "i64") constant.i64(BigInt(value ?? 0));
  else if (type === "v128") constant.v128(vectorBytes(BigInt(value ?? 0)));
  else if (type === "i32" || type === "f32" || type === "f64") constant[type](Number(value ?? 0));
  else if (value === undefined) constant.op("ref.null").code.u8(VALUE_TYPES[type]);
  else constant.op("ref.func", Number(value));
  to.append(constant.code);
  to.u8(INSTRUCTIONS.end);
}

/**
 * A module under construction.
 *
 * Every method that adds something answers with its number, by which
 * instructions and exports name it. Imports come before all else of their kind.
 * Nothing is checked but that and the range of numbers, which is a `RangeError`,
 * and nothing is added: the engine validates what comes out. Equal types are one.
 */
export class ModuleBuilder {
  readonly #types = new Entries();
  readonly #typeNumbers: Map<string, number> = new Map();
  readonly #imports = new Entries();
  readonly #tables = new Entries();
  readonly #memories = new Entries();
  readonly #globals = new Entries();
  readonly #exports = new Entries();
  readonly #elements = new Entries();
  readonly #data = new Entries();
  readonly #functionTypes = new Entries();
  readonly #functions: FunctionBuilder[] = [];
  readonly #custom: ByteWriter = new ByteWriter(16);
  readonly #next: { [K in ExternalKind]: number } = { function: 0, table: 0, memory: 0, global: 0 };
  #start: number | undefined;

  /** The number of a function type. */
  type(parameters: readonly ValueType[], results: readonly ValueType[]): number {
    const key = `${parameters.join(" ")}->${results.join(" ")}`;
    const known = this.#typeNumbers.get(key);
    if (known !== undefined) return known;
    const number = this.#types.add((to) => {
      to.u8(FUNCTION_TYPE);
      writeTypes(parameters, to);
      writeTypes(results, to);
    });
    this.#typeNumbers.set(key, number);
    return number;
  }

  #import([module, name]: Origin, kind: ExternalKind, own: number, type: (to: ByteWriter) => void): number {
    if (own > 0) throw new RangeError(`an imported ${kind} after one of the module's own`);
    this.#imports.add((to) => {
      to.name(module);
      to.name(name);
      to.u8(KINDS[kind]);
      type(to);
    });
    return this.#next[kind]++;
  }

  /** A function from outside, of the type with this number. */
  importFunction(module: string, name: string, type: number): number {
    return this.#import([module, name], "function", this.#functions.length, (to) => to.u32(type));
  }

  /** A memory from outside. */
  importMemory(module: string, name: string, limits: Limits): number {
    return this.#import([module, name], "memory", this.#memories.count, (to) => writeLimits(limits, to));
  }

  /** A table of functions from outside. */
  importTable(module: string, name: string, limits: Limits): number {
    return this.#import([module, name], "table", this.#tables.count, (to) => {
      to.u8(VALUE_TYPES.funcref);
      writeLimits(limits, to);
    });
  }

  /** A global from outside. */
  importGlobal(module: string, name: string, type: GlobalType): number {
    return this.#import([module, name], "global", this.#globals.count, (to) => writeGlobalType(type, to));
  }

  /** A memory of the module's own. */
  memory(limits: Limits): number {
    this.#memories.add((to) => writeLimits(limits, to));
    return this.#next.memory++;
  }

  /** A table of the module's own, of functions if not said otherwise. */
  table(limits: Limits, type: "funcref" | "externref" = "funcref"): number {
    this.#tables.add((to) => {
      to.u8(VALUE_TYPES[type]);
      writeLimits(limits, to);
    });
    return this.#next.table++;
  }

  /** A global of the module's own; it starts as `value`, a vector as its 128 bits, else as zero or null. */
  global(type: GlobalType, value?: number | bigint): number {
    this.#globals.add((to) => {
      writeGlobalType(type, to);
      writeConstant(type.type, value, to);
    });
    return this.#next.global++;
  }

  /** A function of the module's own: fill what this returns, now or later, before `build`. */
  function(parameters: readonly ValueType[], results: readonly ValueType[] = []): FunctionBuilder {
    const type = this.type(parameters, results);
    this.#functionTypes.add((to) => to.u32(type));
    const built = new FunctionBuilder(this.#next.function++, parameters.length);
    this.#functions.push(built);
    return built;
  }

  /** Shows the thing of this kind and number to the outside. */
  export(name: string, kind: ExternalKind, index: number): void {
    this.#exports.add((to) => {
      to.name(name);
      to.u8(KINDS[kind]);
      to.u32(index);
    });
  }

  /** The function, without parameters and results, that runs at instantiation. */
  start(index: number): void {
    if (index >>> 0 !== index) throw new RangeError(`not the number of a function: ${index}`);
    this.#start = index;
  }

  /** Functions that stand in table 0 from element `offset` on. */
  elements(offset: number, functions: readonly number[]): number {
    return this.#elements.add((to) => {
      to.u32(0);
      writeConstant("i32", offset, to);
      to.u32(functions.length);
      for (const index of functions) to.u32(index);
    });
  }

  /** Bytes that stand in memory 0 from `offset` on; without it they wait for `memory.init`. */
  data(bytes: Uint8Array, offset?: number): number {
    return this.#data.add((to) => {
      to.u32(offset === undefined ? 1 : 0);
      if (offset !== undefined) writeConstant("i32", offset, to);
      to.u32(bytes.length);
      to.bytes(bytes);
    });
  }

  /** A custom section, behind all others. */
  custom(name: string, bytes: Uint8Array): void {
    const body = new ByteWriter(bytes.length + 64);
    body.name(name);
    body.bytes(bytes);
    this.#custom.u8(0);
    this.#custom.append(body, true);
  }

  /** The binary. May be asked for again after more was added. */
  build(): Uint8Array<ArrayBuffer> {
    const to = new ByteWriter();
    to.bytes(HEADER);
    this.#types.write(TYPE, to);
    this.#imports.write(IMPORT, to);
    this.#functionTypes.write(FUNCTION, to);
    this.#tables.write(TABLE, to);
    this.#memories.write(MEMORY, to);
    this.#globals.write(GLOBAL, to);
    this.#exports.write(EXPORT, to);
    if (this.#start !== undefined) writeNumber(START, this.#start, to);
    this.#elements.write(ELEMENT, to);
    if (this.#data.count > 0) writeNumber(DATA_COUNT, this.#data.count, to);
    const code = new Entries();
    for (const built of this.#functions) code.add((body) => built.write(body));
    code.write(CODE, to);
    this.#data.write(DATA, to);
    to.append(this.#custom);
    return to.take();
  }
}

/** A section that is one number. */
function writeNumber(section: number, value: number, to: ByteWriter): void {
  const body = new ByteWriter(16);
  body.u32(value);
  to.u8(section);
  to.append(body, true);
}

/** An empty module under construction. */
export const makeModuleBuilder = (): ModuleBuilder => new ModuleBuilder();
