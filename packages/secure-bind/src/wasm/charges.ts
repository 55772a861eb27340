/**
 * What running code pays: fuel for instructions, stack for calls.
 *
 * Code is cut into regions that can only be entered at their head, and in which
 * nothing is executed twice without passing the head again: a function, the
 * inside of each loop, and what follows each block that a table branches out of
 * (the cases of a switch). At its head a region pays for all instructions that
 * are directly in it, so never less than what is executed. What was paid for is
 * known at the end, so the number is padded and patched.
 *
 *     fuel -= instructions                 global.get, i32.const, i32.sub, local.tee, global.set
 *     fuel < 0 ? then stop                 local.get, i32.const 0, i32.lt_s, if
 *
 * A function that calls, or whose frame is large, pays for its frame when it is
 * entered, by the same check, and takes it back when it is left:
 *
 *     fuel -= instructions; stack -= frame
 *     (fuel | stack) < 0 ? then stop
 *     block; the function; end
 *     stack += frame
 */
import type { ByteWriter } from "./byte-writer.ts";
import { INSTRUCTIONS } from "./instructions.ts";
import { GLOBALS } from "./runtime.ts";
import { SLOT, type ScratchLocals } from "./scratch-locals.ts";

const CALL = INSTRUCTIONS.call;
const END = INSTRUCTIONS.end;
const GLOBAL_GET = INSTRUCTIONS["global.get"];
const GLOBAL_SET = INSTRUCTIONS["global.set"];
const I32_ADD = INSTRUCTIONS["i32.add"];
const I32_CONST = INSTRUCTIONS["i32.const"];
const I32_LT_S = INSTRUCTIONS["i32.lt_s"];
const I32_OR = INSTRUCTIONS["i32.or"];
const I32_SUB = INSTRUCTIONS["i32.sub"];
const IF = INSTRUCTIONS.if;
const LOCAL_GET = INSTRUCTIONS["local.get"];
const LOCAL_TEE = INSTRUCTIONS["local.tee"];
const NO_RESULT = 0x40;
const UNREACHABLE = INSTRUCTIONS.unreachable;

/** Bytes of a frame without locals and operands. */
const FRAME_FIXED_BYTES = 96;
/** Bytes of a number or a reference in a frame, and of a vector. */
const SLOT_BYTES = 8;
const VECTOR_SLOT_BYTES = 16;
/** Instructions, on one way through a function, that may make an optimising compiler keep one more value. */
const INSTRUCTIONS_PER_VALUE = 4;
/** Frames up to this size are not paid for by functions that call nothing. */
export const LEAF_FRAME_BYTES = 1_024;

/** Values that are passed or set to zero for one unit of fuel; of vectors one. */
const VALUES_PER_FUEL_BITS = 2;

/** What a call costs besides its instructions: `values` and `vectors` are passed or set to zero. */
export const entryFuel = (values: number, vectors: number): number =>
  (values >>> VALUES_PER_FUEL_BITS) + vectors;

/** What decides how large a function's frame may be. */
export interface FrameShape {
  readonly parameters: number;
  readonly locals: number;
  readonly results: number;
  /** Operands at once, at most. */
  readonly operands: number;
  /** Instructions on the longest way through it that turns no loop. */
  readonly path: number;
  readonly hasVectors: boolean;
}

/**
 * An estimate, from above, of the bytes of a function's frame.
 *
 * Parameters may be passed in memory and kept besides; operands may be on their
 * way to a function that is called; and the optimising compiler keeps what it has
 * computed once instead of computing it again, but only what it must have computed
 * before, so no more than there are instructions on one way.
 */
export function frameBytes(shape: FrameShape): number {
  const values =
    2 * shape.parameters +
    shape.locals +
    shape.results +
    2 * shape.operands +
    Math.ceil(shape.path / INSTRUCTIONS_PER_VALUE);
  return FRAME_FIXED_BYTES + values * (shape.hasVectors ? VECTOR_SLOT_BYTES : SLOT_BYTES);
}

/** Writes an opcode with one unsigned immediate. */
export function writeOne(to: ByteWriter, opcode: number, immediate: number): void {
  to.one(opcode, immediate);
}

/** Stops if the i32 on the stack is negative. */
function stopIfNegative(to: ByteWriter, overdrawn: number): void {
  to.u8(I32_CONST);
  to.s32(0);
  to.u8(I32_LT_S);
  to.u8(IF);
  to.u8(NO_RESULT);
  writeOne(to, CALL, overdrawn);
  to.u8(UNREACHABLE);
  to.u8(END);
}

/** Charges a region; the offset at which its instructions are to be patched in. */
export function chargeRegion(to: ByteWriter, scratch: ScratchLocals, overdrawn: number): number {
  const left = scratch.local(SLOT.address);
  writeOne(to, GLOBAL_GET, GLOBALS.fuel);
  to.u8(I32_CONST);
  const patch = to.length;
  to.paddedS32(0);
  to.u8(I32_SUB);
  writeOne(to, LOCAL_TEE, left);
  writeOne(to, GLOBAL_SET, GLOBALS.fuel);
  writeOne(to, LOCAL_GET, left);
  stopIfNegative(to, overdrawn);
  return patch;
}

/** Takes `amount` from a global, which stays behind in a local. */
function take(to: ByteWriter, global: number, amount: number, local: number): void {
  writeOne(to, GLOBAL_GET, global);
  to.u8(I32_CONST);
  to.s32(amount);
  to.u8(I32_SUB);
  writeOne(to, LOCAL_TEE, local);
  writeOne(to, GLOBAL_SET, global);
}

/** What a function pays on entry; a frame of 0 bytes is not paid for. */
export interface Entry {
  readonly instructions: number;
  readonly frame: number;
  readonly overdrawn: number;
}

/** Charges the entry of a function. */
export function chargeEntry(to: ByteWriter, scratch: ScratchLocals, entry: Entry): void {
  const left = scratch.local(SLOT.address);
  take(to, GLOBALS.fuel, entry.instructions, left);
  if (entry.frame !== 0) {
    const stack = scratch.local(SLOT.i32);
    take(to, GLOBALS.stack, entry.frame, stack);
    writeOne(to, LOCAL_GET, stack);
  }
  writeOne(to, LOCAL_GET, left);
  if (entry.frame !== 0) to.u8(I32_OR);
  stopIfNegative(to, entry.overdrawn);
}

/** Gives a frame back. */
export function giveBack(to: ByteWriter, frame: number): void {
  writeOne(to, GLOBAL_GET, GLOBALS.stack);
  to.u8(I32_CONST);
  to.s32(frame);
  to.u8(I32_ADD);
  writeOne(to, GLOBAL_SET, GLOBALS.stack);
}
