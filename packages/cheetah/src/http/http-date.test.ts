import fc from "fast-check";
import { expect, test } from "vitest";
import { formatHttpDate, formatLogDate, parseHttpDate } from "./http-date.ts";

const NOW = Date.UTC(2026, 0, 1);
const EXAMPLE = Date.UTC(1994, 10, 6, 8, 49, 37);

test("the three formats of RFC 9110 name the same time", () => {
  expect(formatHttpDate(EXAMPLE)).toBe("Sun, 06 Nov 1994 08:49:37 GMT");
  expect(parseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT", NOW)).toBe(EXAMPLE);
  expect(parseHttpDate("Sunday, 06-Nov-94 08:49:37 GMT", NOW)).toBe(EXAMPLE);
  expect(parseHttpDate("Sun Nov  6 08:49:37 1994", NOW)).toBe(EXAMPLE);
  expect(formatLogDate(EXAMPLE)).toBe("06/Nov/1994:08:49:37 +0000");
});

test("a two-digit year is never more than 50 years ahead", () => {
  expect(parseHttpDate("Sunday, 06-Nov-76 00:00:00 GMT", NOW)).toBe(Date.UTC(2076, 10, 6));
  expect(parseHttpDate("Sunday, 06-Nov-77 00:00:00 GMT", NOW)).toBe(Date.UTC(1977, 10, 6));
});

test("writing and reading give the same second", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 253_402_300_799 }), (seconds) => {
      expect(parseHttpDate(formatHttpDate(seconds * 1000), NOW)).toBe(seconds * 1000);
    }),
  );
});

test.each([
  "",
  "Sun, 31 Feb 2020 00:00:00 GMT",
  "Sun, 06 Nox 1994 08:49:37 GMT",
  "Sun, 06 Nov 1994 24:00:00 GMT",
  "Sun, 06 Nov 1994 08:49:37 CET",
  "Sun, 06 Nov 1994 08:49:37 GMT, more",
  "6 Nov 1994",
])("%j names no time", (text) => {
  expect(parseHttpDate(text, NOW)).toBeUndefined();
});

test("any text is read or refused, and never throws", () => {
  fc.assert(fc.property(fc.string(), (text) => void parseHttpDate(text, NOW)));
});
