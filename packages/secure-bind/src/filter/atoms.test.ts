import * as fc from "fast-check";
import { expect, test } from "vitest";
import { atomsOf } from "./atoms.ts";
import { type Filter, equal, fragments, shift, skip } from "./term.ts";
import { arbitraryFilter } from "../testing/arbitrary.ts";
import { mustVerify } from "../testing/verify.ts";

const atoms = (filter: Filter) => atomsOf(mustVerify(filter));

test("spelling does not matter: skips, order and repetition", () => {
  const plain = atoms([equal(12, 2, 0x0800), equal(23, 1, 6)]);
  expect(atoms([equal(23, 1, 6), equal(12, 2, 0x0800)])).toEqual(plain);
  expect(atoms([skip(10), equal(2, 2, 0x0800), skip(3), equal(10, 1, 6), skip(9)])).toEqual(plain);
  expect(atoms([equal(12, 2, 0x0800), equal(23, 1, 6), equal(12, 2, 0x0800)])).toEqual(plain);
});

test("a shift keeps what is before it before it", () => {
  const header = shift(14, 1, 0x0f, 2);
  const filter = atoms([equal(30, 4, 1), skip(4), header, equal(12, 2, 80), equal(10, 2, 81)]);
  expect(filter.map(({ shifts, at }) => [shifts, at])).toEqual([
    [false, 30],
    [true, 18],
    [false, 14],
    [false, 16],
  ]);
});

test("masks and values become signed, so that they are small integers", () => {
  expect(atoms([equal(0, 4, 0xc0a80001)])).toEqual([
    { shifts: false, at: 0, width: 4, mask: -1, operand: 0xc0a80001 - 2 ** 32 },
  ]);
});

test("a filter never has more atoms than terms", () => {
  fc.assert(fc.property(arbitraryFilter(12), (filter) => atoms(filter).length <= filter.length));
});

const byte = (at: number) => ({ at, width: 1 as const, mask: 0xff });

test("fragments keep what is before them before them, and nothing is asked twice", () => {
  const parts = fragments(byte(6), byte(7), [byte(9), byte(8), byte(9)]);
  const filter = atoms([
    equal(3, 1, 1),
    skip(2),
    parts,
    equal(1, 1, 1),
    equal(0, 1, 5),
    shift(0, 1, 1, 1),
    equal(3, 1, 1),
  ]);
  expect(filter.map(({ at, shifts }) => [at, shifts])).toEqual([
    [3, false],
    [8, false],
    [2, false],
    [2, true],
    [5, false],
  ]);
  expect(filter[1]?.fragments).toEqual({ later: byte(8), more: byte(9), key: [byte(10), byte(11)] });
});
