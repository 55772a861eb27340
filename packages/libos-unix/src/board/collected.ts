/** What a program writes that nobody takes: kept until it is over. */

/** Bytes of the first block, and of the largest one. */
const FIRST_BYTES = 4096;
const BLOCK_BYTES = 1 << 24;

/**
 * Bytes that come in pieces of any size.
 *
 * **Cost** for the host, at most twice the bytes and 4 KiB, however small the
 * pieces: they lie in blocks, each twice as long as the one before up to 16 MiB.
 */
export class Collected {
  /** All that are full, and the last. */
  readonly #blocks: Uint8Array[] = [];
  #last: Uint8Array = new Uint8Array(0);
  /** Bytes of the last block that are taken. */
  #used = 0;
  #length = 0;

  /** Bytes of the host's that it takes. */
  get capacity(): number {
    return this.#blocks.reduce((sum, { length }) => sum + length, 0);
  }

  /** Appends a copy of `bytes`. O(bytes). */
  readonly add = (bytes: Uint8Array): void => {
    for (let done = 0; done < bytes.length;) {
      if (this.#used === this.#last.length) this.#more();
      const count = Math.min(bytes.length - done, this.#last.length - this.#used);
      this.#last.set(bytes.subarray(done, done + count), this.#used);
      this.#used += count;
      this.#length += count;
      done += count;
    }
  };

  /** A copy of all that came. O(bytes). */
  bytes(): Uint8Array {
    const all = new Uint8Array(this.#length);
    let at = 0;
    for (const block of this.#blocks) {
      const count = Math.min(block.length, this.#length - at);
      all.set(block.subarray(0, count), at);
      at += count;
    }
    return all;
  }

  #more(): void {
    this.#last = new Uint8Array(Math.min(Math.max(FIRST_BYTES, 2 * this.#last.length), BLOCK_BYTES));
    this.#blocks.push(this.#last);
    this.#used = 0;
  }
}
