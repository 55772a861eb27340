/** A live window over plain memory, for testing code that only needs windows. */
import type { Gather, Window } from "../abi/window.ts";
import { BoundWindow, GatherList, type WindowMemory } from "../memory/bound-window.ts";

const NO_COST = { charge: (): void => {} };

/** Memory without a machine: many small windows cost nothing. The sum is the definition of RFC 1071. */
function plainMemory(length: number): WindowMemory {
  const bytes = new Uint8Array(length);
  const checksum = (at: number, count: number): number => {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += (bytes[at + i] ?? 0) << (i & 1 ? 0 : 8);
    return sum === 0 ? 0 : ((sum - 1) % 0xffff) + 1;
  };
  return { bytes, checksum };
}

/** A writable window of `length` zero bytes. */
export const makeWindow = (length: number): Window =>
  new BoundWindow(plainMemory(length), 0, length, { first: 0, count: 1, writable: true, owner: 0 }, NO_COST);

/** An empty gather list. */
export const makeGather = (): Gather => new GatherList();
