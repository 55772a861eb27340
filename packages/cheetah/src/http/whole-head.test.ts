import fc from "fast-check";
import { expect, test } from "vitest";
import { isSitePath } from "../disk/site-file.ts";
import { latin1Bytes } from "./ascii.ts";
import { formatHttpDate } from "./http-date.ts";
import { HeadPatcher, isKeptHead, keptHead, sumOf, wholeHead } from "./whole-head.ts";
import type { Persistence } from "./whole-head.ts";

const LATEST = 253_402_300_799_999;
const files = fc.record({
  path: fc
    .tuple(fc.string({ minLength: 1 }), fc.constantFrom("", ".html", ".png", ".json", ".webmanifest"))
    .map((parts) => parts.join(""))
    .filter(isSitePath),
  size: fc.maxSafeNat(),
  modified: fc.nat({ max: LATEST }),
  hashHigh: fc.nat(0xffffffff),
  hashLow: fc.nat(0xffffffff),
});
const persistences = fc.constantFrom<Persistence>("keep", "keep-named", "close");

test("a kept head, patched, is what a head made for the response would be, and so is its sum", () => {
  const patcher = new HeadPatcher();
  const into = new Uint8Array(2048);
  fc.assert(
    fc.property(files, persistences, fc.nat({ max: LATEST }), (file, persistence, now) => {
      const kept = keptHead(file, LATEST);
      const date = formatHttpDate(now);
      patcher.tick(date);
      patcher.write(kept, persistence, into);
      const made = latin1Bytes(wholeHead(file, persistence, date, LATEST));
      expect(Buffer.from(into.subarray(0, kept.length))).toEqual(Buffer.from(made));
      const sum = patcher.sum(sumOf(kept, 0, kept.length), persistence);
      expect(sum % 0xffff).toBe(sumOf(made, 0, made.length) % 0xffff);
      expect([kept.length % 2, isKeptHead(kept, file.size)]).toEqual([0, true]);
    }),
  );
});

test("a head's length does not depend on what is not known before the file has been read", () => {
  fc.assert(
    fc.property(files, persistences, fc.nat({ max: LATEST }), (file, persistence, now) => {
      const kept = keptHead({ ...file, hashHigh: 0, hashLow: 0 }, LATEST);
      expect(wholeHead(file, persistence, formatHttpDate(now), now).length).toBe(kept.length);
    }),
  );
});

test("what cannot be patched, or does not end where its file begins, is no kept head", () => {
  const kept = keptHead({ path: "a.txt", size: 12, modified: 0, hashHigh: 1, hashLow: 2 }, LATEST);
  const text = Buffer.from(kept).toString("latin1");
  const isKept = (changed: string, size = 12): boolean => isKeptHead(latin1Bytes(changed), size);
  expect([isKept(text), isKept(text, 13), isKept(text, 1)]).toEqual([true, false, false]);
  expect(isKept(text.replace("200", "201"))).toBe(false);
  expect(isKept(text.replace("1970", "2070"))).toBe(false);
  expect(isKept(text.replace("keep", "Keep"))).toBe(false);
  expect(isKept(text.slice(0, -2))).toBe(false);
  expect(isKept(text.replace("ETag: ", "\r\n\r\nTag"))).toBe(false);
  expect(isKept(text.replace("ETag", "ETa"))).toBe(false);
  expect([isKept(""), isKeptHead(new Uint8Array(4096), 0)]).toEqual([false, false]);
});

test("a time of change that lies ahead is not sent", () => {
  const now = Date.UTC(2026, 0, 1);
  const head = wholeHead(
    { path: "a", size: 1, modified: now + 1e6, hashHigh: 1, hashLow: 2 },
    "keep",
    "",
    now,
  );
  expect(head).toContain(`Last-Modified: ${formatHttpDate(now)}\r\n`);
});
