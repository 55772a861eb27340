import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileFilter } from "./compile.ts";
import { makeDemultiplexer } from "./demultiplexer.ts";
import { interpretFilter } from "./interpret.ts";
import { type Filter, equal, fragments, shift } from "./term.ts";
import { arbitraryFilter, arbitraryFragmentFilter, arbitraryFrame } from "../testing/arbitrary.ts";
import { mustVerify } from "../testing/verify.ts";

describe("compileFilter", () => {
  test("decides as interpretFilter does, and as a demultiplexer with the one filter", () => {
    let accepted = 0;
    let refused = 0;
    fc.assert(
      fc.property(
        arbitraryFilter(),
        fc.array(arbitraryFrame(), { minLength: 1, maxLength: 8 }),
        (terms, frames) => {
          const filter = mustVerify(terms);
          const compiled = compileFilter(filter);
          const demultiplexer = makeDemultiplexer();
          demultiplexer.insert(filter, 7);
          for (const { memory, at, length } of frames) {
            const expected = interpretFilter(filter, memory, at, length);
            expect(compiled(memory, at, length)).toBe(expected);
            expect(demultiplexer.classify(memory, at, length)).toBe(expected ? 7 : -1);
            if (expected) accepted++;
            else refused++;
          }
        },
      ),
      { numRuns: 4000 },
    );
    expect(accepted).toBeGreaterThan(1000);
    expect(refused).toBeGreaterThan(1000);
  });

  test("decides as interpretFilter does at the far ends of every operand", () => {
    const wild = fc.array(fc.uint8Array({ minLength: 16, maxLength: 16 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(arbitraryFilter(4, 65535), wild, fc.nat(8), (terms, frames, by) => {
        const filter: Filter = [shift(0, 4, 0xffffffff, by), ...terms];
        const compiled = compileFilter(mustVerify(filter));
        for (const memory of frames)
          expect(compiled(memory, 0, 16)).toBe(interpretFilter(filter, memory, 0, 16));
      }),
      { numRuns: 500 },
    );
  });

  test("knows later fragments as interpretFilter does", () => {
    let later = 0;
    const frames = fc.array(arbitraryFrame(), { minLength: 4, maxLength: 12 });
    fc.assert(
      fc.property(arbitraryFragmentFilter(), frames, (terms, tries) => {
        const filter = mustVerify(terms);
        const compiled = compileFilter(filter);
        const seen = new Set<string>();
        for (const { memory, at, length } of tries) {
          const expected = interpretFilter(filter, memory, at, length, seen);
          expect(compiled(memory, at, length)).toBe(expected);
          if (expected && !interpretFilter(filter, memory, at, length)) later++;
        }
      }),
      { numRuns: 3000 },
    );
    expect(later).toBeGreaterThan(200);
  });

  test("remembers a bounded number of keys, the latest of them, and each filter its own", () => {
    const parts = fragments({ at: 0, width: 1, mask: 1 }, { at: 0, width: 1, mask: 2 }, [
      { at: 1, width: 4, mask: 0xffffffff },
    ]);
    const compiled = compileFilter(mustVerify([parts]));
    const other = compileFilter(mustVerify([parts]));
    const frame = new DataView(new ArrayBuffer(5));
    const memory = new Uint8Array(frame.buffer);
    const at = (first: number, key: number): boolean => {
      frame.setUint8(0, first);
      frame.setUint32(1, key);
      return compiled(memory, 0, 5);
    };
    for (let key = 0; key < 5000; key++) expect(at(2, key)).toBe(true);
    expect(at(1, 4999)).toBe(true);
    expect(other(memory, 0, 5)).toBe(false);
    const known = Array.from({ length: 5000 }, (_, key) => key).filter((key) => at(1, key));
    expect(known.length).toBeLessThanOrEqual(128);
    expect(known.length).toBeGreaterThan(64);
    expect(Math.min(...known)).toBeGreaterThan(3000);
  });

  test("looks at no byte outside the frame", () => {
    const compiled = compileFilter(mustVerify([equal(0, 1, 1), equal(1, 1, 2)]));
    const memory = Uint8Array.of(9, 1, 2, 9);
    expect(compiled(memory, 1, 2)).toBe(true);
    expect(compiled(memory, 1, 1)).toBe(false);
    expect(compiled(memory, 1, 0)).toBe(false);
  });

  test("does not follow the filter that it was made of", () => {
    const terms = [equal(0, 1, 1)];
    const compiled = compileFilter(mustVerify(terms));
    terms.push(equal(1, 1, 9));
    expect(compiled(Uint8Array.of(1, 2), 0, 2)).toBe(true);
  });
});
