import fc from "fast-check";
import { expect, test } from "vitest";
import { contentRange, parseRanges } from "./ranges.ts";

test.each([
  ["bytes=0-0", 10, [{ first: 0, end: 1 }]],
  ["bytes=5-", 10, [{ first: 5, end: 10 }]],
  ["bytes=5-99", 10, [{ first: 5, end: 10 }]],
  ["bytes=-3", 10, [{ first: 7, end: 10 }]],
  ["bytes=-99", 10, [{ first: 0, end: 10 }]],
  [
    "BYTES=0-1 , 4-5",
    10,
    [
      { first: 0, end: 2 },
      { first: 4, end: 6 },
    ],
  ],
  ["bytes=0-1,50-60", 10, [{ first: 0, end: 2 }]],
  ["bytes=10-", 10, "unsatisfiable"],
  ["bytes=-0", 10, "unsatisfiable"],
  ["bytes=0-", 0, "unsatisfiable"],
  ["bytes=-1", 0, "ignored"],
  ["bytes=3-2", 10, "ignored"],
  ["bytes=a-b", 10, "ignored"],
  ["bytes=0-1,", 10, [{ first: 0, end: 2 }]],
  [
    "bytes=0-1,, 3-4",
    10,
    [
      { first: 0, end: 2 },
      { first: 3, end: 5 },
    ],
  ],
  ["bytes= , ,", 10, "ignored"],
  ["bytes=5-9223372036854775807", 10, [{ first: 5, end: 10 }]],
  ["bytes=-9223372036854775807", 10, [{ first: 0, end: 10 }]],
  ["bytes=9223372036854775807-", 10, "unsatisfiable"],
  ["bytes=99999999999999999999-5", 10, "ignored"],
  ["octets=0-1", 10, "ignored"],
  ["bytes=0-9,0-9", 10, "ignored"],
  ["bytes=0-0,1-1,2-2,3-3,4-4", 10, "ignored"],
] as const)("%s of %d bytes", (text, size, wanted) => {
  expect(parseRanges(text, size, 4)).toEqual(wanted);
});

test("whatever is asked, ranges lie inside, are not empty and ask for no more than there is", () => {
  const spec = fc
    .tuple(fc.option(fc.nat(120)), fc.option(fc.nat(120)))
    .map(([a, b]) => `${a ?? ""}-${b ?? ""}`);
  fc.assert(
    fc.property(fc.array(spec, { minLength: 1, maxLength: 6 }), fc.nat(100), (specs, size) => {
      const ranges = parseRanges(`bytes=${specs.join(",")}`, size, 4);
      if (typeof ranges === "string") return;
      let total = 0;
      for (const { first, end } of ranges) {
        expect(first >= 0 && first < end && end <= size).toBe(true);
        total += end - first;
      }
      expect(total).toBeLessThanOrEqual(size);
      expect(ranges.length).toBeLessThanOrEqual(4);
    }),
  );
});

test("Content-Range names the last byte, not the end", () => {
  expect(contentRange({ first: 2, end: 5 }, 9)).toBe("bytes 2-4/9");
});
