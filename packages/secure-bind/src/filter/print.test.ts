import { expect, test } from "vitest";
import { printFilter } from "./print.ts";
import { equal, shift, skip } from "./term.ts";

test("a filter prints one term a line", () => {
  const filter = [
    equal(12, 2, 0x0800),
    equal(14, 1, 0x40, 0xf0),
    shift(14, 1, 0x0f, 2),
    skip(14),
    equal(2, 2, 80),
  ];
  expect(printFilter(filter)).toBe(
    [
      "[12:2] & 0xffff == 0x0800",
      "[14:1] & 0xf0 == 0x40",
      "base += ([14:1] & 0x0f) << 2",
      "base += 14",
      "[2:2] & 0xffff == 0x0050",
    ].join("\n"),
  );
  expect(printFilter([])).toBe("");
});
