/**
 * The table of WebAssembly instructions: what each is, for whoever walks over code.
 *
 * An instruction has one number here, its index in every column: the opcode for
 * those of one byte, then the ones behind prefix 0xFC, then those behind 0xFD.
 *
 *     index     0 ..... 255 | 256 .... 287 | 288 ........ 543
 *     opcode    0 ..... FF  | FC 0 .. FC 1F| FD 0 ..... FD FF
 *
 * A signature is written as `taken:left`, a letter a value: `i` and `I` are i32
 * and i64, `f` and `d` are f32 and f64, `v` is v128, `r` a reference.
 */
import { VECTOR_ROWS } from "./vector-opcodes.ts";

/** Index of the first instruction behind prefix 0xFC. */
export const BULK_CODES = 0x100;
/** Index of the first instruction behind prefix 0xFD. */
export const VECTOR_CODES = 0x120;
/** Rows of the table. */
export const CODES = 0x220;
/** The prefixes themselves. */
export const BULK_PREFIX = 0xfc;
export const VECTOR_PREFIX = 0xfd;

/** What a walk has to do about an instruction. */
export const KIND = {
  /** No instruction. */
  unknown: 0,
  /** Forbidden by whoever asked for the walk; never in this table. */
  forbidden: 1,
  /** Takes and leaves what its signature says. */
  plain: 2,
  block: 3,
  loop: 4,
  if: 5,
  else: 6,
  end: 7,
  br: 8,
  brIf: 9,
  brTable: 10,
  return: 11,
  unreachable: 12,
  call: 13,
  callIndirect: 14,
  global: 15,
  /** Reads memory at an address and an offset. */
  load: 16,
  /** Writes memory, or reads it into a lane of a vector: there is a value above the address. */
  store: 17,
  memorySize: 18,
  memoryGrow: 19,
  memoryInit: 20,
  dataDrop: 21,
  memoryCopy: 22,
  memoryFill: 23,
  /** Works on as many elements of a table as the top of the stack says. */
  tableRange: 24,
  /** Asks the engine for something about one element of a table, or for a whole segment of them. */
  element: 25,
} as const;

/** A value of `KIND`. */
export type Kind = (typeof KIND)[keyof typeof KIND];

/** What follows an opcode. */
export const IMMEDIATE = {
  none: 0,
  /** One LEB128 number. */
  one: 1,
  /** Two unsigned LEB128 numbers. */
  two: 2,
  /** So many bytes. */
  bytes1: 3,
  bytes4: 4,
  bytes8: 5,
  bytes16: 6,
  /** Alignment and offset. */
  memory: 7,
  /** Alignment, offset and a lane. */
  memoryLane: 8,
  /** The type of a block. */
  block: 9,
  /** A counted list of labels and one more. */
  labels: 10,
  /** A counted list of value types. */
  types: 11,
  /** The type of a reference. */
  reference: 12,
} as const;

/** A value of `IMMEDIATE`. */
export type Immediate = (typeof IMMEDIATE)[keyof typeof IMMEDIATE];

/** Classes of instructions that a caller may forbid. An instruction may be in several. */
export const INSTRUCTION_CLASSES = {
  /** Everything that computes, loads, stores or converts floating point numbers. */
  float: 1,
  /** All vector instructions. */
  simd: 2,
  /** References as values, and tables as something to read and write. */
  references: 4,
  /** Bulk operations on memory and tables. */
  bulk: 8,
  /** Calls through a table. */
  indirect: 16,
} as const;

/** The name of a class of instructions. */
export type InstructionClass = keyof typeof INSTRUCTION_CLASSES;

/** `KIND` of each instruction. */
export const KINDS: Uint8Array = new Uint8Array(CODES);
/** `IMMEDIATE` of each instruction. */
export const IMMEDIATES: Uint8Array = new Uint8Array(CODES);
/** Bits of `INSTRUCTION_CLASSES` of each instruction. */
export const CLASSES: Uint8Array = new Uint8Array(CODES);
/** How many more values the stack holds afterwards; 0 where types decide. */
export const HEIGHTS: Int8Array = new Int8Array(CODES);
/** Bytes that a memory access touches, which is also its natural alignment; else 0. */
export const ACCESS_BYTES: Uint8Array = new Uint8Array(CODES);
/** For memory accesses: 1 when it writes memory. */
export const WRITES: Uint8Array = new Uint8Array(CODES);
/** What each instruction takes and leaves; empty where types decide. */
export const SIGNATURES: string[] = Array.from({ length: CODES }, () => "");
/** The name of each instruction in the text format, or "". */
export const NAMES: string[] = Array.from({ length: CODES }, () => "");

