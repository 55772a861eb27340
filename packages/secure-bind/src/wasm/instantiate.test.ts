import { describe, expect, test } from "vitest";
import { FUEL_MAX, compileModule, instantiateModule } from "./instantiate.ts";
import { type ModuleRefusal, isModuleRefusal } from "./module-refusal.ts";
import { printModule } from "./print-module.ts";
import type { RewrittenModule } from "./rewrite.ts";
import { MESSAGE_BYTES_MAX, STOP_CAUSE } from "./runtime.ts";
import { buildModule, mustRewrite, sandbox } from "../testing/sandbox.ts";

const PAGE = 65_536;
const memory = (): WebAssembly.Memory => new WebAssembly.Memory({ initial: 4 });
const SMALL = buildModule((m) => {
  m.memory({ minimum: 1 });
  m.export("one", "function", m.function([], ["i32"]).i32(1).index);
});

describe("a place", () => {
  test.each([
    ["before the memory", -1],
    ["that ends behind it", 3 * PAGE + 1],
    ["that is no address", 0.5],
    ["that is no number", Number.NaN],
    ["far away", 2 ** 32],
  ])("%s is refused", (_name, base) => {
    expect(instantiateModule(mustRewrite(SMALL), { memory: memory(), base })).toMatchObject({
      rule: "BadPlace",
    });
  });

  test("at either end of the memory is a place", () => {
    for (const base of [0, 3 * PAGE])
      expect(isModuleRefusal(instantiateModule(mustRewrite(SMALL), { memory: memory(), base }))).toBe(false);
  });

  test("is read once: what was checked is what is used", () => {
    const reads = new Map<string, number>();
    const whole = memory();
    const values = { memory: whole, base: PAGE, functions: {}, stackBytes: 65_536 };
    const place = new Proxy(values, {
      get(target, name) {
        const before = reads.get(String(name)) ?? 0;
        reads.set(String(name), before + 1);
        if (name === "base" && before > 0) return 4 * PAGE - 1;
        return Reflect.get(target, name) as unknown;
      },
    });
    const bytes = buildModule((m) => {
      m.memory({ minimum: 1 });
      m.data(Uint8Array.of(9), 0);
    });
    expect(isModuleRefusal(instantiateModule(mustRewrite(bytes), place))).toBe(false);
    expect(new Uint8Array(whole.buffer)[PAGE]).toBe(9);
    expect([...reads.values()]).toEqual([1, 1, 1, 1]);
  });

  test("with a stack that is no number of bytes is refused", () => {
    for (const stackBytes of [-1, 0.5, 2 ** 31, Number.NaN])
      expect(instantiateModule(mustRewrite(SMALL), { memory: memory(), base: 0, stackBytes })).toMatchObject({
        rule: "BadPlace",
      });
  });
});

