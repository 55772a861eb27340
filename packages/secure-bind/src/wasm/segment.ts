/**
 * Confinement to a segment: how the instructions that access memory are rewritten.
 *
 * The module's memory is the segment of `memoryBytes` bytes at physical `base`.
 * An access of `n` bytes at address `a` with the constant offset `o` is inside
 * when `a + o + n <= memoryBytes`, without wrapping; `memoryBytes - o - n` is
 * known when the code is written, so one comparison of `a` decides:
 *
 *     a                                    local.tee A
 *     a > memoryBytes - o - n ?            i32.const, i32.gt_u
 *     then stop                            if; call outside; unreachable; end
 *     access (base + a) with offset o      local.get A; global.get base; i32.add; load
 *
 * A value to store waits in a local of its type. With a message, a read that is
 * not inside the segment is tried as one of the message; a write never is.
 */
import type { ByteWriter } from "./byte-writer.ts";
import type { InstructionReader } from "./instruction-reader.ts";
import { INSTRUCTIONS } from "./instructions.ts";
import type { BulkFunctions, MemoryModel } from "./memory-model.ts";
import { ACCESS_BYTES, WRITES } from "./opcodes.ts";
import { put, putAccess, putConstant, putOne } from "./put.ts";
import { GLOBALS, MESSAGE_BASE, MESSAGE_BYTES_MAX, PAGE_BYTES } from "./runtime.ts";
import { RESULT_TYPES, SLOT, type ScratchLocals, VALUE_SLOTS } from "./scratch-locals.ts";

export { MESSAGE_BASE, MESSAGE_BYTES_MAX } from "./runtime.ts";

/** What a segment is made of. */
export interface SegmentLayout {
  /** Its bytes, at most 4 GiB. */
  readonly memoryBytes: number;
  /** Whether reads from `MESSAGE_BASE` on are reads of a message. */
  readonly hasMessage: boolean;
  /** The number of the function that stops whoever accesses what is outside. */
  readonly outside: number;
  /** What stands for bulk operations. */
  readonly bulk: BulkFunctions;
}

const CALL = INSTRUCTIONS.call;
const DROP = INSTRUCTIONS.drop;
const ELSE = INSTRUCTIONS.else;
const END = INSTRUCTIONS.end;
const GLOBAL_GET = INSTRUCTIONS["global.get"];
const I32_ADD = INSTRUCTIONS["i32.add"];
const I32_CONST = INSTRUCTIONS["i32.const"];
const I32_GE_U = INSTRUCTIONS["i32.ge_u"];
const I32_GT_U = INSTRUCTIONS["i32.gt_u"];
const I32_LE_U = INSTRUCTIONS["i32.le_u"];
const I32_LT_S = INSTRUCTIONS["i32.lt_s"];
const IF = INSTRUCTIONS.if;
const LOCAL_GET = INSTRUCTIONS["local.get"];
const LOCAL_SET = INSTRUCTIONS["local.set"];
const LOCAL_TEE = INSTRUCTIONS["local.tee"];
const NO_RESULT = 0x40;
const UNREACHABLE = INSTRUCTIONS.unreachable;

/** What a check and its access cost to compile, and a load that is checked twice. */
const ACCESS_MOVES = 3;
const EITHER_MOVES = 8;

/** Bytes that the longest sequence may take. */
const ACCESS_ROOM = 128;

/** Writes the sum of a local and a global, as an address; where it ends. */
function putSum(into: Uint8Array, at: number, local: number, global: number): number {
  const end = putOne(into, putOne(into, at, LOCAL_GET, local), GLOBAL_GET, global);
  return put(into, end, I32_ADD);
}

/** Accesses of a module whose memory is one segment. */
export class Segment implements MemoryModel {
  readonly loadMoves: number;
  readonly storeMoves: number = ACCESS_MOVES;
  readonly #memoryBytes: number;
  readonly #hasMessage: boolean;
  readonly #outside: number;
  readonly functions: BulkFunctions;
  /** Locals of the access being written: of its address, and of its value or -1. */
  #address = 0;
  #value = -1;

  constructor({ memoryBytes, hasMessage, outside, bulk }: SegmentLayout) {
    this.#memoryBytes = memoryBytes;
    this.#hasMessage = hasMessage;
    this.loadMoves = hasMessage ? EITHER_MOVES : ACCESS_MOVES;
    this.#outside = outside;
    this.functions = bulk;
  }

