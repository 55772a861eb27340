/** Programs at their limits: deep, long, wide. Each is refused by name, or runs in bounds. */
import { describe, expect, test } from "vitest";
import {
  EXIT,
  type Exit,
  type HostFunctions,
  type ProgramOptions,
  type RewrittenProgram,
  STOP_CAUSE,
  type SandboxedProgram,
  instantiateProgram,
  isModuleRefusal,
  rewriteProgram,
} from "../../src/index.ts";
import { buildModule } from "../../src/testing/sandbox.ts";
import type { FunctionBuilder } from "../../src/wasm/function-builder.ts";
import { tableBytes } from "../../src/wasm/page-tables.ts";
import { CopiedSpace } from "./copied-space.ts";

const HOST = [{ module: "host", name: "call", parameters: ["i32"], results: ["i32"] }] as const;
const SEGMENT: ProgramOptions = { mode: "segment", imports: HOST };
const PAGED: ProgramOptions = { mode: "paged", imports: HOST };
const BOTH = [SEGMENT, PAGED];

function mustRewrite(bytes: Uint8Array, options: ProgramOptions = SEGMENT): RewrittenProgram {
  const rewritten = rewriteProgram(bytes, options);
  if (isModuleRefusal(rewritten)) throw new Error(`${rewritten.rule} ${rewritten.what}`);
  return rewritten;
}

/** What a test does for a program. */
interface Answers {
  call?(program: SandboxedProgram, value: number): number;
  refill?(left: number): number;
}

function place(rewritten: RewrittenProgram, { call, refill }: Answers = {}): SandboxedProgram {
  const space = new CopiedSpace(rewritten.mode === "segment" ? "segment" : 12, 1);
  const functions: HostFunctions = { host: { call: (value: number) => call?.(placed, value) ?? value } };
  const place = { ...space.place(0), functions, refill: refill ?? (() => 1_000), grow: () => 0 };
  const placed = instantiateProgram(rewritten, place) as SandboxedProgram;
  if (isModuleRefusal(placed)) throw new Error(placed.what);
  placed.initialise();
  return placed;
}

function finish(program: SandboxedProgram, first: Exit): number {
  let suspensions = 0;
  for (let exit = first; exit === EXIT.suspended; suspensions++) exit = program.resume();
  return suspensions;
}

/** A call that suspends its program, and at the second time answers with one more than it was given. */
function suspending(): NonNullable<Answers["call"]> {
  let isSecond = true;
  return (running, value) => {
    isSecond = !isSecond;
    if (!isSecond) running.suspend();
    return value + 1;
  };
}

/** A module with one function of one number, which may call its host, and exports it as "f". */
const one = (write: (f: FunctionBuilder, host: number) => void): Uint8Array =>
  buildModule((m) => {
    const host = m.importFunction("host", "call", m.type(["i32"], ["i32"]));
    m.export("memory", "memory", m.memory({ minimum: 1 }));
    const f = m.function(["i32"], ["i32"]);
    write(f, host);
    m.export("f", "function", f.index);
  });

const deep = one((f, host) => {
  f.get(0).op("i32.eqz").open("if", "i32").i32(1).op("call", host).op("else");
  f.get(0).i32(1).op("i32.sub").op("call", f.index).get(0).op("i32.add").end();
});

