import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SITE, WORKLOAD_NAMES, workloadOf, writeSite } from "./documents.ts";

test("every document is on the site, with the bytes that are expected of it", () => {
  const directory = mkdtempSync(join(tmpdir(), "exolith-bench-test-"));
  try {
    const expected = writeSite(directory);
    expect(expected.map(({ bytes }) => bytes)).toEqual(SITE.map(({ bytes }) => bytes));
    for (const { path, bytes } of expected) expect(readFileSync(join(directory, path))).toHaveLength(bytes);
    // A page of 4 KiB or a segment in the wrong place is not the same document.
    const whole = readFileSync(join(directory, "1M.bin"));
    for (const step of [1460, 4096, 64_240, 65_536])
      expect(whole.subarray(0, 1000).equals(whole.subarray(step, step + 1000)), `${step}`).toBe(false);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("every name is a workload, and no other is", () => {
  for (const name of WORKLOAD_NAMES) expect(workloadOf(name).name).toBe(name);
  expect(() => workloadOf("2K")).toThrow("no document of 2K");
});

test("a mix is a hundred requests, spread", () => {
  const { paths, meanBytes } = workloadOf("mix");
  expect(paths).toHaveLength(100);
  expect(new Set(paths).size).toBe(5);
  expect(paths.filter((path) => path === "/1M.bin")).toHaveLength(1);
  const large = paths.flatMap((path, i) => (path === "/100K.bin" ? [i] : []));
  expect(large).toHaveLength(14);
  for (const [i, at] of large.slice(1).entries()) expect(at - (large[i] ?? 0)).toBeGreaterThanOrEqual(6);
  expect(meanBytes).toBeCloseTo(27_831, -2);
});
