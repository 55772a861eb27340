/**
 * Handlers at random, for tests: what they do is decided by a list of numbers.
 *
 * A shorter list makes a simpler handler, so that a property test can shrink
 * one. Addresses are such that a handler means the same wherever its message
 * lies: wild ones lie between two pages and `MESSAGE_BASE`, or far above.
 */
import type { FunctionBuilder } from "../wasm/function-builder.ts";
import type { Mnemonic } from "../wasm/instructions.ts";
import { type HandlerImports, handlerModule } from "./handler-module.ts";

/** Loops inside one another, and how often each goes round at most. */
const NESTING = 2;
const TURNS = 5;
/** Statements of one block. */
const STATEMENTS = 6;
const DEPTH = 3;

const UNARY = ["i32.clz", "i32.ctz", "i32.popcnt", "i32.eqz", "i32.extend8_s", "i32.extend16_s"] as const;
const BINARY = [
  ...(["i32.add", "i32.sub", "i32.mul", "i32.and", "i32.or", "i32.xor"] as const),
  ...(["i32.shl", "i32.shr_s", "i32.shr_u", "i32.rotl", "i32.rotr"] as const),
  ...(["i32.lt_s", "i32.lt_u", "i32.gt_s", "i32.ge_u", "i32.eq", "i32.ne"] as const),
  ...(["i32.div_u", "i32.rem_u", "i32.div_s", "i32.rem_s"] as const),
] as const;
const LOADS = ["i32.load", "i32.load8_s", "i32.load8_u", "i32.load16_s", "i32.load16_u"] as const;
const STORES = ["i32.store", "i32.store8", "i32.store16"] as const;
const LONG_LOADS = ["i64.load", "i64.load8_u", "i64.load16_s", "i64.load32_u", "i64.load32_s"] as const;
const LONG_STORES = ["i64.store", "i64.store8", "i64.store16", "i64.store32"] as const;
const LONG_BINARY = [
  "i64.add",
  "i64.sub",
  "i64.mul",
  "i64.xor",
  "i64.rotl",
  "i64.div_u",
  "i64.rem_s",
] as const;
const WILD = [0x2_0010, 0x30_0000, 0x3fff_0000, 0xc000_0000, 0xffff_fff8, 0xffff_ffff];
const CONSTANTS = [0, 1, 2, 7, 8, 60, 255, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

/** Locals: address, length, four words, a counter for each nested loop, two long words. */
const WORDS = [2, 3, 4, 5] as const;
const COUNTERS = [6, 7] as const;
const LONGS = [8, 9] as const;

/** Writes one handler. */
class Writer {
  readonly #choices: readonly number[];
  readonly #code: FunctionBuilder;
  readonly #imports: HandlerImports;
  readonly #pipes: number;
  #at = 0;

  constructor(choices: readonly number[], code: FunctionBuilder, imports: HandlerImports, pipes: number) {
    this.#choices = choices;
    this.#code = code;
    this.#imports = imports;
    this.#pipes = pipes;
  }

  #next(below: number): number {
    return (this.#choices[this.#at++] ?? 0) % below;
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#next(from.length)] as T;
  }

  #isLeft(): boolean {
    return this.#at < this.#choices.length;
  }

  /** An address in the segment with room for a page's last bytes; sometimes a wild one. */
  #segment(depth: number, mask: number): void {
    if (this.#next(60) === 59) this.#code.i32(this.#pick(WILD));
    else {
      this.word(depth);
      this.#code.i32(mask).op("i32.and");
    }
  }

  #message(depth: number, mask: number): void {
    this.#code.get(0);
    this.word(depth);
    this.#code.i32(mask).ops("i32.and", "i32.add");
  }

  /** Something to be read: of the segment, or of the message. */
  #source(depth: number, mask: number): void {
    if (this.#next(2) === 0) this.#segment(depth, mask & 0x7ff8);
    else this.#message(depth, mask & 0x3f);
  }

  #load<M extends Mnemonic>(from: readonly M[], depth: number): void {
    const load = this.#pick(from);
    const inMessage = this.#next(2) === 1;
    if (inMessage) this.#message(depth, 0x3f);
    else this.#segment(depth, 0x7ff8);
    this.#code.memory(load, this.#next(inMessage ? 8 : 200));
  }

  /** Pushes an `i32`. */
  word(depth: number): void {
    const code = this.#code;
    const kind = depth <= 0 || !this.#isLeft() ? this.#next(3) : this.#next(9);
    if (kind === 0) code.i32(this.#pick(CONSTANTS));
    else if (kind === 1) code.get(this.#pick(WORDS));
    else if (kind === 2) code.get(1);
    else if (kind === 3) this.#load(LOADS, depth - 1);
    else if (kind === 4) {
      this.word(depth - 1);
      code.op(this.#pick(UNARY));
    } else if (kind === 5) {
      this.#long(depth - 1);
      code.op("i32.wrap_i64");
    } else if (kind === 6) {
      for (let i = 0; i < 3; i++) this.word(depth - 1);
      code.op("select");
    } else {
      this.word(depth - 1);
      this.word(depth - 1);
      code.op(this.#pick(BINARY));
    }
  }

  #long(depth: number): void {
    const code = this.#code;
    const kind = depth <= 0 ? this.#next(2) : this.#next(4);
    if (kind === 0) code.i64(BigInt(this.#pick(CONSTANTS)));
    else if (kind === 1) code.get(this.#pick(LONGS));
    else if (kind === 2) this.#load(LONG_LOADS, depth - 1);
    else {
      this.#long(depth - 1);
      this.#long(depth - 1);
      code.op(this.#pick(LONG_BINARY));
    }
  }

  #store(): void {
    this.#segment(DEPTH, 0x7ff8);
    if (this.#next(3) > 0) {
      this.word(DEPTH);
      this.#code.memory(this.#pick(STORES), this.#next(200));
    } else {
      this.#long(DEPTH);
      this.#code.memory(this.#pick(LONG_STORES), this.#next(200));
    }
  }

  #bulk(): void {
    this.#segment(1, 0x7ff0);
    if (this.#next(3) === 0) {
      this.word(1);
      this.word(1);
      this.#code.i32(0xff).op("i32.and").op("memory.fill", 0);
    } else {
      this.#source(1, 0x7fff);
      this.word(1);
      this.#code.i32(0x3f).op("i32.and").op("memory.copy", 0, 0);
    }
  }

  #branch(nesting: number): void {
    this.word(DEPTH);
    this.#code.open("if");
    this.#block(nesting);
    if (this.#next(2) === 1) {
      this.#code.op("else");
      this.#block(nesting);
    }
    this.#code.end();
  }

  #loop(nesting: number): void {
    const counter = COUNTERS[nesting];
    if (counter === undefined || nesting >= NESTING) return this.#set();
    const code = this.#code;
    code
      .i32(1 + this.#next(TURNS))
      .set(counter)
      .open("loop");
    this.#block(nesting + 1);
    code.get(counter).i32(1).op("i32.sub").tee(counter).op("br_if", 0).end();
  }

  #set(): void {
    if (this.#next(4) === 0) {
      this.#long(DEPTH);
      this.#code.set(this.#pick(LONGS));
    } else {
      this.word(DEPTH);
      this.#code.set(this.#pick(WORDS));
    }
  }

  #call(): void {
    const code = this.#code;
    const kind = this.#next(6);
    if (kind < 2) {
      this.#source(1, 0x7fff);
      this.word(1);
      code.i32(0x3f).op("i32.and").op("call", this.#imports.append);
    } else if (kind === 2) code.op("call", this.#imports.send);
    else if (kind === 3)
      code
        .i32(this.#next(this.#pipes + 1))
        .i32(this.#next(4))
        .op("call", this.#imports.sum);
    else if (kind === 4) {
      code.i32(this.#next(this.#pipes + 1));
      this.#segment(1, 0x7ff8);
      this.#source(1, 0x7fff);
      this.word(1);
      code.i32(0x3f).op("i32.and").op("call", this.#imports.pipe);
    } else return void code.op("call", this.#imports.wake);
    code.set(this.#pick(WORDS));
  }

  #statement(nesting: number): void {
    const kind = this.#next(16);
    if (kind < 4) this.#set();
    else if (kind < 7) this.#store();
    else if (kind < 8) this.#bulk();
    else if (kind < 11) this.#call();
    else if (kind < 13) this.#branch(nesting);
    else if (kind < 14) this.#loop(nesting);
    else if (kind < 15 && this.#next(8) === 7) this.#code.op("unreachable");
    else if (this.#next(6) === 5) {
      this.word(1);
      this.#code.op("return");
    }
  }

  #block(nesting: number): void {
    const count = this.#next(STATEMENTS) + 1;
    for (let i = 0; i < count && this.#isLeft(); i++) this.#statement(nesting);
  }

  /** The whole body. */
  write(): void {
    for (const type of ["i32", "i32", "i32", "i32", "i32", "i32", "i64", "i64"] as const)
      this.#code.local(type);
    while (this.#isLeft()) this.#statement(0);
    this.word(1);
  }
}

/** The module of a handler that `choices` decide; it knows `pipes` pipes, and has a page whose first bytes are `data`. */
export const randomHandler = (
  choices: readonly number[],
  pipes: number,
  data: Uint8Array,
): Uint8Array<ArrayBuffer> =>
  handlerModule((code, imports) => new Writer(choices, code, imports, pipes).write(), {
    pages: 1,
    importsMemory: true,
    data,
  });
