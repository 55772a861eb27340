import fc from "fast-check";
import { expect, test } from "vitest";
import { makePhysicalMemory } from "@exolith/hw-model";
import { BoundWindow } from "./bound-window.ts";
import { makeWindow } from "../testing/window.ts";

/** A window over a machine's own memory, not at its beginning. */
const machineWindow = (length: number): BoundWindow =>
  new BoundWindow(
    makePhysicalMemory(128),
    8192,
    length,
    { first: 2, count: 1, writable: true, owner: 0 },
    { charge: () => {} },
  );

const kinds = [
  ["plain memory", makeWindow],
  ["a machine's memory", machineWindow],
] as const;

/** The definition, word by word. */
function sumOf(bytes: Uint8Array, initial: number): number {
  let sum = initial;
  for (let i = 0; i < bytes.length; i += 2) {
    sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
    if (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  }
  return sum;
}

test.each(kinds)(
  "the checksum of %s is the ones'-complement sum of RFC 1071 at every offset, length and initial value",
  (_, make) => {
    const window = make(4096);
    const bytes = fc.uint8Array({ maxLength: 2000 });
    fc.assert(
      fc.property(bytes, fc.nat(2000), fc.nat(0xffff), (data, at, initial) => {
        window.write(at, data, 0, data.length);
        const sum = window.checksum(at, data.length, initial);
        const wanted = sumOf(data, initial);
        expect(sum % 0xffff).toBe(wanted % 0xffff);
        expect(sum === 0).toBe(wanted === 0);
      }),
      { numRuns: 500 },
    );
  },
);

test.each(kinds)("in %s a checksum over more than 64 KiB of the largest words is right", (_, make) => {
  const window = make(300_001);
  window.fill(0, 300_001, 0xff);
  const all = new Uint8Array(300_001).fill(0xff);
  expect(window.checksum(0, 300_001, 0) % 0xffff).toBe(sumOf(all, 0) % 0xffff);
  expect(window.checksum(1, 300_000, 0)).toBe(0xffff);
});

test("the example of RFC 1071 section 3", () => {
  const window = makeWindow(16);
  window.write(0, Uint8Array.from([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), 0, 8);
  expect(window.checksum(0, 8, 0)).toBe(0xddf2);
});
