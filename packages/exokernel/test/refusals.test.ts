/** Every refusal that a row of the call table names is provoked, exactly it, and changes nothing. */
import { describe, expect, test } from "vitest";
import { CALLS, ERROR_CODES, type ErrorName, type GateCalls } from "../src/abi/index.ts";
import { outcome, tableState } from "../src/testing/index.ts";
import { SCENARIOS } from "./refusal-scenarios.ts";
import { makeStage, type Scenario } from "./refusal-stage.ts";

const NAMES = Object.keys(CALLS) as (keyof GateCalls)[];
const refusalsOf = (name: keyof GateCalls): ErrorName[] => [...CALLS[name].fails];
const scenarioOf = (name: keyof GateCalls, refusal: ErrorName): Scenario | undefined =>
  (SCENARIOS[name] as { readonly [N in ErrorName]?: Scenario })[refusal];

test("every call has a scenario for each of its refusals, and for no other", () => {
  for (const name of NAMES)
    expect([name, Object.keys(SCENARIOS[name]).toSorted()]).toEqual([name, refusalsOf(name).toSorted()]);
});

test("every refusal that there is a name for is some call's", () => {
  const used = new Set(NAMES.flatMap(refusalsOf));
  expect((Object.keys(ERROR_CODES) as ErrorName[]).filter((name) => !used.has(name))).toEqual([]);
});

describe.each(NAMES.filter((name) => refusalsOf(name).length > 0))("%s", (name) => {
  test.each(refusalsOf(name))("is refused with %s, and nothing changes", (refusal) => {
    const stage = makeStage();
    const act = scenarioOf(name, refusal)?.(stage);
    const before = tableState(stage.root);
    const mine = tableState(stage.alice);
    expect(outcome(act?.())).toBe(refusal);
    expect(tableState(stage.root)).toBe(before);
    expect(tableState(stage.alice)).toBe(mine);
  });
});
