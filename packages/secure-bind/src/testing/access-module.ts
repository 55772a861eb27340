/** Modules with one access to memory, for every instruction there is. */
import type { FunctionBuilder } from "../wasm/function-builder.ts";
import {
  IMMEDIATE,
  IMMEDIATES,
  KIND,
  KINDS,
  SIGNATURES,
  VECTOR_CODES,
  VECTOR_PREFIX,
} from "../wasm/opcodes.ts";
import type { ValueType } from "../wasm/value-type.ts";
import { buildModule } from "./sandbox.ts";

/** The instructions that access memory, by their numbers. */
export const ACCESSES: readonly number[] = [...KINDS.entries()]
  .filter(([, kind]) => kind === KIND.load || kind === KIND.store)
  .map(([code]) => code);

/** Pushes what the access takes above its address. */
function pushValue(f: FunctionBuilder, letter: string): void {
  if (letter === "i") f.i32(0x89ab_cdef);
  if (letter === "I") f.i64(0x0123_4567_89ab_cdefn);
  if (letter === "f") f.i32(0x7f81_2345).op("f32.reinterpret_i32");
  if (letter === "d") f.i64(0x7ff0_1234_5678_9abcn).op("f64.reinterpret_i64");
  if (letter === "v") f.v128(Array.from({ length: 16 }, (_, i) => 0x10 + i));
}

/** Turns the value on the stack into an integer, bit by bit. */
function integerOf(f: FunctionBuilder, letter: string): void {
  if (letter === "f") f.op("i32.reinterpret_f32");
  if (letter === "d") f.op("i64.reinterpret_f64");
  if (letter !== "v") return;
  const vector = f.local("v128");
  f.set(vector).get(vector).op("i64x2.extract_lane").code.u8(0);
  f.i64(0x1e37_79b9_7f4a_7c15n).op("i64.mul").get(vector).op("i64x2.extract_lane").code.u8(1);
  f.op("i64.xor");
}

const resultType = (letter: string): ValueType[] =>
  letter === "" ? [] : [letter === "i" || letter === "f" ? "i32" : "i64"];

function writeAccess(f: FunctionBuilder, code: number, offset: number): void {
  const [taken = "", left = ""] = (SIGNATURES[code] ?? "").split(":");
  f.get(0);
  pushValue(f, taken.slice(1));
  if (code < VECTOR_CODES) f.code.u8(code);
  else {
    f.code.u8(VECTOR_PREFIX);
    f.code.u32(code - VECTOR_CODES);
  }
  f.code.u32(0);
  f.code.u32(offset);
  if (IMMEDIATES[code] === IMMEDIATE.memoryLane) f.code.u8(0);
  integerOf(f, left);
}

/** A module with the access at each offset, as functions of the address called by the offset. */
export const accessModule = (code: number, offsets: readonly number[], pages = 1): Uint8Array =>
  buildModule((m) => {
    m.export("memory", "memory", m.memory({ minimum: pages }));
    const left = (SIGNATURES[code] ?? "").split(":")[1] ?? "";
    for (const offset of offsets) {
      const f = m.function(["i32"], resultType(left));
      writeAccess(f, code, offset);
      m.export(String(offset), "function", f.index);
    }
  });

/** Fills memory with bytes that tell their places. */
export const fillPattern = (bytes: Uint8Array): void => {
  for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 167 + (i >> 8) * 13 + 1) & 0xff;
};
