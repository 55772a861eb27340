import * as fc from "fast-check";
import { expect, test } from "vitest";
import { NAME_BYTES, isPrefix, parseName, printName } from "./name.ts";

const names = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: NAME_BYTES });

test("what printName prints, parseName reads", () => {
  expect(parseName("1.115.5")).toEqual([1, 115, 5]);
  expect(parseName("")).toEqual([]);
  expect(printName([0, 0, 0, 0, 0, 0, 1])).toBe("0.0.0.0.0.0.1");
  fc.assert(
    fc.property(names, (name) => {
      expect(parseName(printName(name))).toEqual(name);
    }),
  );
});

test.each(["1.", ".1", "1..2", "256", "-1", "01", "1.x", " 1", "1e2", "1.2.3.4.5.6.7.8"])(
  "parseName refuses %j",
  (text) => {
    expect(() => parseName(text)).toThrow(RangeError);
  },
);

test("isPrefix agrees with slicing", () => {
  fc.assert(
    fc.property(names, names, (a, b) => {
      expect(isPrefix(a, b)).toBe(printName(b.slice(0, a.length)) === printName(a) && a.length <= b.length);
      expect(isPrefix(a, [...a, ...b])).toBe(true);
    }),
  );
});
