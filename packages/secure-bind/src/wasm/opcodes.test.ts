import { describe, expect, test } from "vitest";
import { InstructionReader } from "./instruction-reader.ts";
import { INSTRUCTIONS } from "./instructions.ts";
import {
  BULK_CODES,
  BULK_PREFIX,
  CLASSES,
  CODES,
  HEIGHTS,
  IMMEDIATE,
  IMMEDIATES,
  INSTRUCTION_CLASSES,
  KIND,
  KINDS,
  NAMES,
  SIGNATURES,
  VECTOR_CODES,
  VECTOR_PREFIX,
} from "./opcodes.ts";
import type { ValueType } from "./value-type.ts";
import { buildModule } from "../testing/sandbox.ts";

const codes = [...KINDS.keys()].filter((code) => KINDS[code] !== KIND.unknown);
const TYPES: Record<string, ValueType> = {
  i: "i32",
  I: "i64",
  f: "f32",
  d: "f64",
  v: "v128",
  r: "funcref",
  x: "i32",
};

/** The bytes of an instruction whose immediates are all zero, or what the least valid ones are. */
function encode(code: number): number[] {
  const opcode =
    code < BULK_CODES
      ? [code]
      : code < VECTOR_CODES
        ? [BULK_PREFIX, code - BULK_CODES]
        : [VECTOR_PREFIX, ((code - VECTOR_CODES) & 0x7f) | 0x80, (code - VECTOR_CODES) >> 7];
  const immediates: Record<number, number[]> = {
    [IMMEDIATE.none]: [],
    [IMMEDIATE.one]: [0],
    [IMMEDIATE.two]: [0, 0],
    [IMMEDIATE.bytes1]: [0],
    [IMMEDIATE.bytes4]: [1, 2, 3, 4],
    [IMMEDIATE.bytes8]: [1, 2, 3, 4, 5, 6, 7, 8],
    [IMMEDIATE.bytes16]: Array.from({ length: 16 }, (_, i) => i),
    [IMMEDIATE.memory]: [0, 0],
    [IMMEDIATE.memoryLane]: [0, 0, 0],
    [IMMEDIATE.block]: [0x40],
    [IMMEDIATE.labels]: [2, 0, 0, 0],
    [IMMEDIATE.types]: [1, 0x7f],
    [IMMEDIATE.reference]: [0x70],
  };
  return [...opcode, ...(immediates[IMMEDIATES[code] ?? 0] ?? [])];
}

/** A function that takes what the instruction takes and leaves what it leaves: valid only if both are right. */
const moduleFor = (code: number): Uint8Array =>
  buildModule((m) => {
    const [taken = "", left = ""] = (SIGNATURES[code] ?? "").split(":");
    m.memory({ minimum: 1 });
    m.table({ minimum: 1 });
    m.global({ type: "i32", mutable: true });
    m.data(new Uint8Array(1));
    const types = (letters: string): ValueType[] => Array.from(letters, (letter) => TYPES[letter] ?? "i32");
    const results = code === 0x22 ? types("x") : types(left);
    const f = m.function(types(taken), results);
    m.elements(0, [f.index]);
    if (code === 0x20) m.function([], []);
    if (code === 0x20) f.local("i32");
    for (const [i] of types(taken).entries()) f.get(i);
    f.code.bytes(encode(code));
  });

/** Those that need a context of their own: locals that are not parameters, labels. */
const CONTEXTUAL = new Set([0x20, 0x21]);

describe("the engine agrees with what each instruction takes and leaves", () => {
  test.each(
    codes
      .filter((code) => SIGNATURES[code] !== "" && !CONTEXTUAL.has(code))
      .map((code) => [NAMES[code] ?? "", code] as const),
  )("%s", (name, code) => {
    // A branch takes its condition, and returns from a function of no results.
    expect(WebAssembly.validate(moduleFor(code)), name).toBe(true);
  });
});

test("heights are what signatures say", () => {
  for (const code of codes) {
    const [taken = "", left = ""] = (SIGNATURES[code] ?? "").split(":");
    expect(HEIGHTS[code], NAMES[code]).toBe(left.length - taken.length);
  }
});

test("every instruction is read to its last byte, and what follows too", () => {
  for (const code of codes) {
    const bytes = Uint8Array.from([...encode(code), 0x01]);
    const reader = new InstructionReader(bytes);
    reader.next();
    expect([reader.code, reader.at], NAMES[code]).toEqual([code, bytes.length - 1]);
    reader.next();
    expect(reader.code).toBe(1);
  }
});

test("what we emit by name and what we read by number are the same", () => {
  for (const [name, opcode] of Object.entries(INSTRUCTIONS)) {
    const number = opcode & 0xffff;
    const code =
      opcode < 0x100 ? opcode : opcode >>> 16 === BULK_PREFIX ? BULK_CODES + number : VECTOR_CODES + number;
    expect(NAMES[code]).toBe(name);
  }
});

test("no two instructions have one name", () => {
  const names = codes.map((code) => NAMES[code]);
  expect(new Set(names).size).toBe(names.length);
  expect(CODES).toBe(NAMES.length);
});

test("classes hold what their names say", () => {
  const named = (name: keyof typeof INSTRUCTION_CLASSES): string[] =>
    codes
      .filter((code) => ((CLASSES[code] ?? 0) & INSTRUCTION_CLASSES[name]) !== 0)
      .map((code) => NAMES[code] ?? "");
  expect(named("float")).toEqual(NAMES.filter((name) => /f32|f64/.test(name)));
  expect(named("simd")).toHaveLength(codes.filter((code) => code >= VECTOR_CODES).length);
  expect(named("indirect")).toEqual(["call_indirect"]);
  expect(named("bulk")).toEqual([
    "memory.init",
    "data.drop",
    "memory.copy",
    "memory.fill",
    "table.init",
    "elem.drop",
    "table.copy",
    "table.fill",
  ]);
  expect(named("references")).toEqual([
    "select_typed",
    "table.get",
    "table.set",
    "ref.null",
    "ref.is_null",
    "ref.func",
    "table.grow",
    "table.size",
    "table.fill",
  ]);
});
