import { describe, expect, test } from "vitest";
import { buildModule } from "../testing/sandbox.ts";
import { instantiateProgram } from "./instantiate-program.ts";
import { isModuleRefusal } from "./module-refusal.ts";
import {
  EXIT,
  type ProgramOptions,
  type ProgramPlace,
  type RewrittenProgram,
  type SandboxedProgram,
} from "./program.ts";
import { rewriteProgram } from "./rewrite-program.ts";
import { STOP_CAUSE } from "./runtime.ts";

const PAGE = 65_536;
const CONTEXT_BYTES = 512 << 10;
const HOST = { module: "host", name: "call", parameters: [], results: [] } as const;

/** Writes at 20 what stands at 11 when it starts; then loops as often as it is told, or grows. */
const program = buildModule((m) => {
  const call = m.importFunction("host", "call", m.type([], []));
  m.export("memory", "memory", m.memory({ minimum: 1, maximum: 3 }));
  m.data(Uint8Array.of(1, 2, 3), 10);
  const start = m.function([], []);
  start.op("call", call).i32(20).i32(0).memory("i32.load8_u", 11).memory("i32.store8");
  m.start(start.index);
  const turns = m.function(["i32"], ["i32"]);
  turns.open("loop").get(0).i32(1).op("i32.sub").tee(0).op("br_if", 0).end().i32(5);
  m.export("turns", "function", turns.index);
  const grow = m.function(["i32"], ["i32"]);
  grow.get(0).op("memory.grow", 0);
  m.export("grow", "function", grow.index);
});

function mustRewrite(
  module: Uint8Array,
  options: ProgramOptions = { mode: "segment", imports: [HOST] },
): RewrittenProgram {
  const rewritten = rewriteProgram(module, options);
  if (isModuleRefusal(rewritten)) throw new Error(rewritten.what);
  return rewritten;
}

const memory = new WebAssembly.Memory({ initial: 24 });
const placeOf = (changes: Partial<ProgramPlace> = {}): ProgramPlace => ({
  memory,
  base: 2 * CONTEXT_BYTES,
  limitBytes: 3 * PAGE,
  context: CONTEXT_BYTES,
  contextBytes: CONTEXT_BYTES,
  functions: { host: { call: () => {} } },
  refill: () => 1_000,
  grow: () => 0,
  ...changes,
});

function mustPlace(rewritten: RewrittenProgram, changes: Partial<ProgramPlace> = {}): SandboxedProgram {
  const placed = instantiateProgram(rewritten, placeOf(changes));
  if (isModuleRefusal(placed)) throw new Error(placed.what);
  return placed;
}

const rewritten = mustRewrite(program);

describe("a program is not placed", () => {
  test.each<[string, Partial<ProgramPlace>]>([
    ["where its segment ends outside", { base: 24 * PAGE - 2 * PAGE }],
    ["in a segment that is too small", { limitBytes: PAGE - 1 }],
    ["at half a byte", { base: 0.5 }],
    ["before the beginning", { base: -1 }],
    ["with a context outside", { context: 24 * PAGE }],
    ["with a context that is not aligned", { context: CONTEXT_BYTES + 8 }],
    ["with a context smaller than its stack", { contextBytes: 1_000, stackBytes: 1_001 }],
    ["with no number for a stack", { stackBytes: Number.NaN }],
  ])("%s", (_where, changes) => {
    expect(instantiateProgram(rewritten, placeOf(changes))).toMatchObject({ rule: "BadPlace" });
  });

  test("without what it calls, without somebody who answers misses, or if nobody rewrote it", () => {
    expect(instantiateProgram(rewritten, placeOf({ functions: {} }))).toMatchObject({
      rule: "NoFunction",
      what: "host.call",
    });
    const paged = mustRewrite(program, { mode: "paged", imports: [HOST] });
    expect(instantiateProgram(paged, placeOf())).toMatchObject({ rule: "BadPlace" });
    expect(instantiateProgram({ ...rewritten }, placeOf())).toMatchObject({ rule: "Internal" });
  });

  test("when its elements do not fit", () => {
    const module = buildModule((m) => {
      m.table({ minimum: 1 });
      m.elements(1, [m.function([], []).index]);
    });
    expect(instantiateProgram(mustRewrite(module), placeOf())).toMatchObject({ rule: "BadElements" });
  });
});

