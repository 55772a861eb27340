import { expect, test } from "vitest";
import { MemoryFault } from "@exolith/libos-unix";
import { LinearMemory } from "./linear-memory.ts";

test("numbers and bytes lie at the base, and nothing beyond the length is reached", () => {
  const wasm = new WebAssembly.Memory({ initial: 2 });
  const memory = new LinearMemory(wasm, 100, () => 16);
  memory.setU8(0, 1);
  memory.setU16LE(2, 0x0302);
  memory.setU32LE(12, 0x0706_0504);
  expect([...new Uint8Array(wasm.buffer, 100, 16)]).toEqual([1, 0, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 4, 5, 6, 7]);
  expect([memory.getU8(3), memory.getU16LE(2), memory.getU32LE(12)]).toEqual([3, 0x0302, 0x0706_0504]);
  const bytes = new Uint8Array(4);
  memory.read(12, bytes, 1, 3);
  memory.write(0, bytes, 0, 4);
  expect([memory.getU32LE(0), bytes]).toEqual([0x0605_0400, Uint8Array.of(0, 4, 5, 6)]);
  for (const beyond of [
    () => memory.getU8(16),
    () => memory.getU16LE(15),
    () => memory.getU32LE(13),
    () => memory.setU8(16, 0),
    () => memory.setU16LE(15, 0),
    () => memory.setU32LE(13, 0),
    () => memory.read(15, bytes, 0, 2),
    () => memory.write(15, bytes, 0, 2),
  ])
    expect(beyond).toThrow(MemoryFault);
});

test("a memory that grew is followed", () => {
  const wasm = new WebAssembly.Memory({ initial: 1 });
  const memory = new LinearMemory(wasm, 0, () => wasm.buffer.byteLength);
  memory.setU8(5, 7);
  wasm.grow(1);
  expect([memory.length, memory.getU8(5)]).toEqual([131_072, 7]);
  memory.setU32LE(131_068, 9);
  expect(memory.getU32LE(131_068)).toBe(9);
});
