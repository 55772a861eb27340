/**
 * Functions that the rewriter adds to a program whose memory is paged: what is slow or long.
 *
 * Every one looks all its pages up again after a miss, because whoever answers a
 * miss may take another page away for it; only with all there at once does it go on,
 * and nothing can be taken away until it is done.
 */
import type { AddedTypes } from "./added-types.ts";
import type { FunctionBuilder } from "./function-builder.ts";
import type { InstructionReader } from "./instruction-reader.ts";
import { ACCESS_BYTES, CODES, IMMEDIATE, IMMEDIATES } from "./opcodes.ts";
import { ENTRY_BITS, MISSES_MAX, type PageBits, tableBytes } from "./page-tables.ts";
import { ProgramFunctions, type ProgramLayout } from "./program-functions.ts";
import { putAccess } from "./put.ts";
import { GLOBALS, PROGRAM_GLOBALS } from "./runtime.ts";
import { COUNT, FROM, RANGE, TO } from "./runtime-functions.ts";
import { SLOT_TYPES, VALUE_SLOTS } from "./scratch-locals.ts";
import { VALUE_TYPES } from "./value-type.ts";

/** Parameters of the functions for one access. */
const ADDRESS = 0;
const OFFSET = 1;
const VALUE = 2;

/** Bytes of the longest access. */
const VECTOR_BYTES = 16;
/** Room for one instruction. */
const INSTRUCTION_ROOM = 32;
/** Bytes of a page of memory, as a power of two. */
const PAGE_SHIFT = 16n;

const { i32 } = VALUE_TYPES;

/** A page that is needed: the locals of an address in it and of its entry, and whether to write. */
interface Wanted {
  readonly address: number;
  readonly entry: number;
  readonly writes: 0 | 1;
}

/** Functions of a program whose memory is paged. */
export class PagedFunctions extends ProgramFunctions {
  readonly pageBits: PageBits;
  readonly #tableBytes: number;
  readonly #mask: number;
  /** One more than the numbers of functions that were asked for: to read so many bytes, for an instruction that writes. */
  readonly #reads: Uint32Array = new Uint32Array(VECTOR_BYTES + 1);
  readonly #writes: Uint32Array = new Uint32Array(CODES);

  constructor(program: ProgramLayout, types: AddedTypes, pageBits: PageBits) {
    super(program, types);
    this.pageBits = pageBits;
    this.#tableBytes = tableBytes(pageBits);
    this.#mask = 2 ** pageBits - 1;
  }

  protected override memoryBytes(f: FunctionBuilder): void {
    f.op("global.get", PROGRAM_GLOBALS.pages).op("i64.extend_i32_u").i64(PAGE_SHIFT).op("i64.shl");
  }

  /** There is no limit but the pages. */
  protected override setLimit(): void {}

  /** Pushes the entry of a page. */
  #entry(f: FunctionBuilder, { address, writes }: Wanted): void {
    f.get(address)
      .i32(this.pageBits - ENTRY_BITS)
      .op("i32.shr_u")
      .i32(this.#tableBytes - (1 << ENTRY_BITS))
      .op("i32.and");
    f.op("global.get", GLOBALS.base)
      .op("i32.add")
      .memory("i32.load", writes * this.#tableBytes, ENTRY_BITS);
  }

  /** Waits until all pages are there at once, or stops. */
  #await(f: FunctionBuilder, pages: readonly Wanted[]): void {
    const left = f.local("i32");
    f.i32(MISSES_MAX).set(left).open("loop");
    for (const page of pages) {
      this.#entry(f, page);
      f.tee(page.entry).op("i32.eqz").open("if");
      f.get(left).op("i32.eqz").open("if").op("call", this.outside()).end();
      f.get(left).i32(1).op("i32.sub").set(left);
      f.get(page.address).i32(page.writes);
      this.callOut(f, "miss", [i32, i32], []);
      f.op("br", 1).end();
    }
    f.end();
  }

