/** Connections that may have something to send, in turn. */
import type { ControlBlock } from "./control-block.ts";

/** A ring in which every connection is at most once. Never allocates after it is made. */
export class ReadyQueue {
  readonly #slots: Int32Array;
  #head = 0;
  #count = 0;

  constructor(slots: number) {
    this.#slots = new Int32Array(slots);
  }

  /** Connections waiting for their turn. */
  get count(): number {
    return this.#count;
  }

  /** Puts `block` at the end, unless it is in. O(1). */
  add(block: ControlBlock): void {
    if (block.isReady) return;
    block.isReady = true;
    const end = this.#head + this.#count;
    this.#slots[end < this.#slots.length ? end : end - this.#slots.length] = block.slot;
    this.#count += 1;
  }

  /** Puts `block`, which was taken and is not in, back to the front: it has not had its turn. O(1). */
  putBack(block: ControlBlock): void {
    block.isReady = true;
    this.#head = (this.#head === 0 ? this.#slots.length : this.#head) - 1;
    this.#slots[this.#head] = block.slot;
    this.#count += 1;
  }

  /** Takes the slot of the first one; the caller clears its `isReady`. -1 when empty. O(1). */
  take(): number {
    if (this.#count === 0) return -1;
    const slot = this.#slots[this.#head] ?? -1;
    this.#count -= 1;
    this.#head = this.#count === 0 || this.#head + 1 === this.#slots.length ? 0 : this.#head + 1;
    return slot;
  }
}
