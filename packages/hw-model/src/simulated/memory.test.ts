import { expect, test } from "vitest";
import { DEFAULT_FRAMES } from "../memory.ts";
import { FRAME_BYTES } from "../units.ts";
import { makePhysicalMemory } from "./memory.ts";

test("a machine has 64 MiB unless told otherwise", () => {
  const memory = makePhysicalMemory();
  expect(memory.frames).toBe(DEFAULT_FRAMES);
  expect(memory.bytes.length).toBe(64 * 1024 * 1024);
  expect(memory.arenaBytes).toBe(0);
});

test("the arena lies above RAM and is rounded up to whole pages of WebAssembly", () => {
  const memory = makePhysicalMemory(3, 1);
  expect(memory.arenaBytes).toBe(65_536 - 3 * FRAME_BYTES);
  expect(makePhysicalMemory(16, 65_536).arenaBytes).toBe(65_536);
});

test("a memory of no frames, or of more than 4 GiB, is refused", () => {
  expect(() => makePhysicalMemory(0)).toThrow(RangeError);
  expect(() => makePhysicalMemory(1.5)).toThrow(RangeError);
  expect(() => makePhysicalMemory(1024 * 1024 + 1)).toThrow("4 GiB");
});
