import { describe, expect, test } from "vitest";
import { ByteWriter } from "./byte-writer.ts";
import { isModuleRefusal } from "./module-refusal.ts";
import type { ModuleLimits } from "./module-limits.ts";
import type { ModuleBuilder } from "./module-builder.ts";
import { type RewriteOptions, rewriteModule } from "./rewrite.ts";
import { buildModule } from "../testing/sandbox.ts";

const HEADER = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const section = (id: number, ...body: readonly number[]): number[] => [id, body.length, ...body];
const binary = (...parts: readonly (readonly number[])[]): Uint8Array =>
  Uint8Array.from([...HEADER, ...parts.flat()]);

/** A type `() -> ()`, and a function of it with this code. */
const VOID = section(1, 1, 0x60, 0, 0);
const code = (...body: readonly number[]): number[] => [
  ...section(3, 1, 0),
  ...section(10, 1, body.length + 2, 0, ...body, 0x0b),
];
const withCode = (...body: readonly number[]): Uint8Array => binary(VOID, code(...body));
/** A function of that type with this body, its locals included. */
const withBody = (...body: readonly number[]): Uint8Array =>
  binary(VOID, section(3, 1, 0), section(10, 1, body.length, ...body));

/** The rule and the reason, without the place. */
function verdict(bytes: unknown, options: RewriteOptions = {}): readonly [string, string] {
  const result = rewriteModule(bytes, options);
  if (!isModuleRefusal(result)) return ["accepted", ""];
  expect(Object.isFrozen(result)).toBe(true);
  expect(Number.isInteger(result.at) && result.at >= -1).toBe(true);
  return [result.rule, result.what];
}

describe("NotAModule", () => {
  const { proxy, revoke } = Proxy.revocable(new Uint8Array(8), {});
  revoke();
  const values: readonly (readonly [string, unknown])[] = [
    ["nothing", undefined],
    ["a number", 8],
    ["a text", "\0asm"],
    ["a list", HEADER],
    ["another array", new Uint16Array(8)],
    ["a view", new DataView(new ArrayBuffer(8))],
    ["a proxy of bytes", new Proxy(binary(), {})],
    ["a revoked proxy", proxy],
    ["what says it is bytes", { [Symbol.toStringTag]: "Uint8Array", length: 8 }],
    [
      "what throws",
      {
        get length(): never {
          throw new Error("hostile");
        },
      },
    ],
    ["no bytes", new Uint8Array(0)],
    ["half a header", Uint8Array.from(HEADER.slice(0, 6))],
    ["another version", Uint8Array.from([0, 0x61, 0x73, 0x6d, 2, 0, 0, 0])],
    ["a component", Uint8Array.from([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0])],
  ];
  test.each(values)("is what is said to %s", (_name, value) => {
    expect(verdict(value)[0]).toBe("NotAModule");
  });

  test("detached bytes are none", () => {
    const bytes = binary();
    structuredClone(bytes.buffer, { transfer: [bytes.buffer as ArrayBuffer] });
    expect(verdict(bytes)[0]).toBe("NotAModule");
    expect(verdict(bytes.buffer)[0]).toBe("NotAModule");
  });

  test("bytes may be an array, a subclass of it, or a buffer", () => {
    expect(verdict(binary())).toEqual(["accepted", ""]);
    expect(verdict(Buffer.from(binary()))).toEqual(["accepted", ""]);
    expect(verdict(binary().buffer)).toEqual(["accepted", ""]);
  });

  test("no code of the bytes' owner runs, and later changes do not matter", () => {
    class Hostile extends Uint8Array {
      override get length(): number {
        throw new Error("hostile");
      }
      static get [Symbol.species](): never {
        throw new Error("hostile");
      }
    }
    const hostile = new Hostile(binary(VOID, code()));
    const rewritten = rewriteModule(hostile);
    if (isModuleRefusal(rewritten)) throw new Error(rewritten.rule);
    const before = rewritten.bytes;
    hostile.fill(0);
    rewritten.bytes.fill(0);
    expect(rewritten.bytes).toEqual(before);
  });
});

