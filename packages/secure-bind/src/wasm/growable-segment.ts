/**
 * Confinement to a segment whose memory can become larger.
 *
 * As in segment.ts, but what the address is compared with is computed: the bytes
 * of the memory are in a global. They are never fewer than at first, so that for
 * most constant offsets `limit - o - n` cannot wrap; for the others `o + n` is
 * compared as well.
 */
import { ByteWriter } from "./byte-writer.ts";
import type { InstructionReader } from "./instruction-reader.ts";
import { INSTRUCTIONS } from "./instructions.ts";
import type { MemoryModel } from "./memory-model.ts";
import { ACCESS_BYTES } from "./opcodes.ts";
import type { ParsedModule } from "./parsed-module.ts";
import { PAGES_MAX, type ProgramFunctions } from "./program-functions.ts";
import { put, putAccess, putConstant, putOne } from "./put.ts";
import { GLOBALS, PAGE_BYTES, PROGRAM_GLOBALS } from "./runtime.ts";
import { SLOT, type ScratchLocals, VALUE_SLOTS } from "./scratch-locals.ts";

const CALL = INSTRUCTIONS.call;
const DROP = INSTRUCTIONS.drop;
const END = INSTRUCTIONS.end;
const GLOBAL_GET = INSTRUCTIONS["global.get"];
const I32_ADD = INSTRUCTIONS["i32.add"];
const I32_GT_U = INSTRUCTIONS["i32.gt_u"];
const I32_LT_U = INSTRUCTIONS["i32.lt_u"];
const I32_SUB = INSTRUCTIONS["i32.sub"];
const IF = INSTRUCTIONS.if;
const LOCAL_GET = INSTRUCTIONS["local.get"];
const LOCAL_SET = INSTRUCTIONS["local.set"];
const LOCAL_TEE = INSTRUCTIONS["local.tee"];
const NO_RESULT = 0x40;
const UNREACHABLE = INSTRUCTIONS.unreachable;

/** What a check and its access cost to compile. */
const ACCESS_MOVES = 3;
/** Bytes that the longest sequence may take. */
const ACCESS_ROOM = 128;
/** No segment is as large as this. */
const BYTES_MAX = (PAGES_MAX - 1) * PAGE_BYTES;

const MEMORY_GROW = INSTRUCTIONS["memory.grow"];
/** What the number of memory 0 may begin with. */
const ZERO = 0x00;
const PADDED_ZERO = 0x80;

/**
 * Whether there may be a `memory.grow` in a module's code: false is certain, true a guess from its bytes.
 *
 * **Cost** O(bytes), a fraction of a nanosecond each.
 */
export function mayGrow({ bytes, bodies }: Pick<ParsedModule, "bytes" | "bodies">): boolean {
  const end = bodies.at(-1)?.to ?? 0;
  for (let at = bodies[0]?.from ?? end; at < end; at++) {
    at = bytes.indexOf(MEMORY_GROW, at);
    if (at < 0 || at >= end) return false;
    if (bytes[at + 1] === ZERO || bytes[at + 1] === PADDED_ZERO) return true;
  }
  return false;
}

/** Accesses of a module whose memory is one segment, into which it grows. */
export class GrowableSegment implements MemoryModel {
  readonly loadMoves: number = ACCESS_MOVES;
  readonly storeMoves: number = ACCESS_MOVES;
  readonly functions: ProgramFunctions;
  readonly #minimumBytes: number;
  readonly #outside: number;
  /** Where the access is written, for hints. */
  #to: ByteWriter = new ByteWriter(0);

  /** Its memory has `minimumBytes` from the start. */
  constructor(functions: ProgramFunctions, minimumBytes: number) {
    this.functions = functions;
    this.#minimumBytes = minimumBytes;
    this.#outside = functions.outside();
  }

  access(instruction: InstructionReader, to: ByteWriter, scratch: ScratchLocals): void {
    const { code, second: offset } = instruction;
    const slot = VALUE_SLOTS[code] ?? 0;
    const value = slot === 0 ? -1 : scratch.local(slot);
    const bytes = offset + (ACCESS_BYTES[code] ?? 0);
    this.#to = to;
    const into = to.room(ACCESS_ROOM);
    let at = to.length;
    if (value >= 0) at = putOne(into, at, LOCAL_SET, value);
    if (bytes > BYTES_MAX) at = this.#stop(into, put(into, at, DROP));
    else {
      const address = scratch.local(SLOT.address);
      at = this.#check(bytes, address, into, at);
      at = putOne(into, putOne(into, at, LOCAL_GET, address), GLOBAL_GET, GLOBALS.base);
      at = put(into, at, I32_ADD);
      if (value >= 0) at = putOne(into, at, LOCAL_GET, value);
      at = putAccess(instruction, offset, into, at);
    }
    to.wrote(at);
  }

  /** Stops unless `bytes` from the address on the stack are inside; that goes to its local. */
  #check(bytes: number, address: number, into: Uint8Array, start: number): number {
    let at = start;
    if (bytes > this.#minimumBytes) {
      at = putConstant(into, putOne(into, at, GLOBAL_GET, PROGRAM_GLOBALS.limit), bytes);
      at = this.#stopIf(into, put(into, at, I32_LT_U));
    }
    at = putOne(into, putOne(into, at, LOCAL_TEE, address), GLOBAL_GET, PROGRAM_GLOBALS.limit);
    at = put(into, put(into, putConstant(into, at, bytes), I32_SUB), I32_GT_U);
    return this.#stopIf(into, at);
  }

  #stop(into: Uint8Array, at: number): number {
    return put(into, putOne(into, at, CALL, this.#outside), UNREACHABLE);
  }

  #stopIf(into: Uint8Array, at: number): number {
    this.#to.hint(at, false);
    return put(into, this.#stop(into, putOne(into, at, IF, NO_RESULT)), END);
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
