import { expect, test } from "vitest";
import { printPredicate } from "./print.ts";
import { product, word } from "./term.ts";

test("a predicate prints one term a line, each product behind its tag", () => {
  const predicate = [
    product(1, word(0x1000, "greaterOrEqual", 5), word(0x1004, "notEqual", 0)),
    product(2, word(0, "equal", 0xffff_ffff)),
    product(3, word(8, "less", 1), word(8, "lessOrEqual", 2), word(8, "greater", 3)),
  ];
  expect(printPredicate(predicate)).toBe(
    [
      "1: [0x1000] >= 5",
      "  and [0x1004] != 0",
      "2: [0x0] == 4294967295",
      "3: [0x8] < 1",
      "  and [0x8] <= 2",
      "  and [0x8] > 3",
    ].join("\n"),
  );
});
