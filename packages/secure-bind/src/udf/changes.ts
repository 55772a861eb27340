/** The bytes that a stranger would write into a block: copied once, then looked at. */
import { isWord } from "./extents.ts";
import { UDF_CHANGES, UDF_CHANGE_BYTES } from "./limits.ts";

/** Bytes to be written into a block. */
export interface BlockChange {
  /** Where in the block. */
  readonly at: number;
  readonly bytes: Uint8Array;
}

// Captured: they see what an array is, and run none of its owner's code.
const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;
const getterOf = (name: PropertyKey): ((this: unknown) => unknown) =>
  Object.getOwnPropertyDescriptor(typedArray, name)?.get ?? (() => undefined);
const typeNameOf = getterOf(Symbol.toStringTag);
const lengthOf = getterOf("length");

const { isArray } = Array;

/** Changes of one block, in the order in which they are written. Made once, used again and again. */
export class ChangeList {
  /** Where each change is in the block, and how many bytes it has. */
  readonly #places: Uint32Array = new Uint32Array(2 * UDF_CHANGES);
  readonly #bytes: Uint8Array = new Uint8Array(UDF_CHANGE_BYTES);
  #count = 0;
  /** Bytes of all of them. */
  #used = 0;

  /**
   * Copies a stranger's changes; false, and there are none, when they are no such list or too many.
   *
   * **Holds** every property is read once; never throws, not even when a getter
   * does. **Cost** O(UDF_CHANGES + UDF_CHANGE_BYTES), whatever the list says of itself.
   */
  read(alien: unknown): boolean {
    this.#clear();
    try {
      if (this.#readAll(alien)) return true;
    } catch {
      // A getter's, or the end of the caller's stack.
    }
    this.#clear();
    return false;
  }

  #clear(): void {
    this.#count = 0;
    this.#used = 0;
  }

  #readAll(alien: unknown): boolean {
    if (!isArray(alien)) return false;
    const length: unknown = alien.length;
    if (!isWord(length) || length > UDF_CHANGES) return false;
    for (let i = 0; i < length; i++) if (!this.#readOne(alien[i])) return false;
    return true;
  }

  #readOne(alien: unknown): boolean {
    if (typeof alien !== "object" || alien === null) return false;
    const { at, bytes } = alien as BlockChange;
    if (!isWord(at) || typeNameOf.call(bytes) !== "Uint8Array") return false;
    const length = lengthOf.call(bytes) as number;
    if (length > UDF_CHANGE_BYTES - this.#used) return false;
    this.#bytes.set(bytes, this.#used);
    this.#places[2 * this.#count] = at;
    this.#places[2 * this.#count + 1] = length;
    this.#used += length;
    this.#count++;
    return true;
  }

  /** True when every change lies in a block of `length` bytes. */
  fits(length: number): boolean {
    for (let i = 0; i < 2 * this.#count; i += 2)
      if ((this.#places[i] ?? 0) + (this.#places[i + 1] ?? 0) > length) return false;
    return true;
  }

  /** Writes them all. **Needs** that they fit. */
  write(block: Uint8Array): void {
    let from = 0;
    for (let i = 0; i < 2 * this.#count; i += 2) {
      const end = from + (this.#places[i + 1] ?? 0);
      block.set(this.#bytes.subarray(from, end), this.#places[i]);
      from = end;
    }
  }
}
