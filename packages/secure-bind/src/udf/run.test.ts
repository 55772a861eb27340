/** What programs mean: interpreted and compiled, side by side. */
import { describe, expect, test } from "vitest";
import { compileUdf } from "./compile.ts";
import { makeExtentList } from "./extents.ts";
import { interpretUdf, makeUdfInterpreter } from "./interpret.ts";
import { UDF_STEPS } from "./limits.ts";
import {
  type UdfProgram,
  type UdfRun,
  UDF_FAULTS,
  checkRun,
  isUdfFault,
  makeUdfRun,
  udfFault,
} from "./run.ts";
import {
  UDF_OPERATORS,
  type Udf,
  type UdfOperator,
  acl,
  answer,
  argument,
  binary,
  emit,
  fault,
  ifElse,
  length,
  load,
  loadProposed,
  local,
  owns,
  repeat,
  set,
  size,
  whileLoop,
} from "./term.ts";
import type { UdfInput } from "../testing/arbitrary-udf.ts";
import { type UdfResult, compiledOver, inputOf, interpretOver, mustVerifyUdf } from "../testing/udf-runs.ts";

/** Runs `program` in both ways, which must agree. */
function both(program: Udf, block: ArrayLike<number> = [], more: Partial<UdfInput> = {}): UdfResult {
  const verified = mustVerifyUdf(program);
  const input = inputOf(block, more);
  const result = interpretOver(verified, input);
  expect(compiledOver(verified)(input)).toEqual(result);
  return result;
}

const EDGES = [0, 1, 2, 7, 31, 32, 33, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff];
const wrap = (value: bigint): bigint => BigInt.asUintN(32, value);
const truth = (value: boolean): bigint => (value ? 1n : 0n);

/** What the operators mean, said once more: in numbers without end. */
const MEANING: { readonly [O in UdfOperator]: (a: bigint, b: bigint) => bigint | "DivideByZero" } = {
  add: (a, b) => wrap(a + b),
  subtract: (a, b) => wrap(a - b),
  multiply: (a, b) => wrap(a * b),
  divide: (a, b) => (b === 0n ? "DivideByZero" : a / b),
  remainder: (a, b) => (b === 0n ? "DivideByZero" : a % b),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  shiftLeft: (a, b) => wrap(a << (b % 32n)),
  shiftRight: (a, b) => a >> (b % 32n),
  equal: (a, b) => truth(a === b),
  notEqual: (a, b) => truth(a !== b),
  less: (a, b) => truth(a < b),
  lessOrEqual: (a, b) => truth(a <= b),
  greater: (a, b) => truth(a > b),
  greaterOrEqual: (a, b) => truth(a >= b),
};

test.each(UDF_OPERATORS)("%s is unsigned, and wraps, at every edge", (operator) => {
  const program = mustVerifyUdf(size(0, answer(binary(operator, load(4, 0), load(4, 4)))));
  const compiled = compiledOver(program);
  for (const left of EDGES)
    for (const right of EDGES) {
      const view = new DataView(new ArrayBuffer(8));
      view.setUint32(0, left);
      view.setUint32(4, right);
      const input = inputOf(new Uint8Array(view.buffer));
      const meant = MEANING[operator](BigInt(left), BigInt(right));
      const expected = [left, right, typeof meant === "string" ? meant : Number(meant)];
      expect([left, right, interpretOver(program, input).outcome]).toEqual(expected);
      expect([left, right, compiled(input).outcome]).toEqual(expected);
    }
});

