import { expect, test } from "vitest";
import { publishCounters } from "./counters.ts";

test("published counters follow their writer and cannot be written", () => {
  const counts = { frames: 1, bytes: 60 };
  const published = publishCounters(counts);
  counts.frames += 1;
  expect({ ...published }).toEqual({ frames: 2, bytes: 60 });
  expect(() => ((published as { frames: number }).frames = 9)).toThrow(TypeError);
  expect(() => Object.defineProperty(published, "frames", { value: 9 })).toThrow(TypeError);
  expect(counts.frames).toBe(2);
});
