import fc from "fast-check";
import { expect, test } from "vitest";
import { makePhysicalMemory } from "./memory.ts";

/** The definition, word by word (RFC 1071 section 4.1). */
function sumOf(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) {
    sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
    if (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  }
  return sum;
}

test("the sum is that of RFC 1071 at every offset and length", () => {
  const memory = makePhysicalMemory(4);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), fc.nat(5000), (data, at) => {
      memory.bytes.set(data, at);
      expect(memory.checksum(at, data.length)).toBe(sumOf(data));
    }),
    { numRuns: 1000 },
  );
});

test("the example of RFC 1071 section 3", () => {
  const memory = makePhysicalMemory(1);
  memory.bytes.set([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7], 3);
  expect(memory.checksum(3, 8)).toBe(0xddf2);
});

test("long runs of the largest words do not overflow, odd ends count", () => {
  const memory = makePhysicalMemory(512);
  memory.bytes.fill(0xff);
  for (const length of [262_143, 262_144, 262_145, 1_000_001, 2_097_152])
    expect(memory.checksum(0, length)).toBe(sumOf(memory.bytes.subarray(0, length)));
});

test("the last bytes of memory can be summed, the first beyond cannot", () => {
  const memory = makePhysicalMemory(16);
  const size = memory.bytes.length;
  memory.bytes.fill(1, size - 5);
  expect(memory.checksum(size - 5, 5)).toBe(sumOf(Uint8Array.from([1, 1, 1, 1, 1])));
  expect(() => memory.checksum(size - 5, 32)).toThrow();
  expect(memory.checksum(size, 0)).toBe(0);
});
