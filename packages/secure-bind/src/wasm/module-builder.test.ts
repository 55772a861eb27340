import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FunctionBuilder } from "./function-builder.ts";
import { INSTRUCTIONS, type Mnemonic } from "./instructions.ts";
import { makeModuleBuilder, type ModuleBuilder } from "./module-builder.ts";
import type { ValueType } from "./value-type.ts";

type Numeric = (...values: readonly unknown[]) => unknown;

function instance(
  module: ModuleBuilder,
  imports?: Record<string, Record<string, unknown>>,
): Record<string, Numeric> {
  const compiled = new WebAssembly.Module(module.build());
  return new WebAssembly.Instance(compiled, imports).exports as Record<string, Numeric>;
}

/** A module whose one function has this type and body. */
function only(
  parameters: ValueType[],
  results: ValueType[],
  write: (f: FunctionBuilder) => void,
): ModuleBuilder {
  const module = makeModuleBuilder();
  const f = module.function(parameters, results);
  write(f);
  module.export("f", "function", f.index);
  return module;
}

describe("a module", () => {
  test("with nothing in it is valid", () => {
    expect([...makeModuleBuilder().build()]).toEqual([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    expect(WebAssembly.validate(makeModuleBuilder().build())).toBe(true);
  });

  test("adds", () => {
    const { f } = instance(only(["i32", "i32"], ["i32"], (code) => code.get(0).get(1).op("i32.add")));
    expect(f?.(40, 2)).toBe(42);
  });

  test("may be built twice, and grows in between", () => {
    const module = only([], ["i32"], (f) => f.i32(1));
    const first = module.build();
    expect(module.build()).toEqual(first);
    module.export("again", "function", 0);
    expect(instance(module)["again"]?.()).toBe(1);
  });

  test("has each type once", () => {
    const module = makeModuleBuilder();
    const type = module.type(["i32"], ["i32"]);
    expect(module.type(["i32"], ["i32"])).toBe(type);
    expect(module.type(["i32"], [])).not.toBe(type);
    expect(module.type([], ["i32"])).toBe(type + 2);
  });

  test("calls what it imports, itself, and what is written later", () => {
    const module = makeModuleBuilder();
    const host = module.importFunction("env", "double", module.type(["i32"], ["i32"]));
    const even = module.function(["i32"], ["i32"]);
    const odd = module.function(["i32"], ["i32"]);
    const sum = module.function(["i32"], ["i32"]);
    even.get(0).op("i32.eqz").open("if", "i32").i32(1).op("else");
    even.get(0).i32(1).op("i32.sub").op("call", odd.index).end();
    odd.get(0).op("i32.eqz").open("if", "i32").i32(0).op("else");
    odd.get(0).i32(1).op("i32.sub").op("call", even.index).end();
    sum.get(0).open("if", "i32").get(0).i32(1).op("i32.sub").op("call", sum.index);
    sum.get(0).op("call", host).op("i32.add").op("else").i32(0).end();
    for (const [name, f] of Object.entries({ even, sum })) module.export(name, "function", f.index);
    const got = instance(module, { env: { double: (value: number) => 2 * value } });
    expect([got["even"]?.(10), got["even"]?.(7), got["sum"]?.(4)]).toEqual([1, 0, 20]);
  });

  test("has memory, data and bulk operations", () => {
    const module = makeModuleBuilder();
    module.export("memory", "memory", module.memory({ minimum: 1, maximum: 2 }));
    module.data(Uint8Array.of(1, 2, 3), 8);
    const waiting = module.data(Uint8Array.of(9, 8, 7));
    const f = module.function([]);
    f.i32(100).i32(1).i32(2).op("memory.init", waiting, 0);
    f.i32(200).i32(8).i32(3).op("memory.copy", 0, 0);
    f.i32(300).i32(5).i32(2).op("memory.fill", 0).op("data.drop", waiting);
    module.start(f.index);
    const { memory } = instance(module) as unknown as { memory: WebAssembly.Memory };
    const bytes = new Uint8Array(memory.buffer);
    expect([...bytes.slice(100, 102), ...bytes.slice(200, 203), ...bytes.slice(300, 303)]).toEqual([
      8, 7, 1, 2, 3, 5, 5, 0,
    ]);
  });

  test("may drop data that has its place already", () => {
    const module = makeModuleBuilder();
    module.memory({ minimum: 1 });
    const placed = module.data(Uint8Array.of(1), 0);
    module.start(module.function([]).op("data.drop", placed).index);
    expect(() => instance(module)).not.toThrow();
  });

  test("imports a memory, a global and a table", () => {
    const module = makeModuleBuilder();
    module.importMemory("env", "memory", { minimum: 1 });
    const global = module.importGlobal("env", "count", { type: "i32", mutable: true });
    module.importTable("env", "table", { minimum: 2 });
    const f = module.function([], ["i32"]);
    f.op("global.get", global).i32(1).op("i32.add").op("global.set", global).i32(4).memory("i32.load8_u", 1);
    module.elements(1, [f.index]);
    const memory = new WebAssembly.Memory({ initial: 1 });
    new Uint8Array(memory.buffer)[5] = 77;
    const count = new WebAssembly.Global({ value: "i32", mutable: true }, 41);
    const table = new WebAssembly.Table({ element: "anyfunc", initial: 2 });
    instance(module, { env: { memory, count, table } });
    expect((table.get(1) as Numeric)()).toBe(77);
    expect(count.value).toBe(42);
  });

  test("shares a memory", () => {
    const module = makeModuleBuilder();
    module.importMemory("env", "memory", { minimum: 1, maximum: 1, shared: true });
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    expect(() => instance(module, { env: { memory } })).not.toThrow();
  });

  test("has globals of every type, and constants come through unchanged", () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.double(),
        (int, long, real) => {
          const module = makeModuleBuilder();
          module.export("i", "global", module.global({ type: "i32" }, int));
          module.export("l", "global", module.global({ type: "i64", mutable: true }, long));
          module.export("d", "global", module.global({ type: "f64" }, real));
          module.global({ type: "v128" });
          module.export("e", "global", module.global({ type: "externref" }));
          const { i, l, d, e } = instance(module) as unknown as Record<string, WebAssembly.Global>;
          expect([i?.value, l?.value, d?.value, e?.value]).toEqual([int, long, real, null]);
        },
      ),
      { numRuns: 50 },
    );
  });

  test("calls through a table, and branches by one", () => {
    const module = makeModuleBuilder();
    const type = module.type([], ["i32"]);
    module.table({ minimum: 4 });
    const functions = [10, 20].map((value) => module.function([], ["i32"]).i32(value).index);
    module.elements(1, functions);
    const f = module.function(["i32"], ["i32"]);
    f.open("block").open("block").get(0).table([0, 1], 1).end();
    f.i32(1).op("call_indirect", type, 0).op("return").end();
    f.i32(2).op("call_indirect", type, 0);
    module.export("f", "function", f.index);
    const got = instance(module);
    expect([got["f"]?.(0), got["f"]?.(1), got["f"]?.(9)]).toEqual([10, 20, 20]);
  });

  test("keeps functions as values and custom sections", () => {
    const module = only([], ["i32"], (f) => f.i32(5));
    module.export("reference", "global", module.global({ type: "funcref" }, 0));
    module.custom("notes", Uint8Array.of(1, 2));
    const compiled = new WebAssembly.Module(module.build());
    expect(WebAssembly.Module.customSections(compiled, "notes").map((s) => [...new Uint8Array(s)])).toEqual([
      [1, 2],
    ]);
    const { reference } = new WebAssembly.Instance(compiled).exports as { reference: WebAssembly.Global };
    expect((reference.value as unknown as Numeric)()).toBe(5);
  });

  test("refuses an import behind the module's own, whose numbers it would move", () => {
    const module = makeModuleBuilder();
    module.function([]);
    module.memory({ minimum: 1 });
    module.global({ type: "i32" });
    module.table({ minimum: 1 });
    expect(() => module.importFunction("a", "b", 0)).toThrow(RangeError);
    expect(() => module.importMemory("a", "b", { minimum: 1 })).toThrow(RangeError);
    expect(() => module.importGlobal("a", "b", { type: "i32" })).toThrow(RangeError);
    expect(() => module.importTable("a", "b", { minimum: 1 })).toThrow(RangeError);
    expect(WebAssembly.validate(module.build())).toBe(true);
  });
});

