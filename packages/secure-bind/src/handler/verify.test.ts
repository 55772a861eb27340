import { describe, expect, test } from "vitest";
import { handlerModule } from "../testing/handler-module.ts";
import type { FunctionBuilder } from "../wasm/function-builder.ts";
import { type ModuleBuilder, makeModuleBuilder } from "../wasm/module-builder.ts";
import {
  HANDLER_BODIES,
  HANDLER_ELEMENTS,
  HANDLER_EXPORTS,
  HANDLER_FUEL_MAX,
  HANDLER_MODULE_BYTES,
  HANDLER_PIPES,
} from "./program.ts";
import { isHandlerRefusal, verifyHandler } from "./verify.ts";

const module = handlerModule((code) => code.i32(1));
const GOOD = { module, fuel: 100 };

type Body = (code: FunctionBuilder) => FunctionBuilder;

/** "ok", or the rule that was broken; of a module the module's rule as well. */
function verdict(program: unknown): string {
  const result = verifyHandler(program);
  if (!isHandlerRefusal(result)) return "ok";
  expect(Object.isFrozen(result)).toBe(true);
  return result.module === undefined ? result.rule : `${result.rule} ${result.module.rule}`;
}

const moduleVerdict = (bytes: unknown): string => verdict({ ...GOOD, module: bytes });

describe("what is no handler", () => {
  test.each([undefined, null, 7, "handler", true, () => {}, Symbol.iterator])("%s", (program) => {
    expect(verdict(program)).toBe("NotAHandler");
  });

  test("one that cannot be read", () => {
    const boom = (): never => {
      throw new Error("mine");
    };
    for (const key of ["module", "fuel", "pipes"])
      expect(verdict(Object.defineProperty({ ...GOOD }, key, { get: boom }))).toBe("NotAHandler");
    expect(verdict(new Proxy({}, { get: boom }))).toBe("NotAHandler");
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(verdict(proxy)).toBe("NotAHandler");
  });
});

test.each([0, -1, 0.5, HANDLER_FUEL_MAX + 1, Number.NaN, Infinity, "100", 100n, undefined, null, {}])(
  "fuel of %s is refused",
  (fuel) => {
    expect(verdict({ ...GOOD, fuel })).toBe("BadFuel");
  },
);

test("fuel from 1 to the limit is not", () => {
  expect([1, HANDLER_FUEL_MAX].map((fuel) => verdict({ ...GOOD, fuel }))).toEqual(["ok", "ok"]);
});

describe("pipes", () => {
  const CHECKSUM = [{ kind: "checksum" }];

  test("so many are enough, and every one is verified", () => {
    const many = Array.from({ length: HANDLER_PIPES }, () => CHECKSUM);
    expect(verdict({ ...GOOD, pipes: [] })).toBe("ok");
    expect(verdict({ ...GOOD, pipes: [[], CHECKSUM] })).toBe("ok");
    expect(verdict({ ...GOOD, pipes: many })).toBe("ok");
    expect(verdict({ ...GOOD, pipes: [...many, CHECKSUM] })).toBe("BadPipe");
  });

  test.each([7, "", {}, [7], [CHECKSUM, [{ kind: "encrypt" }]], { length: 1, 0: CHECKSUM }, null])(
    "%j are refused",
    (pipes) => {
      expect(verdict({ ...GOOD, pipes })).toBe("BadPipe");
    },
  );

  test("an array that lies about its length is none", () => {
    for (const length of [1e9, -1, "2", Number.NaN, undefined]) {
      const liar = new Proxy([CHECKSUM], {
        get: (of, key) => (key === "length" ? length : Reflect.get(of, key)),
      });
      expect(verdict({ ...GOOD, pipes: liar })).toBe("BadPipe");
    }
  });
});