const malformed: readonly (readonly [string, Uint8Array])[] = [
  ["a section that ends too early", binary([1, 5, 1, 0x60])],
  ["a section that is longer than what is in it", binary(section(1, 1, 0x60, 0, 0, 0))],
  ["a section that is shorter", binary([1, 2, 1, 0x60, 0, 0])],
  ["sections out of order", binary(section(3, 0), section(1, 0))],
  ["a section twice", binary(VOID, VOID)],
  ["a section of no known number", binary(section(15))],
  ["a count larger than the bytes that are left", binary(section(1, 0x7f, 0x60, 0, 0))],
  ["a number of six bytes", binary([1, 0x80, 0x80, 0x80, 0x80, 0x80, 0])],
  ["a number of more than 32 bits", binary([1, 0xff, 0xff, 0xff, 0xff, 0x1f])],
  ["a function of no type", binary(VOID, section(3, 1, 1))],
  ["a function without code", binary(VOID, section(3, 1, 0))],
  ["code without a function", binary(VOID, section(10, 1, 2, 0, 0x0b))],
  ["an import that is no UTF-8", binary(VOID, section(2, 1, 1, 0xff, 1, 0x61, 0, 0))],
  ["a start function that is not there", binary(section(8, 0))],
  ["an export of a function that is not there", binary(section(7, 1, 1, 0x61, 0, 0))],
  ["an export of no known kind", binary(section(7, 1, 1, 0x61, 9, 0))],
  ["a mutability of 2", binary(section(6, 1, 0x7f, 2, 0x41, 0, 0x0b))],
  ["limits with a bit that means nothing", binary(section(5, 1, 0x10, 0))],
  ["a data segment of no known form", binary(section(5, 1, 0, 1), section(11, 1, 3, 0))],
  ["elements of no known form", binary(section(9, 1, 8, 0))],
  ["elements of a kind that is not functions", binary(section(4, 1, 0x70, 0, 1), section(9, 1, 1, 1, 0))],
  [
    "a constant that is no number",
    binary(section(6, 1, 0x7f, 0, 0x41, 0x80, 0x80, 0x80, 0x80, 0x80, 0, 0x0b)),
  ],
  ["labels that are not there", withCode(0x0e, 0xff, 0xff, 0x03)],
  ["a global that is not there", withCode(0x23, 0, 0x1a)],
  ["the last global of all", withCode(0x23, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x1a)],
  ["a constant of a global that is not there", binary(section(6, 1, 0x7f, 0, 0x23, 0, 0x0b))],
  ["a function that is not there", withCode(0x10, 1)],
  ["data that is not there", withCode(0xfc, 9, 0)],
  ["code behind the end", withCode(0x0b, 0x01)],
  ["groups of locals that are not there", withBody(2, 1, 0x7f, 0x0b)],
  ["a number of locals of six bytes", withBody(1, 0x80, 0x80, 0x80, 0x80, 0x80, 0, 0x7f, 0x0b)],
];

test.each(malformed)("Malformed is said to %s", (_name, bytes) => {
  expect(verdict(bytes)[0]).toBe("Malformed");
});

