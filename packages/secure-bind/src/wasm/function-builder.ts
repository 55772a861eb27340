/** The body of one function of a module under construction. */
import { ByteWriter } from "./byte-writer.ts";
import { type ConstantName, INSTRUCTIONS, type InstructionName, type Mnemonic } from "./instructions.ts";
import { type ValueType, VALUE_TYPES } from "./value-type.ts";

/** What opens with a label and closes with `end`. */
export type Opening = "block" | "loop" | "if";

/** The type of a block that takes and leaves nothing. */
const NO_RESULT = 0x40;

/** What `op` does not write: their immediates are no unsigned numbers. */
const CONSTANTS: ReadonlySet<string> = new Set<ConstantName>([
  "i32.const",
  "i64.const",
  "f32.const",
  "f64.const",
  "v128.const",
]);

/** Bytes of a vector. */
const VECTOR_BYTES = 16;

/**
 * Locals and instructions of one function, written in order.
 *
 * Nothing is checked but the names of instructions and the range of numbers: what
 * is wrong in these is a `RangeError`, and nothing is written. The engine validates
 * what comes out. The `end` of the function itself is written by the module.
 */
export class FunctionBuilder {
  /** Its number, for calls, exports and elements: imported functions come first. */
  readonly index: number;
  /** Its code, for what has no method here. */
  readonly code: ByteWriter = new ByteWriter(256);
  readonly #parameters: number;
  readonly #locals: ValueType[] = [];

  constructor(index: number, parameters: number) {
    this.index = index;
    this.#parameters = parameters;
  }

  /** One more local of `type`, which starts as zero; its number, behind the parameters. */
  local(type: ValueType): number {
    return this.#parameters + this.#locals.push(type) - 1;
  }

  /** Writes an opcode; what follows it is for whoever calls. */
  #opcode(name: InstructionName): ByteWriter {
    const opcode: unknown = INSTRUCTIONS[name];
    if (typeof opcode !== "number") throw new RangeError(`no such instruction: ${name}`);
    if (opcode > 0xff) {
      this.code.u8(opcode >>> 16);
      this.code.u32(opcode & 0xffff);
    } else this.code.u8(opcode);
    return this.code;
  }

  /**
   * One instruction with its immediates, each an unsigned LEB128 number.
   *
   * Constants are none: `i32`, `i64`, `f32`, `f64` and `v128` write them.
   */
  op(mnemonic: Mnemonic, ...immediates: readonly number[]): this {
    if (CONSTANTS.has(mnemonic)) throw new RangeError(`a constant has a method of its own: ${mnemonic}`);
    if (immediates.length === 0) this.#opcode(mnemonic);
    else
      this.#whole(() => {
        const code = this.#opcode(mnemonic);
        for (const immediate of immediates) code.u32(immediate);
      });
    return this;
  }

  /** Writes an instruction, or nothing of it when that throws. */
  #whole(write: () => void): this {
    const at = this.code.length;
    try {
      write();
    } catch (thrown) {
      this.code.clear(at);
      throw thrown;
    }
    return this;
  }

  /** Instructions without immediates, one after another. */
  ops(...mnemonics: readonly Mnemonic[]): this {
    for (const mnemonic of mnemonics) this.op(mnemonic);
    return this;
  }

  /** Pushes the local with this number. */
  get(local: number): this {
    return this.op("local.get", local);
  }

  /** Pops into the local with this number. */
  set(local: number): this {
    return this.op("local.set", local);
  }

  /** Copies the top of the stack into the local with this number. */
  tee(local: number): this {
    return this.op("local.tee", local);
  }

  /** An `i32` constant, signed or unsigned. */
  i32(value: number): this {
    return this.#whole(() => this.#opcode("i32.const").s32(value >>> 0 === value ? value | 0 : value));
  }

  /** An `i64` constant, signed. */
  i64(value: bigint): this {
    return this.#whole(() => this.#opcode("i64.const").s64(value));
  }

  /** An `f32` constant. */
  f32(value: number): this {
    return this.#whole(() => this.#opcode("f32.const").f32(value));
  }

  /** An `f64` constant. */
  f64(value: number): this {
    return this.#whole(() => this.#opcode("f64.const").f64(value));
  }

  /** A vector constant of sixteen bytes, the lowest first. */
  v128(bytes: ArrayLike<number>): this {
    return this.#whole(() => this.#opcode("v128.const").bytes(bytes, 0, VECTOR_BYTES));
  }

  /** Sixteen bytes chosen from two vectors: lanes 0-15 are the lower one's, 16-31 the upper one's. */
  shuffle(lanes: ArrayLike<number>): this {
    return this.#whole(() => this.op("i8x16.shuffle").code.bytes(lanes, 0, VECTOR_BYTES));
  }

  /** A load or store at a constant offset from the address; `align` is a power of two and only a hint. */
  memory(mnemonic: Mnemonic, offset = 0, align = 0): this {
    return this.op(mnemonic, align, offset);
  }

  /** Opens a block, a loop or an if, with at most one result or with the type of this number. */
  open(opening: Opening, type?: ValueType | number): this {
    return this.#whole(() => {
      const { code } = this.op(opening);
      if (typeof type === "number") code.s32(type);
      else code.u8(type === undefined ? NO_RESULT : VALUE_TYPES[type]);
    });
  }

  /** Closes what was opened last. */
  end(): this {
    return this.op("end");
  }

  /** Branches by a number: to the label of its place in `labels`, else to `otherwise`. */
  table(labels: readonly number[], otherwise: number): this {
    return this.op("br_table", labels.length, ...labels, otherwise);
  }

  /** Writes the whole body behind its length: locals, instructions, `end`. */
  write(to: ByteWriter): void {
    const body = new ByteWriter(this.code.length + 16);
    body.u32(this.#locals.length);
    for (const type of this.#locals) {
      body.u32(1);
      body.u8(VALUE_TYPES[type]);
    }
    body.append(this.code);
    body.u8(INSTRUCTIONS.end);
    to.append(body, true);
  }
}
