/** A program is suspended deep in its own calls, copied, and goes on twice. */
import { describe, expect, test } from "vitest";
import {
  EXIT,
  type Exit,
  type ProgramSnapshot,
  type RewrittenProgram,
  type SandboxedProgram,
  instantiateProgram,
  isModuleRefusal,
  rewriteProgram,
} from "../../src/index.ts";
import { buildModule } from "../../src/testing/sandbox.ts";
import type { ModuleBuilder } from "../../src/wasm/module-builder.ts";
import { CopiedSpace } from "./copied-space.ts";
import { SPACE_MODES, type SpaceMode } from "./program-space.ts";

const WASM_PAGE = 65_536;
const PAGES = 4;
const DEPTH = 40;
const HOST = [{ module: "host", name: "which", parameters: ["i32"], results: ["i32"] }] as const;

/**
 * `walk(n)` calls itself down to 0, asks there who it is, and on its way back writes
 * a word to a page for each call, made of its locals, a global and the answer.
 */
const deep = buildModule((m) => {
  const which = m.importFunction("host", "which", m.type(["i32"], ["i32"]));
  m.export("memory", "memory", m.memory({ minimum: PAGES - 1, maximum: PAGES }));
  m.data(Uint8Array.of(1, 2, 3, 4), 100);
  m.data(Uint8Array.of(9, 8, 7));
  const global = m.global({ type: "i64", mutable: true }, 7n);
  const walk = m.function(["i32", "i64"], ["i64"]);
  const mine = walk.local("i64");
  walk.get(1).i64(3n).ops("i64.mul").get(0).ops("i64.extend_i32_u", "i64.add").set(mine);
  walk.get(0).i32(4_096).op("i32.mul").get(mine).memory("i64.store", 8);
  walk.get(0).op("i32.eqz").open("if");
  walk.i32(1).op("memory.grow", 0).op("drop").op("data.drop", 1);
  walk.get(mine).op("global.set", global).i32(77).op("call", which).op("i64.extend_i32_s").op("return").end();
  walk.get(mine);
  walk.get(0).i32(1).op("i32.sub").get(mine).op("call", walk.index);
  walk.op("i64.add").op("global.get", global).op("i64.add").op("global.set", global);
  walk.get(0).i32(4_096).op("i32.mul").op("global.get", global).memory("i64.store");
  walk.op("global.get", global);
  m.export("walk", "function", walk.index);
  const init = m.function([], []);
  init.i32(0).i32(0).i32(1).op("memory.init", 1, 0);
  m.export("init", "function", init.index);
});

const optionsOf = (mode: SpaceMode) =>
  mode === "segment"
    ? ({ mode, imports: HOST } as const)
    : ({ mode: "paged", pageBits: mode, imports: HOST } as const);

function mustRewrite(bytes: Uint8Array, mode: SpaceMode): RewrittenProgram {
  const rewritten = rewriteProgram(bytes, optionsOf(mode));
  if (isModuleRefusal(rewritten)) throw new Error(rewritten.what);
  return rewritten;
}

/** A program in one of the places, which waits until it has an answer. */
class Copy {
  readonly program: SandboxedProgram;
  answer: number | undefined;
  quantum = 1_000_000;
  #mayRun = true;

  constructor(rewritten: RewrittenProgram, space: CopiedSpace, slot: number) {
    const which = (): number => {
      if (this.answer === undefined) this.program.suspend();
      return this.answer ?? -1;
    };
    const program = instantiateProgram(rewritten, {
      ...space.place(slot),
      functions: { host: { which } },
      refill: () => {
        this.#mayRun = !this.#mayRun;
        return this.#mayRun ? this.quantum : 0;
      },
      grow: () => 0,
    });
    if (isModuleRefusal(program)) throw new Error(program.what);
    this.program = program;
  }

  start(): void {
    this.program.initialise();
    let exit: Exit = this.program.enter("walk", DEPTH, 1n);
    // Once it has asked for fuel in vain, then it asks who it is.
    for (let i = 0; i < 3; i++) exit = this.program.resume();
    expect(exit).toBe(EXIT.suspended);
  }
}

/** What it comes to as it is. */
function rawOutcome(answer: number): { readonly value: unknown; readonly memory: Uint8Array } {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(deep as Uint8Array<ArrayBuffer>), {
    host: { which: () => answer },
  });
  const value = (exports["walk"] as (n: number, x: bigint) => unknown)(DEPTH, 1n);
  return { value, memory: new Uint8Array((exports["memory"] as WebAssembly.Memory).buffer) };
}

function mustSnapshot(program: SandboxedProgram): ProgramSnapshot {
  const snapshot = program.snapshot();
  if (isModuleRefusal(snapshot)) throw new Error(snapshot.what);
  return snapshot;
}

