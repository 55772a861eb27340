/** What every physical memory and every random device keep. */
import { expect } from "vitest";
import type { PhysicalMemory } from "../memory.ts";
import type { RandomDevice } from "../random.ts";
import { FRAME_BYTES } from "../units.ts";
import {
  contractSuite,
  type ContractCase,
  type Deviation,
  type MakeHarness,
  type Settling,
} from "./suite.ts";

/** A physical memory under test. */
export interface MemoryHarness extends Settling {
  readonly memory: PhysicalMemory;
}

/** A random device under test. */
export interface RandomHarness extends Settling {
  readonly random: RandomDevice;
}

const sizes = ({ memory }: MemoryHarness): void => {
  expect(memory.frames).toBeGreaterThanOrEqual(1);
  expect(memory.arenaBytes).toBeGreaterThanOrEqual(0);
  expect(memory.bytes.length).toBe(memory.frames * FRAME_BYTES + memory.arenaBytes);
  expect(memory.view.byteLength).toBe(memory.bytes.length);
};

const oneBuffer = ({ memory }: MemoryHarness): void => {
  expect(memory.bytes.buffer).toBe(memory.wasm.buffer);
  expect(memory.view.buffer).toBe(memory.wasm.buffer);
  expect(memory.bytes.byteOffset).toBe(0);
  expect(memory.view.byteOffset).toBe(0);
  memory.view.setUint32(FRAME_BYTES - 4, 0x01020304, false);
  expect([...memory.bytes.subarray(FRAME_BYTES - 4, FRAME_BYTES)]).toEqual([1, 2, 3, 4]);
};

const startsZero = ({ memory }: MemoryHarness): void => {
  let sum = 0;
  for (let at = 0; at < memory.bytes.length; at += 509) sum |= memory.bytes[at] ?? 1;
  expect(sum).toBe(0);
};

const MEMORY_CASES: readonly ContractCase<MemoryHarness>[] = [
  ["is as large as its frames and its arena", sizes],
  ["is one buffer, frame 0 at address 0", oneBuffer],
  ["starts filled with zeros", startsZero],
];

/** Checks that the memories that `make` makes keep the contract of `PhysicalMemory`. */
export function memoryContract(
  name: string,
  make: MakeHarness<MemoryHarness>,
  deviations: readonly Deviation[] = [],
): void {
  contractSuite(name, make, MEMORY_CASES, deviations);
}

const fillsOnlyThat = ({ random }: RandomHarness): void => {
  const memory = new Uint8Array(300).fill(0x5a);
  random.fill(memory, 100, 100);
  random.fill(memory, 250, 0);
  expect(memory.subarray(0, 100).every((byte) => byte === 0x5a)).toBe(true);
  expect(memory.subarray(200).every((byte) => byte === 0x5a)).toBe(true);
  expect(memory.subarray(100, 200).some((byte) => byte !== 0x5a)).toBe(true);
};

const differs = ({ random }: RandomHarness): void => {
  const first = new Uint8Array(32);
  const second = new Uint8Array(32);
  random.fill(first, 0, 32);
  random.fill(second, 0, 32);
  expect(first).not.toEqual(second);
};

const everyByte = ({ random }: RandomHarness): void => {
  const memory = new Uint8Array(65_536);
  random.fill(memory, 0, memory.length);
  const tally = new Uint32Array(256);
  for (const byte of memory) tally[byte] = (tally[byte] ?? 0) + 1;
  for (const count of tally) expect(count > 128 && count < 512).toBe(true);
};

const RANDOM_CASES: readonly ContractCase<RandomHarness>[] = [
  ["fills the bytes asked for and no others", fillsOnlyThat],
  ["gives other bytes each time", differs],
  ["gives every byte about as often", everyByte],
];

/** Checks that the devices that `make` makes keep the contract of `RandomDevice`. */
export function randomContract(
  name: string,
  make: MakeHarness<RandomHarness>,
  deviations: readonly Deviation[] = [],
): void {
  contractSuite(name, make, RANDOM_CASES, deviations);
}
