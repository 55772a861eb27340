import { expect, test } from "vitest";
import { printFilter } from "./print.ts";
import { equal, fragments, shift, skip } from "./term.ts";

test("a filter prints one term a line", () => {
  const filter = [
    equal(12, 2, 0x0800),
    equal(14, 1, 0x40, 0xf0),
    shift(14, 1, 0x0f, 2),
    skip(14),
    fragments({ at: 6, width: 2, mask: 0x1fff }, { at: 6, width: 2, mask: 0x2000 }, [
      { at: 4, width: 2, mask: 0xffff },
      { at: 9, width: 1, mask: 0xff },
    ]),
    equal(2, 2, 80),
  ];
  expect(printFilter(filter)).toBe(
    [
      "[12:2] & 0xffff == 0x0800",
      "[14:1] & 0xf0 == 0x40",
      "base += ([14:1] & 0x0f) << 2",
      "base += 14",
      "fragments: later if [6:2] & 0x1fff, more if [6:2] & 0x2000, key [4:2] & 0xffff, [9:1] & 0xff",
      "[2:2] & 0xffff == 0x0050",
    ].join("\n"),
  );
  expect(printFilter([])).toBe("");
});