describe("a program in its place", () => {
  test("is initialised first, and once: its data, then what starts, which may be suspended", () => {
    let waits = true;
    const placed = mustPlace(rewritten, {
      functions: {
        host: {
          call: () => {
            if (waits) placed.suspend();
            waits = false;
          },
        },
      },
    });
    expect(() => placed.enter("turns", 1)).toThrow(/initialised first/);
    expect(placed.initialise()).toBe(EXIT.suspended);
    expect(placed.isSuspended()).toBe(true);
    expect(placed.contextUsed()).toBeGreaterThan(0);
    expect(() => placed.enter("turns", 1)).toThrow(/in the middle/);
    expect(placed.resume()).toBe(EXIT.returned);
    expect(new Uint8Array(memory.buffer)[2 * CONTEXT_BYTES + 20]).toBe(2);
    expect(placed.initialise()).toBe(EXIT.returned);
    expect(() => placed.resume()).toThrow(/not suspended/);
  });

  test("asks for fuel, is suspended without it, and says what it owes", () => {
    const asked: number[] = [];
    const placed = mustPlace(rewritten, { refill: (left) => (asked.push(left) % 2 === 0 ? 0 : 50) });
    placed.initialise();
    asked.length = 0;
    let suspensions = 0;
    for (let exit = placed.enter("turns", 100); exit === EXIT.suspended; exit = placed.resume())
      suspensions += 1;
    expect(suspensions).toBeGreaterThan(5);
    expect(asked.filter((left) => left > 0)).toEqual([]);
    expect(placed.result()).toBe(5);
    expect(placed.contextUsed()).toBe(0);
  });

  test("grows as far as its place and its own maximum allow", () => {
    const placed = mustPlace(rewritten, { limitBytes: 2 * PAGE });
    placed.initialise();
    const grow = (pages: number): unknown => (placed.enter("grow", pages), placed.result());
    expect([grow(2), grow(1), grow(0), grow(1), grow(-1)]).toEqual([1 - 2, 1, 2, -1, -1]);
    expect(placed.pages()).toBe(2);
    const alone = mustPlace(rewritten, { grow: () => -1 });
    alone.initialise();
    alone.enter("grow", 1);
    expect([alone.result(), alone.pages()]).toEqual([-1, 1]);
  });

  test("is stopped by what its place throws, and can be entered again", () => {
    const reason = new Error("enough");
    let isOver = false;
    const placed = mustPlace(rewritten, {
      refill: () => {
        if (isOver) throw reason;
        return 100;
      },
    });
    placed.initialise();
    isOver = true;
    expect(placed.enter("turns", 1_000)).toBe(EXIT.stopped);
    expect([placed.thrown(), placed.cause()]).toEqual([reason, STOP_CAUSE.trap]);
    isOver = false;
    expect(placed.enter("turns", 10)).toBe(EXIT.returned);
  });

  test("is not entered while it runs, by a name that it does not export, or suspended from outside", () => {
    const thrown: unknown[] = [];
    const placed = mustPlace(rewritten, {
      functions: {
        host: {
          call: () => {
            for (const act of [
              () => placed.enter("turns", 1),
              () => placed.resume(),
              () => placed.snapshot(),
            ])
              try {
                act();
              } catch (reason) {
                thrown.push(reason);
              }
          },
        },
      },
    });
    placed.initialise();
    expect(thrown.map((reason) => reason instanceof RangeError)).toEqual([true, true, true]);
    expect(() => placed.enter("toString")).toThrow(RangeError);
    expect(() => placed.enter("exolith:start")).toThrow(RangeError);
    expect(() => placed.suspend()).toThrow(RangeError);
  });
});
