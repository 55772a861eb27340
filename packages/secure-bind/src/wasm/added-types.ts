/** Function types that the rewriter adds behind the module's own. */
import type { ByteWriter } from "./byte-writer.ts";

const FUNCTION_FORM = 0x60;
/** The type of a block that takes and leaves nothing. */
const NO_RESULT = 0x40;

/** Types that were asked for, each once. */
export class AddedTypes {
  readonly #first: number;
  readonly #numbers: Map<string, number> = new Map();
  /** Types of blocks around whole functions, by their results. */
  readonly #blocks: Map<readonly number[], number> = new Map();
  readonly #types: (readonly [readonly number[], readonly number[]])[] = [];

  /** The module has `first` types of its own. */
  constructor(first: number) {
    this.#first = first;
  }

  /** The number of the type with these bytes of types. */
  number(parameters: readonly number[], results: readonly number[] = []): number {
    const key = `${parameters.join()}:${results.join()}`;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#first + this.#types.push([parameters, results]) - 1;
    this.#numbers.set(key, number);
    return number;
  }

  /** Writes the type of a block that takes nothing and leaves `results`. */
  writeBlock(results: readonly number[], to: ByteWriter): void {
    const [first = NO_RESULT] = results;
    if (results.length < 2) {
      to.u8(first);
      return;
    }
    let number = this.#blocks.get(results);
    if (number === undefined) {
      number = this.number([], results);
      this.#blocks.set(results, number);
    }
    to.s32(number);
  }

  /** How many were added. */
  get count(): number {
    return this.#types.length;
  }

  /** Writes them. */
  write(to: ByteWriter): void {
    for (const lists of this.#types) {
      to.u8(FUNCTION_FORM);
      for (const list of lists) {
        to.u32(list.length);
        to.bytes(list);
      }
    }
  }
}
