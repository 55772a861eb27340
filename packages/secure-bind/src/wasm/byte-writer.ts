/** Bytes written one after another into a buffer that grows: for WebAssembly binaries. */

/** Bytes of a padded LEB128 number of 32 bits. */
export const PADDED_BYTES = 5;

/** Ranges up to this long are copied by a loop: a view would cost more. */
const SHORT_RANGE = 32;
/** Runs up to this long are copied byte by byte, into room for as much. */
const SHORT_RUN = 64;

const scratch = new DataView(new ArrayBuffer(8));
const utf8 = new TextEncoder();

const isU32 = (value: number): boolean => value >>> 0 === value;
const isByte = (value: unknown): value is number => typeof value === "number" && (value & 0xff) === value;
const isS32 = (value: number): boolean => (value | 0) === value;

function demand(holds: boolean, what: string, value: number | bigint): void {
  if (!holds) throw new RangeError(`not ${what}: ${value}`);
}

/**
 * Writes bytes, LEB128 numbers, floating point numbers and names.
 *
 * A number of the wrong range is a `RangeError`: whoever writes one has a
 * mistake, and a binary with a wrong number in it is hard to read.
 *
 * **Cost** amortised O(1) a byte. Nothing is allocated while the buffer is large
 * enough, but by `name` and by long ranges, which make one view each.
 */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;
  /** Offsets of branches that are known to go one way mostly, twice, plus 1 when they are taken then. */
  #hints: Float64Array = new Float64Array(64);
  #hintCount = 0;

  constructor(capacity = 1024) {
    this.#bytes = new Uint8Array(Math.max(capacity, 16));
  }

  /** Bytes written so far, which is the offset of the next one. */
  get length(): number {
    return this.#length;
  }

  /** The byte at offset `at` of what was written. */
  at(at: number): number {
    return at < this.#length ? (this.#bytes[at] ?? 0) : 0;
  }

  /** Makes room for `more` bytes behind the last. */
  #reserve(more: number): void {
    const wanted = this.#length + more;
    if (wanted <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(wanted, this.#bytes.length * 2));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }

  /**
   * The buffer, with room for `more` bytes from offset `length` on, to be written without a check.
   *
   * **Owner** the caller's until the next call of any other method; `wrote` says where it stopped.
   */
  room(more: number): Uint8Array {
    this.#reserve(more);
    return this.#bytes;
  }

  /** The bytes up to offset `end`, inside the room that was asked for, are written. */
  wrote(end: number): void {
    demand(isU32(end) && end >= this.#length && end <= this.#bytes.length, "an offset in the room", end);
    this.#length = end;
  }

  /** One byte, from 0 to 255. */
  u8(value: number): void {
    demand(isByte(value), "a byte", value);
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** An unsigned 32-bit number as LEB128, one to five bytes. */
  u32(value: number): void {
    demand(isU32(value), "unsigned of 32 bits", value);
    this.#reserve(5);
    let rest = value;
    while (rest > 0x7f) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
  }

  /** A byte and an unsigned number: an instruction with one immediate. */
  one(opcode: number, immediate: number): void {
    this.#reserve(6);
    const bytes = this.#bytes;
    bytes[this.#length] = opcode;
    if (immediate < 0x80) {
      bytes[this.#length + 1] = immediate;
      this.#length += 2;
      return;
    }
    this.#length += 1;
    this.u32(immediate);
  }

  /** A signed 32-bit number as LEB128, one to five bytes. */
  s32(value: number): void {
    demand(isS32(value), "signed of 32 bits", value);
    this.#reserve(5);
    let rest = value;
    while (rest < -0x40 || rest > 0x3f) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>= 7;
    }
    this.#bytes[this.#length++] = rest & 0x7f;
  }

  /** A signed 64-bit number as LEB128, one to ten bytes. */
  s64(value: bigint): void {
    scratch.setBigInt64(0, value, true);
    let low = scratch.getUint32(0, true);
    let high = scratch.getInt32(4, true);
    demand(scratch.getBigInt64(0, true) === value, "signed of 64 bits", value);
    this.#reserve(10);
    // Done when all that is left is copies of the sign, which the last byte's bit 6 repeats.
    while (high !== (low | 0) >> 31 || (low | 0) < -0x40 || (low | 0) > 0x3f) {
      this.#bytes[this.#length++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>= 7;
    }
    this.#bytes[this.#length++] = low & 0x7f;
  }

  /** An unsigned 32-bit number as LEB128 in exactly five bytes, to be patched later. */
  paddedU32(value: number): void {
    this.#reserve(PADDED_BYTES);
    this.#length += PADDED_BYTES;
    this.patchU32(this.#length - PADDED_BYTES, value);
  }

  /** A signed 32-bit number as LEB128 in exactly five bytes, to be patched later. */
  paddedS32(value: number): void {
    this.#reserve(PADDED_BYTES);
    this.#length += PADDED_BYTES;
    this.patchS32(this.#length - PADDED_BYTES, value);
  }

  /** Replaces the padded unsigned number at offset `at`. */
  patchU32(at: number, value: number): void {
    demand(isU32(value), "unsigned of 32 bits", value);
    this.#pad(at, value, value >>> 28);
  }

  /** Replaces the padded signed number at offset `at`. */
  patchS32(at: number, value: number): void {
    demand(isS32(value), "signed of 32 bits", value);
    this.#pad(at, value, (value >> 28) & 0x7f);
  }

  #pad(at: number, value: number, last: number): void {
    demand(isU32(at) && at + PADDED_BYTES <= this.#length, "an offset of five written bytes", at);
    for (let i = 0; i < PADDED_BYTES - 1; i++) this.#bytes[at + i] = ((value >>> (7 * i)) & 0x7f) | 0x80;
    this.#bytes[at + PADDED_BYTES - 1] = last;
  }

  /** The four bytes of a floating point number, little-endian. */
  f32(value: number): void {
    scratch.setFloat32(0, value, true);
    this.#scratch(4);
  }

  /** The eight bytes of a floating point number, little-endian. */
  f64(value: number): void {
    scratch.setFloat64(0, value, true);
    this.#scratch(8);
  }

  #scratch(count: number): void {
    this.#reserve(count);
    for (let i = 0; i < count; i++) this.#bytes[this.#length++] = scratch.getUint8(i);
  }

  /** The bytes of `source` from offset `from` up to, not including, `to`; all of them by default. */
  bytes(source: ArrayLike<number>, from = 0, to: number = source.length): void {
    demand(isU32(from) && from <= to, "an offset before the end", from);
    demand(isU32(to) && to <= source.length, "an offset in the source", to);
    this.#reserve(to - from);
    if (to - from > SHORT_RANGE && source instanceof Uint8Array)
      this.#bytes.set(source.subarray(from, to), this.#length);
    else this.#each(source, from, to);
    this.#length += to - from;
  }

  /** The bytes of `source` from offset `from` up to, not including, `to`: as `bytes`, for many short runs. */
  run(source: Uint8Array, from: number, to: number): void {
    if (to - from > SHORT_RUN) {
      this.bytes(source, from, to);
      return;
    }
    const into = this.room(SHORT_RUN);
    let at = this.#length;
    for (let i = from; i < to; i++) into[at++] = source[i] ?? 0;
    this.#length = at;
  }

  /** Copies bytes behind the last one. */
  #each(source: ArrayLike<number>, from: number, to: number): void {
    for (let i = from; i < to; i++) {
      const value: number | undefined = source[i];
      if (!isByte(value)) throw new RangeError(`not a byte: ${String(value)}`);
      this.#bytes[this.#length + i - from] = value;
    }
  }

  /** Notes that the branch at offset `at` is mostly taken, or mostly not. */
  hint(at: number, isTaken: boolean): void {
    this.#pushHint(2 * at + Number(isTaken));
  }

  /** What was noted, in the order in which it was written. */
  get hints(): Float64Array {
    return this.#hints.subarray(0, this.#hintCount);
  }

  #pushHint(hint: number): void {
    if (this.#hintCount === this.#hints.length) {
      const grown = new Float64Array(2 * this.#hintCount);
      grown.set(this.#hints);
      this.#hints = grown;
    }
    this.#hints[this.#hintCount++] = hint;
  }

  /** All bytes of another writer, behind their number when it is `counted`. */
  append(other: ByteWriter, counted = false): void {
    const count = other.#length;
    if (counted) this.u32(count);
    for (let i = 0; i < other.#hintCount; i++) this.#pushHint(2 * this.#length + (other.#hints[i] ?? 0));
    this.bytes(other.#bytes, 0, count);
  }

  /** A text in UTF-8 behind the number of its bytes. */
  name(text: string): void {
    const bytes = utf8.encode(text);
    this.u32(bytes.length);
    this.bytes(bytes);
  }

  /** Forgets what was written from offset `from` on, all of it by default, and keeps the room. */
  clear(from = 0): void {
    demand(isU32(from) && from <= this.#length, "an offset of what was written", from);
    this.#length = from;
    while (this.#hintCount > 0 && (this.#hints[this.#hintCount - 1] ?? 0) >= 2 * from) this.#hintCount -= 1;
  }

  /** What was written, as an array of its own; the writer is empty afterwards and keeps its room. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.#bytes.slice(0, this.#length);
    this.clear();
    return taken;
  }
}
