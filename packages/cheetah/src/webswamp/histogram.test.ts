import { expect, test } from "vitest";
import { Histogram } from "./histogram.ts";

test("nothing is recorded at first", () => {
  const histogram = new Histogram();
  expect([histogram.count, histogram.mean, histogram.most, histogram.quantile(0.5)]).toEqual([0, 0, 0, 0]);
});

test.each([0.1, 1, 7.3, 42, 999, 12_345, 1_000_000, 30_000_000])(
  "%d µs is found again to 1 part in 64, or 16 ns",
  (microseconds) => {
    const histogram = new Histogram();
    for (let i = 0; i < 3; i++) histogram.record(microseconds);
    histogram.record(microseconds * 3);
    expect(Math.abs(histogram.quantile(0.5) - microseconds)).toBeLessThanOrEqual(
      Math.max(0.016, microseconds / 64),
    );
    expect(histogram.count).toBe(4);
    expect(histogram.most).toBe(microseconds * 3);
    expect(histogram.mean).toBeCloseTo(microseconds * 1.5);
  },
);

test("quantiles are those of sorted values", () => {
  const histogram = new Histogram();
  const values = Array.from({ length: 10_000 }, (_, i) => 1 + ((i * 7919) % 10_000) * 0.37);
  for (const value of values) histogram.record(value);
  const sorted = values.toSorted((a, b) => a - b);
  for (const share of [0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 1]) {
    const exact = sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
    expect(Math.abs(histogram.quantile(share) / exact - 1), `${share}`).toBeLessThan(1 / 64);
  }
});

test("what is negative or longer than can be told apart is counted at the end", () => {
  const histogram = new Histogram();
  histogram.record(-1);
  histogram.record(1e9);
  expect(histogram.count).toBe(2);
  expect(histogram.quantile(0.5)).toBe(0);
  expect(histogram.quantile(1)).toBeGreaterThan(33e6);
});