describe.each(SPACE_MODES)("in mode %s", (mode) => {
  const rewritten = mustRewrite(deep, mode);

  test("a captured context and copied memory go on twice, each in its own way", () => {
    const space = new CopiedSpace(mode, PAGES);
    const [parent, child] = [new Copy(rewritten, space, 0), new Copy(rewritten, space, 1)];
    parent.start();
    const snapshot = mustSnapshot(parent.program);
    expect(snapshot.pages).toBe(PAGES);
    expect(snapshot.contextBytes).toBeGreaterThan(DEPTH * 24);
    const before = space.frames;
    space.copy();
    child.program.adopt(snapshot);
    expect(space.frames).toBe(before);
    expect(child.program.contextUsed()).toBe(snapshot.contextBytes);
    // Neither knows of the other: they take turns, each with its own answer and its own slices.
    [parent.answer, child.answer] = [5, -9];
    [parent.quantum, child.quantum] = [20, 33];
    const left = [parent, child];
    for (let turns = 0; left.length > 0 && turns < 10_000; turns++) {
      const running = left[turns % left.length] as Copy;
      if (running.program.resume() === EXIT.returned) left.splice(left.indexOf(running), 1);
    }
    for (const [slot, { program, answer }] of [parent, child].entries()) {
      const raw = rawOutcome(answer ?? 0);
      expect(program.result()).toBe(raw.value);
      expect(program.contextUsed()).toBe(0);
      expect(Buffer.compare(space.contents(slot), raw.memory)).toBe(0);
    }
    if (mode !== "segment") expect(space.copies).toBeGreaterThan(0);
  });

  test("the copy goes on when the original was stopped, and its context is not the original's", () => {
    const space = new CopiedSpace(mode, PAGES);
    const [parent, child] = [new Copy(rewritten, space, 0), new Copy(rewritten, space, 1)];
    parent.start();
    const snapshot = mustSnapshot(parent.program);
    space.copy();
    space.context(0).fill(0xff);
    parent.answer = 1;
    let exit: Exit = EXIT.suspended;
    while (exit === EXIT.suspended) exit = parent.program.resume();
    expect(exit).toBe(EXIT.stopped);
    child.program.adopt(snapshot);
    child.answer = 3;
    for (exit = EXIT.suspended; exit === EXIT.suspended;) exit = child.program.resume();
    expect(child.program.result()).toBe(rawOutcome(3).value);
    // Data that was dropped stays dropped.
    expect(child.program.enter("init") === EXIT.suspended && child.program.resume()).toBe(EXIT.stopped);
  });
});

test("a program that is in the middle of nothing is copied with its globals and pages", () => {
  const rewritten = mustRewrite(deep, "segment");
  const space = new CopiedSpace("segment", PAGES);
  const [first, second] = [new Copy(rewritten, space, 0), new Copy(rewritten, space, 1)];
  first.answer = 4;
  first.program.initialise();
  let exit = first.program.enter("walk", DEPTH, 1n);
  while (exit === EXIT.suspended) exit = first.program.resume();
  const snapshot = mustSnapshot(first.program);
  expect(snapshot).toMatchObject({ pages: PAGES, contextBytes: 0 });
  second.program.adopt(snapshot);
  expect(second.program.pages()).toBe(PAGES);
  expect(() => second.program.resume()).toThrow(RangeError);
});

const withTable = (write: (m: ModuleBuilder) => void): Uint8Array =>
  buildModule((m) => {
    m.memory({ minimum: 1 });
    m.table({ minimum: 2 });
    write(m);
  });

test.each([
  [
    "tables that change",
    withTable((m) => {
      const f = m.function([], []);
      f.i32(0).i32(1).i32(1).op("table.copy", 0, 0);
    }),
  ],
  [
    "tables that change",
    withTable((m) => {
      const f = m.function([], []);
      f.i32(0).op("ref.null").code.u8(0x70);
      f.op("table.set", 0);
    }),
  ],
  ["a global that is a vector or a reference", withTable((m) => m.global({ type: "v128", mutable: true }))],
  [
    "a global that is a vector or a reference",
    withTable((m) => m.global({ type: "funcref", mutable: true })),
  ],
])("what no snapshot holds is refused by name: %s", (what, bytes) => {
  const space = new CopiedSpace("segment", PAGES);
  const { program } = new Copy(mustRewrite(bytes, "segment"), space, 0);
  program.initialise();
  expect(program.snapshot()).toMatchObject({ rule: "Unsupported", what });
});

test("a snapshot fits only where it belongs", () => {
  const rewritten = mustRewrite(deep, "segment");
  const space = new CopiedSpace("segment", PAGES);
  const parent = new Copy(rewritten, space, 0);
  expect(() => parent.program.snapshot()).toThrow(RangeError);
  parent.start();
  const snapshot = mustSnapshot(parent.program);
  const other = new Copy(mustRewrite(deep, "segment"), space, 1).program;
  expect(() => other.adopt(snapshot)).toThrow(/another/);
  expect(() => parent.program.adopt({ ...snapshot })).toThrow(/no snapshot/);
  const place = { ...space.place(1), functions: { host: { which: () => 0 } }, refill: () => 1 };
  const small = instantiateProgram(rewritten, { ...place, limitBytes: (PAGES - 1) * WASM_PAGE });
  const shallow = instantiateProgram(rewritten, { ...place, contextBytes: 512, stackBytes: 512 });
  for (const program of [small, shallow]) {
    if (isModuleRefusal(program)) throw new Error(program.what);
    expect(() => program.adopt(snapshot)).toThrow(/too small/);
    expect(program.isSuspended()).toBe(false);
  }
});