const refType = [0x64, 0x70];
const unsupported: readonly (readonly [string, string, Uint8Array])[] = [
  ["several memories", "two memories", binary(section(5, 2, 0, 0, 0, 0))],
  [
    "several memories",
    "a memory that is named",
    binary(
      VOID,
      section(3, 1, 0),
      section(5, 1, 0, 1),
      section(10, 1, 9, 0, 0x41, 0, 0x28, 0x40, 0, 0, 0x1a, 0x0b),
    ),
  ],
  [
    "several memories",
    "data for another",
    binary(section(5, 1, 0, 1), section(11, 1, 2, 1, 0x41, 0, 0x0b, 0)),
  ],
  ["shared memory", "a shared memory", binary(section(5, 1, 3, 1, 1))],
  ["addresses of 64 bits", "a memory of 64 bits", binary(section(5, 1, 4, 1))],
  ["addresses of 64 bits", "a table of 64 bits", binary(section(4, 1, 0x70, 4, 1))],
  ["page sizes", "pages of a byte", binary(section(5, 1, 8, 1, 0))],
  ["exceptions", "a tag", binary(VOID, section(13, 1, 0, 0))],
  ["exceptions", "an imported tag", binary(VOID, section(2, 1, 1, 0x61, 1, 0x61, 4, 0, 0))],
  ["exceptions", "an exported tag", binary(section(7, 1, 1, 0x61, 4, 0))],
  ["exceptions", "try", withCode(0x06, 0x40, 0x0b)],
  ["exceptions", "throw", withCode(0x08, 0)],
  ["exceptions", "try_table", withCode(0x1f, 0x40, 0, 0x0b)],
  ["tail calls", "return_call", withCode(0x12, 0)],
  ["tail calls", "return_call_indirect", withCode(0x13, 0, 0)],
  ["typed function references", "call_ref", withCode(0x14, 0)],
  ["typed function references", "br_on_null", withCode(0xd5, 0)],
  ["garbage collection", "a type that is no function", binary(section(1, 1, 0x5f, 0))],
  ["garbage collection", "a group of types", binary(section(1, 1, 0x4e, 0))],
  ["garbage collection", "struct.new", withCode(0xfb, 0, 0)],
  ["type of a value", "a reference to a type", binary(section(1, 1, 0x60, 1, ...refType, 0))],
  ["type of a reference", "a null of another type", withCode(0xd0, 0x6e, 0x1a)],
  [
    "type of a reference",
    "a null constant of another type",
    binary(section(6, 1, 0x70, 0, 0xd0, 0x6e, 0x0b)),
  ],
  ["type of a table", "a table of another type", binary(section(4, 1, 0x6e, 0, 1))],
  ["type of a table", "a table with a value", binary(section(4, 1, 0x40, 0, 0x70, 0, 1))],
  ["type of elements", "elements of another type", binary(section(9, 1, 5, 0x6e, 0))],
  ["type of a block", "a block that leaves another type", withCode(0x02, 0x6e, 0x00, 0x0b, 0x1a)],
  ["type of a value", "a choice between values of another type", withCode(0x00, 0x1c, 1, 0x6e, 0x1a)],
  ["type of a reference", "a null of a number", withCode(0xd0, 0x7f, 0x1a)],
  ["type of a reference", "a null by a longer number", withCode(0xd0, 0xf0, 0x7f, 0x1a)],
  ["type of a local", "a local that may be anything", withBody(1, 1, 0x6e, 0x0b)],
  ["type of a local", "one that can be compared", withBody(1, 1, 0x6d, 0x0b)],
  ["type of a local", "an exception", withBody(1, 1, 0x69, 0x0b)],
  ["type of a local", "any function", withBody(1, 1, 0x63, 0x70, 0x0b)],
  ["type of a local", "functions of a type", withBody(1, 1, 0x63, 0, 0x0b)],
  ["type of a local", "a type whose bytes are code", withBody(2, 1, 0x63, 0x01, 0x41, 0x00, 0x1a, 0x0b)],
  ["threads", "an atomic load", withCode(0x41, 0, 0xfe, 0x10, 2, 0, 0x1a)],
  ["threads", "a fence", withCode(0xfe, 3, 0)],
  ["relaxed vectors", "a relaxed swizzle", withCode(0xfd, 0x80, 2, 0x1a)],
  ["wide arithmetic", "i64.add128", withCode(0xfc, 0x13)],
  ["extended constants", "a sum as a constant", binary(section(6, 1, 0x7f, 0, 0x41, 1, 0x41, 1, 0x6a, 0x0b))],
  [
    "extended constants",
    "a constant vector of another kind",
    binary(section(6, 1, 0x7b, 0, 0xfd, 0x0d, 0x0b)),
  ],
  ["opcode 0x27", "an opcode that is none", withCode(0x27)],
  ["opcode 0xff", "the last of them", withCode(0xff, 0)],
  ["opcode 0xfc", "a bulk opcode that is none", withCode(0xfc, 0x1f)],
  ["opcode 0xfd", "a vector opcode that is none", withCode(0xfd, 0x9a, 1)],
];