describe("modules", () => {
  test.each([undefined, null, 7, "\0asm", [], {}, new Uint8Array(0), new DataView(module.buffer)])(
    "%s is none",
    (bytes) => {
      expect(moduleVerdict(bytes)).toBe("BadModule NotAModule");
    },
  );

  test("one that is too long is refused", () => {
    const long = new Uint8Array(HANDLER_MODULE_BYTES + 1);
    long.set(module);
    expect(moduleVerdict(long)).toMatch(/^BadModule (TooLarge|NotAModule)$/);
  });

  test("instructions on floats and vectors are refused, also where nothing comes to", () => {
    const forbidden = "BadModule Forbidden";
    expect(moduleVerdict(handlerModule((code) => code.f64(1).op("drop").i32(1)))).toBe(forbidden);
    expect(moduleVerdict(handlerModule((code) => code.f32(1).op("i32.trunc_f32_s")))).toBe(forbidden);
    expect(
      moduleVerdict(handlerModule((code) => code.i32(1).op("f64.convert_i32_s").op("drop").i32(0))),
    ).toBe(forbidden);
    const bytes = new Uint8Array(16);
    expect(moduleVerdict(handlerModule((code) => code.v128(bytes).op("drop").i32(1)))).toBe(forbidden);
    const dead = handlerModule((code) => code.i32(1).op("return").f32(2).op("drop").i32(1));
    expect(moduleVerdict(dead)).toBe(forbidden);
  });

  const importing = (kind: "function" | "global" | "table", name = "open", from = "env"): Uint8Array => {
    const builder = makeModuleBuilder();
    if (kind === "function") builder.importFunction(from, name, builder.type(["i32"], ["i32"]));
    else if (kind === "global") builder.importGlobal(from, name, { type: "i32" });
    else builder.importTable(from, name, { minimum: 1 });
    const handle = builder.function(["i32", "i32"], ["i32"]);
    handle.i32(1);
    builder.export("handle", "function", handle.index);
    builder.memory({ minimum: 0 });
    return builder.build();
  };

  test("nothing is imported but what handlers may import, with its own type", () => {
    expect(moduleVerdict(importing("function"))).toBe("BadModule BadImport");
    expect(moduleVerdict(importing("function", "fd_write", "wasi_snapshot_preview1"))).toBe(
      "BadModule BadImport",
    );
    expect(moduleVerdict(importing("function", "append", "handler"))).toBe("BadModule BadImport");
    expect(moduleVerdict(importing("function", "toString", "handler"))).toBe("BadModule BadImport");
    expect(moduleVerdict(importing("function", "constructor", "__proto__"))).toBe("BadModule BadImport");
    expect(moduleVerdict(importing("global"))).toMatch(/^BadModule (BadImport|Unsupported)$/);
    expect(moduleVerdict(importing("table"))).toMatch(/^BadModule (BadImport|Unsupported)$/);
  });

  test("the entry has its name and its type", () => {
    const exporting = (name: string, parameters: readonly "i32"[], results: readonly "i32"[]): Uint8Array => {
      const builder = makeModuleBuilder();
      const entry = builder.function(parameters, results);
      for (const _ of results) entry.i32(1);
      builder.export(name, "function", entry.index);
      builder.memory({ minimum: 0 });
      return builder.build();
    };
    expect(moduleVerdict(exporting("handle", ["i32", "i32"], ["i32"]))).toBe("ok");
    expect(moduleVerdict(exporting("handler", ["i32", "i32"], ["i32"]))).toBe("NoEntry");
    expect(moduleVerdict(exporting("handle", ["i32"], ["i32"]))).toBe("NoEntry");
    expect(moduleVerdict(exporting("handle", ["i32", "i32"], []))).toBe("NoEntry");
    expect(moduleVerdict(exporting("handle", ["i32", "i32"], ["i32", "i32"]))).toBe("NoEntry");
    const hidden = makeModuleBuilder();
    hidden.memory({ minimum: 0 });
    hidden.export("handle", "memory", 0);
    expect(moduleVerdict(hidden.build())).toBe("NoEntry");
  });

  /** A module with so much of something besides its entry. */
  const having = (more: (builder: ModuleBuilder, entry: number) => void, body?: Body): Uint8Array => {
    const builder = makeModuleBuilder();
    const entry = builder.function(["i32", "i32"], ["i32"]);
    (body ?? ((code) => code.i32(1)))(entry);
    builder.export("handle", "function", entry.index);
    builder.memory({ minimum: 0 });
    more(builder, entry.index);
    return builder.build();
  };

  /** What is over a limit, and by which. */
  const over = (bytes: Uint8Array): string => {
    const result = verifyHandler({ ...GOOD, module: bytes });
    return isHandlerRefusal(result) ? `${result.module?.rule} ${result.module?.what}` : "ok";
  };

  test("one table of so many elements may be called by", () => {
    const tables = (count: number, elements: number): string =>
      over(
        having((builder) => {
          for (let i = 0; i < count; i++) builder.table({ minimum: elements, maximum: elements });
        }),
      );
    expect([tables(1, 0), tables(1, HANDLER_ELEMENTS)]).toEqual(["ok", "ok"]);
    expect(tables(1, HANDLER_ELEMENTS + 1)).toBe("TooLarge tableElements");
    expect(tables(2, 1)).toBe("TooLarge tables");
    expect(tables(16, 65_536)).toMatch(/^TooLarge table/);
    const elements = (count: number): string =>
      over(
        having((builder, entry) => {
          builder.table({ minimum: HANDLER_ELEMENTS });
          for (let i = 0; i < 4; i++)
            builder.elements(
              0,
              Array.from({ length: count / 4 }, () => entry),
            );
        }),
      );
    expect([elements(HANDLER_ELEMENTS), elements(HANDLER_ELEMENTS + 4)]).toEqual(["ok", "TooLarge elements"]);
  });

  test("and not read, grown or filled, nor are references values", () => {
    const table = (builder: ModuleBuilder): void => void builder.table({ minimum: 4, maximum: 8 });
    const bodies: readonly Body[] = [
      (code) => code.op("ref.null", 0x70).op("ref.is_null"),
      (code) => code.i32(0).op("table.get", 0).op("ref.is_null"),
      (code) => code.i32(0).op("ref.null", 0x70).op("table.set", 0).i32(1),
      (code) => code.op("table.size", 0),
      (code) => code.op("ref.null", 0x70).i32(1).op("table.grow", 0),
      (code) => code.i32(0).op("ref.null", 0x70).i32(4).op("table.fill", 0).i32(1),
    ];
    for (const body of bodies) expect(moduleVerdict(having(table, body))).toBe("BadModule Forbidden");
  });

  test("a copy within a table as large as programs may have is refused with the table", () => {
    const copying: Body = (code) => code.i32(1).i32(0).i32(65_535).op("table.copy", 0, 0).i32(1);
    const large = (builder: ModuleBuilder): void => void builder.table({ minimum: 65_536, maximum: 65_536 });
    expect(over(having(large, copying))).toBe("TooLarge tableElements");
  });

  test("it has a few names, some functions, and no more code than is compiled in a moment", () => {
    const exporting = (count: number): string =>
      over(
        having((builder, entry) => {
          for (let i = 1; i < count; i++) builder.export(`e${i}`, "function", entry);
        }),
      );
    expect([exporting(HANDLER_EXPORTS), exporting(HANDLER_EXPORTS + 1)]).toEqual(["ok", "TooLarge exports"]);
    const functions = (count: number): string =>
      over(
        having((builder) => {
          for (let i = 1; i < count; i++) builder.function([]);
        }),
      );
    expect([functions(HANDLER_BODIES), functions(HANDLER_BODIES + 1)]).toEqual(["ok", "TooLarge functions"]);
    const loads = (count: number): string =>
      over(
        having(
          () => {},
          (code) => {
            for (let i = 0; i < count; i++) code.i32(0).memory("i64.load").op("drop");
            return code.i32(1);
          },
        ),
      );
    expect([loads(1000), loads(2500)]).toEqual(["ok", "TooLarge rewrittenBytes"]);
    const branches = (locals: number, count: number, functions = 1): string =>
      over(
        having((builder) => {
          for (let each = 0; each < functions; each++) {
            const code = builder.function([]);
            for (let i = 0; i < locals; i++) code.local("i32");
            for (let i = 0; i < count; i++) code.open("block").i32(0).op("br_if", 0).end();
          }
        }),
      );
    expect([branches(20, 200), branches(300, 20, 2)]).toEqual(["ok", "ok"]);
    expect(branches(1000, 250)).toBe("TooLarge moves");
    expect(branches(500, 70, 8)).toBe("TooLarge allMoves");
  });

  test("a body that does not type-check is refused", () => {
    expect(moduleVerdict(handlerModule((code) => code.i64(1n)))).toBe("BadModule Invalid");
    expect(moduleVerdict(module.subarray(0, module.length - 1))).toMatch(/^BadModule /);
  });
});

