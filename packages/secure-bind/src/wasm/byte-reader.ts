/** Reads the numbers and names of a WebAssembly binary from bytes that nobody vouches for. */
import { refuse } from "./module-refusal.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes of the longest LEB128 number of 32 bits. */
const U32_BYTES = 5;
/** What the last of them may hold. */
const U32_LAST = 0x0f;

/**
 * A place in a range of bytes.
 *
 * **Holds** `at <= end`, and no byte from `end` on is read.
 * **Fails** every method ends the pass with "Malformed" when the range ends
 * early or the format is broken. **Cost** O(1) a byte.
 */
export class ByteReader {
  readonly bytes: Uint8Array;
  /** Offset of the next byte. */
  at: number;
  /** Offset behind the last byte. */
  end: number;

  constructor(bytes: Uint8Array, at = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** Bytes that are left. */
  get left(): number {
    return this.end - this.at;
  }

  /** One byte. */
  u8(): number {
    if (this.at >= this.end) refuse("Malformed", this.at, "end of bytes");
    return this.bytes[this.at++] ?? 0;
  }

  /** An unsigned LEB128 number of 32 bits, at most five bytes. */
  u32(): number {
    const start = this.at;
    let value = 0;
    for (let i = 0; i < U32_BYTES; i++) {
      const byte = this.u8();
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte >= 0x80) continue;
      if (i === U32_BYTES - 1 && byte > U32_LAST) break;
      return value;
    }
    return refuse("Malformed", start, "number of 32 bits");
  }

  /** Passes over a LEB128 number of at most `most` bytes. */
  skipNumber(most: number): void {
    const start = this.at;
    for (let i = 0; i < most; i++) if (this.u8() < 0x80) return;
    refuse("Malformed", start, "number");
  }

  /** Passes over `count` bytes; the offset of the first. */
  skip(count: number): number {
    const start = this.at;
    if (count > this.left) refuse("Malformed", start, "size");
    this.at += count;
    return start;
  }

  /** How many entries follow: each takes at least `least` bytes, so that no count promises what cannot come. */
  count(least = 1): number {
    const start = this.at;
    const count = this.u32();
    if (count * least > this.left) refuse("Malformed", start, "count");
    return count;
  }

  /** A name in UTF-8 behind its length; refused as too long before it is decoded. */
  name(most: number): string {
    const start = this.at;
    const length = this.count();
    if (!(length <= most)) refuse("TooLarge", start, "nameBytes");
    const from = this.skip(length);
    try {
      return utf8.decode(this.bytes.subarray(from, this.at));
    } catch {
      return refuse("Malformed", start, "name");
    }
  }
}
