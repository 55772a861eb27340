/** The locals of a function that a suspension saves: its own, and those that operands wait in. */
import { refuse } from "./module-refusal.ts";
import type { ScratchLocals } from "./scratch-locals.ts";
import { VALUE_TYPES } from "./value-type.ts";

const { i32, f32, v128 } = VALUE_TYPES;

/** Bytes of a value of a type in a saved frame; 0 for a reference, which bytes cannot hold. */
export function savedBytes(type: number): number {
  if (type === i32 || type === f32) return 4;
  if (type === v128) return 16;
  return type >= v128 ? 8 : 0;
}

/** Operands up to this height are found without a search. */
const HEIGHTS = 256;
/** Types differ in their lowest five bits: `externref` and `i32` not in four. */
const TYPES = 32;

/** One local that is saved. */
export interface SavedLocal {
  readonly local: number;
  readonly type: number;
}

/** Locals of one function after another. */
export class SavedLocals {
  #scratch: ScratchLocals | undefined;
  /** Types of the function's own locals, parameters first. */
  #own: Uint8Array = new Uint8Array(0);
  /** One more than the local of each operand, by height and type, or 0; and where it is not. */
  readonly #operands: Uint32Array = new Uint32Array(HEIGHTS * TYPES);
  readonly #used: number[] = [];
  readonly #slots: Map<number, number> = new Map();
  readonly #added: SavedLocal[] = [];

  /** A new function, with locals of these types; others come from `scratch`. */
  begin(own: Uint8Array, scratch: ScratchLocals): void {
    this.#own = own;
    this.#scratch = scratch;
    for (const slot of this.#used) this.#operands[slot] = 0;
    this.#used.length = 0;
    if (this.#slots.size > 0) this.#slots.clear();
    this.#added.length = 0;
  }

  /** The local in which the operand of `type` at `height` waits. */
  operand(height: number, type: number): number {
    if (height >= HEIGHTS) return this.#slot(2 * height, type);
    const slot = height * TYPES + (type % TYPES);
    const known = this.#operands[slot] ?? 0;
    if (known !== 0) return known - 1;
    const local = this.#add(type);
    this.#operands[slot] = local + 1;
    this.#used.push(slot);
    return local;
  }

  /** The local that carries value `index` of `type` to the label of the block that is the `depth`th to be open. */
  carrier(depth: number, index: number, type: number): number {
    return this.#slot(2 * (depth * 256 + index) + 1, type);
  }

  #slot(place: number, type: number): number {
    const key = place * 256 + type;
    const known = this.#slots.get(key);
    if (known !== undefined) return known;
    const local = this.#add(type);
    this.#slots.set(key, local);
    return local;
  }

  #add(type: number): number {
    const local = this.#scratch?.add(type) ?? 0;
    this.#added.push({ local, type });
    return local;
  }

  /** All of them. **Fails** refuses references, for which there is no place; `at` says where the function is. */
  all(at: number): SavedLocal[] {
    const saved = [...this.#added];
    for (const [local, type] of this.#own.entries()) saved.push({ local, type });
    if (saved.some(({ type }) => savedBytes(type) === 0))
      refuse("Unsupported", at, "references where a program is suspended");
    return saved;
  }
}