/** Bytes that an access called `name` touches: the width in the name, else that of the value. */
function accessBytes(name: string, signature: string): number {
  const vector = /^v128\.(?:load|store)(\d+)?(?:x(\d))?/.exec(name);
  if (vector !== null) return (Number(vector[1] ?? 128) * Number(vector[2] ?? 1)) / 8;
  const narrow = /(?:load|store)(\d+)/.exec(name);
  if (narrow !== null) return Number(narrow[1]) / 8;
  return /[Id]/.test(signature) ? 8 : 4;
}

function kindOf(name: string): Kind {
  if (/\.load\d*_lane$|\.store/.test(name)) return KIND.store;
  return /\.load/.test(name) ? KIND.load : KIND.plain;
}

function classesOf(code: number, name: string): number {
  const float = /f32|f64/.test(name) ? INSTRUCTION_CLASSES.float : 0;
  return code >= VECTOR_CODES ? float | INSTRUCTION_CLASSES.simd : float;
}

/** Fills the row of one instruction from its name and signature. */
function define(code: number, name: string, signature: string, immediate: Immediate): void {
  const kind = kindOf(name);
  NAMES[code] = name;
  SIGNATURES[code] = signature;
  KINDS[code] = kind;
  IMMEDIATES[code] = immediate;
  CLASSES[code] = classesOf(code, name);
  HEIGHTS[code] = signature.length - 1 - 2 * signature.indexOf(":");
  if (kind === KIND.plain) return;
  ACCESS_BYTES[code] = accessBytes(name, signature);
  WRITES[code] = name.includes("store") ? 1 : 0;
}

/** Defines names from `first` on, in the order of their opcodes; `-` is a gap. */
function defineRow(first: number, signature: string, names: string, immediate: Immediate): void {
  for (const [i, name] of names.split(" ").entries())
    if (name !== "-") define(first + i, name, signature, immediate);
}

const { none, one, two, bytes4, bytes8, memory, memoryLane, bytes1, bytes16 } = IMMEDIATE;

