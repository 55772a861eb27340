/**
 * The checksum unit: the ones'-complement sum of physical memory, 16 bytes a step.
 *
 * A function of WebAssembly on the machine's own memory, assembled here by hand
 * from the opcodes of the core specification (chapter 5, and its vector part):
 *
 *     sum(at, length):                    at, length: i32; the result is folded to 16 bits
 *       lanes = 0
 *       for each 16 bytes:  lanes += pairwise sums of eight 16-bit words
 *       total = sum of the four lanes + the remaining words + a last odd byte
 *       fold total three times
 *
 * Words are little-endian, as WebAssembly loads them; the caller swaps the sum
 * (RFC 1071 section 2 (B)). A lane holds 32 bits, so a run has at most `RUN_BYTES`.
 */
import type { WasmMemory } from "../memory.ts";
import { I32, MAGIC, code, get, leb, section } from "./assembly.ts";

/** Bytes whose sum a lane holds for certain. */
const RUN_BYTES = 262_144;

const I64 = 0x7e;
const V128 = 0x7b;
const NOTHING = 0x40;

const set = (local: number): number[] => [0x21, local];
const i32 = (value: number): number[] => [0x41, value & 0x7f];
const END = [0x0b];
const ADD = [0x6a];
const AND = [0x71];
const NOT_BELOW = [0x4f];
const BLOCK = [0x02, NOTHING];
const LOOP = [0x03, NOTHING];
const IF = [0x04, NOTHING];
const LEAVE_IF = [0x0d, 1];
const AGAIN = [0x0c, 0];
const LOAD_BYTE = [0x2d, 0, 0];
const LOAD_WORD = [0x2f, 0, 0];
const WIDEN = [0xad];
const ADD_WIDE = [0x7c];
const NARROW = [0xa7];
/** `& 0xffff` and `>> 16` of a 64-bit number. */
const LOW_HALF = [0x42, 0xff, 0xff, 0x03, 0x83];
const HIGH_PART = [0x42, 16, 0x88];
const LOAD_VECTOR = [0xfd, 0x00, 0, 0];
const ADD_PAIRS = [0xfd, 0x7f];
const ADD_LANES = [0xfd, 0xae, 0x01];
const lane = (index: number): number[] => [0xfd, 0x1b, index];

/** Locals: two parameters, then the end of the run in steps, the total, and the lanes. */
const AT = 0;
const LENGTH = 1;
const STOP = 2;
const TOTAL = 3;
const LANES = 4;

/** `stop = at + (length & mask)`, then `body` for each step of `bytes`. */
const repeat = (mask: number, bytes: number, body: readonly number[]): number[] =>
  code(
    code(get(AT), get(LENGTH), i32(mask), AND, ADD, set(STOP)),
    code(BLOCK, LOOP, get(AT), get(STOP), NOT_BELOW, LEAVE_IF),
    body,
    code(get(AT), i32(bytes), ADD, set(AT), AGAIN, END, END),
  );

const addToTotal = (value: readonly number[]): number[] =>
  code(get(TOTAL), value, WIDEN, ADD_WIDE, set(TOTAL));

/** `total = (total & 0xffff) + (total >> 16)`. */
const FOLD = code(code(get(TOTAL), LOW_HALF), code(get(TOTAL), HIGH_PART, ADD_WIDE, set(TOTAL)));

const LOCALS = [3, 1, I32, 1, I64, 1, V128];

const BODY = code(
  LOCALS,
  repeat(-16, 16, code(get(LANES), get(AT), LOAD_VECTOR, ADD_PAIRS, ADD_LANES, set(LANES))),
  ...[0, 1, 2, 3].map((index) => addToTotal(code(get(LANES), lane(index)))),
  repeat(14, 2, addToTotal(code(get(AT), LOAD_WORD))),
  code(get(LENGTH), i32(1), AND, IF, addToTotal(code(get(AT), LOAD_BYTE)), END),
  code(FOLD, FOLD, FOLD, get(TOTAL), NARROW, END),
);

/** The module: imports memory `m.m`, exports the function `s`. */
const MODULE = Uint8Array.from(
  code(
    MAGIC,
    section(1, [1, 0x60, 2, I32, I32, 1, I32]),
    section(2, [1, 1, 0x6d, 1, 0x6d, 0x02, 0, 1]),
    section(3, [1, 0]),
    section(7, [1, 1, 0x73, 0x00, 0]),
    section(10, code([1], leb(BODY.length), BODY)),
  ),
);

/** The sum of `length` bytes at `at`, big-endian, folded to 16 bits and not inverted (RFC 1071). */
export type ChecksumUnit = (at: number, length: number) => number;

let compiled: WebAssembly.Module | undefined;

/** The checksum unit of `memory`; all machines share one compiled module. */
export function makeChecksumUnit(memory: WasmMemory): ChecksumUnit {
  compiled ??= new WebAssembly.Module(MODULE);
  const { exports } = new WebAssembly.Instance(compiled, { m: { m: memory } });
  const sum = exports["s"] as (at: number, length: number) => number;
  const swapped = (at: number, length: number): number => {
    const folded = sum(at, length);
    return ((folded & 0xff) << 8) | (folded >>> 8);
  };
  return (at, length) => {
    if (length <= RUN_BYTES) return swapped(at, length);
    let total = 0;
    for (let done = 0; done < length; done += RUN_BYTES)
      total += swapped(at + done, Math.min(RUN_BYTES, length - done));
    while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
    return total;
  };
}
