import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RIGHTS, checkCapability, copyCapability, makeCapability } from "./capability.ts";
import { arbitraryCapability } from "../testing/arbitrary.ts";

const malformed: readonly (readonly [string, unknown])[] = [
  ["nothing", undefined],
  ["null", null],
  ["a number", 7],
  ["no name", { rights: 1 }],
  ["no rights", { name: [1] }],
  ["a name that is a string", { name: "1", rights: 1 }],
  ["a name like an array", { name: { length: 1, 0: 1 }, rights: 1 }],
  ["eight components", { name: [1, 2, 3, 4, 5, 6, 7, 8], rights: 1 }],
  ["a component of 256", { name: [256], rights: 1 }],
  ["a negative component", { name: [-1], rights: 1 }],
  ["a fraction", { name: [0.5], rights: 1 }],
  ["a gap", { name: [1, undefined, 2], rights: 1 }],
  ["not a number in the name", { name: [Number.NaN], rights: 1 }],
  ["rights of 8", { name: [1], rights: 8 }],
  ["negative rights", { name: [1], rights: -1 }],
  ["rights in words", { name: [1], rights: "1" }],
];

describe("copyCapability", () => {
  test.each(malformed)("refuses %s", (_what, value) => {
    expect(copyCapability(value)).toBeUndefined();
    expect(checkCapability(value)).toBe(false);
  });

  test("copies and freezes what is well formed", () => {
    fc.assert(
      fc.property(arbitraryCapability(), (capability) => {
        const alien = { name: [...capability.name], rights: capability.rights, more: 1 };
        const copy = copyCapability(alien);
        alien.name.push(9);
        expect(copy).toEqual(capability);
        expect(Object.isFrozen(copy) && Object.isFrozen(copy?.name)).toBe(true);
      }),
    );
  });

  test("reads each property once, so that a changing answer cannot get past the check", () => {
    const reads: PropertyKey[] = [];
    const watch = <T extends object>(target: T): T =>
      new Proxy(target, {
        get(of, key, receiver): unknown {
          reads.push(key);
          return Reflect.get(of, key, receiver) as unknown;
        },
      });
    const name = watch([1, 115]);
    expect(copyCapability(watch({ name, rights: 1 }))).toEqual({ name: [1, 115], rights: 1 });
    expect(reads.toSorted()).toEqual(["0", "1", "length", "name", "rights"]);
  });

  test("never throws, whatever a getter does", () => {
    const hostile = {
      get name(): never {
        throw new Error("hostile");
      },
      rights: 1,
    };
    expect(copyCapability(hostile)).toBeUndefined();
  });

  test("is not fooled by an endless name", () => {
    const name = new Proxy([], { get: (_of, key) => (key === "length" ? Infinity : 1) });
    expect(copyCapability({ name, rights: 1 })).toBeUndefined();
  });
});

describe("makeCapability", () => {
  test("makes a frozen record", () => {
    const capability = makeCapability([1, 115], RIGHTS.write | RIGHTS.allocate);
    expect(capability).toEqual({ name: [1, 115], rights: 3 });
    expect(Object.isFrozen(capability) && Object.isFrozen(capability.name)).toBe(true);
  });

  test("throws RangeError on what is malformed", () => {
    expect(() => makeCapability([256], 1)).toThrow(RangeError);
    expect(() => makeCapability([1, 2, 3, 4, 5, 6, 7, 8], 1)).toThrow(RangeError);
    expect(() => makeCapability([1], 8)).toThrow(RangeError);
  });
});
