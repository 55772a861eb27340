import fc from "fast-check";
import { expect, test } from "vitest";
import { printable } from "./printable.ts";

test.each([
  ["plain é 😀 \\ text", "plain é 😀 \\ text"],
  ["\u001b[2J\u0007", "\\u001b[2J\\u0007"],
  ["a\r\n\tb\0", "a\\u000d\\u000a\\u0009b\\u0000"],
  ["\u007f\u0080\u009b31m\u009f\u00a0", "\\u007f\\u0080\\u009b31m\\u009f\u00a0"],
  ["\u202egpj.\u2066x\u2069\u200f\u061c", "\\u202egpj.\\u2066x\\u2069\\u200f\\u061c"],
  ["\u2028\u2029\u200d", "\\u2028\\u2029\u200d"],
])("%j is shown as %j", (text, shown) => {
  expect(printable(text)).toBe(shown);
});

test("nothing is left that a terminal obeys", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const shown = printable(text);
      expect(shown).not.toMatch(/\p{Cc}|\p{Bidi_Control}|\p{Zl}|\p{Zp}/u);
      expect(printable(shown)).toBe(shown);
    }),
  );
});
