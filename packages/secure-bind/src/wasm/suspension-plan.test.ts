import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FunctionBuilder } from "./function-builder.ts";
import { InstructionReader } from "./instruction-reader.ts";
import { MODULE_LIMITS } from "./module-limits.ts";
import { KIND, KINDS } from "./opcodes.ts";
import { SuspensionPlan } from "./suspension-plan.ts";

/** The plan of what is written; every call is a point. */
function planOf(
  write: (f: FunctionBuilder) => void,
  nesting: number = MODULE_LIMITS.nesting,
): SuspensionPlan {
  const f = new FunctionBuilder(0, 0);
  write(f);
  f.end();
  const bytes = f.code.take();
  const plan = new SuspensionPlan({ ...MODULE_LIMITS, nesting }, (kind) => kind === KIND.call);
  plan.read(new InstructionReader(bytes), KINDS, bytes.length);
  return plan;
}

/** Ways of a dispatcher: the last point of each, and its rank. */
function waysOf(plan: SuspensionPlan, dispatcher: number): [number, number][] {
  const ways: [number, number][] = [];
  for (const { last, rank } of plan.ways(dispatcher)) ways.push([last, rank]);
  return ways;
}

const call = (f: FunctionBuilder): FunctionBuilder => f.op("call", 0);

describe("a plan", () => {
  test("has a way to each point, in the order in which they end", () => {
    const plan = planOf((f) => call(call(f.op("nop"))));
    expect([plan.points, plan.blocks, plan.dispatchers, plan.labels(0)]).toEqual([2, 1, 1, 2]);
    expect(waysOf(plan, 0)).toEqual([
      [1, 0],
      [2, 1],
    ]);
  });

  test("opens blocks with points at the dispatcher, and leaves the others where they are", () => {
    const plan = planOf((f) => {
      f.open("block").op("nop").end();
      call(f.open("block")).end();
    });
    expect([plan.hasPoint(1), plan.hasPoint(2)]).toEqual([false, true]);
    expect(waysOf(plan, 0)).toEqual([[1, 0]]);
    expect(plan.endRank(2)).toBe(1);
    expect(plan.labels(0)).toBe(2);
  });

  test("makes two blocks of an if, wherever its points are", () => {
    const inFirst = planOf((f) => call(f.i32(1).open("if")).op("else").op("nop").end());
    expect([inFirst.elseRank(1), inFirst.endRank(1), inFirst.labels(0)]).toEqual([1, 2, 3]);
    const inSecond = planOf((f) => call(f.i32(1).open("if").op("else")).end());
    expect([inSecond.elseRank(1), inSecond.endRank(1), waysOf(inSecond, 0)]).toEqual([0, 2, [[1, 1]]]);
    const without = planOf((f) => call(f.i32(1).open("if")).end());
    expect([without.elseRank(1), without.endRank(1)]).toEqual([1, 2]);
  });

  test("leads to a loop for all points in it, whose head is one and a dispatcher", () => {
    const plan = planOf((f) => {
      call(f);
      call(call(f.open("loop"))).end();
      call(f);
    });
    expect([plan.points, plan.dispatchers]).toEqual([5, 2]);
    expect(waysOf(plan, 0)).toEqual([
      [1, 0],
      [4, 1],
      [5, 2],
    ]);
    expect(waysOf(plan, 1)).toEqual([
      [3, 0],
      [4, 1],
    ]);
    expect(plan.labels(1)).toBe(2);
  });

  test("knows nothing of code that is not reached", () => {
    const plan = planOf((f) => {
      call(f.open("block").op("br", 0).open("block")).end();
      call(f.open("loop").end()).end();
      call(f);
      f.op("return");
      call(f);
    });
    expect([plan.points, plan.blocks, plan.dispatchers]).toEqual([1, 2, 1]);
    const halves = planOf((f) => {
      call(f.i32(1).open("if").op("unreachable")).op("else");
      call(f).end();
    });
    expect(halves.points).toBe(1);
  });

  test("refuses code that does not end, before anything is written for what is open", () => {
    const bytes = call(new FunctionBuilder(0, 0).open("block").open("block")).end().code.take();
    const plan = new SuspensionPlan(MODULE_LIMITS, (kind) => kind === KIND.call);
    expect(() => plan.read(new InstructionReader(bytes), KINDS, bytes.length)).toThrow();
  });

  test("refuses blocks that are nested too deeply", () => {
    const nested = (depth: number) => (): SuspensionPlan =>
      planOf((f) => {
        for (let i = 0; i < depth; i++) f.open(i % 2 === 0 ? "block" : "loop");
        for (let i = 0; i < depth; i++) f.end();
      }, 10);
    expect(nested(10)().blocks).toBe(11);
    expect(nested(11)).toThrow();
  });
});

/** Code as a tree: a call, or something around more of it. */
type Tree = "call" | { readonly kind: "block" | "loop" | "if" | "both"; readonly inside: readonly Tree[] };
const tree: fc.Arbitrary<Tree> = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: "small" },
    fc.constant<Tree>("call"),
    fc.record({
      kind: fc.constantFrom("block" as const, "loop" as const, "if" as const, "both" as const),
      inside: fc.array(tie("tree"), { maxLength: 4 }),
    }),
  ),
})).tree;

function write(f: FunctionBuilder, each: Tree): void {
  if (each === "call") return void call(f);
  if (each.kind === "if" || each.kind === "both") f.i32(1).open("if");
  else f.open(each.kind);
  for (const [i, inside] of each.inside.entries()) {
    if (each.kind === "both" && i === 1) f.op("else");
    write(f, inside);
  }
  f.end();
}

test("every point has one way from one dispatcher, and ways go up in points and in ranks", () => {
  fc.assert(
    fc.property(fc.array(tree, { maxLength: 6 }), (code) => {
      const plan = planOf((f) => {
        for (const each of code) write(f, each);
      });
      let ways = 0;
      for (let dispatcher = 0; dispatcher < plan.dispatchers; dispatcher++) {
        const found = waysOf(plan, dispatcher);
        ways += found.length;
        for (const [i, [last, rank]] of found.entries()) {
          expect(last).toBeGreaterThan(found[i - 1]?.[0] ?? 0);
          expect(rank).toBeGreaterThan(found[i - 1]?.[1] ?? -1);
          expect(rank).toBeLessThan(plan.labels(dispatcher));
        }
      }
      expect(ways).toBe(plan.points);
      expect(waysOf(plan, 0).at(-1)?.[0] ?? 0).toBe(plan.points);
    }),
  );
});
