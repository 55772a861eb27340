import * as fc from "fast-check";
import { expect, test } from "vitest";
import { arbitraryPipe } from "../testing/arbitrary-pipe.ts";
import { printPipe } from "./print.ts";
import { byteSwap, internetChecksum, xorWord } from "./term.ts";

test("one stage a line", () => {
  expect(printPipe([internetChecksum(), byteSwap(4), xorWord(0xbeef)])).toBe(
    "checksum\nswap 4\nxor 0x0000beef",
  );
  expect(printPipe([])).toBe("");
});

test("no two pipes have the same text", () => {
  fc.assert(
    fc.property(arbitraryPipe(3), arbitraryPipe(3), (a, b) => {
      expect(printPipe(a) === printPipe(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
    }),
  );
});
