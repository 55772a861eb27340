import { crc32 as hostCrc32 } from "node:zlib";
import { expect, test } from "vitest";
import { crc32 } from "./crc32.ts";
import { PLAN_LIMITS, parsePlace, problemOf, type Plan } from "./plan.ts";

test.each([
  ["http://192.0.2.10/", "192.0.2.10", "192.0.2.10", 80, "/"],
  ["http://192.0.2.10", "192.0.2.10", "192.0.2.10", 80, "/"],
  ["HTTP://192.0.2.10:8080/a/b?c=d#e", "192.0.2.10:8080", "192.0.2.10", 8080, "/a/b?c=d"],
  ["http://192.0.2.10?x", "192.0.2.10", "192.0.2.10", 80, "/?x"],
])("%s", (url, host, address, port, target) => {
  const place = parsePlace(url.replace(/#.*$/, ""));
  expect(place).toEqual({ host, address, port, target });
});

test.each([
  "https://192.0.2.10/",
  "192.0.2.10",
  "http:///x",
  "http://a@192.0.2.10/",
  "http://[::1]/",
  "http://192.0.2.10:0/",
  "http://192.0.2.10:65536/",
  "http://192.0.2.10/a b",
  "http://192.0.2.10/\u00e4",
  `http://192.0.2.10/${"x".repeat(PLAN_LIMITS.targetBytes)}`,
])("%s is no place", (url) => expect(typeof parsePlace(url)).toBe("string"));

const PLAN: Plan = {
  address: 1,
  port: 80,
  host: "0.0.0.1",
  pages: [{ target: "/" }],
  concurrency: 1,
  requests: 1,
  seconds: Infinity,
  close: false,
  check: false,
  timeoutSeconds: 1,
};

test.each([
  [{ pages: [] }, "nothing to ask for"],
  [{ pages: Array.from({ length: PLAN_LIMITS.pages + 1 }, () => ({ target: "/" })) }, "more than 256 pages"],
  [{ concurrency: 0 }, "not 1 to 2048 requests at once"],
  [{ concurrency: PLAN_LIMITS.concurrency + 1 }, "not 1 to 2048 requests at once"],
  [{ requests: Infinity }, "neither requests nor time would end it"],
] as const)("a plan with %j cannot be followed", (change, problem) => {
  expect(problemOf(PLAN)).toBeUndefined();
  expect(problemOf({ ...PLAN, ...change })).toBe(problem);
});

test("sums are those of everybody's tools, in one piece or in many", () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 31) & 255);
  expect(crc32(0, new TextEncoder().encode("123456789"), 9)).toBe(0xcbf4_3926);
  let sum = 0;
  for (let at = 0; at < 1000; at += 7) sum = crc32(sum, bytes.subarray(at), Math.min(7, 1000 - at));
  expect(sum).toBe(crc32(0, bytes, 1000));
  if (typeof hostCrc32 === "function") expect(sum).toBe(hostCrc32(bytes));
});