describe("functions that are imported", () => {
  const offered = [
    { module: "a", name: "add", parameters: ["i32", "i64"], results: ["i64"] },
    { module: "b", name: "add", parameters: ["externref"], results: ["externref"] },
  ] as const;
  const bytes = buildModule((m) => {
    const add = m.importFunction("a", "add", m.type(["i32", "i64"], ["i64"]));
    const pass = m.importFunction("b", "add", m.type(["externref"], ["externref"]));
    const f = m.function(["i32", "externref"], ["externref", "i64"]);
    f.get(1).op("call", pass).get(0).i64(2n).op("call", add);
    m.export("run", "function", f.index);
    m.export("again", "function", add);
  });
  const functions = {
    a: { add: (a: number, b: bigint) => BigInt(a) * 10n + b },
    b: { add: (value: unknown) => [value] },
  };

  test("are called, and may be exported again", () => {
    const { module, rewritten } = sandbox(bytes, { options: { imports: offered }, functions });
    module.begin(1_000);
    const { run, again } = module.functions as Record<string, (...values: unknown[]) => unknown>;
    expect(run?.(4, "thing")).toEqual([["thing"], 42n]);
    expect(again?.(1, 1n)).toBe(11n);
    expect(rewritten.imports).toEqual(offered);
  });

  test("must all be given, and not be inherited", () => {
    const rewritten = mustRewrite(bytes, { imports: offered });
    const place = { memory: memory(), base: 0 };
    const missing = (given: object): ModuleRefusal =>
      instantiateModule(rewritten, { ...place, functions: given as typeof functions }) as ModuleRefusal;
    expect(instantiateModule(rewritten, place)).toEqual({ rule: "NoFunction", at: -1, what: "a.add" });
    expect(missing({ a: functions.a })).toEqual({ rule: "NoFunction", at: -1, what: "b.add" });
    expect(missing({ a: functions.a, b: {} })).toEqual({ rule: "NoFunction", at: -1, what: "b.add" });
    expect(missing({ a: functions.a, b: { add: 5 } })).toMatchObject({ rule: "NoFunction" });
    expect(missing(Object.create(functions) as object)).toMatchObject({ rule: "NoFunction" });
    expect(missing({ a: functions.a, b: Object.create(functions.b) as object })).toMatchObject({
      rule: "NoFunction",
    });
  });

  test("what they throw passes through", () => {
    const { module } = sandbox(bytes, {
      options: { imports: offered },
      functions: {
        ...functions,
        a: {
          add: () => {
            throw new Error("of the host");
          },
        },
      },
    });
    module.begin(1_000);
    expect(() => (module.functions["run"] as (...values: unknown[]) => void)(1, 2)).toThrow("of the host");
  });

  test("names that mean something to JavaScript are names", () => {
    const strange = buildModule((m) => {
      const f = m.importFunction("__proto__", "constructor", m.type([], ["i32"]));
      m.export("__proto__", "function", f);
    });
    const imports = [{ module: "__proto__", name: "constructor", parameters: [], results: ["i32"] }] as const;
    const given = JSON.parse('{ "__proto__": {} }') as Record<string, Record<string, () => number>>;
    (given["__proto__"] as Record<string, () => number>)["constructor"] = () => 9;
    const { module } = sandbox(strange, { options: { imports }, functions: given });
    module.begin(10);
    expect(Object.getPrototypeOf(module.functions)).toBe(null);
    expect((module.functions["__proto__"] as () => number)()).toBe(9);
  });
});

