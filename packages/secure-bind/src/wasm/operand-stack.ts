/**
 * The operands at a place in a function: their types, and where each is.
 *
 * The uppermost ones are on the machine's stack, where instructions want them.
 * The others wait in locals, one for each height and type: what a suspension
 * saves are locals, and a branch to a label leaves no operand behind.
 */
import { refuse } from "./module-refusal.ts";

const FIRST_CAPACITY = 256;

/** Operands of one function after another; nothing is allocated once it has grown. */
export class OperandStack {
  /** The byte of each one's type. */
  types: Uint8Array = new Uint8Array(FIRST_CAPACITY);
  /** How many there are, and were at most. */
  height = 0;
  highest = 0;
  /** How many of the uppermost are on the machine's stack. */
  real = 0;
  /** How many lie below the block that is open. */
  base = 0;

  /** No operands: a new function. */
  clear(): void {
    this.height = 0;
    this.highest = 0;
    this.real = 0;
    this.base = 0;
  }

  /** One more, on the machine's stack. */
  push(type: number): void {
    const height = this.height++;
    this.real += 1;
    if (height >= this.highest) this.#grow();
    this.types[height] = type;
  }

  #grow(): void {
    this.highest = this.height;
    if (this.highest <= this.types.length) return;
    const grown = new Uint8Array(2 * this.types.length);
    grown.set(this.types);
    this.types = grown;
  }

  /** All of `types`, the last on top. */
  pushAll(types: readonly number[]): void {
    for (const type of types) this.push(type);
  }

  /** Takes `count` away that are on the machine's stack. **Fails** what would reach below the block is refused. */
  pop(count: number, at: number): void {
    this.height -= count;
    this.real -= count;
    if (this.height < this.base) refuse("Invalid", at, "operands");
  }

  /** The type of the operand `depth` below the uppermost. */
  typeAt(depth: number): number {
    return this.types[this.height - 1 - depth] ?? 0;
  }
}
