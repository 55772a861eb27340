import { makeWindow } from "@exolith/exokernel/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  finishChecksum,
  foldSum,
  pseudoHeaderSum,
  sumOf32,
  updateChecksum,
  updateChecksum32,
} from "./checksum.ts";
import { windowOfHex } from "../testing/recorded-link.ts";

test("the sum of RFC 1071 section 3 is ddf2", () => {
  const window = windowOfHex("0001 f203 f4f5 f6f7");
  expect(window.checksum(0, 8, 0)).toBe(0xddf2);
  expect(finishChecksum(0x2ddf0)).toBe(0x220d);
});

test("folding keeps the value modulo 65535", () => {
  fc.assert(
    fc.property(fc.nat(0xffff_ffff), (sum) => {
      const folded = foldSum(sum);
      expect(folded).toBeLessThanOrEqual(0xffff);
      expect(folded % 0xffff).toBe(sum % 0xffff);
    }),
  );
});

test("the pseudo-header sums its twelve bytes", () => {
  const window = windowOfHex("c0a80001 c0a800fe 0011 0123");
  const sum = pseudoHeaderSum(0xc0a8_0001, 0xc0a8_00fe, 17, 0x123);
  expect(foldSum(sum)).toBe(window.checksum(0, 12, 0));
});

/** A block of words with a right checksum in word 0. */
const summed = (words: readonly number[]) => {
  const window = makeWindow(2 * words.length + 2);
  words.forEach((word, index) => window.setU16(2 * index + 2, word));
  window.setU16(0, finishChecksum(window.checksum(0, window.length, 0)));
  return window;
};

test("an update of one word equals a full sum (RFC 1624)", () => {
  const word = fc.nat(0xffff);
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 20 }), word, (words, now) => {
      const window = summed([0x4500, ...words]);
      const updated = updateChecksum(window.getU16(0), window.getU16(4), now);
      window.setU16(4, now);
      window.setU16(0, updated);
      expect(window.checksum(0, window.length, 0)).toBe(0xffff);
    }),
  );
});

test("RFC 1624's example: dd2f with 5555 changed to 3285 is 0000", () => {
  expect(updateChecksum(0xdd2f, 0x5555, 0x3285)).toBe(0x0000);
});

test("an update of two words equals a full sum", () => {
  fc.assert(
    fc.property(fc.nat(0xffff_ffff), fc.nat(0xffff_ffff), (before, now) => {
      const window = summed([0x4500, before >>> 16, before & 0xffff]);
      const updated = updateChecksum32(window.getU16(0), before, now);
      window.setU32(4, now);
      window.setU16(0, updated);
      expect(window.checksum(0, window.length, 0)).toBe(0xffff);
    }),
  );
  expect(sumOf32(0xffff_0001)).toBe(0x1_0000);
});
