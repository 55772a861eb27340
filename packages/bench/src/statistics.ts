/** Medians and spread: what a handful of rounds says. */

/** Several rounds of one figure. */
export interface Figure {
  readonly median: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly rounds: number;
}

/** The median of `values`; the mean of the middle two for an even number. Throws on none. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("no values");
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  return (lower + upper) / 2;
}

/** Median, minimum and maximum of `values`. */
export const figure = (values: readonly number[]): Figure => ({
  median: median(values),
  minimum: Math.min(...values),
  maximum: Math.max(...values),
  rounds: values.length,
});

/** Three significant digits, without an exponent. */
export const short = (value: number): string =>
  value >= 100 ? Math.round(value).toString() : value.toPrecision(3);

/** `median (minimum-maximum)`. */
export const printFigure = (of: Figure): string =>
  `${short(of.median)} (${short(of.minimum)}-${short(of.maximum)})`;