describe.each(BOTH)("in mode $mode", (options) => {
  const rewritten = mustRewrite(deep, options);

  test("calls that are too deep stop the program, not its host", () => {
    const program = place(rewritten);
    expect(program.enter("f", 1e9)).toBe(EXIT.stopped);
    expect(program.cause()).toBe(STOP_CAUSE.stack);
    expect(program.enter("f", 10)).toBe(EXIT.returned);
    expect(program.result()).toBe(56);
  });

  test("whoever is called from the deepest place has room for calls of its own", () => {
    let deepest = 0;
    const descend = (depth: number): number => (depth === 0 ? 0 : 1 + descend(depth - 1));
    const call = (): number => descend(2_000);
    for (let depth = 64; ; depth = Math.floor(depth * 1.2)) {
      const program = place(rewritten, { call });
      if (program.enter("f", depth) === EXIT.stopped) {
        expect(program.cause()).toBe(STOP_CAUSE.stack);
        break;
      }
      deepest = depth;
      expect(program.result()).toBe(2_000 + (depth * (depth + 1)) / 2);
    }
    expect(deepest).toBeGreaterThan(500);
  });

  test("the deepest calls are suspended and go on: a context as large as the stack holds them", () => {
    let isSecond = true;
    const call = (program: SandboxedProgram): number => {
      isSecond = !isSecond;
      if (!isSecond) program.suspend();
      return 7;
    };
    let used = 0;
    for (let depth = 64; ; depth = Math.floor(depth * 1.2)) {
      const program = place(rewritten, { call });
      const exit = program.enter("f", depth);
      if (exit === EXIT.stopped) break;
      used = program.contextUsed();
      finish(program, exit);
      expect(program.result()).toBe(7 + (depth * (depth + 1)) / 2);
    }
    expect(used).toBeGreaterThan(10_000);
  });

  test("4,000 calls in one function, suspended at each", () => {
    const bytes = one((f, host) => {
      f.get(0);
      for (let i = 0; i < 4_000; i++) f.op("call", host);
    });
    const program = place(mustRewrite(bytes, options), { call: suspending() });
    expect(finish(program, program.enter("f", 5))).toBe(4_000);
    expect(program.result()).toBe(4_005);
  });

  test.each(["block", "loop", "if"] as const)("2,000 of one inside another: %s", (kind) => {
    const bytes = one((f, host) => {
      for (let i = 0; i < 2_000; i++) {
        if (kind === "if") f.get(0);
        f.open(kind);
      }
      f.get(0).op("call", host).set(0);
      for (let i = 0; i < 2_000; i++) f.end();
      f.get(0);
    });
    const program = place(mustRewrite(bytes, options), { call: suspending() });
    expect(finish(program, program.enter("f", 5))).toBe(1);
    expect(program.result()).toBe(6);
  });

  test("100,000 functions, and code that runs long without a check, are refused by name", () => {
    const wide = buildModule((m) => {
      for (let i = 0; i < 100_000; i++) m.function([], []);
    });
    expect(rewriteProgram(wide, options)).toMatchObject({ rule: "TooLarge", what: "functions" });
    const long = buildModule((m) => {
      const leaf = m.function([], []);
      for (let i = 0; i < 200; i++) leaf.i32(1).op("drop");
      const f = m.function([], []);
      f.open("loop");
      for (let i = 0; i < 60_000; i++) f.op("call", leaf.index);
      f.op("br", 0).end();
    });
    expect(rewriteProgram(long, options)).toMatchObject({
      rule: "TooLarge",
      what: "fuel between two checks",
    });
  });
});

test("one fill of a gigabyte is paid for, and ends", () => {
  const GIGABYTE = 2 ** 30;
  const bytes = buildModule((m) => {
    m.memory({ minimum: GIGABYTE / 65_536 });
    const f = m.function([], ["i32"]);
    f.i32(0).i32(0x5a).i32(GIGABYTE).op("memory.fill", 0).i32(1);
    m.export("f", "function", f.index);
  });
  // Every page is the same frame: what is filled matters less than that it ends.
  const rewritten = mustRewrite(bytes, { mode: "paged", pageBits: 16 });
  const tables = 65_536;
  const frame = tables + 2 * tableBytes(16) + 65_536;
  const context = frame + 65_536;
  const memory = new WebAssembly.Memory({ initial: 24 });
  const view = new DataView(memory.buffer);
  let misses = 0;
  let paid = 0;
  const program = instantiateProgram(rewritten, {
    memory,
    base: tables,
    limitBytes: 0,
    context,
    contextBytes: 512 << 10,
    refill: (left) => {
      paid -= left;
      return 1_000;
    },
    miss: (address, writes) => {
      misses += 1;
      view.setUint32(tables + writes * tableBytes(16) + 4 * (address >>> 16), frame, true);
    },
  });
  if (isModuleRefusal(program)) throw new Error(program.what);
  expect(program.initialise()).toBe(EXIT.returned);
  expect(program.enter("f")).toBe(EXIT.returned);
  expect(misses).toBe(GIGABYTE / 65_536);
  expect(paid - program.fuel()).toBeGreaterThan(GIGABYTE / 16 - 2_000);
});

