/**
 * Values on their way to a label whose block was moved: through locals, one for each place, index and type.
 *
 * A block that is copied has its values on the machine's stack.
 */
import type { ByteWriter } from "./byte-writer.ts";
import { writeOne } from "./charges.ts";
import { INSTRUCTIONS } from "./instructions.ts";
import type { OperandWriter } from "./operand-writer.ts";

const LOCAL_GET = INSTRUCTIONS["local.get"];
const LOCAL_SET = INSTRUCTIONS["local.set"];

/** Values of the functions of one module. */
export class ValueCarriers {
  readonly #writer: OperandWriter;
  readonly #code: ByteWriter;

  constructor(writer: OperandWriter) {
    this.#writer = writer;
    this.#code = writer.code;
  }

  /** Moves the values on the machine's stack into the locals that carry them to the block at `place`. */
  carry(place: number, types: readonly number[]): void {
    for (let i = types.length - 1; i >= 0; i--)
      writeOne(this.#code, LOCAL_SET, this.#writer.saved.carrier(place, i, types[i] ?? 0));
  }

  /** The same for the uppermost operands, which wait in their locals. */
  carryFromLocals(place: number, types: readonly number[]): void {
    const { operands, saved } = this.#writer;
    const lowest = operands.height - types.length;
    for (const [i, type] of types.entries()) {
      writeOne(this.#code, LOCAL_GET, saved.operand(lowest + i, type));
      writeOne(this.#code, LOCAL_SET, saved.carrier(place, i, type));
    }
  }

  /** Puts what was carried onto the machine's stack. */
  load(place: number, types: readonly number[]): void {
    for (const [i, type] of types.entries())
      writeOne(this.#code, LOCAL_GET, this.#writer.saved.carrier(place, i, type));
  }

  /** The same, as operands. */
  push(place: number, types: readonly number[]): void {
    this.load(place, types);
    this.#writer.operands.pushAll(types);
  }
}
