/**
 * Writes a function's code while it is read: what stays as it is in runs, and operands where they must be.
 *
 * Instructions take their operands from the machine's stack. What waits in a local
 * is put there in front of the instruction that wants it.
 */
import { ByteWriter } from "./byte-writer.ts";
import { writeOne } from "./charges.ts";
import { InstructionReader } from "./instruction-reader.ts";
import { refuse } from "./module-refusal.ts";
import { OperandStack } from "./operand-stack.ts";
import { BY_TYPE, LEAVES, TAKES } from "./operand-tables.ts";
import { SavedLocals } from "./saved-locals.ts";
import { ScratchLocals } from "./scratch-locals.ts";

const DROP = 0x1a;
const SELECT = 0x1b;
const SELECT_TYPED = 0x1c;
const LOCAL_GET = 0x20;
const LOCAL_SET = 0x21;
const LOCAL_TEE = 0x22;

/** The code of one function after another. */
export class OperandWriter {
  readonly reader: InstructionReader;
  readonly code: ByteWriter = new ByteWriter(65_536);
  readonly scratch: ScratchLocals = new ScratchLocals();
  readonly saved: SavedLocals = new SavedLocals();
  readonly operands: OperandStack = new OperandStack();
  /** Types of the function's locals, parameters first. */
  types: Uint8Array = new Uint8Array(0);
  /** Offset of the first byte that is neither copied nor replaced. */
  #copied = 0;

  constructor(bytes: Uint8Array) {
    this.reader = new InstructionReader(bytes);
  }

  /** A new function: locals of these types, code from `at` on. */
  begin(types: Uint8Array, at: number): void {
    this.types = types;
    this.scratch.begin(types.length);
    this.saved.begin(types, this.scratch);
    this.operands.clear();
    this.code.clear();
    this.reader.at = at;
    this.#copied = at;
  }

  /** Copies what stands in front of the instruction that was read last, and was not copied yet. */
  copy(): void {
    const { bytes, start } = this.reader;
    const from = this.#copied;
    this.#copied = start;
    this.code.run(bytes, from, start);
  }

  /** Passes over the instruction that was read last: it is replaced, or not reached. */
  pass(): void {
    this.#copied = this.reader.at;
  }

  /** Copies the instruction that was read last; what stands in front of it was copied or replaced. */
  copyInstruction(): void {
    const { bytes, start, at } = this.reader;
    this.code.bytes(bytes, start, at);
    this.#copied = at;
  }

  /** Copies what stands in front of the instruction and passes over it. */
  replace(): void {
    this.copy();
    this.pass();
  }

  /** Keeps account of an instruction that is copied as it is. */
  plain(): void {
    const { code, start } = this.reader;
    const takes = TAKES[code] ?? BY_TYPE;
    if (takes === BY_TYPE) {
      this.#plainByType(code);
      return;
    }
    if (this.operands.real < takes) this.ensure(takes);
    this.operands.pop(takes, start);
    const left = LEAVES[code] ?? 0;
    if (left !== 0) this.operands.push(left);
  }

  #plainByType(code: number): void {
    switch (code) {
      case LOCAL_GET:
        this.operands.push(this.#localType());
        return;
      case LOCAL_TEE:
        this.take(1);
        this.operands.push(this.#localType());
        return;
      case LOCAL_SET:
      case DROP:
        this.take(1);
        return;
      case SELECT:
      case SELECT_TYPED: {
        this.take(3);
        this.operands.push(this.operands.types[this.operands.height] ?? 0);
        return;
      }
      default:
        refuse("Internal", this.reader.start, "instruction");
    }
  }

  #localType(): number {
    return this.types[this.reader.first] ?? refuse("Invalid", this.reader.start, "local");
  }

  /** Takes operands away, which are all on the machine's stack before. */
  take(count: number): void {
    if (this.operands.real < count) this.ensure(count);
    this.operands.pop(count, this.reader.start);
  }

  /** Puts the uppermost `count` operands onto the machine's stack, in front of the instruction. */
  ensure(count: number): void {
    const { operands } = this;
    if (operands.real >= count) return;
    if (operands.height - operands.base < count) refuse("Invalid", this.reader.start, "operands");
    this.spill();
    this.load(count);
  }

  /** Puts the uppermost `count` operands onto the machine's stack from their locals, where all of them are. */
  load(count: number): void {
    const { operands } = this;
    for (let height = operands.height - count; height < operands.height; height++)
      writeOne(this.code, LOCAL_GET, this.saved.operand(height, operands.types[height] ?? 0));
    operands.real = count;
  }

  /** Puts all operands into their locals, in front of the instruction. */
  spill(): void {
    const { operands } = this;
    this.copy();
    const lowest = operands.height - operands.real;
    for (let height = operands.height - 1; height >= lowest; height--)
      writeOne(this.code, LOCAL_SET, this.saved.operand(height, operands.types[height] ?? 0));
    operands.real = 0;
  }
}