describe("the type of a block as a number of several bytes", () => {
  const blocks = (...type: readonly number[]): Uint8Array => withCode(0x02, ...type, 0x0b);
  test.each([
    ["nothing", [0xc0, 0x7f]],
    ["nothing, in five bytes", [0xc0, 0xff, 0xff, 0xff, 0x7f]],
    ["an i32", [0xff, 0x7f]],
    ["a vector", [0xfb, 0x7f]],
  ])("is Malformed where it means %s", (_name, type) => {
    expect(verdict(blocks(...type))).toEqual(["Malformed", "type of a block"]);
  });
  test.each([
    ["in one byte", [0]],
    ["in two", [0x80, 0]],
    ["in five", [0x80, 0x80, 0x80, 0x80, 0]],
  ])("is the number of a type %s", (_name, type) => {
    expect(verdict(blocks(...type))).toEqual(["accepted", ""]);
  });
  test("is Malformed even where there is a type of the number that it looks like", () => {
    const types = new ByteWriter();
    types.u32(16_321);
    for (let i = 0; i < 16_320; i++) types.bytes([0x60, 0, 0]);
    types.bytes([0x60, 1, 0x7f, 0]);
    const whole = new ByteWriter();
    whole.bytes([...HEADER, 1]);
    whole.append(types, true);
    whole.bytes(code(0x02, 0xc0, 0x7f, 0x0b));
    const bytes = whole.take();
    // An engine takes it for a block that takes and leaves nothing.
    expect(WebAssembly.validate(bytes)).toBe(true);
    expect(verdict(bytes)).toEqual(["Malformed", "type of a block"]);
  });
});

test.each(unsupported)("Unsupported is said for %s: %s", (what, _name, bytes) => {
  expect(verdict(bytes)).toEqual(["Unsupported", what]);
});

test.each([
  ["an operand that is missing", withCode(0x6a)],
  ["a branch out of the function", withCode(0x0c, 5)],
  ["a table of branches out of it", withCode(0x41, 0, 0x0e, 1, 0, 9)],
  ["an else that belongs to nothing", withCode(0x05, 0x05)],
  ["results that a block does not have", withCode(0x02, 0x7f, 0x0b, 0x1a)],
  ["operands that are missing again and again", withCode(...Array.from({ length: 100 }, () => 0x1a))],
  ["a local that is not there", withCode(0x20, 3, 0x1a)],
  ["a load without a memory", withCode(0x41, 0, 0x28, 0, 0, 0x1a)],
  ["a block of a type that is not there", withCode(0x02, 5, 0x0b)],
  [
    "an alignment that is too large",
    binary(
      VOID,
      section(3, 1, 0),
      section(5, 1, 0, 1),
      section(10, 1, 8, 0, 0x41, 0, 0x28, 9, 0, 0x1a, 0x0b),
    ),
  ],
])("Invalid is said to %s", (_name, bytes) => {
  expect(verdict(bytes)[0]).toMatch(/^(Invalid|Malformed)$/);
});
test("Invalid is said where only types are wrong", () => {
  expect(verdict(withCode(0x6a))).toEqual(["Invalid", "types"]);
});

describe("Forbidden", () => {
  const floating = buildModule((m) => {
    m.function(["f64"], ["f64"]).get(0).get(0).op("f64.mul");
  });
  const cases: readonly (readonly [RewriteOptions["forbid"], string, Uint8Array])[] = [
    [["float"], "f64.mul", floating],
    [["simd"], "v128.const", buildModule((m) => m.function([]).v128(new Uint8Array(16)).op("drop"))],
    [
      ["references"],
      "table.size",
      buildModule((m) => (m.table({ minimum: 1 }), m.function([], ["i32"]).op("table.size", 0))),
    ],
    [
      ["bulk"],
      "memory.fill",
      buildModule(
        (m) => (m.memory({ minimum: 1 }), m.function([]).i32(0).i32(0).i32(0).op("memory.fill", 0)),
      ),
    ],
    [
      ["indirect"],
      "call_indirect",
      buildModule((m) => (m.table({ minimum: 1 }), m.function([]).i32(0).op("call_indirect", 0, 0))),
    ],
  ];
  test.each(cases)("%j: %s", (forbid, what, bytes) => {
    expect(verdict(bytes, { forbid: forbid ?? [] })).toEqual(["Forbidden", what]);
    expect(verdict(bytes)).toEqual(["accepted", ""]);
    const others = (["float", "simd", "references", "bulk", "indirect"] as const).filter(
      (one) => one !== forbid?.[0],
    );
    expect(verdict(bytes, { forbid: others })).toEqual(["accepted", ""]);
  });
  test.each([
    ["that is passed", buildModule((m) => m.type(["v128"], []))],
    ["that comes back", buildModule((m) => m.type([], ["i32", "v128"]))],
    ["that is a local", buildModule((m) => m.function([]).local("v128"))],
    ["that is a global", binary(section(6, 1, 0x7b, 0, 0xfd, 12, ...new Uint8Array(16), 0x0b))],
  ])("simd: no vector %s, used or not", (_name, bytes) => {
    expect(verdict(bytes, { forbid: ["simd"] })).toEqual(["Forbidden", "v128"]);
    expect(verdict(bytes, { forbid: ["float"] })).toEqual(["accepted", ""]);
  });
  test("a class that there is not is the caller's mistake", () => {
    for (const name of ["SIMD", "", "toString", "__proto__"])
      expect(() => rewriteModule(withCode(), { forbid: ["float", name as "simd"] })).toThrow(RangeError);
  });
  test("what options inherit is not there", () => {
    const inherited = Object.create({ forbid: ["float"], limits: { bytes: 1 }, imports: 7 }) as object;
    expect(verdict(floating, inherited)).toEqual(["accepted", ""]);
  });
  test("is said even where the engine does not know the instruction", () => {
    expect(verdict(withCode(0x43, 0, 0, 0, 0, 0x6a), { forbid: ["float"] })).toEqual([
      "Forbidden",
      "f32.const",
    ]);
  });
});

