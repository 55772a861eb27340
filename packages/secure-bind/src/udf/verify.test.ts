import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UDF_ARGUMENTS, UDF_DEPTH, UDF_LOCALS, UDF_REPEATS, UDF_STEPS, UDF_TERMS } from "./limits.ts";
import { printUdf } from "./print.ts";
import { worstSteps } from "./steps.ts";
import {
  UDF_KINDS,
  type Udf,
  type UdfExpression,
  type UdfStatement,
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
import { verifyUdf } from "./verify.ts";
import { isRefusal } from "../refusal.ts";
import type { Verified } from "../verified.ts";
import { arbitraryUdf } from "../testing/arbitrary-udf.ts";

const one: UdfExpression = { kind: "constant", value: 1 };
const at4 = load(4, 4);

/** Expressions that a program of any kind is refused for. */
const expressions: readonly (readonly [string, string, unknown])[] = [
  ["BadKind", "nothing", undefined],
  ["BadKind", "text", "local0"],
  ["BadKind", "the clock", { kind: "clock" }],
  ["BadKind", "a call", { kind: "call", name: "random" }],
  ["BadKind", "an inherited name", { kind: "toString" }],
  ["BadKind", "a statement", fault()],
  ["BadValue", "a negative constant", { kind: "constant", value: -1 }],
  ["BadValue", "a constant of negative zero", { kind: "constant", value: -0 }],
  ["BadValue", "a constant of 2^32", { kind: "constant", value: 2 ** 32 }],
  ["BadValue", "a constant that is no number", { kind: "constant", value: Number.NaN }],
  ["BadValue", "a fraction", { kind: "constant", value: 0.5 }],
  ["BadValue", "a big integer", { kind: "constant", value: 1n }],
  ["BadLocal", "a local behind the last one", local(3)],
  ["BadLocal", "a local before the first one", local(-1)],
  ["BadLocal", "a local that is text", { kind: "local", index: "0" }],
  ["BadRange", "the length of something else", { kind: "length", of: "memory" }],
  ["BadRange", "a load of something else", { ...at4, of: "memory" }],
  ["BadWidth", "a load of three bytes", { ...at4, width: 3 }],
  ["BadWidth", "a load of eight bytes", { ...at4, width: 8 }],
  ["BadOrder", "a load in no order", { ...at4, order: "middle" }],
  ["BadOrder", "a load without an order", { ...at4, order: undefined }],
  ["BadKind", "a load from nowhere", { ...at4, at: null }],
  [
    "BadOperator",
    "an operator that does not exist",
    { kind: "binary", operator: "power", left: one, right: one },
  ],
  [
    "BadOperator",
    "an inherited operator",
    { kind: "binary", operator: "constructor", left: one, right: one },
  ],
  ["BadKind", "no left operand", { kind: "binary", operator: "add", right: one }],
  ["BadKind", "no right operand", { kind: "binary", operator: "add", left: one }],
];

/** Statements that a program of any kind is refused for. */
const statements: readonly (readonly [string, string, unknown])[] = [
  ["BadKind", "nothing", null],
  ["BadKind", "text", "fault"],
  ["BadKind", "a jump", { kind: "jump", to: 0 }],
  ["BadKind", "a store", { kind: "store", at: one, value: one }],
  ["BadKind", "an expression", one],
  ["BadLocal", "a local behind the last one set", set(3, 1)],
  ["BadLocal", "a repeat that counts nowhere", repeat(3, 1, 1, [])],
  ["BadLimit", "a repeat without a limit", { ...repeat(0, 1, 1, []), limit: undefined }],
  ["BadLimit", "a repeat of no turns", repeat(0, 1, 0, [])],
  ["BadLimit", "a repeat of too many turns", repeat(0, 1, UDF_REPEATS + 1, [])],
  ["BadLimit", "a repeat for ever", repeat(0, 1, Infinity, [])],
  ["NotAProgram", "a body that is no list", { ...repeat(0, 1, 1, []), body: { length: 0 } }],
  ["NotAProgram", "a loop without a body", { kind: "while", condition: one }],
  ["NotAProgram", "an if without the other list", { kind: "if", condition: one, body: [] }],
  ["BadKind", "an if without a condition", { kind: "if", body: [], otherwise: [] }],
  ["BadKind", "a loop without a condition", { kind: "while", body: [] }],
  ["BadKind", "a repeat without a count", { ...repeat(0, 1, 1, []), count: undefined }],
];

describe("verifyUdf", () => {
  test.each(expressions)("says %s to %s, and where", (rule, _what, bad) => {
    const guilty = set(0, binary("add", 1, bad as UdfExpression));
    const body = [set(0, 1), ifElse(1, [set(1, 2)], [guilty]), answer(1)];
    for (const kind of ["acl", "size"] as const)
      expect(verifyUdf({ kind, locals: 3, body })).toEqual({ rule, term: 3 });
  });

  test.each(statements)("says %s to %s, and where", (rule, _what, bad) => {
    const body = [set(0, 1), ifElse(1, [set(1, 2)]), bad as UdfStatement];
    for (const kind of ["owns", "acl", "size"] as const)
      expect(verifyUdf({ kind, locals: 3, body })).toEqual({ rule, term: 3 });
  });

  test.each([
    ["an argument in owns", owns(0, emit(argument(0), 1, 1)), 0],
    ["an argument in size", size(0, fault(), answer(argument(0))), 1],
    ["proposed bytes in owns", owns(1, set(0, loadProposed(1, 0))), 0],
    ["proposed bytes in size", size(0, answer(loadProposed(1, 0))), 0],
    ["the length of proposed bytes in owns", owns(1, set(0, length("proposed"))), 0],
    ["an extent in acl", acl(0, emit(1, 1, 1), answer(1)), 0],
    ["an extent in size", size(0, emit(1, 1, 1), answer(1)), 0],
    ["an answer in owns", owns(0, answer(1)), 0],
  ])("forbids %s", (_what, program, term) => {
    expect(verifyUdf(program)).toEqual({ rule: "Forbidden", term });
  });

  test.each([-1, UDF_ARGUMENTS, 0.5, undefined])("says BadArgument to argument %s", (index) => {
    expect(verifyUdf(acl(0, answer(argument(index as number))))).toEqual({ rule: "BadArgument", term: 0 });
    expect(isRefusal(verifyUdf(acl(0, answer(argument(UDF_ARGUMENTS - 1)))))).toBe(false);
  });

  test.each([
    ["NotAProgram", undefined],
    ["NotAProgram", null],
    ["NotAProgram", "owns"],
    ["BadKind", {}],
    ["BadKind", { kind: "owners", locals: 0, body: [] }],
    ["BadLocal", { kind: "owns", body: [] }],
    ["BadLocal", { kind: "owns", locals: -1, body: [] }],
    ["BadLocal", { kind: "owns", locals: UDF_LOCALS + 1, body: [] }],
    ["NotAProgram", { kind: "owns", locals: 0 }],
    ["NotAProgram", { kind: "owns", locals: 0, body: "emit" }],
  ])("says %s to the whole of %j", (rule, program) => {
    expect(verifyUdf(program)).toEqual({ rule, term: -1 });
  });

  test.each([
    ["nothing", [], true],
    ["an answer on one side only", [ifElse(1, [answer(1)], [set(0, 1)])], true],
    ["an answer inside a loop", [repeat(0, 1, 1, [answer(1)]), whileLoop(1, [answer(1)])], true],
    ["answers on both sides", [ifElse(1, [answer(1)], [fault()])], false],
    ["an answer and more", [answer(1), set(0, 1)], false],
    ["a fault", [fault()], false],
  ] as const)("wants an answer, and looks at %s", (_what, body, isRefused) => {
    for (const kind of ["acl", "size"] as const) {
      const verified = verifyUdf({ kind, locals: 1, body });
      if (isRefused) expect(verified).toEqual({ rule: "NoAnswer", term: -1 });
      else expect(isRefusal(verified)).toBe(false);
    }
  });

  test("takes UDF_TERMS terms and refuses one more, however they are distributed", () => {
    const many = (count: number): UdfStatement[] => Array.from({ length: count }, () => set(0, 1));
    const full = owns(1, ...many(UDF_TERMS / 2));
    expect(isRefusal(verifyUdf(full))).toBe(false);
    expect(verifyUdf(owns(1, ...full.body, fault()))).toMatchObject({ rule: "TooLong" });
    const nested = (more: number): Udf =>
      owns(1, ifElse(1, many(UDF_TERMS / 4), many(UDF_TERMS / 4 - 1 + more)));
    expect(isRefusal(verifyUdf(nested(0)))).toBe(false);
    expect(verifyUdf(nested(1))).toMatchObject({ rule: "TooLong" });
  });

  test("takes UDF_DEPTH levels and refuses one more", () => {
    const deep = (levels: number): UdfExpression => (levels === 1 ? one : binary("add", deep(levels - 1), 1));
    expect(isRefusal(verifyUdf(owns(1, set(0, deep(UDF_DEPTH - 1)))))).toBe(false);
    expect(verifyUdf(owns(1, set(0, deep(UDF_DEPTH))))).toEqual({ rule: "TooDeep", term: 0 });
    const nest = (levels: number): UdfStatement => (levels === 1 ? fault() : ifElse(1, [nest(levels - 1)]));
    expect(isRefusal(verifyUdf(owns(1, nest(UDF_DEPTH))))).toBe(false);
    expect(verifyUdf(owns(1, nest(UDF_DEPTH + 1)))).toEqual({
      rule: "TooDeep",
      term: UDF_DEPTH - 1,
    });
  });

  test("refuses what the text bounds by more than UDF_STEPS, and takes what it bounds by as many", () => {
    // Two steps to begin with, then one for each turn.
    expect(worstSteps(owns(1, repeat(0, 1, 5, [])))).toBe(7);
    const wide = (more: number): Udf => {
      const turns = [1, 2, 3, 4].map(() => repeat(0, 1, UDF_REPEATS - 1, []));
      return owns(1, ...turns, ...Array.from({ length: more }, () => fault()));
    };
    const room = UDF_STEPS - worstSteps(wide(0));
    expect([room, worstSteps(wide(room))]).toEqual([0, UDF_STEPS]);
    expect(isRefusal(verifyUdf(wide(room)))).toBe(false);
    expect(verifyUdf(wide(room + 1))).toEqual({ rule: "TooManySteps", term: -1 });
    const tower = (levels: number): UdfStatement =>
      repeat(0, UDF_REPEATS, UDF_REPEATS, levels === 1 ? [] : [tower(levels - 1)]);
    // So many turns that no number holds them.
    for (const levels of [2, UDF_DEPTH - 1])
      expect(verifyUdf(owns(1, tower(levels)))).toEqual({ rule: "TooManySteps", term: -1 });
    // A branch costs as much as the dearer side.
    expect(worstSteps(owns(1, ifElse(1, [set(0, 1)], [fault(), fault(), fault()])))).toBe(2 + 3);
    expect(worstSteps(owns(1, whileLoop(1, [])))).toBe(Infinity);
  });

  test("takes programs of the wanted kind only, if one is wanted", () => {
    const programs = { owns: owns(0), acl: acl(0, answer(1)), size: size(0, answer(1)) };
    for (const wanted of UDF_KINDS)
      for (const program of Object.values(programs))
        expect(verifyUdf(program, wanted)).toEqual(
          program.kind === wanted ? program : { rule: "BadKind", term: -1 },
        );
    expect(verifyUdf(owns(0), undefined as never)).toEqual(owns(0));
    expect(verifyUdf(owns(0), "all" as never)).toEqual({ rule: "BadKind", term: -1 });
    const verified = verifyUdf(programs.size, "size");
    if (isRefusal(verified)) throw new Error(verified.rule);
    const sizes: Verified<Udf<"size">> = verified;
    // @ts-expect-error a size is no owns
    const owners: Verified<Udf<"owns">> = verified;
    expect(sizes).toBe(owners);
  });

  test("names the if whose second list is none, not a statement of its first", () => {
    const bad = { kind: "if", condition: one, body: [fault()], otherwise: 3 };
    expect(verifyUdf({ kind: "size", locals: 0, body: [bad] })).toEqual({ rule: "NotAProgram", term: 0 });
    expect(verifyUdf({ kind: "size", locals: 0, body: [fault(), bad] })).toEqual({
      rule: "NotAProgram",
      term: 1,
    });
  });

  test("gives loads of one byte one form, whatever their order: what is printed alike is alike", () => {
    const [little, big] = (["little", "big"] as const).map((order) =>
      verifyUdf(acl(0, answer(binary("add", load(1, 0, order), loadProposed(1, 0, order))))),
    );
    expect(little).toEqual(big);
    expect(verifyUdf(size(0, answer(load(2, 0, "little"))))).toEqual(size(0, answer(load(2, 0, "little"))));
    fc.assert(
      fc.property(arbitraryUdf(), (program) => {
        const text = JSON.stringify(program).replaceAll(
          '"width":1,"order":"big"',
          '"width":1,"order":"little"',
        );
        expect(verifyUdf(JSON.parse(text))).toEqual(program);
      }),
    );
  });

  test("takes every extreme that is allowed", () => {
    const program = acl(
      UDF_LOCALS,
      set(UDF_LOCALS - 1, 0xffff_ffff),
      repeat(0, 0, UDF_REPEATS, []),
      whileLoop(0, []),
      answer(binary("less", loadProposed(2, length("proposed"), "little"), load(1, length()))),
    );
    expect(verifyUdf(program)).toEqual(program);
    expect(verifyUdf(owns(0))).toEqual(owns(0));
  });

  test("copies deeply, freezes deeply and keeps only what it knows", () => {
    const everyPart = (part: unknown): readonly unknown[] =>
      typeof part === "object" && part !== null ? [part, ...Object.values(part).flatMap(everyPart)] : [];
    fc.assert(
      fc.property(arbitraryUdf(), (program) => {
        const alien = structuredClone(program);
        for (const part of everyPart(alien)) Object.assign(part as object, { more: 1 });
        const copy = verifyUdf(alien) as Udf;
        for (const part of everyPart(alien))
          Object.assign(part as object, { kind: "gone", body: 0, length: 0 });
        expect(copy).toEqual(program);
        expect(everyPart(copy).every((part) => Object.isFrozen(part))).toBe(true);
        expect(printUdf(copy)).toBe(printUdf(program));
      }),
    );
  });
});

describe("hostile programs", () => {
  test("each property is read once, so that a changing answer cannot get past the check", () => {
    const reads = new Map<object, PropertyKey[]>();
    const changing = (from: unknown): unknown => {
      if (typeof from !== "object" || from === null) return from;
      const seen: PropertyKey[] = [];
      const parts = Array.isArray(from)
        ? from.map(changing)
        : Object.fromEntries(Object.entries(from).map(([key, value]) => [key, changing(value)]));
      reads.set(parts, seen);
      return new Proxy(parts, {
        get: (of, key) => {
          seen.push(key);
          return seen.filter((read) => read === key).length === 1 ? Reflect.get(of, key) : "clock";
        },
      });
    };
    const program = acl(
      2,
      ifElse(binary("less", load(4, 1), length()), [set(1, argument(1))], [fault()]),
      repeat(0, local(1), 3, [whileLoop(0, [])]),
      answer(1),
    );
    expect(verifyUdf(changing(program))).toEqual(program);
    const twice = [...reads.values()].filter((seen) => new Set(seen).size !== seen.length);
    // `kind` says which reader it is for: it is read once like everything else.
    expect(twice).toEqual([]);
    expect(reads.size).toBeGreaterThan(15);
  });

  test("what is part of itself comes to an end", () => {
    const loop = { kind: "binary", operator: "add", left: one, right: undefined as unknown };
    loop.right = loop;
    expect(verifyUdf(owns(1, set(0, loop as UdfExpression)))).toEqual({ rule: "TooDeep", term: 0 });
    const wide = { kind: "binary", operator: "add", left: undefined as unknown, right: undefined as unknown };
    wide.left = wide;
    wide.right = wide;
    expect(verifyUdf(owns(1, set(0, wide as UdfExpression)))).toEqual({ rule: "TooDeep", term: 0 });
    const body: UdfStatement[] = [];
    body.push(whileLoop(1, body));
    expect(verifyUdf({ kind: "owns", locals: 0, body })).toMatchObject({ rule: "TooDeep" });
  });

  test("what is shared again and again counts again and again", () => {
    let shared: UdfExpression = one;
    for (let i = 0; i < 40; i++) shared = binary("add", shared, shared);
    expect(verifyUdf(owns(1, set(0, shared)))).toEqual({ rule: "TooLong", term: 0 });
  });

  test("never throws, whatever a getter or a proxy does", () => {
    const { proxy, revoke } = Proxy.revocable([], {});
    revoke();
    const hostile = {
      get kind(): never {
        throw new Error("hostile");
      },
    };
    const endless = new Proxy([], { get: () => Infinity });
    const huge = new Proxy([], { get: (_of, key) => (key === "length" ? 2 ** 31 : fault()) });
    const refusal = { rule: "NotAProgram", term: -1 };
    for (const bad of [hostile, proxy, owns(0, hostile as never), owns(1, set(0, hostile as never))])
      expect(verifyUdf(bad)).toMatchObject({ rule: expect.stringMatching(/NotAProgram|BadKind/) });
    expect(verifyUdf(hostile)).toEqual(refusal);
    expect(verifyUdf({ kind: "owns", locals: 0, body: proxy })).toEqual(refusal);
    for (const body of [endless, huge])
      expect(verifyUdf({ kind: "owns", locals: 0, body })).toEqual({ rule: "TooLong", term: -1 });
  });
});
