/** Modules that are small and would take an engine's compiler long: refused before an engine sees them. */
import { describe, expect, test } from "vitest";
import type { FunctionBuilder } from "./function-builder.ts";
import type { ModuleBuilder } from "./module-builder.ts";
import { MODULE_LIMITS, type ModuleLimits } from "./module-limits.ts";
import { isModuleRefusal } from "./module-refusal.ts";
import { type RewriteOptions, rewriteModule } from "./rewrite.ts";
import type { ValueType } from "./value-type.ts";
import { buildModule } from "../testing/sandbox.ts";

/** As many bytes as a handler may have. */
const BYTES = 60_000;
const LOCALS = 4_000;
const many = (count: number): ValueType[] => Array.from({ length: count }, () => "i32");

/** A module of `BYTES` bytes whose function has that many locals and does one thing over and over, if at all. */
const repeated = (
  write: (f: FunctionBuilder, m: ModuleBuilder) => unknown,
  locals = LOCALS,
  parameters = 1,
): Uint8Array =>
  buildModule((m) => {
    m.memory({ minimum: 1 });
    m.table({ minimum: 1 });
    const type = many(parameters);
    const callee = m.function(type, type);
    callee.op("unreachable");
    const f = m.function(["i32"]);
    for (let i = 1; i < locals; i++) f.local("i32");
    f.open("block");
    while (f.code.length < BYTES) {
      // No way through it is long, so that its frame is small.
      f.get(0).open("if");
      for (let i = 0; parameters > 1 && i < parameters; i++) f.get(0);
      for (const end = f.code.length + 3_000; f.code.length < end;) write(f, m);
      f.op("unreachable").end();
    }
    f.end();
  });

const refusal = (bytes: Uint8Array, options: RewriteOptions = {}): string => {
  const result = rewriteModule(bytes, options);
  return isModuleRefusal(result) ? `${result.rule} ${result.what}` : "accepted";
};

const things: Record<string, (f: FunctionBuilder) => unknown> = {
  loops: (f) => f.open("loop").end(),
  ifs: (f) => f.get(0).open("if").end(),
  alternatives: (f) => f.get(0).open("if").op("else").end(),
  branches: (f) => f.get(0).op("br_if", 0),
  returns: (f) => f.get(0).open("if").op("return").end(),
  "tables of labels": (f) => f.open("block").open("block").get(0).table([0, 1], 2).end().end(),
  loads: (f) => f.get(0).memory("i32.load").op("drop"),
  stores: (f) => f.get(0).get(0).memory("i32.store"),
};

describe("what looks at every local", () => {
  test.each(Object.keys(things))("%s", (name) => {
    const write = things[name] as (f: FunctionBuilder) => unknown;
    expect(refusal(repeated(write))).toBe("TooLarge moves");
    expect(refusal(repeated(write, 20))).toBe("accepted");
  });

  test("what looks at none may stand as often as it likes", () => {
    expect(refusal(repeated((f) => f.get(0).i32(1).op("i32.add").set(0)))).toBe("accepted");
  });

  test("operands count like locals", () => {
    const deep = (operands: number): Uint8Array =>
      buildModule((m) => {
        const f = m.function([]);
        for (let i = 0; i < operands; i++) f.i32(0);
        for (let i = 0; i < 10_000; i++) f.open("block").end();
        for (let i = 0; i < operands; i++) f.op("drop");
      });
    expect(refusal(deep(100))).toBe("accepted");
    expect(refusal(deep(1_000))).toBe("TooLarge moves");
  });
});

describe("calls", () => {
  const call = (f: FunctionBuilder): unknown => f.op("call", 0);
  test("pay for what they pass", () => {
    expect(refusal(repeated(call, 1, 2))).toBe("accepted");
    expect(refusal(repeated(call, 1, 250))).toBe("TooLarge moves");
  });
  test("pay for it through a table as well", () => {
    expect(refusal(repeated((f) => f.get(0).op("call_indirect", 0, 0), 1, 250))).toBe("TooLarge moves");
  });
});

