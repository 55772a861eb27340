import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileFilter } from "./compile.ts";
import { makeDemultiplexer } from "./demultiplexer.ts";
import { type Filter, equal, fragments, shift, skip } from "./term.ts";
import { FILTER_TERMS, KEY_FIELDS, verifyFilter } from "./verify.ts";
import { isRefusal } from "../refusal.ts";
import { arbitraryFilter } from "../testing/arbitrary.ts";

const field = { kind: "equal", at: 12, width: 2, mask: 0xffff, value: 0x800 };
const move = { kind: "shift", at: 14, width: 1, mask: 0x0f, by: 2 };

const part = { at: 6, width: 2, mask: 0x1fff };
const parts = { kind: "fragments", later: part, more: { ...part, mask: 0x2000 }, key: [part] };

const refused: readonly (readonly [string, string, unknown])[] = [
  ["BadKind", "a term that is nothing", undefined],
  ["BadKind", "a term that is a number", 3],
  ["BadKind", "a kind that does not exist", { ...field, kind: "store" }],
  ["BadOffset", "a negative offset", { ...field, at: -1 }],
  ["BadOffset", "an offset of 65536", { ...field, at: 65536 }],
  ["BadOffset", "a fractional offset", { ...field, at: 0.5 }],
  ["BadOffset", "an offset in words", { ...field, at: "12" }],
  ["BadOffset", "an offset of negative zero", { ...field, at: -0 }],
  ["BadOffset", "an offset that is not a number", { ...move, at: Number.NaN }],
  ["BadWidth", "a width of three", { ...field, width: 3 }],
  ["BadWidth", "a width of eight", { ...move, width: 8 }],
  ["BadMask", "a mask wider than its field", { ...field, mask: 0x10000 }],
  ["BadMask", "a negative mask", { ...field, width: 4, mask: -1 }],
  ["BadMask", "an absent mask", { ...move, mask: undefined }],
  ["BadValue", "a value wider than its field", { ...field, value: 0x10000 }],
  ["BadValue", "a value outside its mask", { ...field, mask: 0xff00, value: 0x0801 }],
  ["BadValue", "a negative value", { ...field, value: -1 }],
  ["BadShift", "a shift by nine", { ...move, by: 9 }],
  ["BadShift", "a negative shift", { ...move, by: -1 }],
  ["BadSkip", "a skip of 65536", { kind: "skip", bytes: 65536 }],
  ["BadSkip", "a negative skip", { kind: "skip", bytes: -14 }],
  ["BadOffset", "fragments that no field tells apart", { ...parts, later: undefined }],
  ["BadOffset", "fragments with a field that is a number", { ...parts, more: 3 }],
  ["BadWidth", "fragments with a field of three bytes", { ...parts, more: { ...part, width: 3 } }],
  ["BadMask", "fragments with a mask wider than its field", { ...parts, later: { ...part, mask: 0x10000 } }],
  ["BadOffset", "a key with a field far out", { ...parts, key: [part, { ...part, at: 65536 }] }],
  ["BadKey", "fragments without a key", { ...parts, key: undefined }],
  ["BadKey", "a key of no field", { ...parts, key: [] }],
  ["BadKey", "a key of nine fields", { ...parts, key: Array.from({ length: KEY_FIELDS + 1 }, () => part) }],
  ["BadKey", "a key that only looks like a list", { ...parts, key: { 0: part, length: 1 } }],
];

