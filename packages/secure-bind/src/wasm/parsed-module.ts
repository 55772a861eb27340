/** What the sections of a module say, as the rewriter needs it. */
import type { ModuleLimits } from "./module-limits.ts";
import { type ValueType, VALUE_TYPES } from "./value-type.ts";

/** A function that a module may import. */
export interface HostFunction {
  readonly module: string;
  readonly name: string;
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** A function that a module exports. */
export interface ExportedFunction {
  readonly name: string;
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** Bytes from one offset up to, not including, another. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** The entries of a section that are kept as they are. */
export interface Entries extends Range {
  readonly count: number;
}

/** A function type: the bytes of its types. */
export interface FunctionType {
  readonly parameters: readonly number[];
  readonly results: readonly number[];
}

/** A table: the byte of its elements' type, and its size. */
export interface TableType {
  readonly type: number;
  readonly minimum: number;
  readonly maximum: number | undefined;
}

/** A global: what matters of it when others are computed from it. */
export interface GlobalRecord {
  readonly type: number;
  readonly isMutable: boolean;
  /** Its value when it is an immutable i32 that was written as a number. */
  readonly value: number | undefined;
}

/** An export of a function. */
export interface FunctionExport {
  readonly name: string;
  readonly index: number;
}

/** A data segment: bytes, and where they go; passive when undefined. */
export interface DataSegment extends Range {
  readonly offset: number | undefined;
}

/** A place where a constant names a global, whose number changes. */
export interface GlobalUse extends Range {
  readonly index: number;
}

/** What a pass over a module may rely on and must keep to. */
export interface ParseRules {
  readonly limits: ModuleLimits;
  /** What may be imported, by `importKey`. */
  readonly offered: ReadonlyMap<string, HostFunction>;
}

/**
 * The sections of a module, each entry bounded by a limit.
 *
 * **Holds** every range lies inside the module. Numbers of types, functions and
 * globals are checked where they are used here, elsewhere by the engine.
 */
export interface ParsedModule {
  readonly bytes: Uint8Array;
  readonly types: FunctionType[];
  typeEntries: Entries;
  /** What it imports, and the number of each one's type. */
  readonly imports: HostFunction[];
  readonly importTypes: number[];
  /** The number of each own function's type. */
  readonly functionTypes: number[];
  functionEntries: Entries;
  readonly tables: TableType[];
  /** Pages of its memory; undefined when it has none. */
  memoryPages: number | undefined;
  /** The most pages that its memory may have, as far as it says so. */
  maximumPages: number | undefined;
  readonly globals: GlobalRecord[];
  globalEntries: Entries;
  readonly exports: FunctionExport[];
  /** The number of the function that runs first. */
  start: number | undefined;
  elementEntries: Entries;
  /** Functions that elements and globals refer to, some of them several times. */
  readonly references: number[];
  hasDataCount: boolean;
  readonly bodies: Range[];
  readonly data: DataSegment[];
  readonly globalUses: GlobalUse[];
}

const NAMES: ReadonlyMap<number, ValueType> = new Map(
  Object.entries(VALUE_TYPES).map(([name, byte]) => [byte, name as ValueType]),
);

/** The names of types, from their bytes. */
export const typeNames = (types: readonly number[]): readonly ValueType[] =>
  Object.freeze(types.map((byte) => NAMES.get(byte) ?? "i32"));

/** The key of an import; no name contains U+0000 and a number's length decides where the first ends. */
export const importKey = (module: string, name: string): string => `${module.length}:${module}${name}`;

/** The number of the type of function `index`, imported or own; undefined when there is none. */
export const typeOfFunction = (module: ParsedModule, index: number): number | undefined =>
  index < module.imports.length
    ? module.importTypes[index]
    : module.functionTypes[index - module.imports.length];