  size(to: ByteWriter): void {
    to.u8(I32_CONST);
    to.s32(this.#memoryBytes / PAGE_BYTES);
  }

  /** The memory has all that it will ever have: growing by nothing succeeds. */
  grow(to: ByteWriter, scratch: ScratchLocals): void {
    const pages = scratch.local(SLOT.address);
    to.u8(LOCAL_SET);
    to.u32(pages);
    this.size(to);
    to.u8(I32_CONST);
    to.s32(-1);
    to.u8(LOCAL_GET);
    to.u32(pages);
    to.u8(INSTRUCTIONS["i32.eqz"]);
    to.u8(INSTRUCTIONS.select);
  }

  access(instruction: InstructionReader, to: ByteWriter, scratch: ScratchLocals): void {
    const { code, second: offset } = instruction;
    const slot = VALUE_SLOTS[code] ?? 0;
    const last = this.#memoryBytes - (ACCESS_BYTES[code] ?? 0) - offset;
    const into = to.room(ACCESS_ROOM);
    let at = to.length;
    this.#address = scratch.local(SLOT.address);
    this.#value = slot === 0 ? -1 : scratch.local(slot);
    if (slot !== 0) at = putOne(into, at, LOCAL_SET, this.#value);
    const readsMessage = this.#hasMessage && WRITES[code] === 0 && offset < MESSAGE_BASE + MESSAGE_BYTES_MAX;
    if (readsMessage) at = this.#readEither(instruction, last, into, at);
    else if (last < 0) at = this.#stop(into, put(into, at, DROP));
    else at = this.#confined(instruction, last, into, at);
    to.wrote(at);
  }

  #stop(into: Uint8Array, at: number): number {
    return put(into, putOne(into, at, CALL, this.#outside), UNREACHABLE);
  }

  /** Stops if the top of the stack is not 0. */
  #stopIf(into: Uint8Array, at: number): number {
    return put(into, this.#stop(into, putOne(into, at, IF, NO_RESULT)), END);
  }

  #confined(instruction: InstructionReader, last: number, into: Uint8Array, start: number): number {
    let at = putOne(into, start, LOCAL_TEE, this.#address);
    at = put(into, putConstant(into, at, last), I32_GT_U);
    at = this.#stopIf(into, at);
    at = putSum(into, at, this.#address, GLOBALS.base);
    return this.#access(instruction, instruction.second, into, at);
  }

  /** The access itself, at the address on the stack and `offset`; its value comes back from its local. */
  #access(instruction: InstructionReader, offset: number, into: Uint8Array, start: number): number {
    const at = this.#value < 0 ? start : putOne(into, start, LOCAL_GET, this.#value);
    return putAccess(instruction, offset, into, at);
  }

  #readEither(instruction: InstructionReader, last: number, into: Uint8Array, start: number): number {
    if (last < 0) {
      const at = putOne(into, start, LOCAL_SET, this.#address);
      return this.#readMessage(instruction, into, at);
    }
    let at = putOne(into, start, LOCAL_TEE, this.#address);
    at = put(into, putConstant(into, at, last), I32_LE_U);
    at = put(into, put(into, at, IF), RESULT_TYPES[instruction.code] ?? NO_RESULT);
    at = putSum(into, at, this.#address, GLOBALS.base);
    at = this.#access(instruction, instruction.second, into, at);
    at = this.#readMessage(instruction, into, put(into, at, ELSE));
    return put(into, at, END);
  }

  /**
   * Reads the message at (address + offset - MESSAGE_BASE), or stops.
   *
   * The sum is taken modulo 2^32. With a small offset it is negative for what
   * lies before the message, and then larger than any message. With a large one
   * it could pass 2^32, which addresses below 2^31 cannot; no others are meant.
   */
  #readMessage(instruction: InstructionReader, into: Uint8Array, start: number): number {
    const { code, second: offset } = instruction;
    let at = start;
    if (offset > MESSAGE_BASE) {
      at = putOne(into, at, LOCAL_GET, this.#address);
      at = this.#stopIf(into, put(into, putConstant(into, at, 0), I32_LT_S));
    }
    at = putOne(into, at, LOCAL_GET, this.#address);
    at = put(into, putConstant(into, at, offset - MESSAGE_BASE), I32_ADD);
    at = putOne(into, at, LOCAL_TEE, this.#address);
    at = putOne(into, at, GLOBAL_GET, messageStarts(ACCESS_BYTES[code] ?? 0));
    at = this.#stopIf(into, put(into, at, I32_GE_U));
    at = putSum(into, at, this.#address, GLOBALS.messageAddress);
    return this.#access(instruction, 0, into, at);
  }
}

/** The global that counts the places in the message where `bytes` bytes begin. */
const messageStarts = (bytes: number): number => GLOBALS.messageStarts + (31 - Math.clz32(bytes));
