import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { equal, fragments, interpretFilter, shift, specificity } from "@exolith/secure-bind";
import { arbitraryFilter, arbitraryFrame, longestMatch, mustVerify } from "@exolith/secure-bind/testing";
import { answersOf } from "./agreement.ts";
import { byLength } from "./matcher.ts";
import { MATCHER, MATCHERS } from "./matchers.ts";
import { linesOf } from "./pathfinder.ts";
import { makeScene } from "./scene.ts";

/** Those which say who of two equally long ones gets the frame. */
const EXACT: readonly string[] = [MATCHER.compiled, MATCHER.interpreted, MATCHER.linear];

describe.each(MATCHERS)("$name", ({ name, make }) => {
  test("finds a longest match among arbitrary filters", () => {
    let found = 0;
    const filters = fc.array(arbitraryFilter(4, 3), { maxLength: 6 });
    fc.assert(
      fc.property(filters, fc.array(arbitraryFrame(), { maxLength: 8 }), (terms, frames) => {
        const verified = [...new Map(terms.map((each) => [JSON.stringify(each), mustVerify(each)])).values()];
        const different = verified.filter(
          (filter, i) => !verified.slice(0, i).some((other) => byText(other) === byText(filter)),
        );
        const classify = make(different);
        for (const frame of frames) {
          const expected = longestMatch(different, frame);
          const tag = classify(frame.memory, frame.at, frame.length);
          found += Number(tag >= 0);
          const chosen = different[tag];
          if (EXACT.includes(name) || expected < 0 || chosen === undefined) {
            expect(tag).toBe(expected);
            continue;
          }
          expect(interpretFilter(chosen, frame.memory, frame.at, frame.length)).toBe(true);
          expect(specificity(chosen)).toBe(specificity(different[expected] ?? chosen));
        }
      }),
      { numRuns: 1500 },
    );
    expect(found).toBeGreaterThan(500);
  });

  test.each([1, 10, 300])("answers as trying all does, over a trace for %i filters", (count) => {
    const { filters, trace } = makeScene(count, 400, 5);
    const { memory, at, length } = trace;
    const expected = Array.from(at, (from, i) =>
      longestMatch(filters, { memory, at: from, length: length[i] ?? 0 }),
    );
    expect([...answersOf(make(filters), trace)]).toEqual(expected);
    expect(expected.some((tag) => tag >= 0)).toBe(true);
  });

  test("answers nothing when there is nothing, and everything's tag when all is wanted", () => {
    const frame = new Uint8Array(60);
    expect(make([])(frame, 0, 60)).toBe(-1);
    expect(make([mustVerify([])])(frame, 0, 0)).toBe(0);
  });
});

/** What a filter means, near enough: two that are equal to a demultiplexer have the same. */
const byText = (filter: ReturnType<typeof mustVerify>): string => JSON.stringify(linesOf(filter));

test("the longest come first, and the older of two that are equally long", () => {
  const filters = [[equal(0, 1, 1)], [equal(0, 1, 1), equal(1, 1, 1)], [equal(2, 1, 1)]].map(mustVerify);
  expect(byLength(filters).map(({ tag }) => tag)).toEqual([1, 0, 2]);
});

test("lines are headers: cells in order, each once, up to what moves the base", () => {
  const filter = [equal(4, 1, 2), equal(0, 1, 1), equal(4, 1, 2), shift(0, 1, 15, 2), equal(2, 2, 80)];
  const [first, second, ...others] = linesOf(filter);
  expect(others).toEqual([]);
  expect(first?.cells.map(({ offset, value }) => [offset, value])).toEqual([
    [0, 1],
    [4, 2],
  ]);
  expect(first?.next).toMatchObject({ at: 0, by: 2 });
  expect(second).toEqual({ cells: [{ offset: 2, length: 2, mask: 0xffff, value: 80 }], next: undefined });
});

test("no cell remembers fragments", () => {
  const field = { at: 0, width: 1, mask: 1 } as const;
  expect(() => linesOf([fragments(field, field, [])])).toThrow("no cell remembers anything");
});
