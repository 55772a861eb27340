import { describe, expect, test } from "vitest";
import {
  ACCESS_BYTES,
  IMMEDIATE,
  IMMEDIATES,
  KIND,
  KINDS,
  NAMES,
  SIGNATURES,
  VECTOR_CODES,
  VECTOR_PREFIX,
} from "./opcodes.ts";
import type { FunctionBuilder } from "./function-builder.ts";
import { MESSAGE_BASE } from "./segment.ts";
import type { ValueType } from "./value-type.ts";
import { buildModule, rawModule, sandbox } from "../testing/sandbox.ts";

const PAGE = 65_536;
const accesses = [...KINDS.entries()]
  .filter(([, kind]) => kind === KIND.load || kind === KIND.store)
  .map(([code]) => code);

const TYPES: Record<string, ValueType> = { i: "i32", I: "i64", f: "f32", d: "f64" };

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
const accessModule = (code: number, offsets: readonly number[], pages = 1): Uint8Array =>
  buildModule((m) => {
    m.export("memory", "memory", m.memory({ minimum: pages }));
    const left = (SIGNATURES[code] ?? "").split(":")[1] ?? "";
    for (const offset of offsets) {
      const f = m.function(["i32"], resultType(left));
      writeAccess(f, code, offset);
      m.export(String(offset), "function", f.index);
    }
  });

const fill = (bytes: Uint8Array): void => {
  for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 167 + (i >> 8) * 13 + 1) & 0xff;
};

const unique = (values: readonly number[]): number[] => [
  ...new Set(values.filter((v) => v >= 0 && v < 2 ** 32)),
];

/** Addresses and offsets around every edge there is for accesses of `n` bytes to `size` bytes. */
const edges = (n: number, size: number): number[] =>
  unique(
    [0, 1, 3, 7, size - n - 1, size - n, size - n + 1, size - 1, size, size + 1].concat([
      2 ** 31 - n,
      2 ** 31 - 1,
      2 ** 31,
      2 ** 32 - size,
      2 ** 32 - n - 1,
      2 ** 32 - n,
      2 ** 32 - 1,
    ]),
  );

describe("every access to memory, at every edge, does what it does unrewritten", () => {
  test.each(accesses.map((code) => [NAMES[code] ?? "", code] as const))("%s", (_name, code) => {
    const points = edges(ACCESS_BYTES[code] ?? 0, PAGE);
    const bytes = accessModule(code, points);
    const raw = rawModule(bytes);
    const confined = sandbox(bytes);
    fill(raw.segment);
    fill(confined.segment);
    for (const offset of points)
      for (const address of points) {
        const expected = raw.call(String(offset), address);
        expect(confined.call(String(offset), address), `${address} + ${offset}`).toEqual(expected);
      }
    expect(Buffer.compare(confined.segment, raw.segment)).toBe(0);
    expect(confined.isConfined()).toBe(true);
  });
});

test("a module without pages has no address", () => {
  for (const code of accesses) {
    const { call, isConfined } = sandbox(accessModule(code, [0, 5], 0));
    expect(call("0", 0)).toEqual({ stopped: "memory" });
    expect(call("5", 2 ** 32 - 5)).toEqual({ stopped: "memory" });
    expect(isConfined()).toBe(true);
  }
});

test("the whole of a large segment is there, and nothing behind it", () => {
  const pages = 40;
  const load = accessModule(0x28, [0, PAGE * pages - 8], pages);
  const { call } = sandbox(load);
  expect(call("0", PAGE * pages - 4)).toEqual({ value: 0 });
  expect(call("0", PAGE * pages - 3)).toEqual({ stopped: "memory" });
  expect(call(String(PAGE * pages - 8), 4)).toEqual({ value: 0 });
  expect(call(String(PAGE * pages - 8), 5)).toEqual({ stopped: "memory" });
});

describe("a message", () => {
  const message = Uint8Array.from({ length: 37 }, (_, i) => 0x80 + i);

  /** What the access at `address + offset` gives where the message is all there is. */
  const expected = (code: number, address: number, offset: number): unknown => {
    const bytes = ACCESS_BYTES[code] ?? 0;
    const at = address + offset - MESSAGE_BASE;
    if (at < 0 || at + bytes > message.length) return { stopped: "memory" };
    const raw = rawModule(accessModule(code, [0]));
    raw.segment.set(message, 0);
    return raw.call("0", at);
  };

  test.each(accesses.map((code) => [NAMES[code] ?? "", code] as const))("%s", (name, code) => {
    const n = ACCESS_BYTES[code] ?? 0;
    const ends = [
      0,
      1,
      20,
      message.length - n - 1,
      message.length - n,
      message.length - n + 1,
      message.length,
    ];
    const addresses = unique([
      ...ends.flatMap((end) => [MESSAGE_BASE + end, end]),
      MESSAGE_BASE - 1,
      MESSAGE_BASE - n,
      2 ** 31 - 1,
      2 ** 31,
      2 ** 32 - 1,
      2 ** 32 - MESSAGE_BASE,
    ]);
    const offsets = [
      0,
      1,
      9,
      PAGE,
      MESSAGE_BASE - 1,
      MESSAGE_BASE,
      MESSAGE_BASE + 1,
      2 ** 31 - 1,
      2 ** 31,
      2 ** 32 - 1,
    ];
    const { call, segment, isConfined } = sandbox(accessModule(code, offsets), { message });
    const raw = rawModule(accessModule(code, offsets));
    fill(segment);
    fill(raw.segment);
    const writes = name.includes("store");
    for (const offset of offsets)
      for (const address of addresses) {
        const inside = address + offset + n <= PAGE;
        const wanted = inside
          ? raw.call(String(offset), address)
          : writes
            ? { stopped: "memory" }
            : expected(code, address, offset);
        expect(call(String(offset), address), `${address} + ${offset}`).toEqual(wanted);
      }
    expect(Buffer.compare(segment, raw.segment)).toBe(0);
    expect(isConfined()).toBe(true);
  });

  test("of no bytes, or of fewer than are read, is not there", () => {
    for (const code of accesses.filter((one) => !NAMES[one]?.includes("store"))) {
      const n = ACCESS_BYTES[code] ?? 0;
      for (const length of [0, n - 1]) {
        const { call } = sandbox(accessModule(code, [0]), { message: new Uint8Array(length) });
        for (const address of [MESSAGE_BASE, MESSAGE_BASE - 1, MESSAGE_BASE + length])
          expect(call("0", address)).toEqual({ stopped: "memory" });
      }
    }
  });
});

test("results name their types", () => {
  for (const code of accesses) {
    const left = (SIGNATURES[code] ?? "").split(":")[1] ?? "";
    expect(left === "" || left === "v" || left in TYPES).toBe(true);
  }
});