describe("loads", () => {
  const bytes = [0x91, 0xa2, 0xb3, 0xc4, 0xd5];

  test.each([
    [1, "big", 0, 0x91],
    [1, "little", 4, 0xd5],
    [2, "big", 0, 0x91a2],
    [2, "little", 3, 0xd5c4],
    [4, "big", 1, 0xa2b3_c4d5],
    [4, "little", 0, 0xc4b3_a291],
  ] as const)("%i bytes, %s end first, at %i", (width, order, at, value) => {
    expect(both(size(0, answer(load(width, at, order))), bytes).outcome).toBe(value);
    const program = acl(0, answer(binary("equal", loadProposed(width, at, order), value)));
    const memory = Uint8Array.of(0, 0, 0, 0, 0, ...bytes);
    const proposed = { memory, length: 0, proposedAt: 5, proposedLength: 5 };
    expect(both(program, [], proposed).outcome).toBe(1);
  });

  test("see no byte outside their range, however far away they are told to look", () => {
    for (const width of [1, 2, 4] as const)
      for (let count = 0; count <= 6; count++)
        for (const at of [0, 1, 2, 3, 4, 5, 6, 7, 0x7fff_ffff, 0xffff_fffc, 0xffff_ffff]) {
          const memory = Uint8Array.from({ length: 16 }, () => 7);
          const place = { memory, at: 5, length: count, proposedAt: 5, proposedLength: count };
          const isInside = at + width <= count;
          const expected = isInside ? 1 : "OutOfBounds";
          const wanted = width === 1 ? 7 : width === 2 ? 0x0707 : 0x0707_0707;
          for (const make of [load, loadProposed])
            expect([
              width,
              count,
              at,
              both(acl(0, answer(binary("equal", make(width, at), wanted))), [], place).outcome,
            ]).toEqual([width, count, at, expected]);
        }
  });

  test("lengths are those of the ranges", () => {
    const memory = new Uint8Array(32);
    const place = { memory, at: 3, length: 11, proposedAt: 20, proposedLength: 12 };
    expect(both(size(0, answer(length())), [], place).outcome).toBe(11);
    expect(both(acl(0, answer(binary("equal", length("proposed"), 12))), [], place).outcome).toBe(1);
  });
});

describe("statements", () => {
  test("locals start as 0 in every run, and hold what they were given", () => {
    const program = mustVerifyUdf(
      size(2, set(0, binary("add", local(0), 5)), answer(binary("add", local(0), local(1)))),
    );
    const compiled = compiledOver(program);
    for (let i = 0; i < 3; i++) {
      expect(compiled(inputOf([])).outcome).toBe(5);
      expect(interpretOver(program, inputOf([])).outcome).toBe(5);
    }
  });

  test("arguments are the caller's words", () => {
    const words = [1, 2, 3, 4, 5, 6, 7, 0xffff_ffff];
    for (const [i, word] of words.entries())
      expect(both(acl(0, answer(binary("equal", argument(i), word))), [], { arguments: words }).outcome).toBe(
        1,
      );
  });

  test.each([
    [0, 9],
    [1, 5],
    [0x8000_0000, 5],
  ])("a condition of %i chooses", (value, expected) => {
    expect(both(size(0, ifElse(value, [answer(5)], [answer(9)]))).outcome).toBe(expected);
    expect(both(size(1, ifElse(value, [set(0, 5)]), answer(local(0)))).outcome).toBe(expected === 5 ? 5 : 0);
  });

  test.each([
    [0, 3, 0],
    [2, 3, 2],
    [3, 3, 3],
    [4, 3, 3],
    [0xffff_ffff, 3, 3],
  ])("a repeat of %i, at most %i times, makes %i turns", (count, limit, turns) => {
    const program = size(2, repeat(0, count, limit, [set(1, binary("add", local(1), 1))]), answer(local(1)));
    expect(both(program).outcome).toBe(turns);
  });

  test("a repeat counts its turns, evaluates its count once, and is not led astray by its body", () => {
    const digits = set(1, binary("add", binary("multiply", local(1), 10), local(0)));
    const mischief = [digits, set(0, 77), set(2, 0)];
    const program = size(3, set(2, 4), repeat(0, local(2), 9, mischief), answer(local(1)));
    expect(both(program).outcome).toBe(123);
    const inner = repeat(0, 3, 3, [set(2, binary("add", local(2), 1))]);
    expect(both(size(3, repeat(0, 4, 4, [inner, inner]), answer(local(2)))).outcome).toBe(24);
    expect(both(size(1, repeat(0, 3, 3, []), answer(local(0)))).outcome).toBe(2);
  });

  test("a while tests before each turn", () => {
    const grow = set(0, binary("add", local(0), 3));
    expect(both(size(1, whileLoop(binary("less", local(0), 10), [grow]), answer(local(0)))).outcome).toBe(12);
    expect(both(size(1, whileLoop(0, [grow]), answer(local(0)))).outcome).toBe(0);
  });

  test("an answer ends everything, from however deep inside", () => {
    const inside = repeat(0, 9, 9, [whileLoop(1, [ifElse(binary("equal", local(0), 0), [answer(8)])])]);
    expect(both(size(1, inside, fault(), answer(1))).outcome).toBe(8);
    expect(both(size(0, answer(0xffff_ffff))).outcome).toBe(0xffff_ffff);
  });

  test("an extent of no blocks is none, whatever its start, its type and the room there is", () => {
    const none = owns(1, emit(7, 1, 1), emit(0xffff_ffff, local(0), 0xffff_ffff), emit(0, 0, 0));
    expect(both(none, [], { room: 1 })).toMatchObject({
      outcome: 1,
      extents: [{ start: 7, count: 1, type: 1 }],
    });
    // All three words are evaluated, in their order, also then.
    expect(both(owns(0, emit(1, 0, load(1, 0)))).outcome).toBe("OutOfBounds");
    expect(both(owns(0, emit(load(1, 0), binary("divide", 0, 0), 1))).outcome).toBe("OutOfBounds");
    expect(both(owns(0, emit(1, binary("divide", 0, 0), load(1, 0)))).outcome).toBe("DivideByZero");
    const inLoops = owns(
      2,
      repeat(0, 4, 4, [repeat(1, 2, 2, [emit(local(0), binary("and", local(0), 1), 5)])]),
    );
    expect(both(inLoops).extents.map(({ start }) => start)).toEqual([1, 1, 3, 3]);
  });

  test("extents come out as they were emitted; those of no blocks do not", () => {
    const program = owns(0, emit(9, 2, 7), emit(1, 1, 0xffff_ffff), emit(0xffff_ffff, 0, 3), emit(9, 2, 7));
    const { outcome, extents } = both(program);
    expect(outcome).toBe(3);
    expect(extents).toEqual([
      { start: 9, count: 2, type: 7 },
      { start: 1, count: 1, type: 0xffff_ffff },
      { start: 9, count: 2, type: 7 },
    ]);
    expect(both(owns(0, emit(0, 0xffff_ffff, 1), emit(0xffff_fffe, 1, 1))).outcome).toBe(2);
  });
});

