import { expect, test } from "vitest";
import { interleaved, makeHeapMeter, timed } from "./measure.ts";

test("subjects take turns, and rounds of warm-up do not count", async () => {
  const seen: string[] = [];
  const subject = (name: string, value: number) => ({
    name,
    round: () => {
      seen.push(name);
      return value + seen.length;
    },
  });
  const said: string[] = [];
  const rounds = { counted: 3, warmUp: 2 };
  const figures = await interleaved([subject("a", 0), subject("b", 100)], rounds, (line) => said.push(line));
  expect(seen).toEqual(Array.from({ length: 5 }, () => ["a", "b"]).flat());
  expect(figures.get("a")).toEqual({ median: 7, minimum: 5, maximum: 9, rounds: 3 });
  expect(figures.get("b")?.rounds).toBe(3);
  expect(said).toHaveLength(3);
});

test("the heap meter sees an object for each operation, and none where there is none", () => {
  const heap = makeHeapMeter();
  const kept: unknown[] = [undefined];
  const allocating = (times: number): void => {
    for (let i = 0; i < times; i++) kept[0] = { a: i, b: i };
  };
  const words = new Uint32Array(1);
  const idle = (times: number): void => {
    for (let i = 0; i < times; i++) words[0] = i;
  };
  expect(heap(allocating, 20_000)).toBeGreaterThan(16);
  expect(heap(idle, 20_000)).toBeLessThan(1);
});

test("time is nanoseconds of one operation", () => {
  let done = 0;
  const spin = (times: number): void => {
    for (let i = 0; i < times * 1000; i++) done += 1;
  };
  expect(timed(spin, 100)).toBeGreaterThan(1);
  expect(done).toBe(100_000);
});
