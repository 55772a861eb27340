import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PREDICATE_TERMS, type WordPredicate, product, termCount, word } from "./term.ts";
import { verifyPredicate } from "./verify.ts";
import { isRefusal } from "../refusal.ts";
import { PREDICATE_MEMORY_BYTES, arbitraryPredicate } from "../testing/arbitrary.ts";

const BYTES = 4096;
const term = word(8, "equal", 3);

const terms: readonly (readonly [string, string, unknown])[] = [
  ["NotAProgram", "a term that is nothing", undefined],
  ["NotAProgram", "a term that is a number", 3],
  ["BadAddress", "a negative address", { ...term, address: -4 }],
  ["BadAddress", "an address of negative zero", { ...term, address: -0 }],
  ["BadAddress", "an address past the memory", { ...term, address: BYTES }],
  ["BadAddress", "an address between words", { ...term, address: 6 }],
  ["BadAddress", "a fractional address", { ...term, address: 0.5 }],
  ["BadAddress", "an address that is text", { ...term, address: "8" }],
  ["BadAddress", "an address that is not a number", { ...term, address: Number.NaN }],
  ["BadComparison", "a comparison that does not exist", { ...term, comparison: "almost" }],
  ["BadComparison", "an inherited name", { ...term, comparison: "constructor" }],
  ["BadComparison", "no comparison", { ...term, comparison: undefined }],
  ["BadValue", "a negative value", { ...term, value: -1 }],
  ["BadValue", "a value of 2^32", { ...term, value: 2 ** 32 }],
  ["BadValue", "a value that is not a number", { ...term, value: Number.NaN }],
  ["BadValue", "a big integer", { ...term, value: 1n }],
];

const products: readonly (readonly [string, string, unknown])[] = [
  ["NotAProgram", "a product that is nothing", null],
  ["NotAProgram", "a product that is text", "product"],
  ["NotAProgram", "a product without a list of terms", { tag: 1, terms: { 0: term, length: 1 } }],
  ["Empty", "a product without terms", { tag: 1, terms: [] }],
  ["BadTag", "a negative tag", { tag: -1, terms: [term] }],
  ["BadTag", "a tag of 2^32", { tag: 2 ** 32, terms: [term] }],
  ["BadTag", "a tag that is not a number", { tag: Number.NaN, terms: [term] }],
];

describe("verifyPredicate", () => {
  test.each(terms)("says %s to %s, and where", (rule, _what, bad) => {
    const predicate = [product(1, term, term), { tag: 2, terms: [term, bad] }];
    expect(verifyPredicate(predicate, BYTES)).toEqual({ rule, term: 3 });
  });

  test.each(products)("says %s to %s, and where", (rule, _what, bad) => {
    expect(verifyPredicate([product(1, term, term), bad], BYTES)).toEqual({ rule, term: 2 });
  });

  test.each([undefined, null, 7, "predicate", {}, { length: 0 }])("says NotAProgram to %j", (value) => {
    expect(verifyPredicate(value, BYTES)).toEqual({ rule: "NotAProgram", term: -1 });
  });

  test("refuses the empty sum: it would never hold", () => {
    expect(verifyPredicate([], BYTES)).toEqual({ rule: "Empty", term: -1 });
  });

  test("takes 256 terms, however they are distributed, and refuses 257", () => {
    const many = (count: number): WordPredicate[number]["terms"] => Array.from({ length: count }, () => term);
    const wide = Array.from({ length: PREDICATE_TERMS }, () => product(1, term));
    const shapes: readonly WordPredicate[] = [
      [product(1, ...many(PREDICATE_TERMS))],
      wide,
      [product(1, ...many(100)), product(2, ...many(156))],
    ];
    for (const shape of shapes) {
      expect(termCount(shape)).toBe(PREDICATE_TERMS);
      expect(isRefusal(verifyPredicate(shape, BYTES))).toBe(false);
      expect(verifyPredicate([...shape, product(9, term)], BYTES)).toEqual({ rule: "TooLong", term: -1 });
    }
    expect(verifyPredicate([product(1, ...many(257))], BYTES)).toEqual({ rule: "TooLong", term: -1 });
  });

  test("takes every extreme that is allowed", () => {
    const extremes = [
      product(0, word(0, "notEqual", 0)),
      product(0xffff_ffff, word(BYTES - 4, "less", 0xffff_ffff)),
    ];
    expect(verifyPredicate(extremes, BYTES)).toEqual(extremes);
  });

  test("copies deeply, freezes deeply and keeps only what it knows", () => {
    fc.assert(
      fc.property(arbitraryPredicate(), (predicate) => {
        const alien = structuredClone(predicate).map((one) => ({ ...one, more: [] }));
        const copy = verifyPredicate(alien, PREDICATE_MEMORY_BYTES) as WordPredicate;
        for (const one of alien) {
          for (const each of one.terms) Object.assign(each, { address: 1e9, value: 1 });
          Object.assign(one, { tag: 9 });
          (one.terms as unknown[]).push(7);
        }
        expect(copy).toEqual(predicate);
        const parts = [copy, ...copy, ...copy.flatMap((one) => [one.terms, ...one.terms])];
        expect(parts.every((part) => Object.isFrozen(part))).toBe(true);
      }),
    );
  });

  test("reads each property once, so that a changing answer cannot get past the check", () => {
    const reads: PropertyKey[] = [];
    const changing = <T extends object>(from: T): T =>
      new Proxy(from, {
        get: (of, key) => {
          reads.push(key);
          return reads.filter((read) => read === key).length === 1 ? Reflect.get(of, key) : 1e9;
        },
      });
    const alien = [changing({ tag: 4, terms: [changing(term)] })];
    expect(verifyPredicate(alien, BYTES)).toEqual([{ tag: 4, terms: [term] }]);
    expect(reads.toSorted()).toEqual(["address", "comparison", "tag", "terms", "value"]);
  });

  test("never throws, whatever a getter or a proxy does", () => {
    const { proxy, revoke } = Proxy.revocable([], {});
    revoke();
    const hostile = {
      get tag(): never {
        throw new Error("hostile");
      },
    };
    expect(verifyPredicate([hostile], BYTES)).toEqual({ rule: "NotAProgram", term: -1 });
    expect(verifyPredicate(proxy, BYTES)).toEqual({ rule: "NotAProgram", term: -1 });
    expect(verifyPredicate([{ tag: 1, terms: proxy }], BYTES)).toEqual({ rule: "NotAProgram", term: -1 });
    const endless = new Proxy([], { get: () => Infinity });
    expect(verifyPredicate(endless, BYTES)).toEqual({ rule: "TooLong", term: -1 });
  });
});
