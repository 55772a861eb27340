import { describe, expect, test } from "vitest";
import type { FunctionBuilder } from "./function-builder.ts";
import { frameBytes } from "./charges.ts";
import { STACK_BYTES } from "./instantiate.ts";
import { isModuleRefusal } from "./module-refusal.ts";
import { rewriteModule } from "./rewrite.ts";
import type { ModuleBuilder } from "./module-builder.ts";
import type { ValueType } from "./value-type.ts";
import { buildModule, rawModule, sandbox } from "../testing/sandbox.ts";

type Write = (f: FunctionBuilder, m: ModuleBuilder) => void;

const oneFunction = (
  parameters: readonly ValueType[],
  results: readonly ValueType[],
  write: Write,
): Uint8Array =>
  buildModule((m) => {
    m.export("memory", "memory", m.memory({ minimum: 1 }));
    const f = m.function(parameters, results);
    write(f, m);
    m.export("run", "function", f.index);
  });

/** Adds one to the word at 0, so that turns can be counted from outside. */
const count = (f: FunctionBuilder): FunctionBuilder =>
  f.i32(0).i32(0).memory("i32.load").i32(1).op("i32.add").memory("i32.store");

const turns = (segment: Uint8Array): number =>
  new DataView(segment.buffer, segment.byteOffset).getUint32(0, true);

describe("fuel", () => {
  test.each([10, 100, 1_000, 33_333])("of %d ends an endless loop within as many instructions", (fuel) => {
    const { call, module, segment } = sandbox(
      oneFunction([], [], (f) => count(f.open("loop")).op("br", 0).end()),
      { fuel },
    );
    expect(call("run")).toEqual({ stopped: "fuel" });
    expect(turns(segment)).toBe(Math.floor((fuel - 2) / 9));
    expect(module.fuel()).toBe(0);
  });

  test("is what the instructions of the turns were, and the rest is left", () => {
    const { call, module } = sandbox(
      oneFunction(["i32"], [], (f) => {
        f.open("loop").get(0).i32(1).op("i32.sub").tee(0).op("br_if", 0).end();
      }),
      { fuel: 10_000 },
    );
    expect(call("run", 100)).toEqual({ value: undefined });
    // loop and the function's end; in each turn five instructions, the loop's end, and one for the turn.
    expect(module.fuel()).toBe(10_000 - 2 - 100 * 7);
  });

  test("pays for what a call sets to zero or passes, and vectors more", () => {
    const used = (type: ValueType, locals: number, parameters: number): number => {
      const bytes = buildModule((m) => {
        const types = Array.from({ length: parameters }, () => "i32" as const);
        const callee = m.function(types, types);
        for (let i = 0; i < locals; i++) callee.local(type);
        for (let i = 0; i < parameters; i++) callee.get(i);
        const caller = m.function([], []);
        for (let i = 0; i < parameters; i++) caller.i32(0);
        caller.op("call", callee.index);
        for (let i = 0; i < parameters; i++) caller.op("drop");
        m.export("run", "function", caller.index);
      });
      const { call, module } = sandbox(bytes);
      expect(call("run")).toEqual({ value: undefined });
      return 1_000_000 - module.fuel();
    };
    const nothing = used("i32", 0, 0);
    expect(used("i32", 400, 0) - nothing).toBe(100);
    expect(used("externref", 400, 0) - nothing).toBe(100);
    expect(used("v128", 400, 0) - nothing).toBe(400);
    // Three instructions for each, and a quarter for it and for what comes back.
    expect(used("i32", 0, 200) - nothing).toBe(3 * 200 + 100);
  });

  test("ends a loop with nothing in it, and one behind a table of labels", () => {
    const shapes: Write[] = [
      (f) => f.open("loop").op("br", 0).end(),
      (f) => f.open("loop").i32(0).table([], 0).end(),
      (f) => f.open("loop").open("block").i32(1).table([1, 1], 0).end().op("br", 0).end(),
      (f) => f.open("block").open("loop").open("block").i32(0).table([0, 2], 1).end().op("br", 0).end().end(),
      (f) => f.open("loop").open("if", undefined).end().end(),
    ];
    for (const write of shapes.slice(0, 4))
      expect(sandbox(oneFunction([], [], write), { fuel: 5_000 }).call("run")).toEqual({ stopped: "fuel" });
  });

  test("ends a recursion that takes little stack", () => {
    const { call } = sandbox(
      oneFunction([], [], (f) => f.op("call", f.index)),
      { fuel: 1_000, stackBytes: 1 << 30 },
    );
    expect(call("run")).toEqual({ stopped: "fuel" });
  });

  test("pays for what a branch skips into, never less than is executed", () => {
    // The code behind the inner loop is reached without passing the loop.
    const { call, module } = sandbox(
      oneFunction(["i32"], [], (f) => {
        f.open("loop").open("block").open("block").get(0).op("br_if", 1);
        f.open("loop").end().end().end();
        for (let i = 0; i < 50; i++) f.op("nop");
        f.get(0).i32(1).op("i32.sub").tee(0).op("br_if", 0).end();
      }),
      { fuel: 100_000 },
    );
    expect(call("run", 100)).toEqual({ value: undefined });
    expect(100_000 - module.fuel()).toBeGreaterThanOrEqual(100 * 57);
  });

  test("a switch in a loop pays for the case that is taken, not for all of them", () => {
    const cases = 64;
    const bytes = oneFunction(["i32"], ["i32"], (f) => {
      const sum = f.local("i32");
      f.open("loop").open("block");
      for (let i = 0; i < cases; i++) f.open("block");
      f.get(0)
        .i32(cases - 1)
        .op("i32.and");
      f.table(
        Array.from({ length: cases - 1 }, (_, i) => i),
        cases - 1,
      );
      for (let i = 0; i < cases; i++) {
        f.end();
        for (let k = 0; k < 100; k++)
          f.get(sum)
            .i32(i + k)
            .op("i32.xor")
            .set(sum);
        f.op("br", cases - 1 - i);
      }
      f.end().get(0).i32(1).op("i32.sub").tee(0).op("br_if", 0).end().get(sum);
    });
    const { call, module } = sandbox(bytes, { fuel: 10_000_000 });
    expect(call("run", 1_000)).toEqual(rawModule(bytes).call("run", 1_000));
    const perTurn = (10_000_000 - module.fuel()) / 1_000;
    expect(perTurn).toBeGreaterThanOrEqual(400);
    expect(perTurn).toBeLessThan(700);
  });

  test("once used up stays so until the next begin, even if what called it goes on", () => {
    const bytes = buildModule((m) => {
      const again = m.importFunction("host", "again", m.type([], []));
      const spin = m.function([], []);
      spin.open("loop").op("br", 0).end();
      const outer = m.function([], ["i32"]);
      outer.op("call", again).i32(1).open("loop").end();
      m.export("spin", "function", spin.index);
      m.export("outer", "function", outer.index);
    });
    const made = sandbox(bytes, {
      options: { imports: [{ module: "host", name: "again", parameters: [], results: [] }] },
      functions: {
        host: {
          again: () => {
            for (let i = 0; i < 3; i++)
              expect(() => made.module.functions["spin"]?.()).toThrow(WebAssembly.RuntimeError);
          },
        },
      },
      fuel: 1_000,
    });
    expect(made.call("outer")).toEqual({ stopped: "fuel" });
    expect(made.module.fuel()).toBe(0);
  });
});

