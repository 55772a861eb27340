import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteWriter, PADDED_BYTES } from "./byte-writer.ts";

const written = (write: (writer: ByteWriter) => void): number[] => {
  const writer = new ByteWriter(1);
  write(writer);
  return [...writer.take()];
};

/** Decodes LEB128 as the specification says, with numbers of any size. */
function decode(bytes: readonly number[], signed: boolean): bigint {
  let value = 0n;
  for (const [i, byte] of bytes.entries()) value |= BigInt(byte & 0x7f) << BigInt(7 * i);
  return signed ? BigInt.asIntN(7 * bytes.length, value) : value;
}

/** Every byte but the last says that more follow, and the last could not be left out. */
function isShortest(bytes: readonly number[], signed: boolean): boolean {
  const last = bytes.at(-1) ?? 0;
  const before = bytes.at(-2);
  if (bytes.slice(0, -1).some((byte) => byte < 0x80) || last > 0x7f) return false;
  if (before === undefined) return true;
  if (!signed) return last !== 0;
  return !(last === 0 && (before & 0x40) === 0) && !(last === 0x7f && (before & 0x40) !== 0);
}

describe("LEB128", () => {
  test.each([
    [0, [0]],
    [127, [0x7f]],
    [128, [0x80, 1]],
    [624_485, [0xe5, 0x8e, 0x26]],
    [0xffff_ffff, [0xff, 0xff, 0xff, 0xff, 0x0f]],
  ])("u32 %d", (value, bytes) => {
    expect(written((w) => w.u32(value))).toEqual(bytes);
  });

  test.each([
    [0, [0]],
    [63, [0x3f]],
    [64, [0xc0, 0]],
    [-1, [0x7f]],
    [-64, [0x40]],
    [-65, [0xbf, 0x7f]],
    [-123_456, [0xc0, 0xbb, 0x78]],
    [0x7fff_ffff, [0xff, 0xff, 0xff, 0xff, 0x07]],
    [-0x8000_0000, [0x80, 0x80, 0x80, 0x80, 0x78]],
  ])("s32 %d", (value, bytes) => {
    expect(written((w) => w.s32(value))).toEqual(bytes);
  });

  test("every number of 32 bits comes back, in as few bytes as it has", () => {
    fc.assert(
      fc.property(fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 0xffff_ffff })), (value) => {
        const unsigned = written((w) => w.u32(value));
        expect(decode(unsigned, false)).toBe(BigInt(value));
        expect(isShortest(unsigned, false)).toBe(true);
        const signed = written((w) => w.s32(value | 0));
        expect(decode(signed, true)).toBe(BigInt(value | 0));
        expect(isShortest(signed, true)).toBe(true);
      }),
    );
  });

  test("every number of 64 bits comes back, in as few bytes as it has", () => {
    const edges = [
      0n,
      63n,
      64n,
      -64n,
      -65n,
      2n ** 63n - 1n,
      -(2n ** 63n),
      2n ** 31n,
      -(2n ** 32n),
      2n ** 32n - 1n,
    ];
    const check = (value: bigint): void => {
      const bytes = written((w) => w.s64(value));
      expect(decode(bytes, true)).toBe(value);
      expect(isShortest(bytes, true)).toBe(true);
    };
    edges.forEach(check);
    fc.assert(fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), check));
    for (let bit = 0n; bit < 63n; bit++)
      [2n ** bit, 2n ** bit - 1n, -(2n ** bit), -(2n ** bit) - 1n].forEach(check);
  });

  test("a padded number is five bytes, and is replaced where it stands", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), fc.integer(), (unsigned, signed) => {
        const writer = new ByteWriter();
        writer.u8(0xaa);
        const first = writer.length;
        writer.paddedU32(7);
        const second = writer.length;
        writer.paddedS32(-7);
        writer.u8(0xbb);
        writer.patchU32(first, unsigned);
        writer.patchS32(second, signed);
        const bytes = [...writer.take()];
        expect(bytes).toHaveLength(2 * PADDED_BYTES + 2);
        expect(decode(bytes.slice(first, second), false)).toBe(BigInt(unsigned));
        expect(decode(bytes.slice(second, second + PADDED_BYTES), true)).toBe(BigInt(signed));
        expect([bytes[0], bytes.at(-1)]).toEqual([0xaa, 0xbb]);
      }),
    );
  });
});

