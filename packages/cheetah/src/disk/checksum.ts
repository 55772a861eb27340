/** Checksums: CRC-32 over what the layout trusts, and a 64-bit hash over what a file contains. */

const POLYNOMIAL = 0xedb88320;

const table: Uint32Array = new Uint32Array(256).map((_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  return value;
});

/** The CRC-32 (ISO 3309) of `bytes[from…to)`, after bytes whose CRC-32 is `before`. O(length). */
export function crc32(bytes: Uint8Array, from: number, to: number, before: number = 0): number {
  let crc = ~before;
  for (let i = from; i < to; i++) crc = table[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

const PRIME_1 = 0x9e3779b1;
const PRIME_2 = 0x85ebca77;
const PRIME_3 = 0xc2b2ae3d;

/**
 * A hash of a file's contents in 64 bits, for its entity tag.
 *
 * Two 32-bit lanes with multiplication and rotation. It tells versions of a file
 * apart; it does not withstand somebody who looks for two that agree.
 */
export class ContentHash {
  #high = PRIME_1;
  #low = PRIME_2;
  #length = 0;

  /** Forgets everything, for the next file. */
  reset(): void {
    this.#high = PRIME_1;
    this.#low = PRIME_2;
    this.#length = 0;
  }

  /** Adds `bytes[0…length)`; only the last call for a file may have a length that is no multiple of 4. O(length). */
  add(bytes: Uint8Array, length: number): void {
    let high = this.#high;
    let low = this.#low;
    for (let i = 0; i < length; i += 4) {
      const word = wordAt(bytes, i, length);
      high = Math.imul(rotate(high ^ word, 13), PRIME_2) + low;
      low = Math.imul(rotate(low + word, 17), PRIME_3) ^ high;
    }
    this.#high = high | 0;
    this.#low = low | 0;
    this.#length += length;
  }

  /** The upper 32 bits, unsigned. */
  get high(): number {
    return finish(this.#high ^ this.#length);
  }

  /** The lower 32 bits, unsigned. */
  get low(): number {
    return finish(this.#low + Math.imul(this.#high, PRIME_1) + this.#length);
  }
}

const rotate = (value: number, by: number): number => (value << by) | (value >>> (32 - by));

const wordAt = (bytes: Uint8Array, at: number, length: number): number => {
  const whole = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  return at + 4 <= length ? whole : whole & ((1 << (8 * (length - at))) - 1);
};

const finish = (value: number): number => {
  let mixed = Math.imul(value ^ (value >>> 16), PRIME_2);
  mixed = Math.imul(mixed ^ (mixed >>> 13), PRIME_3);
  return (mixed ^ (mixed >>> 16)) >>> 0;
};
