/** Locals that the rewriter adds to a function, for values between two instructions. */
import type { ByteWriter } from "./byte-writer.ts";
import { CODES, SIGNATURES } from "./opcodes.ts";
import { VALUE_TYPES } from "./value-type.ts";

/**
 * What a scratch local is for: an address or count, or a value of some type that lies above one.
 *
 * With translation also: the entry of a page, the place in it, and an address with its offset.
 */
export const SLOT = {
  address: 0,
  i32: 1,
  i64: 2,
  f32: 3,
  f64: 4,
  v128: 5,
  entry: 6,
  within: 7,
  sum: 8,
  /** What is left of the fuel, in a loop that counts it so. */
  fuel: 9,
} as const;

const { i32, i64, f32, f64, v128 } = VALUE_TYPES;
/** The byte of the type of each slot. */
export const SLOT_TYPES: readonly number[] = [i32, i32, i64, f32, f64, v128, i32, i32, i32, i32];
const SLOT_LETTERS = "-iIfdv";

/** For memory accesses with a value above the address: the slot for that value, else 0. */
export const VALUE_SLOTS: Uint8Array = new Uint8Array(CODES);
/** For memory accesses that leave a value: the byte of its type, else 0. */
export const RESULT_TYPES: Uint8Array = new Uint8Array(CODES);

for (const [code, signature] of SIGNATURES.entries()) {
  const [taken = "", left = ""] = signature.split(":");
  VALUE_SLOTS[code] = Math.max(SLOT_LETTERS.indexOf(taken.charAt(1) || "?"), 0);
  RESULT_TYPES[code] = SLOT_TYPES[SLOT_LETTERS.indexOf(left || "?")] ?? 0;
}

/** The scratch locals of one function, numbered as they are first asked for. */
export class ScratchLocals {
  /** One more than the number of each, or 0. */
  readonly #numbers = new Uint32Array(SLOT_TYPES.length);
  readonly #types: number[] = [];
  #first = 0;

  /** Forgets all of them; the next function has `first` locals of its own. */
  begin(first: number): void {
    this.#numbers.fill(0);
    this.#types.length = 0;
    this.#first = first;
  }

  /** The number of the local of this slot. */
  local(slot: number): number {
    const known = this.#numbers[slot] ?? 0;
    if (known !== 0) return known - 1;
    const number = this.#first + this.#types.push(SLOT_TYPES[slot] ?? i32) - 1;
    this.#numbers[slot] = number + 1;
    return number;
  }

  /** The number of one more local of a type, given by its byte, that belongs to whoever asks. */
  add(type: number): number {
    return this.#first + this.#types.push(type) - 1;
  }

  /** Whether one of them is a vector. */
  get hasVectors(): boolean {
    return this.#types.includes(v128);
  }

  /** How many there are. */
  get count(): number {
    return this.#types.length;
  }

  /** Writes their declarations, one group each. */
  declare(to: ByteWriter): void {
    for (const type of this.#types) {
      to.u8(1);
      to.u8(type);
    }
  }
}
