import fc from "fast-check";
import { expect, test } from "vitest";
import { Collected } from "./collected.ts";

test("single bytes cost little more than themselves, and come back in order", () => {
  const collected = new Collected();
  expect([collected.bytes().length, collected.capacity]).toEqual([0, 0]);
  const one = new Uint8Array(1);
  const count = 300_000;
  for (let at = 0; at < count; at++) {
    one[0] = at % 251;
    collected.add(one);
  }
  expect(collected.capacity).toBeLessThanOrEqual(2 * count + 4096);
  const all = collected.bytes();
  expect(all.length).toBe(count);
  expect(all.every((byte, at) => byte === at % 251)).toBe(true);
});

test("more than the largest block, and what is handed over stays the caller's", () => {
  const collected = new Collected();
  const piece = new Uint8Array(3_000_001).fill(7);
  for (let at = 0; at < 14; at++) collected.add(piece);
  piece.fill(9);
  expect(collected.bytes().every((byte) => byte === 7)).toBe(true);
  expect(collected.bytes().length).toBe(14 * piece.length);
  expect(collected.capacity - 14 * piece.length).toBeLessThanOrEqual(1 << 24);
});

test("pieces of any sizes come back as one", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 9000 }), { maxLength: 20 }), (pieces) => {
      const collected = new Collected();
      for (const piece of pieces) collected.add(piece);
      expect(collected.bytes()).toEqual(new Uint8Array(pieces.flatMap((piece) => [...piece])));
    }),
    { numRuns: 30 },
  );
});
