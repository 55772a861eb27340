import { expect, test } from "vitest";
import { udpFrame } from "./frames.ts";
import { fitLine } from "./series.ts";

test("points on a line are on it", () => {
  const line = fitLine([2, 5, 9].map((x) => [x, 3 * x + 7] as const));
  expect(line.slope).toBeCloseTo(3);
  expect(line.at0).toBeCloseTo(7);
  expect(line.worst).toBeCloseTo(0);
});

test("the worst point is told as a part of itself", () => {
  const { slope, worst } = fitLine([
    [1, 10],
    [2, 10],
    [3, 10],
    [4, 18],
  ]);
  expect(slope).toBeCloseTo(2.4);
  expect(worst).toBeCloseTo(0.32);
});

test("one point is no line", () => {
  expect(() => fitLine([[1, 1]])).toThrow(RangeError);
});

/** The ones' complement sum; 0xffff over what has a right checksum. */
function onesSum(bytes: readonly number[]): number {
  let sum = 0;
  bytes.forEach((byte, i) => (sum += i % 2 === 0 ? byte * 256 : byte));
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

test("a frame has the length that is wanted and both sums", () => {
  for (const payload of [0, 1, 18, 1418]) {
    const frame = udpFrame(payload);
    expect(frame).toHaveLength(42 + payload);
    expect(onesSum([...frame.subarray(14, 34)])).toBe(0xffff);
    const pseudo = [...frame.subarray(26, 34), 0, 17, (8 + payload) >>> 8, (8 + payload) & 255];
    expect(onesSum([...pseudo, ...frame.subarray(34)])).toBe(0xffff);
  }
});
