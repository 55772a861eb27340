import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Capability, RIGHTS, makeCapability } from "./capability.ts";
import { reaches } from "./dominance.ts";
import { CAPABILITY_BYTES, decodeCapability, encodeCapability, reachesRecord } from "./encoding.ts";
import { arbitraryCapability } from "../testing/arbitrary.ts";

test("[K4] round-trip encode/decode; len>7 refused", () => {
  fc.assert(
    fc.property(arbitraryCapability(), (capability) => {
      const bytes = encodeCapability(capability);
      expect(bytes).toHaveLength(CAPABILITY_BYTES);
      expect(decodeCapability(bytes)).toEqual(capability);
    }),
    { numRuns: 1000 },
  );
  const long = [1, 2, 3, 4, 5, 6, 7, 8];
  expect(() => makeCapability(long, RIGHTS.all)).toThrow(RangeError);
  expect(() => encodeCapability({ name: long, rights: RIGHTS.all })).toThrow(RangeError);
  expect(decodeCapability(Uint8Array.of(0xb8, ...long))).toBeUndefined();
});

describe("the eight bytes", () => {
  test("are properties, then the name, then zeros", () => {
    const bytes = encodeCapability(makeCapability([1, 115, 5], RIGHTS.write | RIGHTS.duplicate));
    expect([...bytes]).toEqual([0b1_0_101_011, 1, 115, 5, 0, 0, 0, 0]);
  });

  test("that decode also encode to themselves", () => {
    const anyBytes = fc.uint8Array({ minLength: 8, maxLength: 8 });
    const padded = fc
      .tuple(anyBytes, fc.integer({ min: 1, max: 8 }))
      .map(([bytes, keep]) => bytes.fill(0, keep));
    fc.assert(
      fc.property(padded, (bytes) => {
        const capability = decodeCapability(bytes);
        if (capability !== undefined) expect(encodeCapability(capability)).toEqual(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  const refused: readonly (readonly [string, readonly number[]])[] = [
    ["not valid", [0x39, 1, 0, 0, 0, 0, 0, 0]],
    ["a pointer", [0xf9, 1, 0, 0, 0, 0, 0, 0]],
    ["with bytes past the name", [0xb9, 1, 2, 0, 0, 0, 0, 0]],
    ["seven", [0xb9, 1, 0, 0, 0, 0, 0]],
    ["none", []],
  ];
  test.each(refused)("are refused when %s", (_what, bytes) => {
    expect(decodeCapability(Uint8Array.from(bytes))).toBeUndefined();
  });

  test("are not made of a record that nobody checked", () => {
    const forged = { name: [300], rights: 1 } as Capability;
    expect(() => encodeCapability(forged)).toThrow(RangeError);
    expect(() => encodeCapability({ name: [1], rights: 9 })).toThrow(RangeError);
  });
});

test("a record is reached where it lies exactly when the decoded one is", () => {
  const record = fc.oneof(
    arbitraryCapability().map(encodeCapability),
    fc
      .tuple(arbitraryCapability().map(encodeCapability), fc.nat({ max: 7 }), fc.nat({ max: 255 }))
      .map(([bytes, at, value]) => bytes.with(at, value)),
    fc.uint8Array({ minLength: 8, maxLength: 8 }),
  );
  const rights = fc.integer({ min: 0, max: 7 });
  const around = fc.uint8Array({ maxLength: 9 });
  fc.assert(
    fc.property(arbitraryCapability(), record, rights, around, (held, bytes, wanted, before) => {
      const memory = Uint8Array.from([...before, ...bytes, 0xff]);
      const decoded = decodeCapability(bytes);
      const expected = decoded !== undefined && reaches(held, decoded, wanted);
      expect(reachesRecord(held, memory, before.length, wanted)).toBe(expected);
    }),
    { numRuns: 3000 },
  );
  const root = makeCapability([], RIGHTS.all);
  expect(reachesRecord(root, encodeCapability(root), 0, RIGHTS.all)).toBe(true);
  expect(reachesRecord(root, encodeCapability(root), 1, RIGHTS.none)).toBe(false);
  expect(reachesRecord(root, new Uint8Array(0), 0, RIGHTS.none)).toBe(false);
});