describe("a mistake", () => {
  const never = undefined as never;
  /** What throws, and would leave half of something behind. */
  const MISTAKES: readonly (readonly [string, (module: ModuleBuilder) => unknown])[] = [
    ["a type of no such value", (m) => m.type(["i32", "i3" as ValueType], [])],
    ["a function of no such type", (m) => m.function([], ["i3" as ValueType])],
    ["a global that starts as no number", (m) => m.global({ type: "i32" }, Number.NaN)],
    ["a global of no type", (m) => m.global({ type: never })],
    ["a vector of more than 128 bits", (m) => m.global({ type: "v128" }, 2n ** 128n)],
    ["a negative vector", (m) => m.global({ type: "v128" }, -1n)],
    ["a memory of half a page", (m) => m.memory({ minimum: 0.5 })],
    ["a table of half an element", (m) => m.table({ minimum: 1, maximum: 1.5 })],
    ["an imported function of no type", (m) => m.importFunction("a", "b", -1)],
    ["an imported memory without a size", (m) => m.importMemory("a", "b", { minimum: never })],
    ["an imported table of half a size", (m) => m.importTable("a", "b", { minimum: 1.5 })],
    ["an imported global of no type", (m) => m.importGlobal("a", "b", { type: never })],
    ["an export of nothing", (m) => m.export("a", "function", -1)],
    ["a start at nothing", (m) => m.start(-1)],
    ["elements that are none", (m) => m.elements(0, [0, -1])],
    ["elements at half an offset", (m) => m.elements(0.5, [])],
    ["data at no offset", (m) => m.data(Uint8Array.of(1), Number.NaN)],
    ["a custom section of no bytes", (m) => m.custom("a", [256] as unknown as Uint8Array)],
  ];

  test.each(MISTAKES)("like %s is a RangeError, and leaves nothing behind", (_what, make) => {
    const module = makeModuleBuilder();
    const clean = makeModuleBuilder();
    expect(() => make(module)).toThrow(RangeError);
    expect(module.build()).toEqual(clean.build());
    for (const each of [module, clean]) {
      const f = each.function(["i32"], ["i32"]).get(0);
      each.export("f", "function", f.index);
      each.export("g", "global", each.global({ type: "i32" }, 5));
      each.export("m", "memory", each.memory({ minimum: 1 }));
      each.data(Uint8Array.of(1), each.table({ minimum: 1 }));
      each.elements(0, [f.index]);
    }
    expect(module.build()).toEqual(clean.build());
    expect(WebAssembly.validate(module.build())).toBe(true);
  });

  test.each<readonly [string, (f: FunctionBuilder) => unknown]>([
    ["an instruction that does not exist", (f) => f.op("i32.sb" as Mnemonic)],
    ["what every record has", (f) => f.op("constructor" as Mnemonic)],
    ["an immediate that is negative", (f) => f.op("call", -1)],
    ["a second immediate that is none", (f) => f.op("memory.copy", 0, 0.5)],
    ["a label that is none", (f) => f.table([0, -1], 0)],
    ["a local of no number", (f) => f.get(Number.NaN)],
    ["a constant of 33 bits", (f) => f.i32(2 ** 32)],
    ["a constant of 65 bits", (f) => f.i64(2n ** 63n)],
    ["a vector of three bytes", (f) => f.v128([1, 2, 3])],
    ["a vector with a large byte", (f) => f.v128(new Uint16Array(16).fill(256))],
    ["a shuffle by half a lane", (f) => f.shuffle(new Float32Array(16).fill(0.5))],
    ["a block of no type", (f) => f.open("block", "i3" as ValueType)],
    ["a loop of half a type", (f) => f.open("loop", 0.5)],
    ["a load at no offset", (f) => f.memory("i32.load", -1)],
  ])("in an instruction, like %s, is a RangeError, and none of it is written", (_what, write) => {
    const f = makeModuleBuilder().function([], []);
    f.op("nop");
    expect(() => write(f)).toThrow(RangeError);
    expect(f.code.length).toBe(1);
  });

  test("in a name is named", () => {
    const f = makeModuleBuilder().function([], []);
    expect(() => f.op("i32.sb" as Mnemonic)).toThrow("i32.sb");
  });

  test("with a constant does not type-check, and throws: its bytes would be another number's", () => {
    const f = makeModuleBuilder().function([], []);
    // @ts-expect-error 64 as an unsigned number is -64 as a signed one
    expect(() => f.op("i32.const", 64)).toThrow("i32.const");
    // @ts-expect-error nor is there one among others
    expect(() => f.ops("nop", "f64.const")).toThrow(RangeError);
    const constants = Object.keys(INSTRUCTIONS).filter((name) => name.endsWith(".const"));
    expect(constants).toHaveLength(5);
    for (const name of constants) expect(() => f.op(name as Mnemonic)).toThrow(RangeError);
  });
});

