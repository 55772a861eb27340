import { expect, test } from "vitest";
import { UsageError, whole } from "./whole.ts";

test.each([0, -1, 1.5, 1001, "x", true, Number.NaN, undefined])("%s is no number of rounds", (value) => {
  expect(() => whole("rounds", value, 1000)).toThrow(UsageError);
  expect(() => whole("rounds", value, 1000)).toThrow("--rounds takes a whole number from 1 to 1000, not ");
});

test.each([1, 1000])("%d is", (value) => expect(whole("rounds", value, 1000)).toBe(value));
