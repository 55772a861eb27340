import { capSlot, must } from "@exolith/exokernel/abi";
import { makeRig } from "@exolith/exokernel/testing";
import { makeFramePool } from "@exolith/libos-exos";
import fc from "fast-check";
import { expect, test } from "vitest";
import { MemoryFault } from "./program-memory.ts";
import { SegmentMemory } from "./segment-memory.ts";

const LENGTH = 5000;

function makeSegment(length: number = LENGTH) {
  const gate = makeRig(16).environment([1, 1]);
  const window = must(makeFramePool(gate, capSlot(0)).run(2));
  window.fill(0, window.length, 0);
  const now = { length };
  return { window, now, memory: new SegmentMemory(window, () => now.length) };
}

test("numbers are little-endian, at any address", () => {
  const { memory } = makeSegment();
  memory.setU32LE(3, 0x8765_4321);
  expect([3, 4, 5, 6].map((at) => memory.getU8(at))).toEqual([0x21, 0x43, 0x65, 0x87]);
  expect([memory.getU32LE(3), memory.getU16LE(5)]).toEqual([0x8765_4321, 0x8765]);
  memory.setU16LE(9, 0xbeef);
  expect([memory.getU16LE(9), memory.getU8(9)]).toEqual([0xbeef, 0xef]);
});

test("its end is that of the program's memory, not of the window, and moves with it", () => {
  const { memory, now, window } = makeSegment();
  const bytes = new Uint8Array(8).fill(1);
  const acts: readonly (() => unknown)[] = [
    () => memory.getU8(LENGTH),
    () => memory.getU16LE(LENGTH - 1),
    () => memory.getU32LE(LENGTH - 3),
    () => memory.setU8(LENGTH, 1),
    () => memory.setU16LE(LENGTH - 1, 1),
    () => memory.setU32LE(LENGTH - 3, 1),
    () => memory.read(LENGTH - 7, bytes, 0, 8),
    () => memory.write(LENGTH - 7, bytes, 0, 8),
    () => memory.demand(0xffff_ffff, 1),
  ];
  for (const act of acts) expect(act).toThrow(MemoryFault);
  for (let at = LENGTH - 8; at < LENGTH + 8; at++) expect(window.getU8(at)).toBe(0);
  memory.read(LENGTH, bytes, 0, 0);
  memory.write(LENGTH, bytes, 0, 0);
  now.length = LENGTH + 8;
  memory.write(LENGTH, bytes, 0, 8);
  expect(memory.getU8(LENGTH + 7)).toBe(1);
});

test("whatever is written is read", () => {
  const { memory } = makeSegment();
  const model = new Uint8Array(LENGTH);
  const move = fc.record({ at: fc.nat(LENGTH), length: fc.nat(300), value: fc.nat(255) });
  fc.assert(
    fc.property(move, ({ at, length, value }) => {
      const bytes = new Uint8Array(length).fill(value);
      if (at + length > LENGTH) expect(() => memory.write(at, bytes, 0, length)).toThrow(MemoryFault);
      else {
        memory.write(at, bytes, 0, length);
        model.set(bytes, at);
      }
      const into = new Uint8Array(LENGTH);
      memory.read(0, into, 0, LENGTH);
      expect(into).toEqual(model);
    }),
  );
});
