/** A program's memory for its libOS, where it lies in one piece: as written, in a segment, or page behind page. */
import { MemoryFault, type ProgramMemory } from "@exolith/libos-unix";

/** Memory of `length()` bytes from physical `base` on. */
export class LinearMemory implements ProgramMemory {
  readonly #wasm: WebAssembly.Memory;
  readonly #base: number;
  readonly #length: () => number;
  #view: DataView;
  #bytes: Uint8Array;

  constructor(wasm: WebAssembly.Memory, base: number, length: () => number) {
    this.#wasm = wasm;
    this.#base = base;
    this.#length = length;
    this.#view = new DataView(wasm.buffer);
    this.#bytes = new Uint8Array(wasm.buffer);
  }

  get length(): number {
    return this.#length();
  }

  demand(at: number, length: number): void {
    if (at + length > this.#length()) throw new MemoryFault();
    if (this.#view.buffer !== this.#wasm.buffer) this.#follow();
  }

  /** A memory that grew has its bytes in another buffer. */
  #follow(): void {
    this.#view = new DataView(this.#wasm.buffer);
    this.#bytes = new Uint8Array(this.#wasm.buffer);
  }

  #place(at: number, length: number): number {
    this.demand(at, length);
    return this.#base + at;
  }

  getU8(at: number): number {
    const from = this.#place(at, 1);
    return this.#view.getUint8(from);
  }

  getU16LE(at: number): number {
    const from = this.#place(at, 2);
    return this.#view.getUint16(from, true);
  }

  getU32LE(at: number): number {
    const from = this.#place(at, 4);
    return this.#view.getUint32(from, true);
  }

  setU8(at: number, value: number): void {
    const to = this.#place(at, 1);
    this.#view.setUint8(to, value);
  }

  setU16LE(at: number, value: number): void {
    const to = this.#place(at, 2);
    this.#view.setUint16(to, value, true);
  }

  setU32LE(at: number, value: number): void {
    const to = this.#place(at, 4);
    this.#view.setUint32(to, value, true);
  }

  read(at: number, into: Uint8Array, intoAt: number, length: number): void {
    const from = this.#place(at, length);
    into.set(this.#bytes.subarray(from, from + length), intoAt);
  }

  write(at: number, from: Uint8Array, fromAt: number, length: number): void {
    const to = this.#place(at, length);
    this.#bytes.set(from.subarray(fromAt, fromAt + length), to);
  }
}
