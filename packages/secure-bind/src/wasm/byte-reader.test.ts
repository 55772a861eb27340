import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { Refused } from "./module-refusal.ts";

/** The rule that reading was refused by. */
function refusal(read: () => unknown): string {
  try {
    read();
    return "read";
  } catch (thrown) {
    return thrown instanceof Refused ? thrown.refusal.rule : String(thrown);
  }
}

const reader = (...bytes: readonly number[]): ByteReader => new ByteReader(Uint8Array.from(bytes));

describe("a number", () => {
  test("of 32 bits is read as it was written, padded or not", () => {
    fc.assert(
      fc.property(fc.oneof(fc.nat(300), fc.nat(0xffff_ffff)), (value) => {
        const writer = new ByteWriter();
        writer.u32(value);
        writer.paddedU32(value);
        const read = new ByteReader(writer.take());
        expect([read.u32(), read.u32(), read.left]).toEqual([value, value, 0]);
      }),
    );
  });

  test.each([
    ["of 33 bits", [0xff, 0xff, 0xff, 0xff, 0x1f]],
    ["of six bytes", [0x80, 0x80, 0x80, 0x80, 0x80, 0x00]],
    ["that does not end", [0x80, 0x80]],
    ["that is not there", []],
  ])("%s is refused", (_name, bytes) => {
    expect(refusal(() => reader(...bytes).u32())).toBe("Malformed");
  });

  test("that is passed over has so many bytes at most", () => {
    expect(refusal(() => reader(0x80, 0x80, 0x01).skipNumber(2))).toBe("Malformed");
    expect(refusal(() => reader(0x80, 0x01).skipNumber(2))).toBe("read");
  });
});

test("a count promises no more than can come", () => {
  expect(reader(2, 0, 0, 0, 0).count(2)).toBe(2);
  expect(refusal(() => reader(3, 0, 0, 0, 0).count(2))).toBe("Malformed");
  expect(refusal(() => reader(0xff, 0xff, 0xff, 0xff, 0x0f).count())).toBe("Malformed");
});

test("a name is UTF-8, all of it there, and not too long", () => {
  expect(reader(3, 0xef, 0xbb, 0xbf).name(9)).toBe("\uFEFF");
  expect(refusal(() => reader(2, 0xc3, 0x28).name(9))).toBe("Malformed");
  expect(refusal(() => reader(3, 0x61, 0x61).name(9))).toBe("Malformed");
  expect(refusal(() => reader(3, 0x61, 0x61, 0x61).name(2))).toBe("TooLarge");
});

test("nothing behind the end of the range is read", () => {
  const range = new ByteReader(Uint8Array.of(1, 2, 3, 4), 1, 3);
  expect([range.u8(), range.u8()]).toEqual([2, 3]);
  expect(refusal(() => range.u8())).toBe("Malformed");
  expect(refusal(() => range.skip(1))).toBe("Malformed");
});