describe("a number of the wrong range is refused, and writes nothing", () => {
  test.each<[string, (writer: ByteWriter) => void]>([
    ["byte", (w) => w.u8(256)],
    ["negative byte", (w) => w.u8(-1)],
    ["half a byte", (w) => w.u8(0.5)],
    ["NaN", (w) => w.u8(Number.NaN)],
    ["u32", (w) => w.u32(2 ** 32)],
    ["negative u32", (w) => w.u32(-1)],
    ["s32", (w) => w.s32(2 ** 31)],
    ["s64", (w) => w.s64(2n ** 63n)],
    ["patch before anything is written", (w) => w.patchU32(0, 1)],
    ["patch at no offset", (w) => w.patchS32(-1, 1)],
    ["range past the source", (w) => w.bytes(new Uint8Array(3), 1, 4)],
    ["range backwards", (w) => w.bytes(new Uint8Array(3), 2, 1)],
    ["256 among bytes", (w) => w.bytes([1, 256])],
    ["-1 among bytes", (w) => w.bytes([1, -1])],
    ["half a byte among bytes", (w) => w.bytes([1, 0.5])],
    ["NaN among many bytes", (w) => w.bytes([...new Uint8Array(99), Number.NaN])],
    ["hole among bytes", (w) => w.bytes([1].concat(new Array<number>(1), 2))],
    ["words too large for bytes", (w) => w.bytes(Uint16Array.of(1, 300))],
    ["half an offset that was written", (w) => (w.room(4), w.wrote(1.5))],
    ["offset behind the room", (w) => w.wrote(1e6)],
    ["offset to forget from that was not written", (w) => w.clear(1)],
    ["negative offset to forget from", (w) => w.clear(-1)],
    ["half an offset to forget from", (w) => w.clear(0.5)],
  ])("%s", (_name, write) => {
    const writer = new ByteWriter();
    expect(() => write(writer)).toThrow(RangeError);
    expect(writer.length).toBe(0);
  });
});

describe("bytes", () => {
  test("floating point numbers are little-endian, NaN and negative zero included", () => {
    fc.assert(
      fc.property(fc.double(), fc.float(), (wide, narrow) => {
        const bytes = Uint8Array.from(written((w) => (w.f64(wide), w.f32(narrow))));
        const view = new DataView(bytes.buffer);
        expect(view.getFloat64(0, true)).toBe(wide);
        expect(view.getFloat32(8, true)).toBe(narrow);
      }),
    );
  });

  test("ranges short and long are copied from any list", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), fc.nat(300), (source, a, b) => {
        const [from = 0, to = 0] = [a % (source.length + 1), b % (source.length + 1)].toSorted(
          (x, y) => x - y,
        );
        const expected = Array.from(source.slice(from, to));
        expect(written((w) => w.bytes(source, from, to))).toEqual(expected);
        expect(written((w) => w.bytes([...source], from, to))).toEqual(expected);
      }),
    );
  });

  test("a name is UTF-8 behind its length", () => {
    expect(written((w) => w.name("né"))).toEqual([3, 0x6e, 0xc3, 0xa9]);
    expect(written((w) => w.name(""))).toEqual([0]);
  });

  test("another writer is appended, counted or not, and keeps what it has", () => {
    const inner = new ByteWriter();
    inner.bytes([1, 2, 3]);
    expect(written((w) => (w.append(inner), w.append(inner, true)))).toEqual([1, 2, 3, 3, 1, 2, 3]);
    expect(inner.length).toBe(3);
  });

  test("what was taken is its taker's own, and the writer begins again", () => {
    const writer = new ByteWriter();
    writer.u8(1);
    const first = writer.take();
    expect(writer.length).toBe(0);
    writer.u8(2);
    expect([...first]).toEqual([1]);
    expect([...writer.take()]).toEqual([2]);
  });

  test("what was written from an offset on is forgotten", () => {
    expect(written((w) => (w.bytes([1, 2, 3, 4]), w.clear(2), w.u8(9)))).toEqual([1, 2, 9]);
    expect(written((w) => (w.bytes([1, 2]), w.clear(2), w.u8(9)))).toEqual([1, 2, 9]);
    expect(written((w) => (w.bytes([1, 2]), w.clear(), w.u8(9)))).toEqual([9]);
  });

  test("a buffer of no bytes grows to whatever is written", () => {
    const bytes = written((w) => {
      for (let i = 0; i < 5000; i++) w.u8(i & 0xff);
    });
    expect(bytes).toHaveLength(5000);
    expect(bytes.every((byte, i) => byte === (i & 0xff))).toBe(true);
  });
});