describe("functions of the host that are reached in other ways", () => {
  const bytes = buildModule((m) => {
    const type = m.type(["i32"], ["i32"]);
    const host = m.importFunction("host", "call", type);
    const own = m.function(["i32"], ["i32"]);
    own.get(0).op("call", host).i32(100).op("i32.add");
    m.table({ minimum: 2 });
    m.elements(0, [host, own.index]);
    const through = m.function(["i32", "i32"], ["i32"]);
    through.get(0).get(1).op("call_indirect", type, 0).i32(1_000).op("i32.add");
    m.export("through", "function", through.index);
    m.export("host", "function", host);
  });
  const waiting = (): Required<Pick<Answers, "call">> & { readonly seen: number[] } => {
    const seen: number[] = [];
    return {
      seen,
      call: (program, value) => {
        seen.push(value);
        if (seen.length < 4) program.suspend();
        return seen.length < 4 ? -1 : value + 1;
      },
    };
  };

  test.each(BOTH)("one that stands in a table waits, and is called again: $mode", (options) => {
    for (const [element, result] of [
      [0, 1_006],
      [1, 1_106],
    ] as const) {
      const answers = waiting();
      const program = place(mustRewrite(bytes, options), answers);
      expect(finish(program, program.enter("through", 5, element))).toBe(3);
      expect(program.result()).toBe(result);
      expect(answers.seen).toEqual([5, 5, 5, 5]);
      expect(program.contextUsed()).toBe(0);
    }
  });

  test("one that is exported waits, and is called again with what it was entered with", () => {
    const answers = waiting();
    const program = place(mustRewrite(bytes), answers);
    expect(finish(program, program.enter("host", 8))).toBe(3);
    expect(program.result()).toBe(9);
    expect(answers.seen).toEqual([8, 8, 8, 8]);
  });
});

test("a context that asks for more calls than were saved stops the program", () => {
  const bytes = one((f, host) => {
    f.get(0).op("call", f.index).op("call", host);
  });
  const rewritten = mustRewrite(bytes);
  const space = new CopiedSpace("segment", 1);
  let granted = 100;
  const program = instantiateProgram(rewritten, {
    ...space.place(0),
    stackBytes: 4_096,
    functions: { host: { call: (value: number) => value } },
    refill: () => (granted-- > 50 ? 20 : 0),
  });
  if (isModuleRefusal(program)) throw new Error(program.what);
  program.initialise();
  let exit = program.enter("f", 1);
  for (let i = 0; i < 3 && exit === EXIT.suspended; i++) {
    // As if it had called itself without end: each frame says that it is inside its first call.
    const context = new Uint32Array(space.memory.buffer, 0, space.context(0).length / 4);
    for (let at = 0; at < context.length; at++) context[at] = 1;
    exit = program.resume();
  }
  expect(exit).toBe(EXIT.stopped);
  expect(program.cause()).toBe(STOP_CAUSE.stack);
});

test("a reference and a number at the same height are two locals", () => {
  const bytes = one((f, host) => {
    f.get(0).get(0).op("call", host).op("drop").op("drop");
    f.op("ref.null").code.u8(0x6f);
    f.open("loop").end().op("drop").i32(1);
  });
  expect(rewriteProgram(bytes, SEGMENT)).toMatchObject({
    rule: "Unsupported",
    what: "references where a program is suspended",
  });
});

describe("what an engine's compiler cannot bear is refused by name, and before it is written", () => {
  const limited = (bytes: Uint8Array, options: ProgramOptions = SEGMENT): unknown => {
    const rewritten = rewriteProgram(bytes, options);
    return isModuleRefusal(rewritten) ? [rewritten.rule, rewritten.what] : "rewritten";
  };
  const calls = (count: number): Uint8Array =>
    one((f, host) => {
      for (let i = 0; i < count; i++) f.get(0).op("call", host).op("drop");
      f.i32(0);
    });

  test("points of one function", () => {
    expect(limited(calls(4_096))).toBe("rewritten");
    expect(limited(calls(4_097))).toEqual(["TooLarge", "points"]);
    expect(limited(calls(9), { ...SEGMENT, limits: { points: 8 } })).toEqual(["TooLarge", "points"]);
  });

  test("branches of one function, those of tables included", () => {
    const branches = (count: number): Uint8Array =>
      one((f) => {
        f.open("block");
        for (let i = 0; i < count; i++) f.get(0).op("br_if", 0);
        f.end().i32(0);
      });
    const table = (labels: number): Uint8Array =>
      one((f) => {
        f.open("block").get(0).table(new Array<number>(labels).fill(0), 0).end().i32(0);
      });
    expect(limited(branches(32_768))).toBe("rewritten");
    expect(limited(branches(32_769))).toEqual(["TooLarge", "branches"]);
    expect(limited(table(32_767))).toBe("rewritten");
    expect(limited(table(32_768))).toEqual(["TooLarge", "branches"]);
  });

  test("locals that blocks would need, for each place where they are looked at", () => {
    const bytes = buildModule((m) => {
      const type = m.type([], new Array<"i32">(255).fill("i32"));
      const f = m.function([]);
      for (let i = 0; i < 60; i++) f.open("block", type);
      f.open("loop").end();
      for (let i = 0; i < 255; i++) f.i32(i);
      for (let i = 0; i < 60; i++) f.end();
      for (let i = 0; i < 255; i++) f.op("drop");
      for (let i = 0; i < 20_000; i++) f.open("block").end();
    });
    expect(limited(bytes)).toEqual(["TooLarge", "moves"]);
  });
});
