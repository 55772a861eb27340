/**
 * Translation: how the instructions that access memory are rewritten when it is paged.
 *
 * At physical `base` stand two tables with an entry for every page of the 32-bit
 * address, one for reads and one for writes, and behind them a bounce buffer. An
 * entry is the physical address of a page, or 0: it may not be accessed so, yet.
 *
 *     base                 + tableBytes           + 2 * tableBytes
 *      | entries for reads | entries for writes   | bounce |
 *
 * An access of `n` bytes at address `a` with a small constant offset `o`:
 *
 *     e = entry of the page of a                    e = 0 ? slow
 *     t = a within its page                         t > pageBytes - n - o ? slow
 *     access (t + e) with offset o
 *
 * With a larger offset the sum is translated, and `slow` as well when it wraps.
 * What is slow is left to functions (program-functions.ts): one for reads of `n`
 * bytes, which answers where to read them, and one for each instruction that writes.
 *
 * **Holds** nothing that was translated is used behind a call, a branch or a check of fuel.
 */
import { ByteWriter } from "./byte-writer.ts";
import type { InstructionReader } from "./instruction-reader.ts";
import { INSTRUCTIONS } from "./instructions.ts";
import type { MemoryModel } from "./memory-model.ts";
import { ACCESS_BYTES, WRITES } from "./opcodes.ts";
import { ENTRY_BITS, type PageBits, tableBytes } from "./page-tables.ts";
import type { PagedFunctions } from "./paged-functions.ts";
import { put, putAccess, putConstant, putOne, putU32 } from "./put.ts";
import { GLOBALS, PROGRAM_GLOBALS } from "./runtime.ts";
import { SLOT, type ScratchLocals, VALUE_SLOTS } from "./scratch-locals.ts";

/** Offsets up to this part of a page are added behind the translation. */
const NEAR_BITS = 4;

const BLOCK = INSTRUCTIONS.block;
const BR = INSTRUCTIONS.br;
const BR_IF = INSTRUCTIONS.br_if;
const CALL = INSTRUCTIONS.call;
const END = INSTRUCTIONS.end;
const GLOBAL_GET = INSTRUCTIONS["global.get"];
const I32 = 0x7f;
const I32_ADD = INSTRUCTIONS["i32.add"];
const I32_AND = INSTRUCTIONS["i32.and"];
const I32_EQZ = INSTRUCTIONS["i32.eqz"];
const I32_GT_U = INSTRUCTIONS["i32.gt_u"];
const I32_LOAD = INSTRUCTIONS["i32.load"];
const I32_LT_U = INSTRUCTIONS["i32.lt_u"];
const I32_SHL = INSTRUCTIONS["i32.shl"];
const I32_SHR_U = INSTRUCTIONS["i32.shr_u"];
const LOCAL_GET = INSTRUCTIONS["local.get"];
const LOCAL_SET = INSTRUCTIONS["local.set"];
const LOCAL_TEE = INSTRUCTIONS["local.tee"];
const NO_RESULT = 0x40;

/** What an access costs to compile: two blocks with their ends, three branches and a call. */
const ACCESS_MOVES = 8;

/** Bytes that the longest sequence may take. */
const ACCESS_ROOM = 192;

/** Accesses of a module whose memory is paged. */
export class Paged implements MemoryModel {
  readonly loadMoves: number = ACCESS_MOVES;
  readonly storeMoves: number = ACCESS_MOVES;
  readonly functions: PagedFunctions;
  readonly #pageBytes: number;
  readonly #near: number;
  readonly #pageBits: PageBits;
  readonly #tableBytes: number;
  /** Where it is written, for hints. */
  #to: ByteWriter = new ByteWriter(0);
  /** Locals of the access being written: of its address, what is translated, and of its value or -1. */
  #address = 0;
  #translated = 0;
  #value = -1;
  #entry = 0;
  #within = 0;

  constructor(functions: PagedFunctions) {
    const { pageBits } = functions;
    this.functions = functions;
    this.#pageBytes = 2 ** pageBits;
    this.#near = this.#pageBytes >> NEAR_BITS;
    this.#pageBits = pageBits;
    this.#tableBytes = tableBytes(pageBits);
  }