describe("constants", () => {
  test("a vector is a global of its 128 bits", () => {
    const bytes = Array.from({ length: 16 }, (_, i) => 0xff - 13 * i);
    const bits = bytes.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
    const module = makeModuleBuilder();
    const [vector, zero] = [module.global({ type: "v128" }, bits), module.global({ type: "v128" })];
    const largest = module.global({ type: "v128" }, 2n ** 128n - 1n);
    module.export("memory", "memory", module.memory({ minimum: 1 }));
    const f = module.function([]);
    for (const [at, global] of [vector, zero, largest].entries())
      f.i32(16 * at)
        .op("global.get", global)
        .memory("v128.store");
    module.start(f.index);
    const { memory } = instance(module) as unknown as { memory: WebAssembly.Memory };
    expect([...new Uint8Array(memory.buffer, 0, 48)]).toEqual([
      ...bytes,
      ...new Uint8Array(16),
      ...new Uint8Array(16).fill(0xff),
    ]);
  });

  test("i32 takes signed and unsigned, i64, f32 and f64 everything", () => {
    const got = (type: ValueType, write: (f: FunctionBuilder) => void): unknown =>
      instance(only([], [type], write))["f"]?.();
    expect(got("i32", (f) => f.i32(0xffff_ffff))).toBe(-1);
    expect(got("i32", (f) => f.i32(-0x8000_0000))).toBe(-0x8000_0000);
    expect(got("i64", (f) => f.i64(-(2n ** 63n)))).toBe(-(2n ** 63n));
    expect(got("f32", (f) => f.f32(1.5))).toBe(1.5);
    expect(got("f64", (f) => f.f64(-0))).toBe(-0);
    expect(() => only([], [], (f) => f.i32(2 ** 32))).toThrow(RangeError);
  });

  test("vectors are sixteen bytes, and shuffle by lanes", () => {
    const lanes = Array.from({ length: 16 }, (_, i) => 15 - i);
    const bytes = Uint8Array.from({ length: 16 }, (_, i) => i * 3);
    const { f } = instance(
      only([], ["i32"], (code) =>
        code.v128(bytes).v128(new Uint8Array(16)).shuffle(lanes).op("i32x4.extract_lane").code.u8(0),
      ),
    );
    expect(f?.()).toBe(45 | (42 << 8) | (39 << 16) | (36 << 24));
    expect(() => only([], [], (code) => code.v128([1, 2, 3]))).toThrow(RangeError);
  });

  test("locals are counted behind the parameters", () => {
    const { f } = instance(
      only(["i32"], ["i64"], (code) => {
        expect([code.local("i64"), code.local("v128"), code.local("f64")]).toEqual([1, 2, 3]);
        code.get(0).op("i64.extend_i32_s").tee(1).get(1).op("i64.add");
      }),
    );
    expect(f?.(21)).toBe(42n);
  });
});