/** Rows of one-byte opcodes that their signature says all about. */
const CORE_ROWS: readonly (readonly [number, string, string, Immediate])[] = [
  [0x01, ":", "nop", none],
  [0x1a, "x:", "drop", none],
  [0x1b, "xxi:x", "select", none],
  [0x1c, "xxi:x", "select_typed", IMMEDIATE.types],
  [0x20, ":x", "local.get", one],
  [0x21, "x:", "local.set", one],
  [0x22, "x:x", "local.tee", one],
  [0x28, "i:i", "i32.load", memory],
  [0x29, "i:I", "i64.load", memory],
  [0x2a, "i:f", "f32.load", memory],
  [0x2b, "i:d", "f64.load", memory],
  [0x2c, "i:i", "i32.load8_s i32.load8_u i32.load16_s i32.load16_u", memory],
  [0x30, "i:I", "i64.load8_s i64.load8_u i64.load16_s i64.load16_u i64.load32_s i64.load32_u", memory],
  [0x36, "ii:", "i32.store", memory],
  [0x37, "iI:", "i64.store", memory],
  [0x38, "if:", "f32.store", memory],
  [0x39, "id:", "f64.store", memory],
  [0x3a, "ii:", "i32.store8 i32.store16", memory],
  [0x3c, "iI:", "i64.store8 i64.store16 i64.store32", memory],
  [0x41, ":i", "i32.const", one],
  [0x42, ":I", "i64.const", one],
  [0x43, ":f", "f32.const", bytes4],
  [0x44, ":d", "f64.const", bytes8],
  [0x45, "i:i", "i32.eqz", none],
  [
    0x46,
    "ii:i",
    "i32.eq i32.ne i32.lt_s i32.lt_u i32.gt_s i32.gt_u i32.le_s i32.le_u i32.ge_s i32.ge_u",
    none,
  ],
  [0x50, "I:i", "i64.eqz", none],
  [
    0x51,
    "II:i",
    "i64.eq i64.ne i64.lt_s i64.lt_u i64.gt_s i64.gt_u i64.le_s i64.le_u i64.ge_s i64.ge_u",
    none,
  ],
  [0x5b, "ff:i", "f32.eq f32.ne f32.lt f32.gt f32.le f32.ge", none],
  [0x61, "dd:i", "f64.eq f64.ne f64.lt f64.gt f64.le f64.ge", none],
  [0x67, "i:i", "i32.clz i32.ctz i32.popcnt", none],
  [0x6a, "ii:i", "i32.add i32.sub i32.mul i32.div_s i32.div_u i32.rem_s i32.rem_u", none],
  [0x71, "ii:i", "i32.and i32.or i32.xor i32.shl i32.shr_s i32.shr_u i32.rotl i32.rotr", none],
  [0x79, "I:I", "i64.clz i64.ctz i64.popcnt", none],
  [0x7c, "II:I", "i64.add i64.sub i64.mul i64.div_s i64.div_u i64.rem_s i64.rem_u", none],
  [0x83, "II:I", "i64.and i64.or i64.xor i64.shl i64.shr_s i64.shr_u i64.rotl i64.rotr", none],
  [0x8b, "f:f", "f32.abs f32.neg f32.ceil f32.floor f32.trunc f32.nearest f32.sqrt", none],
  [0x92, "ff:f", "f32.add f32.sub f32.mul f32.div f32.min f32.max f32.copysign", none],
  [0x99, "d:d", "f64.abs f64.neg f64.ceil f64.floor f64.trunc f64.nearest f64.sqrt", none],
  [0xa0, "dd:d", "f64.add f64.sub f64.mul f64.div f64.min f64.max f64.copysign", none],
  [0xa7, "I:i", "i32.wrap_i64", none],
  [0xa8, "f:i", "i32.trunc_f32_s i32.trunc_f32_u", none],
  [0xaa, "d:i", "i32.trunc_f64_s i32.trunc_f64_u", none],
  [0xac, "i:I", "i64.extend_i32_s i64.extend_i32_u", none],
  [0xae, "f:I", "i64.trunc_f32_s i64.trunc_f32_u", none],
  [0xb0, "d:I", "i64.trunc_f64_s i64.trunc_f64_u", none],
  [0xb2, "i:f", "f32.convert_i32_s f32.convert_i32_u", none],
  [0xb4, "I:f", "f32.convert_i64_s f32.convert_i64_u", none],
  [0xb6, "d:f", "f32.demote_f64", none],
  [0xb7, "i:d", "f64.convert_i32_s f64.convert_i32_u", none],
  [0xb9, "I:d", "f64.convert_i64_s f64.convert_i64_u", none],
  [0xbb, "f:d", "f64.promote_f32", none],
  [0xbc, "f:i", "i32.reinterpret_f32", none],
  [0xbd, "d:I", "i64.reinterpret_f64", none],
  [0xbe, "i:f", "f32.reinterpret_i32", none],
  [0xbf, "I:d", "f64.reinterpret_i64", none],
  [0xc0, "i:i", "i32.extend8_s i32.extend16_s", none],
  [0xc2, "I:I", "i64.extend8_s i64.extend16_s i64.extend32_s", none],
  [0xd0, ":r", "ref.null", IMMEDIATE.reference],
  [0xd1, "r:i", "ref.is_null", none],
  [0xd2, ":r", "ref.func", one],
  [BULK_CODES, "f:i", "i32.trunc_sat_f32_s i32.trunc_sat_f32_u", none],
  [BULK_CODES + 2, "d:i", "i32.trunc_sat_f64_s i32.trunc_sat_f64_u", none],
  [BULK_CODES + 4, "f:I", "i64.trunc_sat_f32_s i64.trunc_sat_f32_u", none],
  [BULK_CODES + 6, "d:I", "i64.trunc_sat_f64_s i64.trunc_sat_f64_u", none],
  [BULK_CODES + 16, ":i", "table.size", one],
];

