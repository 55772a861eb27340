/** The memory of a program in a segment: one window, whose offsets are the program's addresses. */
import type { Window } from "@exolith/exokernel/abi";
import { MemoryFault, type ProgramMemory } from "./program-memory.ts";

/** Memory in the first bytes of a window. */
export class SegmentMemory implements ProgramMemory {
  readonly #window: Window;
  readonly #bytes: () => number;

  /** `bytes` says how much of the window is the program's. */
  constructor(window: Window, bytes: () => number) {
    this.#window = window;
    this.#bytes = bytes;
  }

  get length(): number {
    return this.#bytes();
  }

  demand(at: number, length: number): void {
    if (at + length > this.#bytes()) throw new MemoryFault();
  }

  getU8(at: number): number {
    this.demand(at, 1);
    return this.#window.getU8(at);
  }

  getU16LE(at: number): number {
    this.demand(at, 2);
    return this.#window.getU8(at) | (this.#window.getU8(at + 1) << 8);
  }

  getU32LE(at: number): number {
    this.demand(at, 4);
    return this.#window.getU32LE(at);
  }

  setU8(at: number, value: number): void {
    this.demand(at, 1);
    this.#window.setU8(at, value);
  }

  setU16LE(at: number, value: number): void {
    this.demand(at, 2);
    this.#window.setU8(at, value & 0xff);
    this.#window.setU8(at + 1, (value >>> 8) & 0xff);
  }

  setU32LE(at: number, value: number): void {
    this.demand(at, 4);
    this.#window.setU32LE(at, value);
  }

  read(at: number, into: Uint8Array, intoAt: number, length: number): void {
    this.demand(at, length);
    if (length > 0) this.#window.read(at, into, intoAt, length);
  }

  write(at: number, from: Uint8Array, fromAt: number, length: number): void {
    this.demand(at, length);
    if (length > 0) this.#window.write(at, from, fromAt, length);
  }
}