  access(instruction: InstructionReader, to: ByteWriter, scratch: ScratchLocals): void {
    const { code, second: offset } = instruction;
    const slot = VALUE_SLOTS[code] ?? 0;
    // Functions are numbered, and maybe written, before the room is asked for: they write elsewhere.
    const slow =
      WRITES[code] === 0 ? this.functions.read(ACCESS_BYTES[code] ?? 0) : this.functions.write(instruction);
    this.#to = to;
    const into = to.room(ACCESS_ROOM);
    let at = to.length;
    this.#address = scratch.local(SLOT.address);
    this.#entry = scratch.local(SLOT.entry);
    this.#within = scratch.local(SLOT.within);
    this.#value = slot === 0 ? -1 : scratch.local(slot);
    this.#translated = offset > this.#near ? scratch.local(SLOT.sum) : this.#address;
    if (slot !== 0) at = putOne(into, at, LOCAL_SET, this.#value);
    at = putOne(into, at, LOCAL_SET, this.#address);
    at =
      WRITES[code] === 0 ? this.#read(instruction, slow, into, at) : this.#write(instruction, slow, into, at);
    to.wrote(at);
  }

  /** Opens the two blocks and leaves the physical page and the place in it in their locals, or branches out of the inner. */
  #translate(instruction: InstructionReader, result: number, into: Uint8Array, start: number): number {
    const { code, second: offset } = instruction;
    const isFar = this.#translated !== this.#address;
    const last = this.#pageBytes - (ACCESS_BYTES[code] ?? 0) - (isFar ? 0 : offset);
    let at = putOne(into, putOne(into, start, BLOCK, result), BLOCK, NO_RESULT);
    if (isFar) {
      at = putConstant(into, putOne(into, at, LOCAL_GET, this.#address), offset);
      at = putOne(into, put(into, at, I32_ADD), LOCAL_TEE, this.#translated);
      at = this.#slowIf(into, put(into, putOne(into, at, LOCAL_GET, this.#address), I32_LT_U));
    }
    at = this.#loadEntry(WRITES[code] === 0 ? 0 : this.#tableBytes, into, at);
    at = this.#slowIf(into, put(into, at, I32_EQZ));
    at = putConstant(into, putOne(into, at, LOCAL_GET, this.#translated), this.#pageBytes - 1);
    at = put(into, at, I32_AND);
    if (last === this.#pageBytes - 1) return putOne(into, at, LOCAL_SET, this.#within);
    at = putConstant(into, putOne(into, at, LOCAL_TEE, this.#within), last);
    return this.#slowIf(into, put(into, at, I32_GT_U));
  }

  /** Reads the entry of the page, which stays on the stack as well. Two shifts: an engine adds with the second. */
  #loadEntry(table: number, into: Uint8Array, start: number): number {
    let at = putOne(into, start, GLOBAL_GET, GLOBALS.base);
    at = putConstant(into, putOne(into, at, LOCAL_GET, this.#translated), this.#pageBits);
    at = putConstant(into, put(into, at, I32_SHR_U), ENTRY_BITS);
    at = put(into, put(into, at, I32_SHL), I32_ADD);
    at = putU32(into, putOne(into, at, I32_LOAD, ENTRY_BITS), table);
    return putOne(into, at, LOCAL_TEE, this.#entry);
  }

  #slowIf(into: Uint8Array, at: number): number {
    this.#to.hint(at, false);
    return putOne(into, at, BR_IF, 0);
  }

  /** Pushes the physical address. */
  #physical(into: Uint8Array, start: number): number {
    const at = putOne(into, start, LOCAL_GET, this.#entry);
    return put(into, putOne(into, at, LOCAL_GET, this.#within), I32_ADD);
  }

  #read(instruction: InstructionReader, slow: number, into: Uint8Array, start: number): number {
    const { second: offset } = instruction;
    const isFar = this.#translated !== this.#address;
    let at = this.#physical(into, this.#translate(instruction, I32, into, start));
    at = put(into, putOne(into, at, BR, 1), END);
    at = putConstant(into, putOne(into, at, LOCAL_GET, this.#address), offset);
    at = putOne(into, at, CALL, slow);
    if (isFar) at = put(into, putConstant(into, at, offset), I32_ADD);
    return this.#access(instruction, isFar ? 0 : offset, into, put(into, at, END));
  }

  #write(instruction: InstructionReader, slow: number, into: Uint8Array, start: number): number {
    const { second: offset } = instruction;
    const isFar = this.#translated !== this.#address;
    let at = this.#physical(into, this.#translate(instruction, NO_RESULT, into, start));
    at = this.#access(instruction, isFar ? 0 : offset, into, at);
    at = put(into, putOne(into, at, BR, 1), END);
    at = putConstant(into, putOne(into, at, LOCAL_GET, this.#address), offset);
    at = putOne(into, putOne(into, at, LOCAL_GET, this.#value), CALL, slow);
    return put(into, at, END);
  }

  /** The access itself, at the address on the stack and `offset`; its value comes back from its local. */
  #access(instruction: InstructionReader, offset: number, into: Uint8Array, start: number): number {
    const at = this.#value < 0 ? start : putOne(into, start, LOCAL_GET, this.#value);
    return putAccess(instruction, offset, into, at);
  }

  size(to: ByteWriter): void {
    to.u8(GLOBAL_GET);
    to.u32(PROGRAM_GLOBALS.pages);
  }

  grow(to: ByteWriter): void {
    to.u8(CALL);
    to.u32(this.functions.grow());
  }
}
