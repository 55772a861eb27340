import * as fc from "fast-check";
import { expect, test } from "vitest";
import { moveBase, readField } from "./field.ts";

test("readField agrees with DataView, in network byte order, signed at four bytes", () => {
  const memory = fc.uint8Array({ minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(memory, fc.nat(4), (bytes, at) => {
      const view = new DataView(bytes.buffer);
      expect(readField(bytes, at, 1)).toBe(view.getUint8(at));
      expect(readField(bytes, at, 2)).toBe(view.getUint16(at));
      expect(readField(bytes, at, 4)).toBe(view.getInt32(at));
    }),
  );
});

test("moveBase agrees with arithmetic up to the end of the frame, and stays behind it", () => {
  fc.assert(
    fc.property(
      fc.nat(2049),
      fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      fc.nat(8),
      (base, field, by) => {
        const exact = base + (field >>> 0) * 2 ** by;
        const moved = moveBase(base, field, by, 2048);
        expect(moved).toBe(Math.min(exact, 2049));
        expect(moved).toBeLessThanOrEqual(2049);
      },
    ),
  );
});
