import { describe, expect, test } from "vitest";
import { interpretFilter } from "./interpret.ts";
import { type Filter, equal, fragments, shift, skip } from "./term.ts";

const memory = Uint8Array.of(0xee, 0x01, 0x02, 0x83, 0x04, 0xff, 0xee);
const accepts = (filter: Filter): boolean => interpretFilter(filter, memory, 1, 5);

const table: readonly (readonly [string, Filter, boolean])[] = [
  ["the empty filter accepts", [], true],
  ["one byte", [equal(0, 1, 0x01)], true],
  ["another byte", [equal(0, 1, 0x02)], false],
  ["two bytes are in network order", [equal(0, 2, 0x0102)], true],
  ["two bytes need not be aligned", [equal(1, 2, 0x0283)], true],
  ["four bytes", [equal(0, 4, 0x01028304)], true],
  ["four bytes are unsigned", [equal(2, 2, 0x8304), equal(1, 4, 0x028304ff)], true],
  ["the mask hides bits", [equal(2, 1, 0x80, 0xf0)], true],
  ["the mask hides no others", [equal(2, 1, 0x90, 0xf0)], false],
  ["all terms must hold", [equal(0, 1, 0x01), equal(1, 1, 0x01)], false],
  ["skip moves the base", [skip(3), equal(0, 1, 0x04)], true],
  ["skips add up", [skip(1), skip(2), equal(1, 1, 0xff)], true],
  ["shift moves the base by the field", [shift(1, 1, 0xff, 0), equal(0, 1, 0x83)], true],
  ["shift multiplies", [shift(0, 1, 0xff, 2), equal(0, 1, 0xff)], true],
  ["shift masks", [shift(2, 1, 0x0f, 0), equal(0, 1, 0x04)], true],
  ["the last byte is inside", [equal(4, 1, 0xff)], true],
  ["a field that ends behind the frame is outside", [equal(4, 2, 0xffee)], false],
  ["a field behind the frame is outside, whatever its mask", [equal(5, 1, 0, 0)], false],
  ["a shift by a field outside fails", [shift(5, 1, 0xff, 0)], false],
  ["the base may pass the end", [skip(65535), skip(65535)], true],
  ["nothing can be read there", [skip(65535), equal(0, 1, 0, 0)], false],
  ["a shift far away does not come back", [shift(1, 4, 0xffffffff, 8), equal(0, 1, 0, 0)], false],
];

describe("interpretFilter", () => {
  test.each(table)("%s", (_what, filter, expected) => {
    expect(accepts(filter)).toBe(expected);
  });
});

describe("fragments", () => {
  const byte = (at: number) => ({ at, width: 1 as const, mask: 0xff });
  // Bytes: protocol, later, more, key, port.
  const filter: Filter = [equal(0, 1, 6), fragments(byte(1), byte(2), [byte(3)]), equal(4, 1, 80)];
  const run = (seen: Set<string> | undefined, ...bytes: number[]): boolean =>
    interpretFilter(filter, Uint8Array.from(bytes), 0, bytes.length, seen);

  test("later ones match by the key of a first one that matched, whatever else is in them", () => {
    const seen = new Set<string>();
    expect(run(seen, 6, 1, 0, 7, 0)).toBe(false);
    expect(run(seen, 6, 0, 1, 7, 80)).toBe(true);
    expect(run(seen, 6, 1, 0, 7, 0)).toBe(true);
    expect(run(seen, 6, 1, 1, 7)).toBe(true);
    expect(run(seen, 6, 1, 0, 8, 80)).toBe(false);
    expect(run(seen, 5, 1, 0, 7, 80)).toBe(false);
    expect([...seen]).toEqual(["7"]);
  });

  test("nothing is remembered of what is whole, what did not match, or without a memory", () => {
    const seen = new Set<string>();
    expect(run(seen, 6, 0, 0, 7, 80)).toBe(true);
    expect(run(seen, 6, 0, 1, 7, 81)).toBe(false);
    expect(seen.size).toBe(0);
    expect(run(undefined, 6, 0, 1, 7, 80)).toBe(true);
    expect(run(undefined, 6, 1, 1, 7, 80)).toBe(false);
  });

  test("a field outside the frame fails the term, whatever the fragment", () => {
    expect(run(new Set(["7"]), 6, 1, 0)).toBe(false);
    expect(run(new Set(["7"]), 6, 1)).toBe(false);
  });
});