describe("faults", () => {
  const seven = emit(7, 1, 1);

  test.each([
    ["OutOfBounds", owns(1, seven, set(0, load(2, 3)))],
    ["OutOfBounds", owns(0, seven, emit(1, load(1, 4), 1))],
    ["OutOfBounds", owns(0, seven, ifElse(load(4, 1), []))],
    ["OutOfBounds", owns(1, seven, repeat(0, load(4, 1), 2, []))],
    ["OutOfBounds", owns(0, seven, whileLoop(load(4, 1), []))],
    ["OutOfBounds", owns(1, seven, set(0, load(1, load(1, 9))))],
    ["DivideByZero", owns(1, seven, set(0, binary("divide", 1, local(0))))],
    ["DivideByZero", owns(1, seven, set(0, binary("remainder", 1, local(0))))],
    ["OutOfSteps", owns(0, seven, whileLoop(1, []))],
    ["OutOfSteps", owns(1, seven, whileLoop(1, [repeat(0, 9, 9, [set(0, 1)])]))],
    ["Raised", owns(0, seven, fault(), seven)],
    ["BadExtent", owns(0, seven, emit(0xffff_ffff, 1, 1))],
    ["BadExtent", owns(0, seven, emit(1, 0xffff_ffff, 1))],
    ["BadExtent", owns(0, seven, emit(0xffff_ffff, 0xffff_ffff, 1))],
    ["TooManyExtents", owns(1, repeat(0, 9, 9, [seven]))],
  ] as const)("%s, and nothing of the run is left", (reason, program) => {
    const result = both(program, [1, 2, 3, 4], { room: 4, stepLimit: 40 });
    expect(result.outcome).toBe(reason);
    expect(result.extents).toEqual([]);
    expect(result.words.every((word) => word === 0)).toBe(true);
  });

  test.each([2, 0x8000_0000, 0xffff_ffff])("an acl that says %i says nothing", (value) => {
    expect(both(acl(0, answer(value))).outcome).toBe("BadAnswer");
    expect(both(size(0, answer(value))).outcome).toBe(value);
  });

  test("the first of several is the one", () => {
    const zero = binary("divide", 1, 0);
    expect(both(size(0, answer(binary("add", zero, load(1, 0))))).outcome).toBe("DivideByZero");
    expect(both(size(0, answer(binary("add", load(1, 0), zero)))).outcome).toBe("OutOfBounds");
    expect(both(acl(0, answer(binary("divide", load(1, 0), 0)))).outcome).toBe("OutOfBounds");
    expect(both(owns(0, emit(load(1, 0), zero, 1))).outcome).toBe("OutOfBounds");
  });

  test("a fault is one value for each reason, and frozen", () => {
    const memory = new Uint8Array(0);
    const outcome = interpretUdf(size(0, fault()), memory, makeUdfRun());
    expect(isUdfFault(outcome)).toBe(true);
    expect(outcome).toBe(udfFault("Raised"));
    expect(Object.isFrozen(outcome)).toBe(true);
    expect(UDF_FAULTS.map((reason) => udfFault(reason).reason)).toEqual(UDF_FAULTS);
    expect(() => udfFault("Other" as "Raised")).toThrow(RangeError);
  });
});