describe("alien bytes", () => {
  test("are copied: what is done to them afterwards changes nothing", () => {
    const mine = module.slice();
    const checked = verifyHandler({ module: mine, fuel: 5 });
    if (isHandlerRefusal(checked)) throw new Error(checked.rule);
    const { bytes } = checked.rewritten;
    const before = bytes.slice();
    mine.fill(0xff);
    expect(bytes).toEqual(before);
    expect(Object.isFrozen(checked)).toBe(true);
  });

  test("may be a view of a larger buffer", () => {
    const large = new Uint8Array(module.length + 100).fill(7);
    large.set(module, 50);
    expect(moduleVerdict(large.subarray(50, 50 + module.length))).toBe("ok");
    expect(moduleVerdict(large)).toBe("BadModule NotAModule");
  });

  test("whose buffer is gone are none", () => {
    const gone = module.slice();
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    expect(moduleVerdict(gone)).toBe("BadModule NotAModule");
  });

  test("of a class with methods and getters of its own are read as bytes, or not at all", () => {
    let asked = 0;
    class Sly extends Uint8Array {
      override get length(): number {
        asked += 1;
        return 1e9;
      }
      override get byteLength(): number {
        asked += 1;
        return 1e9;
      }
      override slice(): Uint8Array<ArrayBuffer> {
        asked += 1;
        throw new Error("mine");
      }
      override [Symbol.iterator](): ArrayIterator<number> {
        asked += 1;
        throw new Error("mine");
      }
    }
    expect(["ok", "BadModule NotAModule"]).toContain(moduleVerdict(new Sly(module)));
    expect(asked).toBe(0);
    expect(moduleVerdict(new Proxy(module, {}))).toBe("BadModule NotAModule");
    expect(moduleVerdict(Object.create(module))).toBe("BadModule NotAModule");
  });
});

test("every property is read once", () => {
  const reads: string[] = [];
  const program = new Proxy(GOOD, {
    get: (of, key) => {
      reads.push(String(key));
      return Reflect.get(of, key);
    },
  });
  expect(verdict(program)).toBe("ok");
  expect(reads.toSorted()).toEqual(["fuel", "module", "pipes"]);
});
