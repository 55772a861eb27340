import { describe, expect, test } from "vitest";
import { NO_SUM, interpretPipe } from "./interpret.ts";
import { type Pipe, byteSwap, internetChecksum, xorWord } from "./term.ts";

/** Runs over exactly these bytes, in place. */
function over(
  pipe: Pipe,
  ...bytes: readonly number[]
): { bytes: number[]; sums: readonly number[] | undefined } {
  const memory = Uint8Array.from(bytes);
  const sums = interpretPipe(pipe, memory, 0, 0, bytes.length);
  return { bytes: [...memory], sums };
}

describe("a stage", () => {
  test("sums as RFC 1071's own example does", () => {
    const example = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
    expect(over([internetChecksum()], ...example)).toEqual({ bytes: example, sums: [0xddf2] });
  });

  test.each([
    [[], 0],
    [[0], 0],
    [[0xab], 0xab00],
    [[0xff, 0xff], 0xffff],
    [[0xff, 0xff, 0xff, 0xff], 0xffff],
    [[0xff, 0xff, 0x00, 0x01], 0x0001],
    [[0x80, 0x00, 0x80, 0x00, 0x01], 0x0101],
  ])("sums %j", (bytes, sum) => {
    expect(over([internetChecksum()], ...bytes).sums).toEqual([sum]);
  });

  test("turns units round", () => {
    expect(over([byteSwap(2)], 1, 2, 3, 4).bytes).toEqual([2, 1, 4, 3]);
    expect(over([byteSwap(4)], 1, 2, 3, 4).bytes).toEqual([4, 3, 2, 1]);
    expect(over([byteSwap(8)], 1, 2, 3, 4, 5, 6, 7, 8).bytes).toEqual([8, 7, 6, 5, 4, 3, 2, 1]);
  });

  test("xors with a word's bytes from the most significant on, over and over", () => {
    expect(over([xorWord(0x01020304)], 0, 0, 0, 0, 0xff, 0).bytes).toEqual([1, 2, 3, 4, 0xfe, 2]);
  });

  test("without a sum has none", () => {
    expect(over([byteSwap(2), internetChecksum(), xorWord(1)], 1, 2).sums).toEqual([NO_SUM, 0x0201, NO_SUM]);
  });
});

describe("a pipe", () => {
  test("shows each stage what the one before made", () => {
    const pipe = [
      internetChecksum(),
      byteSwap(2),
      internetChecksum(),
      xorWord(0xff00_0000),
      internetChecksum(),
    ];
    expect(over(pipe, 0x12, 0x34).sums).toEqual([0x1234, NO_SUM, 0x3412, NO_SUM, 0xcb12]);
  });

  test("of no stages copies", () => {
    const memory = Uint8Array.of(1, 2, 3, 4, 5);
    expect(interpretPipe([], memory, 1, 0, 4)).toEqual([]);
    expect([...memory]).toEqual([1, 1, 2, 3, 4]);
  });

  test.each([
    [2, 3],
    [4, 6],
    [8, 12],
  ] as const)("refuses part of a unit of %d bytes", (unit, length) => {
    const bytes = Array.from({ length }, (_, i) => i);
    expect(over([internetChecksum(), byteSwap(unit)], ...bytes)).toEqual({ bytes, sums: undefined });
  });

  test("fails outside memory, and writes nothing", () => {
    const memory = Uint8Array.of(1, 2, 3, 4);
    expect(() => interpretPipe([], memory, 0, 2, 3)).toThrow(RangeError);
    expect(() => interpretPipe([], memory, 2, 0, 3)).toThrow(RangeError);
    for (const [destination, source, length] of [
      [0, -3, 2],
      [-3, 0, 2],
      [2, 2, -2],
      [Number.NaN, -1, 1],
    ] as const)
      expect(() => interpretPipe([], memory, destination, source, length)).toThrow(RangeError);
    expect([...memory]).toEqual([1, 2, 3, 4]);
  });

  test("takes numbers without their fraction, modulo 2^32", () => {
    const memory = Uint8Array.of(1, 2, 3, 4);
    expect(interpretPipe([byteSwap(2)], memory, 0.9, 2 ** 32 + 2, 2.5)).toEqual([NO_SUM]);
    expect([...memory]).toEqual([4, 3, 3, 4]);
    expect(interpretPipe([internetChecksum()], memory, 0, 0, 2 ** 32)).toEqual([0]);
  });
});