describe("steps", () => {
  test.each([
    ["a list is paid for when it is entered, also behind its end", size(0, answer(1), answer(2)), 4],
    ["a term is a step", size(0, answer(binary("add", load(1, 0), length()))), 5],
    ["only the chosen list is paid for", size(1, ifElse(1, [set(0, 1)], [fault()]), answer(1)), 2 + 2 + 2],
    [
      "a turn of a repeat is one more than its body",
      size(1, repeat(0, 3, 9, [set(0, 1)]), answer(1)),
      4 + 3 * 3,
    ],
    [
      "a turn of a while pays for the next test",
      size(1, whileLoop(binary("less", local(0), 2), [set(0, binary("add", local(0), 1))]), answer(1)),
      6 + 2 * (1 + 4 + 3),
    ],
    ["an extent is a step and its terms", owns(0, emit(1, 2, binary("add", 3, 4))), 1 + 5],
  ])("%s", (_what, program, steps) => {
    expect(both(program, [1]).steps).toBe(steps);
    expect(both(program, [1], { stepLimit: steps }).outcome).not.toBe("OutOfSteps");
    expect(both(program, [1], { stepLimit: steps - 1 }).outcome).toBe("OutOfSteps");
  });

  test("what does not fit is not paid", () => {
    const program = owns(1, set(0, 1), ifElse(1, [set(0, 1), set(0, 1)]));
    expect(both(program, [], { stepLimit: 7 })).toMatchObject({ outcome: "OutOfSteps", steps: 4 });
    expect(both(program, [], { stepLimit: 0 })).toMatchObject({ outcome: "OutOfSteps", steps: 0 });
    expect(both(owns(0), [], { stepLimit: 0 })).toMatchObject({ outcome: 0, steps: 0 });
  });

  test("nothing runs for longer than UDF_STEPS", () => {
    const { outcome, steps } = both(owns(0, whileLoop(1, [])));
    expect(outcome).toBe("OutOfSteps");
    expect(steps).toBe(UDF_STEPS);
  });
});