describe("verifyFilter", () => {
  test.each(refused)("says %s to %s, and where", (rule, _what, term) => {
    expect(verifyFilter([skip(1), term])).toEqual({ rule, term: 1 });
  });

  test.each([undefined, null, 7, "filter", {}, { length: 0 }])("says NotAProgram to %j", (value) => {
    expect(verifyFilter(value)).toEqual({ rule: "NotAProgram", term: -1 });
  });

  test("takes one term for fragments, and before every shift", () => {
    const term = fragments(parts.later as never, parts.more as never, [part as never]);
    expect(isRefusal(verifyFilter([skip(1), term, equal(0, 1, 1), shift(0, 1, 0x0f, 2)]))).toBe(false);
    expect(verifyFilter([term, term])).toEqual({ rule: "BadFragments", term: 1 });
    expect(verifyFilter([shift(0, 1, 0x0f, 2), skip(1), term])).toEqual({ rule: "BadFragments", term: 2 });
    const longest = { ...parts, key: Array.from({ length: KEY_FIELDS }, () => part) };
    expect(verifyFilter([longest])).toEqual([longest]);
  });

  test("takes 256 terms and refuses 257", () => {
    const longest = Array.from({ length: FILTER_TERMS }, () => skip(1));
    expect(isRefusal(verifyFilter(longest))).toBe(false);
    expect(verifyFilter([...longest, skip(1)])).toEqual({ rule: "TooLong", term: -1 });
  });

  test("takes every extreme that is allowed", () => {
    const extremes = [
      equal(65535, 4, 0xffffffff),
      equal(0, 1, 0, 0),
      shift(65535, 4, 0xffffffff, 8),
      shift(0, 2, 0, 0),
      skip(65535),
      skip(0),
    ];
    expect(verifyFilter(extremes)).toEqual(extremes);
    expect(verifyFilter([])).toEqual([]);
  });

  test("copies deeply, freezes deeply and keeps only what it knows", () => {
    fc.assert(
      fc.property(arbitraryFilter(8, 65535), (filter) => {
        const alien = filter.map((term) => ({ ...term, more: [] }));
        const copy = verifyFilter(alien) as Filter;
        for (const term of alien) Object.assign(term, { at: 1, bytes: 1, kind: "store" });
        expect(copy).toEqual(filter);
        expect(Object.isFrozen(copy) && copy.every((term) => Object.isFrozen(term))).toBe(true);
      }),
    );
  });

  test("reads each property once, so that a changing answer cannot get past the check", () => {
    const reads: PropertyKey[] = [];
    const changing = new Proxy(field, {
      get: (of, key) => {
        const first = !reads.includes(key);
        reads.push(key);
        return first ? Reflect.get(of, key) : 1e9;
      },
    });
    expect(verifyFilter([changing])).toEqual([field]);
    expect(reads.toSorted()).toEqual(["at", "kind", "mask", "value", "width"]);
  });

  test("reads each property of a fragments term once, and freezes all of it", () => {
    const reads: string[] = [];
    const counted = (name: string, of: object): object =>
      new Proxy(of, {
        get: (target, key) => {
          reads.push(`${name}.${String(key)}`);
          return Reflect.get(target, key);
        },
      });
    const key = counted("key", [counted("field", part)]);
    const alien = { kind: "fragments", later: counted("later", part), more: counted("more", part), key };
    const copy = verifyFilter([counted("term", alien)]) as Filter;
    expect(reads.length).toBe(new Set(reads).size);
    expect(copy).toEqual([{ ...parts, more: part }]);
    const [term] = copy as readonly [Extract<Filter[number], { kind: "fragments" }>];
    for (const frozen of [term, term.later, term.more, term.key, term.key[0]])
      expect(Object.isFrozen(frozen)).toBe(true);
  });

  test("never throws, whatever a getter or a proxy does", () => {
    const { proxy, revoke } = Proxy.revocable([], {});
    revoke();
    const hostile = {
      get kind(): never {
        throw new Error("hostile");
      },
    };
    expect(verifyFilter([hostile])).toEqual({ rule: "NotAProgram", term: -1 });
    expect(verifyFilter(proxy)).toEqual({ rule: "NotAProgram", term: -1 });
    const endless = new Proxy([], { get: () => Infinity });
    expect(verifyFilter(endless)).toEqual({ rule: "TooLong", term: -1 });
  });
});

test("an unverified filter does not type-check where a verified one is wanted", () => {
  const unverified: Filter = [equal(12, 2, 0x0800)];
  // @ts-expect-error a Filter is no Verified<Filter>
  expect(compileFilter(unverified)).toBeTypeOf("function");
  // @ts-expect-error a Filter is no Verified<Filter>
  expect(makeDemultiplexer().insert(unverified, 0)).toBe(0);
});
