import fc from "fast-check";
import { expect, test } from "vitest";
import { makeCopyUnit } from "./copy-unit.ts";
import { makePhysicalMemory, physicalMemoryOf } from "./memory.ts";

const place = fc.nat(5000);

test("bytes move within a memory as `copyWithin` moves them, also onto themselves", () => {
  const memory = makePhysicalMemory(4);
  const filled = fc.uint8Array({ minLength: 1, maxLength: 3000 });
  fc.assert(
    fc.property(filled, place, place, fc.nat(3000), (data, from, to, length) => {
      memory.bytes.set(data, from);
      const expected = memory.bytes.slice().copyWithin(to, from, from + length);
      memory.copy(to, from, length);
      expect(Buffer.compare(memory.bytes, expected)).toBe(0);
    }),
  );
});

test("bytes move from one memory into another, and the first stays as it is", () => {
  const one = makePhysicalMemory(4);
  const other = makePhysicalMemory(4);
  const copy = makeCopyUnit(one.wasm, other.wasm);
  one.bytes.forEach((_, i) => (one.bytes[i] = i * 7));
  const before = one.bytes.slice();
  fc.assert(
    fc.property(place, place, fc.nat(3000), (from, to, length) => {
      const expected = other.bytes.slice();
      expected.set(one.bytes.subarray(from, from + length), to);
      copy(to, from, length);
      expect(Buffer.compare(other.bytes, expected)).toBe(0);
    }),
  );
  expect(Buffer.compare(one.bytes, before)).toBe(0);
});

test("what lies beyond a memory is not copied, and nothing changes", () => {
  const { bytes, copy } = makePhysicalMemory(16);
  bytes.fill(1);
  expect(() => copy(0, bytes.length - 4, 5)).toThrow(WebAssembly.RuntimeError);
  expect(() => copy(bytes.length - 4, 0, 5)).toThrow(WebAssembly.RuntimeError);
  expect(bytes.every((byte) => byte === 1)).toBe(true);
});

test("physical memory is found by its bytes, and by no others", () => {
  const memory = makePhysicalMemory(1);
  expect(physicalMemoryOf(memory.bytes)).toBe(memory);
  expect(physicalMemoryOf(memory.bytes.subarray(0))).toBeUndefined();
  expect(physicalMemoryOf(new Uint8Array(4096))).toBeUndefined();
});