describe("imports and exports", () => {
  const offered = { module: "env", name: "call", parameters: ["i32"], results: ["i64"] } as const;
  const importing = (name: string, parameters: readonly "i32"[], results: readonly "i64"[]): Uint8Array =>
    buildModule((m) => m.importFunction("env", name, m.type(parameters, results)));

  test("what is offered may be imported, with its type", () => {
    expect(verdict(importing("call", ["i32"], ["i64"]), { imports: [offered] })).toEqual(["accepted", ""]);
    for (const bytes of [
      importing("call", [], ["i64"]),
      importing("call", ["i32"], []),
      importing("cal", ["i32"], ["i64"]),
      importing("callx", ["i32"], ["i64"]),
    ])
      expect(verdict(bytes, { imports: [offered] })[0]).toBe("BadImport");
    expect(verdict(importing("call", ["i32"], ["i64"]))).toEqual(["BadImport", "function env.call"]);
  });

  test("two names that are one when they are joined are two", () => {
    const bytes = buildModule((m) => m.importFunction("a", "bc", m.type([], [])));
    expect(verdict(bytes, { imports: [{ module: "ab", name: "c", parameters: [], results: [] }] })[0]).toBe(
      "BadImport",
    );
  });

  test("globals, tables and memories of others may not, but the memory that compilers ask for", () => {
    expect(verdict(buildModule((m) => m.importGlobal("env", "g", { type: "i32" })))).toEqual([
      "BadImport",
      "global env.g",
    ]);
    expect(verdict(buildModule((m) => m.importTable("env", "t", { minimum: 1 })))).toEqual([
      "BadImport",
      "table env.t",
    ]);
    expect(verdict(buildModule((m) => m.importMemory("env", "m", { minimum: 1 })))).toEqual([
      "BadImport",
      "memory env.m",
    ]);
    expect(verdict(buildModule((m) => m.importMemory("env", "memory", { minimum: 1 })))).toEqual([
      "accepted",
      "",
    ]);
    expect(
      verdict(
        buildModule((m) => (m.importMemory("env", "memory", { minimum: 1 }), m.memory({ minimum: 1 }))),
      ),
    ).toEqual(["Unsupported", "several memories"]);
    expect(
      verdict(buildModule((m) => m.importMemory("env", "memory", { minimum: 1, maximum: 1, shared: true }))),
    ).toEqual(["Unsupported", "shared memory"]);
  });

  test("names of ours are reserved", () => {
    const exporting = (name: string): Uint8Array =>
      buildModule((m) => m.export(name, "function", m.function([]).index));
    expect(verdict(exporting("exolith:begin"))).toEqual(["ReservedName", "exolith:begin"]);
    expect(verdict(exporting("exolith:"))[0]).toBe("ReservedName");
    expect(verdict(exporting("exolit"))[0]).toBe("accepted");
    const importingOurs = buildModule((m) => m.importFunction("exolith:sandbox", "base", m.type([], [])));
    const imports = [{ module: "exolith:sandbox", name: "base", parameters: [], results: [] }];
    expect(verdict(importingOurs, { imports })[0]).toBe("ReservedName");
  });

  test("a name may be exported once", () => {
    const bytes = buildModule((m) => {
      const { index } = m.function([]);
      m.export("a", "function", index);
      m.export("a", "function", index);
    });
    expect(verdict(bytes)).toEqual(["DuplicateExport", "a"]);
  });
});