  /** Adds the offset to the address; stops when `bytes` from there on are not all below 2^32. */
  #sum(f: FunctionBuilder, bytes: number): void {
    f.get(ADDRESS).get(OFFSET).op("i32.add").tee(ADDRESS).get(OFFSET).op("i32.lt_u");
    f.get(ADDRESS).i32(-bytes).ops("i32.gt_u", "i32.or").open("if").op("call", this.outside()).end();
  }

  /** Pushes the place of an address in its page. */
  #within(f: FunctionBuilder, address: number): FunctionBuilder {
    return f.get(address).i32(this.#mask).op("i32.and");
  }

  /** Pushes the physical address of the bounce buffer. */
  #bounce(f: FunctionBuilder): FunctionBuilder {
    return f
      .op("global.get", GLOBALS.base)
      .i32(2 * this.#tableBytes)
      .op("i32.add");
  }

  /**
   * The pages of an access: `within` is run when it is all in the first, whose physical address is on the stack,
   * and must return; behind that both are there, and `head` is the local with the bytes in the first.
   */
  #pages(
    f: FunctionBuilder,
    bytes: number,
    writes: 0 | 1,
    within: () => void,
  ): readonly [Wanted, Wanted, number] {
    const first: Wanted = { address: ADDRESS, entry: f.local("i32"), writes };
    const second: Wanted = { address: f.local("i32"), entry: f.local("i32"), writes };
    const head = f.local("i32");
    this.#sum(f, bytes);
    this.#await(f, [first]);
    this.#within(f, ADDRESS)
      .tee(head)
      .i32(this.#mask + 1 - bytes)
      .op("i32.le_u")
      .open("if");
    f.get(first.entry).get(head).op("i32.add");
    within();
    f.op("return").end();
    f.get(ADDRESS).i32(this.#mask).op("i32.or").i32(1).op("i32.add").set(second.address);
    this.#await(f, [first, second]);
    f.i32(this.#mask + 1)
      .get(head)
      .op("i32.sub")
      .set(head);
    return [first, second, head];
  }

  /**
   * `(address, offset)`: where the `bytes` bytes at their sum may be read, less `offset`.
   *
   * That is where they are, or the bounce buffer, into which they were copied.
   */
  read(bytes: number): number {
    const known = this.#reads[bytes] ?? 0;
    if (known !== 0) return known - 1;
    const number = this.#read(bytes);
    this.#reads[bytes] = number + 1;
    return number;
  }

  #read(bytes: number): number {
    return this.define(`read ${bytes}`, [i32, i32], [i32], (f) => {
      const [first, second, head] = this.#pages(f, bytes, 0, () => f.get(OFFSET).op("i32.sub"));
      this.#bounce(f).get(first.entry);
      this.#within(f, ADDRESS).op("i32.add").get(head).op("memory.copy", 0, 0);
      this.#bounce(f).get(head).op("i32.add").get(second.entry);
      f.i32(bytes).get(head).op("i32.sub").op("memory.copy", 0, 0);
      this.#bounce(f).get(OFFSET).op("i32.sub");
    });
  }

  /** `(address, offset, value)`: what `instruction`, which writes, does at their sum. Nothing is written before all of it may be. */
  write(instruction: InstructionReader): number {
    const { code } = instruction;
    const hasLane = IMMEDIATES[code] === IMMEDIATE.memoryLane;
    const known = hasLane ? 0 : (this.#writes[code] ?? 0);
    if (known !== 0) return known - 1;
    const number = this.#write(instruction, hasLane ? `write ${code} ${instruction.lane}` : `write ${code}`);
    this.#writes[code] = number + 1;
    return number;
  }

  #write(instruction: InstructionReader, key: string): number {
    const { code } = instruction;
    const type = SLOT_TYPES[VALUE_SLOTS[code] ?? 0] ?? i32;
    return this.define(key, [i32, i32, type], [], (f) => {
      const bytes = ACCESS_BYTES[code] ?? 0;
      const store = (): void => {
        f.get(VALUE);
        const into = f.code.room(INSTRUCTION_ROOM);
        f.code.wrote(putAccess(instruction, 0, into, f.code.length));
      };
      const [first, second, head] = this.#pages(f, bytes, 1, store);
      this.#bounce(f);
      store();
      f.get(first.entry);
      this.#within(f, ADDRESS).op("i32.add");
      this.#bounce(f).get(head).op("memory.copy", 0, 0);
      f.get(second.entry);
      this.#bounce(f).get(head).op("i32.add").i32(bytes).get(head).op("i32.sub").op("memory.copy", 0, 0);
    });
  }

  /** Stops unless the destination, or the source, is all memory. */
  #demand(f: FunctionBuilder, local: number): void {
    this.memoryBytes(f);
    this.stopUnlessWithin(f, local, COUNT);
  }

  /** Makes `size` the bytes from an address to the end of its page, if they are fewer. */
  #shorten(f: FunctionBuilder, address: number, size: number): void {
    const rest = f.local("i32");
    f.i32(this.#mask + 1);
    this.#within(f, address)
      .op("i32.sub")
      .tee(rest)
      .get(size)
      .get(rest)
      .get(size)
      .op("i32.lt_u")
      .op("select")
      .set(size);
  }

  /** Pushes the physical address of what is on a page that is there. */
  #physical(f: FunctionBuilder, { address, entry }: Wanted): FunctionBuilder {
    f.get(entry);
    return this.#within(f, address).op("i32.add");
  }

  /** Runs `operation` on one page of the destination after another; with `movesSource` both addresses move. */
  #eachPage(
    f: FunctionBuilder,
    pages: readonly Wanted[],
    movesSource: boolean,
    operation: (size: number) => void,
  ): void {
    const size = f.local("i32");
    f.open("block").open("loop").get(COUNT).op("i32.eqz").op("br_if", 1).get(COUNT).set(size);
    for (const { address } of pages) this.#shorten(f, address, size);
    this.#await(f, pages);
    operation(size);
    for (const local of movesSource ? [TO, FROM] : [TO]) f.get(local).get(size).op("i32.add").set(local);
    f.get(COUNT).get(size).op("i32.sub").set(COUNT).op("br", 0).end().end();
  }

  override fill(): number {
    return this.define("fill", RANGE, [], (f) => {
      const to: Wanted = { address: TO, entry: f.local("i32"), writes: 1 };
      this.#demand(f, TO);
      f.get(COUNT).op("call", this.chargeBytes());
      this.#eachPage(f, [to], false, (size) =>
        this.#physical(f, to).get(FROM).get(size).op("memory.fill", 0),
      );
    });
  }

  protected override moveData(f: FunctionBuilder, index: number): void {
    const to: Wanted = { address: TO, entry: f.local("i32"), writes: 1 };
    this.#demand(f, TO);
    f.get(COUNT).op("call", this.chargeBytes());
    this.#eachPage(f, [to], true, (size) =>
      this.#physical(f, to).get(FROM).get(size).op("memory.init", index, 0),
    );
  }

  override copy(): number {
    return this.define("copy", RANGE, [], (f) => {
      const from: Wanted = { address: FROM, entry: f.local("i32"), writes: 0 };
      const to: Wanted = { address: TO, entry: f.local("i32"), writes: 1 };
      const copy = (size: number): void => {
        this.#physical(f, to);
        this.#physical(f, from).get(size).op("memory.copy", 0, 0);
      };
      this.#demand(f, TO);
      this.#demand(f, FROM);
      f.get(COUNT).op("call", this.chargeBytes());
      f.get(TO).get(FROM).op("i32.gt_u").open("if");
      f.get(TO).get(FROM).get(COUNT).op("call", this.#copyDown()).op("return").end();
      this.#eachPage(f, [from, to], true, copy);
    });
  }

  /** `(to, from, count)`: the same from the end, for a destination behind the source. */
  #copyDown(): number {
    return this.define("copy down", RANGE, [], (f) => {
      const from: Wanted = { address: f.local("i32"), entry: f.local("i32"), writes: 0 };
      const to: Wanted = { address: f.local("i32"), entry: f.local("i32"), writes: 1 };
      const size = f.local("i32");
      f.open("block").open("loop").get(COUNT).op("i32.eqz").op("br_if", 1).get(COUNT).set(size);
      for (const [page, start] of [
        [from, FROM],
        [to, TO],
      ] as const) {
        f.get(start).get(COUNT).op("i32.add").i32(1).op("i32.sub").set(page.address);
        this.#within(f, page.address).get(size).op("i32.lt_u").open("if");
        this.#within(f, page.address).i32(1).op("i32.add").set(size).end();
      }
      this.#await(f, [from, to]);
      f.get(COUNT).get(size).op("i32.sub").set(COUNT);
      for (const page of [to, from]) this.#physical(f, page).i32(1).op("i32.add").get(size).op("i32.sub");
      f.get(size).op("memory.copy", 0, 0).op("br", 0).end().end();
    });
  }
}