// What an instruction takes and gives, said by its name; the engine then says whether the opcode is that of the name.
const SHAPES: readonly (readonly [RegExp, (name: string) => readonly [string, string]])[] = [
  [/^(i32|i64|f32|f64)\.(eqz)$/, (n) => [n.slice(0, 3), "i32"]],
  [/^(i32|i64|f32|f64)\.(eq|ne|[lg][te](_[su])?)$/, (n) => [`${n.slice(0, 3)} ${n.slice(0, 3)}`, "i32"]],
  [/^(i32|i64)\.(clz|ctz|popcnt|extend\d+_s)$/, (n) => [n.slice(0, 3), n.slice(0, 3)]],
  [/^(f32|f64)\.(abs|neg|ceil|floor|trunc|nearest|sqrt)$/, (n) => [n.slice(0, 3), n.slice(0, 3)]],
  [
    /^(i32|i64|f32|f64)\.(add|sub|mul|div|div_[su]|rem_[su]|and|or|xor|shl|shr_[su]|rot[lr]|min|max|copysign)$/,
    (n) => [`${n.slice(0, 3)} ${n.slice(0, 3)}`, n.slice(0, 3)],
  ],
  [
    /^(i32|i64|f32|f64)\.(wrap|trunc|trunc_sat|extend|convert|demote|promote|reinterpret)_(i32|i64|f32|f64)(_[su])?$/,
    (n) => [/_([if]\d\d)(_[su])?$/.exec(n)?.[1] ?? "", n.slice(0, 3)],
  ],
  [/^(v128\.not|i\d+x\d+\.extadd_.*|i\d+x\d+\.extend_.*)$/, () => ["v128", "v128"]],
  [/^(v128\.(and|andnot|or|xor)|i\d+x\d+\.(add|sub|mul|swizzle))$/, () => ["v128 v128", "v128"]],
  [/^i\d+x\d+\.(shl|shr_[su])$/, () => ["v128 i32", "v128"]],
  [/^v128\.any_true$/, () => ["v128", "i32"]],
  [/^v128\.bitselect$/, () => ["v128 v128 v128", "v128"]],
  [/^i64x2\.splat$/, () => ["i64", "v128"]],
  [/^i\d+x\d+\.splat$/, () => ["i32", "v128"]],
];