describe("stack", () => {
  const deep = (write: (f: FunctionBuilder) => void): Uint8Array =>
    oneFunction(["i32"], ["i32"], (f) => {
      count(f);
      f.get(0).op("i32.eqz").open("if").i32(7).op("return").end();
      write(f);
    });
  const plain = deep((f) => f.get(0).i32(1).op("i32.sub").op("call", f.index));

  test("ends a recursion, and is there again for the next run", () => {
    const { call, segment } = sandbox(plain, { stackBytes: 50_000 });
    expect(call("run", 1_000_000)).toEqual({ stopped: "stack" });
    const depth = turns(segment);
    expect(depth).toBeGreaterThan(100);
    expect(call("run", 1_000_000)).toEqual({ stopped: "stack" });
    expect(turns(segment)).toBe(2 * depth);
    expect(call("run", 20)).toEqual({ value: 7 });
  });

  test("is given back on every way out", () => {
    const ways: Record<string, (f: FunctionBuilder) => void> = {
      "at the end": (f) => f.i32(1),
      "by return": (f) => f.i32(1).op("return"),
      "by return with more on the stack": (f) => f.i32(5).i32(6).i32(1).op("return"),
      "by a return deep inside": (f) =>
        f.open("block").open("loop").i32(1).open("if").i32(9).i32(1).op("return").end().end().end().i32(2),
      "by a branch to the function": (f) => f.open("block").i32(1).op("br", 1).end().i32(2),
      "by a conditional one": (f) => f.open("loop").i32(1).i32(1).op("br_if", 1).op("drop").end().i32(2),
      "by a table": (f) => f.open("block").i32(1).i32(0).table([1, 1], 1).end().i32(2),
    };
    for (const [way, leave] of Object.entries(ways)) {
      const bytes = buildModule((m) => {
        const callee = m.function([], []);
        callee.op("nop");
        const f = m.function([], ["i32"]);
        f.op("call", callee.index);
        leave(f);
        const loop = m.function(["i32"], ["i32"]);
        loop.open("loop").op("call", f.index).op("drop");
        loop.get(0).i32(1).op("i32.sub").tee(0).op("br_if", 0).end().op("call", f.index);
        m.export("run", "function", loop.index);
      });
      expect(sandbox(bytes, { stackBytes: 2_000 }).call("run", 1_000), way).toEqual({ value: 1 });
    }
  });

  test("many results come back through the block around the function", () => {
    const bytes = buildModule((m) => {
      const callee = m.function(["i32"], ["i32", "i64", "f64"]);
      const pair = m.function(["i32"], ["i32", "i64", "f64"]);
      callee.get(0).i64(5n).f64(1.5);
      pair
        .get(0)
        .open("if")
        .i32(1)
        .op("call", callee.index)
        .op("return")
        .end()
        .i32(2)
        .op("call", callee.index);
      m.export("run", "function", pair.index);
    });
    const { call } = sandbox(bytes);
    expect(call("run", 1)).toEqual({ value: [1, 5n, 1.5] });
    expect(call("run", 0)).toEqual({ value: [2, 5n, 1.5] });
  });

  test("a large frame is paid for even by who calls nothing", () => {
    const bytes = oneFunction([], ["i32"], (f) => {
      for (let i = 0; i < 400; i++) f.local("i64");
      f.i32(3);
    });
    expect(sandbox(bytes, { stackBytes: 3_000 }).call("run")).toEqual({ stopped: "stack" });
    expect(sandbox(bytes, { stackBytes: 30_000 }).call("run")).toEqual({ value: 3 });
  });

  /** Functions whose real frames are as large as an optimising compiler can be made to make them. */
  const frames: Record<string, (f: FunctionBuilder, n: number) => void> = {
    locals: (f, n) => {
      const locals = Array.from({ length: n }, () => f.local("i64"));
      for (const [i, local] of locals.entries())
        f.i32(i * 8)
          .memory("i64.load")
          .set(local);
      f.get(0).i32(1).op("i32.sub").op("call", f.index);
      for (const local of locals) f.get(local).ops("i32.wrap_i64", "i32.add");
    },
    operands: (f, n) => {
      for (let i = 0; i < n; i++) f.i32(i * 4).memory("i32.load");
      f.get(0).i32(1).op("i32.sub").op("call", f.index);
      for (let i = 0; i < n; i++) f.op("i32.add");
    },
    vectors: (f, n) => {
      for (let i = 0; i < n; i++) f.i32(i * 16).memory("v128.load");
      f.get(0).i32(1).op("i32.sub").op("call", f.index).op("i32x4.splat");
      for (let i = 0; i < n; i++) f.op("v128.xor");
      f.op("v128.any_true");
    },
    "values computed again": (f, n) => {
      const sum = f.local("i32");
      const values = (): void => {
        for (let i = 0; i < n; i++)
          f.get(0)
            .i32(i * 7_919 + 3)
            .op("i32.mul")
            .get(sum)
            .op("i32.rotl")
            .set(sum);
      };
      values();
      f.get(0).i32(1).op("i32.sub").op("call", f.index).set(sum);
      values();
      f.get(sum);
    },
    cases: (f, n) => {
      const sum = f.local("i32");
      for (let c = 0; c < 5; c++) f.open("block");
      f.get(0).i32(3).op("i32.and").table([0, 1, 2], 3);
      for (let c = 0; c < 4; c++) {
        f.end();
        const values = (): void => {
          for (let i = 0; i < n; i++)
            f.get(0)
              .i32(i * 7_919 + c)
              .op("i32.mul")
              .get(sum)
              .op("i32.rotl")
              .set(sum);
        };
        values();
        f.get(0).i32(1).op("i32.sub").op("call", f.index).set(sum);
        values();
        f.op("br", 3 - c);
      }
      f.end().get(sum);
    },
  };

  /** Calls `f` with so many frames of JavaScript below. */
  const below = (depth: number, f: () => unknown): unknown => (depth === 0 ? f() : [below(depth - 1, f)][0]);

  describe.each(Object.keys(frames))("by default ends long before the engine's own does: %s", (name) => {
    test.each([1, 30, 300, 900])("%d of them", (n) => {
      const bytes = deep((f) => frames[name]?.(f, n));
      const { call } = sandbox(bytes, { stackBytes: STACK_BYTES, fuel: 0x7fff_ffff });
      // Often enough that both of the engine's compilers have had their turn.
      for (let i = 0; i < 40; i++)
        expect(below(1_000, () => call("run", 1_000_000))).toEqual({ stopped: "stack" });
    });
  });

  test("an estimate grows with everything that makes a frame", () => {
    const least = { parameters: 0, locals: 0, results: 0, operands: 0, path: 0, hasVectors: false };
    for (const name of ["parameters", "locals", "results", "operands", "path"] as const)
      expect(frameBytes({ ...least, [name]: 100 }), name).toBeGreaterThan(frameBytes(least));
    const some = { ...least, locals: 10 };
    expect(frameBytes({ ...some, hasVectors: true })).toBeGreaterThan(frameBytes(some));
  });

  /** Shapes with runs of `n` instructions, and how many of these are on the longest way. */
  const nops = (f: FunctionBuilder, n: number): FunctionBuilder => {
    for (let i = 0; i < n; i++) f.op("nop");
    return f;
  };
  const shapes: readonly (readonly [string, number, (f: FunctionBuilder, n: number) => void])[] = [
    ["one after another", 2, (f, n) => nops(nops(f, n).open("block"), n).end()],
    [
      "an if with an else",
      3,
      (f, n) => nops(nops(nops(nops(f, n).i32(1).open("if"), n).op("else"), n).end(), n),
    ],
    [
      "a longer else",
      4,
      (f, n) => nops(nops(nops(nops(f, n).i32(1).open("if"), n).op("else"), 2 * n).end(), n),
    ],
    ["an if without one", 3, (f, n) => nops(nops(nops(f, n).i32(1).open("if"), n).end(), n)],
    ["an if that is left", 2, (f, n) => nops(nops(nops(f, n).i32(1).open("if"), n).op("return").end(), n)],
    [
      "the longer of two arms",
      3,
      (f, n) => nops(nops(nops(f.i32(1).open("if"), n).op("else"), 2 * n).end(), n),
    ],
    [
      "the longer, if it is the first",
      3,
      (f, n) => nops(nops(nops(f.i32(1).open("if"), 2 * n).op("else"), n).end(), n),
    ],
    [
      "a branch over dead code",
      3,
      (f, n) =>
        nops(
          nops(
            nops(f.open("block"), 2 * n)
              .i32(1)
              .op("br_if", 0)
              .op("unreachable"),
            1,
          ).end(),
          n,
        ),
    ],
    [
      "a branch out of two",
      3,
      (f, n) =>
        nops(
          nops(f.open("block").open("block"), 2 * n)
            .op("br", 1)
            .end()
            .end(),
          n,
        ),
    ],
    ["a loop", 3, (f, n) => nops(nops(nops(f, n).open("loop"), n).i32(0).op("br_if", 0).end(), n)],
    [
      "cases of a switch",
      3,
      (f, n) => {
        nops(f.open("block").open("block").open("block"), n).i32(0).table([0], 1).end();
        nops(f, n).op("br", 1).end();
        nops(f, n).op("br", 0).end();
        nops(f, n);
      },
    ],
  ];

  test.each(shapes)("a frame is estimated by the longest way: %s", (_name, ways, write) => {
    const n = 4_000;
    const bytes = buildModule((m) => write(m.function([]), n));
    const isAccepted = (limit: number): boolean =>
      !isModuleRefusal(rewriteModule(bytes, { limits: { frameBytes: limit } }));
    const bytesOf = (path: number): number =>
      frameBytes({ parameters: 0, locals: 0, results: 0, operands: 0, path, hasVectors: false });
    expect(isAccepted(bytesOf(ways * n) - 1)).toBe(false);
    expect(isAccepted(bytesOf(ways * n + 100))).toBe(true);
  });

  test("vectors on the stack count as vectors", () => {
    const bytes = buildModule((m) => {
      const f = m.function([]);
      for (let i = 0; i < 100; i++) f.v128(new Uint8Array(16));
      for (let i = 0; i < 100; i++) f.op("drop");
    });
    const frame = frameBytes({
      parameters: 0,
      locals: 0,
      results: 0,
      operands: 100,
      path: 200,
      hasVectors: true,
    });
    expect(rewriteModule(bytes, { limits: { frameBytes: frame - 1 } })).toMatchObject({ what: "frameBytes" });
  });

  test("once used up stays so, however often it is tried: no count wraps", () => {
    const bytes = buildModule((m) => {
      // Much to pay for and little on any one way, so that it pays for no frame.
      const long = m.function([], []);
      for (let arm = 0; arm < 60; arm++) nops(long.i32(0).open("if"), 170).op("unreachable").end();
      const large = m.function([], []);
      for (let i = 0; i < 4_000; i++) large.local("i64");
      large.op("call", m.function([]).index);
      m.export("long", "function", long.index);
      m.export("large", "function", large.index);
    });
    const { module } = sandbox(bytes, { stackBytes: 20_000 });
    for (const [name, fuel, tries] of [
      ["long", 1_000, 220_000],
      ["large", 10_000_000, 70_000],
    ] as const) {
      module.begin(fuel);
      let returned = 0;
      for (let i = 0; i < tries; i++) {
        try {
          module.functions[name]?.();
          returned += 1;
        } catch {
          // Stopped, as it must be.
        }
      }
      expect(returned, name).toBe(0);
    }
  });
});