test.each([
  ["behind the end", PAGE_DATA(65_533)],
  ["far outside", PAGE_DATA(-1)],
  ["without a memory", buildModule((m) => m.data(Uint8Array.of(1), 0))],
  [
    "at an offset that nobody knows",
    binary(section(5, 1, 0, 1), section(6, 1, 0x7f, 1, 0x41, 0, 0x0b), section(11, 1, 0, 0x23, 0, 0x0b, 0)),
  ],
])("BadData is said to data %s", (_name, bytes) => {
  expect(verdict(bytes)[0]).toBe("BadData");
});
function PAGE_DATA(offset: number): Uint8Array {
  return buildModule((m) => {
    m.memory({ minimum: 1 });
    m.data(Uint8Array.of(1, 2, 3, 4), offset);
  });
}

describe("TooLarge names the limit", () => {
  const locals = (count: number): Uint8Array =>
    buildModule((m) => {
      const f = m.function([]);
      for (let i = 0; i < count; i++) f.local("i32");
    });
  const nested = (depth: number): Uint8Array =>
    written((f) => {
      for (let i = 0; i < depth; i++) f.open("block");
      for (let i = 0; i < depth; i++) f.end();
    });
  const written = (write: (f: ReturnType<ModuleBuilder["function"]>) => void): Uint8Array =>
    buildModule((m) => write(m.function([])));

  /** For each limit, modules with so much of it. */
  /** Limits of programs only: see test/foreign/program-limits.test.ts. */
  type ProgramLimit = "points" | "branches";
  type Limit = Exclude<keyof ModuleLimits, ProgramLimit>;
  const makers: { readonly [L in Limit]: readonly [number, (count: number) => Uint8Array] } = {
    bytes: [
      50,
      (n) => {
        const bytes = new Uint8Array(n);
        bytes.set(HEADER);
        bytes.set([0, n - 10, 0], 8);
        return bytes;
      },
    ],
    types: [3, (n) => binary(section(1, n, ...Array.from({ length: n }, () => [0x60, 0, 0]).flat()))],
    parameters: [
      4,
      (n) =>
        buildModule((m) =>
          m.type(
            Array.from({ length: n }, () => "i32" as const),
            [],
          ),
        ),
    ],
    imports: [
      3,
      (n) =>
        buildModule((m) => {
          for (let i = 0; i < n; i++) m.importFunction("env", "f", m.type([], []));
        }),
    ],
    functions: [
      5,
      (n) =>
        buildModule((m) => {
          for (let i = 0; i < n; i++) m.function([]);
        }),
    ],
    locals: [7, locals],
    allLocals: [
      20,
      (n) =>
        buildModule((m) => {
          const f = m.function(["i32", "i64"]);
          for (let i = 0; i < n - 5; i++) f.local("i32");
          m.function(["i32", "i32", "i32"]);
        }),
    ],
    // Of each of ten locals: two for the check on entry, one at the end, one at each branch.
    moves: [
      70,
      (n) =>
        written((f) => {
          for (let i = 0; i < 10; i++) f.local("i32");
          for (let i = 30; i < n; i += 10) f.op("br", 0);
        }),
    ],
    allMoves: [
      6,
      (n) =>
        buildModule((m) => {
          for (let i = 0; i < n; i += 3) m.function(["i32"]);
        }),
    ],
    bodyBytes: [
      20,
      (n) =>
        written((f) => {
          for (let i = 0; i < n - 2; i++) f.op("nop");
        }),
    ],
    nesting: [9, nested],
    frameBytes: [1_096, (n) => locals((n - 96) / 8 - 1)],
    globals: [
      3,
      (n) =>
        buildModule((m) => {
          for (let i = 0; i < n; i++) m.global({ type: "i64" });
        }),
    ],
    tables: [
      2,
      (n) =>
        buildModule((m) => {
          for (let i = 0; i < n; i++) m.table({ minimum: 1 });
        }),
    ],
    tableElements: [
      10,
      (n) =>
        buildModule((m) => {
          m.table({ minimum: 4 });
          m.table({ minimum: n - 4 });
        }),
    ],
    elements: [
      4,
      (n) =>
        buildModule((m) => {
          m.table({ minimum: 9 });
          const { index } = m.function([]);
          m.elements(0, [index]);
          m.elements(
            1,
            Array.from({ length: n - 1 }, () => index),
          );
        }),
    ],
    exports: [
      2,
      (n) =>
        buildModule((m) => {
          const { index } = m.function([]);
          for (let i = 0; i < n; i++) m.export(`e${i}`, "function", index);
        }),
    ],
    nameBytes: [6, (n) => buildModule((m) => m.export("x".repeat(n), "function", m.function([]).index))],
    memoryPages: [3, (n) => buildModule((m) => m.memory({ minimum: n }))],
    dataSegments: [
      3,
      (n) =>
        buildModule((m) => {
          m.memory({ minimum: 1 });
          for (let i = 0; i < n; i++) m.data(new Uint8Array(1), i);
        }),
    ],
    dataBytes: [
      12,
      (n) =>
        buildModule((m) => {
          m.memory({ minimum: 1 });
          m.data(new Uint8Array(8), 0);
          m.data(new Uint8Array(n - 8));
        }),
    ],
    // A body of nothing has 25 bytes: its size, a local of ours, what it pays on entry, its end.
    rewrittenBytes: [
      60,
      (n) =>
        written((f) => {
          for (let i = 0; i < n - 25; i++) f.op("nop");
        }),
    ],
  };

  /** What the least addition to such a module makes of it. */
  const STEPS: Partial<Record<Limit, number>> = { frameBytes: 8, moves: 10, allMoves: 3 };

  test.each(Object.keys(makers) as Limit[])("%s", (name) => {
    const [count, make] = makers[name];
    const imports = [{ module: "env", name: "f", parameters: [], results: [] }];
    const step = STEPS[name] ?? 1;
    expect(verdict(make(count), { imports, limits: { [name]: count } }), "as much as is allowed").toEqual([
      "accepted",
      "",
    ]);
    expect(verdict(make(count + step), { imports, limits: { [name]: count } }), "one more").toEqual([
      "TooLarge",
      name,
    ]);
    expect(verdict(make(count), { imports })).toEqual(["accepted", ""]);
    expect(verdict(make(count), { imports, limits: { [name]: Number.NaN } })[0]).not.toBe("accepted");
  });

  test("locals in groups that promise billions", () => {
    const bytes = binary(
      VOID,
      section(3, 1, 0),
      section(10, 1, 14, 2, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7e, 0x0b),
    );
    expect(verdict(bytes)[0]).toMatch(/TooLarge|Invalid/);
  });

  test("a memory that would reach the message", () => {
    const bytes = buildModule((m) => m.memory({ minimum: 16_385 }));
    const limits = { memoryPages: 65_536 };
    expect(verdict(bytes, { limits })).toEqual(["accepted", ""]);
    expect(verdict(bytes, { limits, message: true })).toEqual(["TooLarge", "memoryPages"]);
  });

  test("a body that would be too long for an engine once it is rewritten", () => {
    const bytes = buildModule((m) => {
      m.memory({ minimum: 1 });
      const f = m.function(["i32"], []);
      for (let i = 0; i < 240_000; i++) f.get(0).memory("v128.load", 5).op("drop");
    });
    const limits = { bodyBytes: 7_000_000, frameBytes: 1e9 };
    expect(verdict(bytes, { limits, message: true })).toEqual(["TooLarge", "bodyBytes"]);
  });

  test("more locals than an engine takes, with those that were added", () => {
    const limits = { locals: 60_000, frameBytes: 1e9 };
    expect(verdict(locals(49_998), { limits })).toEqual(["accepted", ""]);
    expect(verdict(locals(49_999), { limits })).toEqual(["TooLarge", "locals"]);
  });

  test("a hundred thousand blocks inside one another end with a refusal", () => {
    expect(verdict(nested(100_000))).toEqual(["TooLarge", "nesting"]);
    expect(verdict(nested(100_000), { limits: { nesting: 100_000, frameBytes: 1e9 } })).toEqual([
      "accepted",
      "",
    ]);
  });
});

test("a refusal says where", () => {
  const bytes = withCode(0x01, 0x01, 0xfe, 3, 0);
  expect(rewriteModule(bytes)).toEqual({ rule: "Unsupported", at: bytes.length - 4, what: "threads" });
});

test("a limit that cannot be met by any engine ends as a refusal, not as an error", () => {
  expect(verdict(withCode(), { limits: { nesting: Infinity } })).toEqual(["Internal", "RangeError"]);
});
