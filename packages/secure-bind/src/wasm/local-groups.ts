/** The locals that a function declares, read byte by byte as an engine does: where they end its code begins. */
import { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { isValueByte } from "./instruction-reader.ts";
import { type ModuleLimits, demandWithin } from "./module-limits.ts";
import { refuse } from "./module-refusal.ts";
import type { Range } from "./parsed-module.ts";
import { VALUE_TYPES } from "./value-type.ts";

/** What is allowed of the locals of a module. */
export interface LocalRules {
  readonly limits: ModuleLimits;
  /** Whether none may be a vector. */
  readonly forbidsVectors: boolean;
}

/** The groups of locals of one function after another. Nothing is allocated for a function. */
export class LocalGroups {
  readonly #reader: ByteReader;
  readonly #rules: LocalRules;
  /** How many groups there are, and where the first stands. */
  #groups = 0;
  #from = 0;
  /** Locals of all functions so far. */
  #all = 0;
  /** Locals of the function, its parameters included. */
  count = 0;
  /** How many it declares as vectors. */
  vectors = 0;
  /** Offset behind the last group. */
  end = 0;

  constructor(bytes: Uint8Array, rules: LocalRules) {
    this.#reader = new ByteReader(bytes);
    this.#rules = rules;
  }

  /** Reads those of the function with this body, which takes so many parameters. **Cost** O(groups). */
  read(body: Range, parameters: number): void {
    const reader = this.#reader;
    const { limits } = this.#rules;
    reader.at = body.from;
    reader.end = body.to;
    this.#groups = reader.count(2);
    this.#from = reader.at;
    this.count = parameters;
    this.vectors = 0;
    for (let i = 0; i < this.#groups; i++) {
      const locals = reader.u32();
      this.count += locals;
      if (this.#type() === VALUE_TYPES.v128) this.vectors += locals;
    }
    this.end = reader.at;
    this.#all += this.count;
    demandWithin(this.count, limits, "locals", body.from);
    demandWithin(this.#all, limits, "allLocals", body.from);
  }

  #type(): number {
    const at = this.#reader.at;
    const type = this.#reader.u8();
    if (!isValueByte(type)) refuse("Unsupported", at, "type of a local");
    if (type === VALUE_TYPES.v128 && this.#rules.forbidsVectors) refuse("Forbidden", at, "v128");
    return type;
  }

  /** The byte of each one's type, behind those of `parameters`. **Cost** O(locals). */
  types(parameters: readonly number[]): Uint8Array {
    const types = new Uint8Array(this.count);
    types.set(parameters);
    const reader = this.#reader;
    const { at } = reader;
    reader.at = this.#from;
    let next = parameters.length;
    for (let i = 0; i < this.#groups; i++) {
      const count = reader.u32();
      types.fill(reader.u8(), next, next + count);
      next += count;
    }
    reader.at = at;
    return types;
  }

  /** Writes them, behind their number and that of `more` groups which are to follow. */
  write(to: ByteWriter, more: number): void {
    to.u32(this.#groups + more);
    to.bytes(this.#reader.bytes, this.#from, this.end);
  }
}
