/** Reads instructions, one after another, from a function's code. */
import { refuse } from "./module-refusal.ts";
import {
  BULK_CODES,
  BULK_PREFIX,
  CODES,
  IMMEDIATE,
  IMMEDIATES,
  NAMES,
  VECTOR_CODES,
  VECTOR_PREFIX,
  extensionOf,
} from "./opcodes.ts";

/** Set in an alignment when the number of a memory follows. */
const NAMES_MEMORY = 0x40;
/** Types of blocks below this are types of values; "nothing" is the least of all. */
const NO_VALUE = -64;

/**
 * The instruction that was read last, and where it stands.
 *
 * One object for a whole module: nothing is allocated for an instruction.
 *
 * **Holds** reading ends within 16 bytes, or the labels of one instruction,
 * behind `end`; a number that is not closed there reads as zeros.
 * **Cost** O(1) an instruction, O(labels) for a table of labels.
 */
export class InstructionReader {
  readonly bytes: Uint8Array;
  /** Offset behind the instruction: the next one's. */
  at = 0;
  /** Offset of the instruction. */
  start = 0;
  /** Its row in the table of opcodes. */
  code = 0;
  /** Its first immediate: a number, the alignment of an access, how many labels; of i64 constants nothing. */
  first = 0;
  /** Its second: a number, the offset of an access, where its labels stand. */
  second = 0;
  /** The lane of an access to a vector's lane. */
  lane = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Reads the instruction at `at`; its code has no name when there is none. */
  next(): void {
    this.start = this.at;
    const opcode = this.bytes[this.at++] ?? 0;
    this.code = opcode < BULK_PREFIX ? opcode : this.#prefixed(opcode);
    const immediate = IMMEDIATES[this.code] ?? 0;
    if (immediate === IMMEDIATE.none) return;
    if (immediate === IMMEDIATE.one) this.first = this.u32();
    else if (immediate === IMMEDIATE.memory) this.#access();
    else this.#rare(immediate);
  }

  /** Refuses an instruction that the table does not have, by the name of the extension that does. */
  refuseUnknown(): never {
    const opcode = this.bytes[this.start] ?? 0;
    const extension = extensionOf(opcode, this.second);
    if (extension !== undefined) return refuse("Unsupported", this.start, extension);
    return refuse("Unsupported", this.start, `opcode 0x${opcode.toString(16)}`);
  }

  #prefixed(prefix: number): number {
    const number = this.u32();
    this.second = number;
    if (prefix === BULK_PREFIX && number < VECTOR_CODES - BULK_CODES) return BULK_CODES + number;
    if (prefix === VECTOR_PREFIX && number < CODES - VECTOR_CODES) return VECTOR_CODES + number;
    return prefix;
  }

  /** A LEB128 number; of more than 32 bits, the low ones. */
  u32(): number {
    const byte = this.bytes[this.at++] ?? 0;
    return byte < 0x80 ? byte : this.#long(byte & 0x7f);
  }

  #long(low: number): number {
    let value = low;
    for (let shift = 7; shift < 70; shift += 7) {
      const byte = this.bytes[this.at++] ?? 0;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return value >>> 0;
  }

  #access(): void {
    this.first = this.u32();
    if (this.first >= NAMES_MEMORY) refuse("Unsupported", this.start, "several memories");
    this.second = this.u32();
  }

  #rare(immediate: number): void {
    switch (immediate) {
      case IMMEDIATE.two:
        this.first = this.u32();
        this.second = this.u32();
        return;
      case IMMEDIATE.bytes1:
        this.at += 1;
        return;
      case IMMEDIATE.bytes4:
        this.at += 4;
        return;
      case IMMEDIATE.bytes8:
        this.at += 8;
        return;
      case IMMEDIATE.bytes16:
        this.at += 16;
        return;
      case IMMEDIATE.memoryLane:
        this.#access();
        this.lane = this.bytes[this.at++] ?? 0;
        return;
      case IMMEDIATE.block:
        this.first = this.#blockType();
        return;
      case IMMEDIATE.labels:
        this.#labels();
        return;
      default:
        this.#types(immediate);
    }
  }

  /**
   * The type of a block: its number, or for types of values what they are as signed numbers.
   *
   * It is a signed number of 33 bits: one of several bytes may be negative as well,
   * and is then the type of a value for an engine, and never the number of a type.
   */
  #blockType(): number {
    const byte = this.bytes[this.at] ?? 0;
    const value = this.u32();
    if (byte < 0x40) return value;
    if (byte >= 0x80) {
      const last = this.bytes[this.at - 1] ?? 0;
      return last < 0x40 ? value : refuse("Malformed", this.start, "type of a block");
    }
    const signed = byte - 0x80;
    if (signed !== NO_VALUE && !isValueByte(byte)) refuse("Unsupported", this.start, "type of a block");
    return signed;
  }

  #labels(): void {
    this.first = this.u32();
    this.second = this.at;
    const labels = this.first + 1;
    if (labels > this.bytes.length - this.at) refuse("Malformed", this.start, "labels");
    for (let i = 0; i < labels; i++) this.u32();
  }

  #types(immediate: number): void {
    if (immediate === IMMEDIATE.reference) {
      if (!isReferenceByte(this.bytes[this.at++] ?? 0))
        refuse("Unsupported", this.start, "type of a reference");
      return;
    }
    const count = this.u32();
    if (count > this.bytes.length - this.at) refuse("Malformed", this.start, "types");
    for (let i = 0; i < count; i++)
      if (!isValueByte(this.bytes[this.at++] ?? 0)) refuse("Unsupported", this.start, "type of a value");
  }
}

/** Whether a byte stands for a type of values that we know. */
export const isValueByte = (byte: number): boolean => (byte >= 0x7b && byte <= 0x7f) || isReferenceByte(byte);

/** Whether a byte stands for a type of references that we know. */
export const isReferenceByte = (byte: number): boolean => byte === 0x70 || byte === 0x6f;

/** Refuses the instruction that was read last, because its class is forbidden. */
export function refuseForbidden(reader: InstructionReader): never {
  return refuse("Forbidden", reader.start, NAMES[reader.code] ?? "");
}
