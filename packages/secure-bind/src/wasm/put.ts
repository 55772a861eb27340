/** Writes code into room that was asked for, without a check: where speed of rewriting is decided. */
import type { InstructionReader } from "./instruction-reader.ts";
import { INSTRUCTIONS } from "./instructions.ts";
import { IMMEDIATE, IMMEDIATES, VECTOR_CODES, VECTOR_PREFIX } from "./opcodes.ts";

const I32_CONST = INSTRUCTIONS["i32.const"];

/** Writes an unsigned number at `at`; where it ends. */
export function putU32(into: Uint8Array, at: number, value: number): number {
  let rest = value;
  let end = at;
  for (; rest > 0x7f; rest >>>= 7) into[end++] = (rest & 0x7f) | 0x80;
  into[end++] = rest;
  return end;
}

/** Writes `i32.const`; where it ends. */
export function putConstant(into: Uint8Array, at: number, value: number): number {
  let rest = value | 0;
  let end = at;
  into[end++] = I32_CONST;
  for (; rest < -0x40 || rest > 0x3f; rest >>= 7) into[end++] = (rest & 0x7f) | 0x80;
  into[end++] = rest & 0x7f;
  return end;
}

/** Writes an opcode with one unsigned immediate; where it ends. */
export function putOne(into: Uint8Array, at: number, opcode: number, immediate: number): number {
  into[at] = opcode;
  if (immediate > 0x7f) return putU32(into, at + 1, immediate);
  into[at + 1] = immediate;
  return at + 2;
}

/** Writes an opcode; where it ends. */
export function put(into: Uint8Array, at: number, opcode: number): number {
  into[at] = opcode;
  return at + 1;
}

/** Writes an access to memory again, with another offset; where it ends. */
export function putAccess(
  instruction: InstructionReader,
  offset: number,
  into: Uint8Array,
  start: number,
): number {
  const { code, first: alignment, lane } = instruction;
  let at = start;
  if (code < VECTOR_CODES) at = put(into, at, code);
  else at = putOne(into, at, VECTOR_PREFIX, code - VECTOR_CODES);
  at = putU32(into, putU32(into, at, alignment), offset);
  return IMMEDIATES[code] === IMMEDIATE.memoryLane ? put(into, at, lane) : at;
}