describe("every instruction", () => {
  test("has an opcode of its own", () => {
    const opcodes = Object.values(INSTRUCTIONS);
    expect(new Set(opcodes).size).toBe(opcodes.length);
  });

  const plain = Object.keys(INSTRUCTIONS).flatMap((name) => {
    const shape = SHAPES.find(([pattern]) => pattern.test(name))?.[1](name);
    return shape === undefined ? [] : [[name, ...shape] as const];
  });

  test("without immediates has the type that its name says", () => {
    expect(plain.length).toBeGreaterThan(160);
    for (const [name, takes, gives] of plain) {
      const parameters = takes.split(" ") as ValueType[];
      const module = only(parameters, [gives as ValueType], (f) => {
        parameters.forEach((_, i) => f.get(i));
        f.op(name as Mnemonic);
      });
      expect([name, WebAssembly.validate(module.build())]).toEqual([name, true]);
    }
  });

  test("of memory has the type and the width that its name says", () => {
    const accesses = Object.keys(INSTRUCTIONS).filter((name) => /\.(load|store)/.test(name));
    expect(accesses.length).toBeGreaterThan(30);
    for (const name of accesses) {
      const type = (name.startsWith("v128") ? "v128" : name.slice(0, 3)) as ValueType;
      const isStore = name.includes("store");
      const isLane = name.endsWith("_lane");
      const of = (align: number): ModuleBuilder => {
        const module = only(isStore || isLane ? ["i32", type] : ["i32"], isStore ? [] : [type], (f) => {
          f.get(0);
          if (isStore || isLane) f.get(1);
          f.memory(name as Mnemonic, 0, align);
          if (isLane) f.code.u8(0);
        });
        module.memory({ minimum: 1 });
        return module;
      };
      const widest = [0, 1, 2, 3, 4].filter((align) => WebAssembly.validate(of(align).build())).at(-1);
      const bits = /(?:load|store)(\d+)(?:x(\d+))?/.exec(name);
      const own = { i32: 32, i64: 64, f32: 32, f64: 64, v128: 128 }[type as "i32"];
      const width = bits === null ? own : Number(bits[1]) * Number(bits[2] ?? 1);
      expect([name, widest]).toEqual([name, Math.log2(width / 8)]);
    }
  });

  test("that computes, computes what its name says", () => {
    const check = (name: Mnemonic, a: number, b: number, result: number): void => {
      const { f } = instance(only(["i32", "i32"], ["i32"], (code) => code.get(0).get(1).op(name)));
      expect([name, f?.(a, b)]).toEqual([name, result]);
    };
    check("i32.sub", 5, 7, -2);
    check("i32.div_s", -7, 2, -3);
    check("i32.div_u", -1, 2, 0x7fff_ffff);
    check("i32.rem_s", -7, 2, -1);
    check("i32.and", 6, 3, 2);
    check("i32.or", 6, 3, 7);
    check("i32.xor", 6, 3, 5);
    check("i32.shl", 1, 4, 16);
    check("i32.shr_s", -8, 1, -4);
    check("i32.shr_u", -8, 28, 15);
    check("i32.rotl", 0x4000_0000, 2, 1);
    check("i32.rotr", 1, 1, -0x8000_0000);
    check("i32.lt_s", -1, 0, 1);
    check("i32.lt_u", -1, 0, 0);
    check("i32.ge_u", -1, 0, 1);
  });
});
