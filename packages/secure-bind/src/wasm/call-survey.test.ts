import { describe, expect, test } from "vitest";
import { buildModule } from "../testing/sandbox.ts";
import { CallSurvey } from "./call-survey.ts";
import type { FunctionBuilder } from "./function-builder.ts";
import type { ModuleBuilder } from "./module-builder.ts";
import { MODULE_LIMITS } from "./module-limits.ts";
import { KINDS } from "./opcodes.ts";
import { readModule } from "./read-module.ts";
import { importKey } from "./parsed-module.ts";

const HOST = { module: "host", name: "call", parameters: ["i32"], results: [] } as const;

/** The survey of a module whose function 0 is imported; the others have no parameters. */
function surveyOf(
  write: (m: ModuleBuilder, add: (body: (f: FunctionBuilder) => void) => number) => void,
): CallSurvey {
  const bytes = buildModule((m) => {
    m.importFunction(HOST.module, HOST.name, m.type(["i32"], []));
    m.memory({ minimum: 1 });
    write(m, (body) => {
      const f = m.function([], []);
      body(f);
      return f.index;
    });
  });
  const offered = new Map([[importKey(HOST.module, HOST.name), HOST]]);
  const module = readModule(bytes, { limits: MODULE_LIMITS, offered });
  return new CallSurvey(module, KINDS, { limits: MODULE_LIMITS, forbidsVectors: false });
}

describe("a function can be suspended", () => {
  test("when it calls what is imported, turns a loop, works on ranges or grows memory; and whoever calls it", () => {
    const survey = surveyOf((_m, add) => {
      const suspending = [
        add((f) => f.i32(1).op("call", 0)),
        add((f) => f.open("loop").end()),
        add((f) => f.i32(0).i32(0).i32(0).op("memory.fill", 0)),
        add((f) => f.i32(0).op("memory.grow", 0).op("drop")),
      ];
      for (const index of suspending) add((f) => f.op("call", index));
    });
    for (let index = 0; index < 9; index++) expect(survey.suspends(index)).toBe(true);
  });

  test("when it calls itself, by whatever way", () => {
    const survey = surveyOf((_m, add) => {
      add((f) => f.op("call", 1));
      add((f) => f.op("call", 3));
      add((f) => f.op("call", 2));
    });
    expect([1, 2, 3].map((index) => survey.suspends(index))).toEqual([true, true, true]);
  });

  test("not when it ends after so many instructions; then it costs all of them, with those that it calls", () => {
    const survey = surveyOf((_m, add) => {
      add((f) => f.ops("nop", "nop"));
      add((f) => f.op("call", 1).op("call", 1));
    });
    expect([1, 2].map((index) => survey.suspends(index))).toEqual([false, false]);
    const [inner, outer] = [survey.fuel(1), survey.fuel(2)];
    expect(inner).toBeGreaterThanOrEqual(3);
    expect(outer).toBeGreaterThanOrEqual(3 + 2 * inner);
  });

  test("when together with what it calls it costs too much to wait for", () => {
    const survey = surveyOf((_m, add) => {
      let last = add((f) => f.op("nop"));
      for (let i = 0; i < 20; i++) {
        const inner = last;
        last = add((f) => f.op("call", inner).op("call", inner));
      }
    });
    expect(survey.suspends(1)).toBe(false);
    expect(survey.suspends(21)).toBe(true);
    for (let index = 1; index < 22; index++)
      if (!survey.suspends(index)) expect(survey.fuel(index)).toBeLessThan(10_000);
  });
});

describe("a call through a table", () => {
  test("may reach whatever has its type, also what is imported", () => {
    const survey = surveyOf((m, add) => {
      m.table({ minimum: 1 });
      add((f) => f.op("nop"));
      const f = m.function(["i64"], []);
      f.get(0).op("drop");
      m.elements(0, [0, 1, f.index]);
    });
    // Types in the order in which they were made: of the import, of those without parameters, of the last.
    expect([0, 1, 2].map((type) => survey.typeIsImported(type))).toEqual([true, false, false]);
    expect([0, 1, 2].map((type) => survey.typeSuspends(type))).toEqual([true, false, false]);
    expect(survey.typeFuel(1)).toBe(survey.fuel(1));
  });
});