describe("data", () => {
  /** A segment at the value of a global, one for memory 0 by number, one that is passive. */
  const placed = Uint8Array.from(
    [
      [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      [5, 3, 1, 0, 1],
      [6, 7, 1, 0x7f, 0, 0x41, 0xe4, 0x00, 0x0b],
      [11, 21, 3],
      [0, 0x23, 0, 0x0b, 2, 7, 8],
      [2, 0, 0x41, 0xff, 0xff, 0x03, 0x0b, 1, 9],
      [1, 2, 5, 6],
    ].flat(),
  );

  // Older engines know no constants that name a global of the module's own.
  test.skipIf(!WebAssembly.validate(placed))("is placed where constants say, and passive data is not", () => {
    const { rewritten, segment, isConfined } = sandbox(placed);
    expect(rewritten.data.map(({ offset, bytes }) => [offset, ...bytes])).toEqual([
      [100, 7, 8],
      [65_535, 9],
    ]);
    expect([...segment.subarray(99, 103)]).toEqual([0, 7, 8, 0]);
    expect(segment[65_535]).toBe(9);
    expect(segment.filter((byte) => byte !== 0)).toHaveLength(3);
    expect(isConfined()).toBe(true);
  });

  test("that is placed is not in the rewritten module again", () => {
    const text = new TextEncoder().encode("it is only in the segment");
    const { bytes } = mustRewrite(
      buildModule((m) => {
        m.memory({ minimum: 1 });
        m.data(text, 0);
      }),
    );
    expect(Buffer.from(bytes).includes(text)).toBe(false);
  });

  test("later segments lie over earlier ones, and looking at them changes nothing", () => {
    const bytes = buildModule((m) => {
      m.memory({ minimum: 1 });
      m.data(Uint8Array.of(1, 1, 1), 4);
      m.data(Uint8Array.of(2), 5);
    });
    const rewritten = mustRewrite(bytes);
    rewritten.data[0]?.bytes.fill(77);
    const all = memory();
    expect(isModuleRefusal(instantiateModule(rewritten, { memory: all, base: PAGE }))).toBe(false);
    expect([...new Uint8Array(all.buffer, PAGE + 4, 3)]).toEqual([1, 2, 1]);
  });
});

test("globals keep their values and their numbers, in constants too", () => {
  const bytes = buildModule((m) => {
    m.memory({ minimum: 1 });
    const first = m.global({ type: "i32", mutable: true }, 5);
    const second = m.global({ type: "i64", mutable: true }, 6n);
    const f = m.function([], ["i64"]);
    f.op("global.get", first).i32(1).op("i32.add").op("global.set", first);
    f.op("global.get", second)
      .op("global.get", first)
      .ops("i64.extend_i32_s", "i64.mul")
      .op("global.set", second);
    f.op("global.get", second);
    m.export("run", "function", f.index);
    m.export("counter", "global", first);
    m.export("memory", "memory", 0);
  });
  for (const message of [undefined, new Uint8Array(3)]) {
    const { call, module } = sandbox(bytes, message === undefined ? {} : { message });
    expect(call("run")).toEqual({ value: 36n });
    expect(call("run")).toEqual({ value: 252n });
    expect(Object.keys(module.functions)).toEqual(["run"]);
  }
});

/** Globals 7 and, by its name, 7 again; a function in element 7 by that name; functions for both. */
const named = Uint8Array.from(
  [
    [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    [1, 5, 1, 0x60, 0, 1, 0x7f],
    [3, 3, 2, 0, 0],
    [4, 4, 1, 0x70, 0, 8],
    [6, 11, 2, 0x7f, 0, 0x41, 7, 0x0b, 0x7f, 0, 0x23, 0, 0x0b],
    [7, 9, 2, 1, 0x61, 0, 0, 1, 0x62, 0, 1],
    [9, 7, 1, 0, 0x23, 1, 0x0b, 1, 0],
    [10, 14, 2, 4, 0, 0x23, 1, 0x0b, 7, 0, 0x41, 7, 0x11, 0, 0, 0x0b],
  ].flat(),
);

test.skipIf(!WebAssembly.validate(named))("constants that name globals name the same ones", () => {
  const { call } = sandbox(named);
  expect(call("a")).toEqual({ value: 7 });
  expect(call("b")).toEqual({ value: 7 });
});

describe("the function that runs first", () => {
  const bytes = buildModule((m) => {
    m.memory({ minimum: 1 });
    const start = m.function([], []);
    start.i32(8).i32(123).memory("i32.store");
    m.start(start.index);
    const load = m.function([], ["i32"]).i32(8).memory("i32.load");
    m.export("load", "function", load.index);
  });

  test("runs when it is told to, with the fuel it is given", () => {
    const { module, call, rewritten } = sandbox(bytes);
    expect(rewritten.hasStart).toBe(true);
    expect(call("load")).toEqual({ value: 0 });
    module.begin(2);
    expect(() => module.start()).toThrow(WebAssembly.RuntimeError);
    expect(module.cause()).toBe(STOP_CAUSE.fuel);
    module.begin(100);
    module.start();
    expect(call("load")).toEqual({ value: 123 });
  });

  test("may be missing", () => {
    const { module, rewritten } = sandbox(SMALL);
    expect(rewritten.hasStart).toBe(false);
    expect(module.start()).toBe(undefined);
  });
});

describe("elements", () => {
  const withElements = (offset: number): Uint8Array =>
    buildModule((m) => {
      m.table({ minimum: 2 });
      m.elements(offset, [m.function([]).index]);
    });
  test("that do not fit are refused when it is placed, and nothing is written", () => {
    const all = memory();
    expect(instantiateModule(mustRewrite(withElements(2)), { memory: all, base: 0 })).toMatchObject({
      rule: "BadElements",
    });
    expect(isModuleRefusal(instantiateModule(mustRewrite(withElements(1)), { memory: all, base: 0 }))).toBe(
      false,
    );
  });
});

describe("begin", () => {
  test.each([
    ["negative fuel", [-1]],
    ["fuel that is no integer", [1.5]],
    ["fuel that is no number", [Number.NaN]],
    ["more fuel than there is", [FUEL_MAX + 1]],
    ["a message that is too long", [1, 0, MESSAGE_BYTES_MAX + 1]],
    ["a message before the memory", [1, -1, 1]],
    ["a message that begins at its end again", [1, 2 ** 32 - 4, 5]],
  ] as const)("refuses %s, and nothing changes", (_name, values) => {
    const { module } = sandbox(SMALL);
    module.begin(77);
    const begin = module.begin as (...all: readonly number[]) => void;
    expect(() => begin(...values)).toThrow(RangeError);
    expect(module.fuel()).toBe(77);
  });

  test("clears the cause", () => {
    const { module, call } = sandbox(SMALL, { fuel: 0 });
    expect(call("one")).toEqual({ stopped: "fuel" });
    module.begin(FUEL_MAX);
    expect(module.cause()).toBe(STOP_CAUSE.trap);
    expect(module.fuel()).toBe(FUEL_MAX);
  });

  test("without it there is no fuel", () => {
    const { module } = sandbox(SMALL);
    expect(() => module.functions["one"]?.()).toThrow(WebAssembly.RuntimeError);
    expect(module.cause()).toBe(STOP_CAUSE.fuel);
  });
});

describe("the engine's own stack, used up below a function that was called", () => {
  const bytes = buildModule((m) => {
    const again = m.importFunction("host", "again", m.type([], []));
    m.export("run", "function", m.function([], []).op("call", again).index);
  });
  const options = { imports: [{ module: "host", name: "again", parameters: [], results: [] }] };
  const causeOf = (again: () => void): number => {
    const { module } = sandbox(bytes, { options, functions: { host: { again } } });
    module.begin(1_000);
    try {
      module.functions["run"]?.();
    } catch (thrown) {
      expect(module.cause()).toBe(STOP_CAUSE.trap);
      return module.cause(thrown);
    }
    throw new Error("it was not stopped");
  };

  test("is told by what was thrown", () => {
    const deeper = (): number => deeper() + 1;
    expect(causeOf(deeper as () => void)).toBe(STOP_CAUSE.stack);
  });
  test("is not told by other errors, nor by what is none", () => {
    for (const thrown of [new RangeError("not a length"), "call stack", undefined])
      expect(
        causeOf(() => {
          throw thrown;
        }),
      ).toBe(STOP_CAUSE.trap);
  });
  test("does not stand for a cause that is known", () => {
    const { module, call } = sandbox(SMALL, { fuel: 0 });
    expect(call("one")).toEqual({ stopped: "fuel" });
    expect(module.cause(new RangeError("Maximum call stack size exceeded"))).toBe(STOP_CAUSE.fuel);
  });
});

test("one compiled module serves many places, which do not see each other", () => {
  const bytes = buildModule((m) => {
    m.memory({ minimum: 1 });
    const counter = m.global({ type: "i32", mutable: true });
    const f = m.function([], ["i32"]);
    f.op("global.get", counter).i32(1).op("i32.add").op("global.set", counter);
    f.i32(0).i32(0).memory("i32.load").op("global.get", counter).op("i32.add").memory("i32.store");
    f.i32(0).memory("i32.load");
    m.export("run", "function", f.index);
  });
  const rewritten = mustRewrite(bytes);
  const compiled = compileModule(rewritten);
  expect(compileModule(rewritten)).toBe(compiled);
  const all = memory();
  const places = [0, PAGE, 2 * PAGE].map((base) => instantiateModule(rewritten, { memory: all, base }));
  for (const [i, place] of places.entries()) {
    if (isModuleRefusal(place)) throw new Error(place.rule);
    for (let turn = 0; turn <= i; turn++) {
      place.begin(100);
      (place.functions["run"] as () => number)();
    }
  }
  const words = new Uint32Array(all.buffer);
  expect([words[0], words[PAGE / 4], words[PAGE / 2]]).toEqual([1, 3, 6]);
});

test("what the rewriter did not make is not compiled, however alike", () => {
  const rewritten = mustRewrite(SMALL);
  const forged = Object.create(
    Object.getPrototypeOf(rewritten) as object,
    Object.getOwnPropertyDescriptors(rewritten),
  ) as RewrittenModule;
  expect(compileModule(forged)).toMatchObject({ rule: "Internal" });
  expect(instantiateModule(forged, { memory: memory(), base: 0 })).toMatchObject({ rule: "Internal" });
});

test("a module is printed in lines that no name can add to", () => {
  const bytes = buildModule((m) => {
    m.importFunction("env", "log\nexport", m.type(["i32", "f64"], []));
    m.memory({ minimum: 1 });
    m.data(Uint8Array.of(1, 2, 3), 16);
    const f = m.function([], []);
    m.start(f.index);
    m.export("handle", "function", m.function(["i32"], ["i32"]).get(0).index);
  });
  const imports = [{ module: "env", name: "log\nexport", parameters: ["i32", "f64"], results: [] }] as const;
  const lines = printModule(mustRewrite(bytes, { imports, message: true })).split("\n");
  expect(lines[0]).toMatch(/^module of \d+ bytes: 2 functions, 65536 bytes of memory$/);
  expect(lines.slice(1)).toEqual([
    "start",
    "message",
    String.raw`import "env.log\nexport" (i32, f64) -> ()`,
    'export "handle" (i32) -> (i32)',
    "data at 16: 3 bytes",
  ]);
});