/** Instructions that a walk treats by their kind; a signature of "" is decided by types. */
const SPECIAL_ROWS: readonly (readonly [number, string, string, Immediate, Kind])[] = [
  [0x00, "", "unreachable", none, KIND.unreachable],
  [0x02, "", "block", IMMEDIATE.block, KIND.block],
  [0x03, "", "loop", IMMEDIATE.block, KIND.loop],
  [0x04, "", "if", IMMEDIATE.block, KIND.if],
  [0x05, "", "else", none, KIND.else],
  [0x0b, "", "end", none, KIND.end],
  [0x0c, "", "br", one, KIND.br],
  [0x0d, "i:", "br_if", one, KIND.brIf],
  [0x0e, "", "br_table", IMMEDIATE.labels, KIND.brTable],
  [0x0f, "", "return", none, KIND.return],
  [0x10, "", "call", one, KIND.call],
  [0x11, "", "call_indirect", two, KIND.callIndirect],
  [0x23, ":x", "global.get", one, KIND.global],
  [0x24, "x:", "global.set", one, KIND.global],
  [0x25, "i:r", "table.get", one, KIND.element],
  [0x26, "ir:", "table.set", one, KIND.element],
  [0x3f, ":i", "memory.size", one, KIND.memorySize],
  [0x40, "i:i", "memory.grow", one, KIND.memoryGrow],
  [BULK_CODES + 8, "iii:", "memory.init", two, KIND.memoryInit],
  [BULK_CODES + 9, ":", "data.drop", one, KIND.dataDrop],
  [BULK_CODES + 10, "iii:", "memory.copy", two, KIND.memoryCopy],
  [BULK_CODES + 11, "iii:", "memory.fill", one, KIND.memoryFill],
  [BULK_CODES + 12, "iii:", "table.init", two, KIND.tableRange],
  [BULK_CODES + 13, ":", "elem.drop", one, KIND.element],
  [BULK_CODES + 14, "iii:", "table.copy", two, KIND.tableRange],
  [BULK_CODES + 15, "ri:i", "table.grow", one, KIND.tableRange],
  [BULK_CODES + 17, "iri:", "table.fill", one, KIND.tableRange],
];

/** Instructions in a class that neither their name nor their prefix tells. */
const CLASS_ROWS: readonly (readonly [InstructionClass, readonly number[]])[] = [
  ["references", [0x1c, 0x25, 0x26, 0xd0, 0xd1, 0xd2, BULK_CODES + 15, BULK_CODES + 16, BULK_CODES + 17]],
  ["bulk", [8, 9, 10, 11, 12, 13, 14, 17].map((code) => BULK_CODES + code)],
  ["indirect", [0x11]],
];

function vectorImmediate(name: string): Immediate {
  if (name === "v128.const" || name === "i8x16.shuffle") return bytes16;
  if (/_lane(?:_[su])?$/.test(name)) return name.startsWith("v128.") ? memoryLane : bytes1;
  return /^v128\.(?:load|store)/.test(name) ? memory : none;
}

for (const row of CORE_ROWS) defineRow(...row);
for (const [code, signature, name, immediate, kind] of SPECIAL_ROWS) {
  define(code, name, signature === "" ? ":" : signature, immediate);
  SIGNATURES[code] = signature;
  KINDS[code] = kind;
}
for (const [first, signature, names] of VECTOR_ROWS)
  for (const [i, name] of names.split(" ").entries())
    if (name !== "-") define(VECTOR_CODES + first + i, name, signature, vectorImmediate(name));
for (const [name, codes] of CLASS_ROWS)
  for (const code of codes) CLASSES[code] = (CLASSES[code] ?? 0) | INSTRUCTION_CLASSES[name];

/** Opcodes of one byte that belong to extensions that are refused, by the extension's name. */
const EXTENSIONS: readonly (readonly [string, readonly number[]])[] = [
  ["exceptions", [0x06, 0x07, 0x08, 0x09, 0x0a, 0x18, 0x19, 0x1f]],
  ["tail calls", [0x12, 0x13, 0x15]],
  ["typed function references", [0x14, 0xd3, 0xd4, 0xd5, 0xd6]],
  ["garbage collection", [0xfb]],
  ["threads", [0xfe]],
];

/** The extension that the opcode `first`, behind it `second`, belongs to; undefined for none known. */
export function extensionOf(first: number, second: number): string | undefined {
  if (first === VECTOR_PREFIX && second >= 0x100) return "relaxed vectors";
  if (first === BULK_PREFIX && second >= 0x13 && second <= 0x16) return "wide arithmetic";
  return EXTENSIONS.find(([, codes]) => codes.includes(first))?.[0];
}