/** The least limit that a module meets. */
function needs(bytes: Uint8Array, name: keyof ModuleLimits, options: RewriteOptions = {}): number {
  let least = 0;
  for (let step = 2 ** 40; step >= 1; step /= 2)
    if (
      refusal(bytes, { ...options, limits: { ...options.limits, [name]: least + step - 1 } }) !== "accepted"
    )
      least += step;
  return least;
}

describe("the count", () => {
  const one = (write: (f: FunctionBuilder) => unknown): Uint8Array =>
    buildModule((m) => {
      m.memory({ minimum: 1 });
      m.table({ minimum: 1 });
      const f = m.function(many(100));
      write(f);
    });
  const bare = needs(
    one(() => undefined),
    "moves",
  );
  const costs = (write: (f: FunctionBuilder) => unknown, options?: RewriteOptions): number =>
    (needs(one(write), "moves", options) - bare) / 100;

  test("of nothing is the check on entry and the end", () => {
    expect(bare).toBe(300);
  });
  test("of an access is that of its check; a load that may be of a message has two", () => {
    const load = (f: FunctionBuilder): unknown => f.get(0).memory("i32.load").op("drop");
    const store = (f: FunctionBuilder): unknown => f.get(0).get(0).memory("i32.store");
    expect(costs(load)).toBeCloseTo(3, 0);
    expect(costs(load, { message: true })).toBeCloseTo(8, 0);
    expect(costs(store, { message: true })).toBeCloseTo(3, 0);
  });
  test("of a table of labels is that of the blocks, not of the labels", () => {
    const table = (labels: number) => (f: FunctionBuilder) => {
      f.open("block").open("block").get(0);
      f.table(
        Array.from({ length: labels }, (_, i) => i & 1),
        0,
      );
      f.end().end();
    };
    const few = needs(one(table(2)), "moves");
    expect(needs(one(table(1_002)), "moves") - few).toBe(1_000);
    expect(
      few -
        needs(
          one((f) => f.open("block").open("block").end().end()),
          "moves",
        ),
    ).toBeGreaterThan(200);
  });
  test("of all functions together is limited as well", () => {
    const functions = (count: number): Uint8Array =>
      buildModule((m) => {
        for (let i = 0; i < count; i++) m.function(many(100));
      });
    expect(needs(functions(1), "allMoves")).toBe(bare);
    expect(needs(functions(9), "allMoves")).toBe(9 * bare);
    expect(needs(functions(9), "moves")).toBe(bare);
  });
});

describe("an engine sees nothing that is too large", () => {
  const invalid = (f: FunctionBuilder): unknown => f.op("i32.add");
  const groups = (locals: number, functions: number): Uint8Array =>
    buildModule((m) => {
      for (let i = 0; i < functions; i++) {
        const f = m.function([]);
        for (let k = 0; k < locals; k++) f.local("i32");
      }
      invalid(m.function([]));
    });

  test("neither in one function nor in all of them", () => {
    expect(refusal(groups(1, 1))).toBe("Invalid types");
    expect(refusal(groups(5_000, 1))).toBe("TooLarge locals");
    expect(refusal(groups(100, 3), { limits: { allLocals: 299 } })).toBe("TooLarge allLocals");
    expect(refusal(groups(4_000, 300))).toBe("TooLarge allLocals");
    expect(refusal(repeated((f) => invalid(f.open("loop")) && f.end()))).toBe("TooLarge moves");
  });
  test("by default: as much as real programs need, some times over", () => {
    expect(MODULE_LIMITS.moves).toBe(1 << 23);
    expect(MODULE_LIMITS.allMoves).toBe(1 << 26);
    expect(MODULE_LIMITS.allLocals).toBe(1 << 20);
  });
});