describe("whoever runs programs", () => {
  const program = mustVerifyUdf(size(0, answer(load(1, 0))));

  test.each([
    { at: -1 },
    { at: 0.5 },
    { at: Number.NaN },
    { length: 0.5 },
    { proposedAt: 0.5 },
    { proposedAt: Number.NaN },
    { proposedLength: -5 },
    { proposedLength: 0.5 },
    { proposedLength: Number.NaN },
    { stepLimit: 0.5 },
    { length: -1 },
    { at: 65_536 },
    { at: 65_530, length: 7 },
    { length: 2 ** 32 },
    { proposedAt: -1 },
    { proposedLength: 65_537 },
    { proposedAt: 65_536, proposedLength: 1 },
    { stepLimit: -1 },
    { stepLimit: UDF_STEPS + 1 },
    { stepLimit: Number.NaN },
  ])("is told of a mistake like %j", (mistake: Partial<UdfRun>) => {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const run = Object.assign(makeUdfRun(), { length: 1 }, mistake);
    expect(() => interpretUdf(program, new Uint8Array(memory.buffer), run)).toThrow(RangeError);
    expect(() => compileUdf(program).over(memory)(run)).toThrow(RangeError);
  });

  test("finds nothing of the run before in the record after a mistake", () => {
    const owner = mustVerifyUdf(owns(0, emit(7, 1, 1)));
    const memory = new WebAssembly.Memory({ initial: 1 });
    for (const over of [
      makeUdfInterpreter(owner, new Uint8Array(memory.buffer)),
      compileUdf(owner).over(memory),
    ]) {
      const run = makeUdfRun(makeExtentList(2));
      expect(over(run)).toBe(1);
      run.at = -1;
      expect(() => over(run)).toThrow(RangeError);
      expect([run.steps, run.extents.count, ...run.extents.words]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    }
  });

  test("may have a shared memory, and one of its own beside it", () => {
    const shared = new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true });
    const memory = new WebAssembly.Memory({ initial: 1 });
    const compiled = compileUdf(program);
    const [overShared, overOwn, again] = [shared, memory, shared].map((each) => compiled.over(each));
    new Uint8Array(shared.buffer)[9] = 5;
    new Uint8Array(memory.buffer)[9] = 6;
    const run = Object.assign(makeUdfRun(), { at: 9, length: 1 });
    expect([overShared?.(run), overOwn?.(run), again?.(run)]).toEqual([5, 6, 5]);
    shared.grow(1);
    new Uint8Array(shared.buffer)[70_000] = 7;
    run.at = 70_000;
    expect(overShared?.(run)).toBe(7);
    // @ts-expect-error bytes are no memory
    expect(() => compiled.over(new Uint8Array(16))).toThrow(WebAssembly.LinkError);
  });

  test("is told of a block of 2^32 bytes, which no word is the length of, in both ways", () => {
    const huge = { length: 2 ** 32, buffer: { byteLength: 2 ** 32 } };
    const run = Object.assign(makeUdfRun(), { length: 2 ** 32 });
    expect(() => checkRun(run, huge.length)).toThrow("a block outside memory");
    Object.assign(run, { length: 0xffff_ffff, at: 1, proposedLength: 2 ** 32 });
    expect(() => checkRun(run, huge.length)).toThrow("proposed bytes outside memory");
    expect(() => checkRun(Object.assign(run, { proposedLength: 0 }), huge.length)).not.toThrow();
  });

  test("may say words as signed numbers, in both ways", () => {
    const asked = mustVerifyUdf(acl(0, answer(binary("equal", argument(0), 0xffff_ffff))));
    const memory = new WebAssembly.Memory({ initial: 1 });
    const run = { ...makeUdfRun(), arguments: [-1] as unknown as Uint32Array };
    expect(interpretUdf(asked, new Uint8Array(memory.buffer), run)).toBe(1);
    expect(compileUdf(asked).over(memory)(run)).toBe(1);
  });

  test("has programs by their kind", () => {
    const bytes = new Uint8Array(4);
    const interpreter = makeUdfInterpreter(program, bytes);
    expect([interpreter.kind, compileUdf(program).over(new WebAssembly.Memory({ initial: 1 })).kind]).toEqual(
      ["size", "size"],
    );
    expect(Object.isFrozen(interpreter)).toBe(true);
    const sizes: UdfProgram<"size"> = interpreter;
    // @ts-expect-error a size is no owns
    const owners: UdfProgram<"owns"> = interpreter;
    expect(sizes).toBe(owners);
  });

  test("may have a memory that grows, several memories, and blocks anywhere in them", () => {
    const small = new WebAssembly.Memory({ initial: 1 });
    const other = new WebAssembly.Memory({ initial: 3, maximum: 4 });
    const compiled = compileUdf(program);
    expect(compiled.kind).toBe("size");
    const overSmall = compiled.over(small);
    const overOther = compiled.over(other);
    const run = Object.assign(makeUdfRun(), { at: 70_000, length: 1 });
    expect(() => overSmall(run)).toThrow(RangeError);
    small.grow(1);
    new Uint8Array(small.buffer)[70_000] = 5;
    new Uint8Array(other.buffer)[70_000] = 6;
    expect([overSmall(run), overOther(run)]).toEqual([5, 6]);
    Object.assign(run, { at: 3 * 65_536 - 1 });
    expect(overOther(run)).toBe(0);
  });

  test("uses one record again and again, and finds nothing of the run before in it", () => {
    const owner = mustVerifyUdf(
      owns(1, repeat(0, load(1, 0), 9, [emit(local(0), 1, 2)]), set(0, load(1, 1))),
    );
    const memory = new WebAssembly.Memory({ initial: 1 });
    const compiled = compileUdf(owner).over(memory);
    const run = Object.assign(makeUdfRun(makeExtentList(9)), { length: 2 });
    const block = new Uint8Array(memory.buffer);
    for (const [count, bytes, outcome] of [
      [3, 2, 3],
      [9, 1, udfFault("OutOfBounds")],
      [0, 2, 0],
      [2, 2, 2],
    ] as const) {
      block[0] = count;
      run.length = bytes;
      expect(compiled(run)).toBe(outcome);
      expect(run.extents.count).toBe(typeof outcome === "number" ? outcome : 0);
    }
  });

  test("does not get an unverified program compiled", () => {
    const unverified: Udf = size(0, answer(1));
    // @ts-expect-error a Udf is no Verified<Udf>
    expect(compileUdf(unverified).kind).toBe("size");
  });

  test("does not get a changed copy of a verified program compiled", () => {
    const two = mustVerifyUdf(size(2, set(1, 7), answer(local(1))));
    const fewer = { ...two, locals: 1 };
    // @ts-expect-error a copy by spreading is no Verified<Udf>
    expect(() => compileUdf(fewer)).toThrow(RangeError);
    const other = { ...two, body: [answer(1)] };
    // @ts-expect-error nor with another body
    expect(compileUdf(other).kind).toBe("size");
  });
});
