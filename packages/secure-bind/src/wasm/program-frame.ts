/**
 * How a program leaves its calls in the middle, and comes back into them.
 *
 * A function that can be suspended is written as
 *
 *     block $unwind
 *       block $whole                            its results
 *         blocks of the function's dispatcher
 *           block
 *             fuel -= instructions; stack -= frame
 *             (fuel | stack) >= 0 ? branch past what is cold
 *             rewinding ? take the frame back, and branch to where it was
 *             else branch $unwind
 *           end
 *           the function
 *       end
 *       stack += frame; return
 *     end
 *     save the frame; stack += frame; return anything: whoever called saves its own
 *
 * A saved frame is the number of its point, then its locals. Frames lie in the
 * order in which calls returned: the innermost first.
 */
import type { ByteWriter } from "./byte-writer.ts";
import { giveBack, writeOne } from "./charges.ts";
import { INSTRUCTIONS } from "./instructions.ts";
import { GLOBALS, PROGRAM_GLOBALS, PROGRAM_STATE, STOP_CAUSE } from "./runtime.ts";
import { type SavedLocal, savedBytes } from "./saved-locals.ts";
import { VALUE_TYPES } from "./value-type.ts";

const NO_RESULT = 0x40;
const GET = INSTRUCTIONS["global.get"];
const SET = INSTRUCTIONS["global.set"];
const LOCAL_GET = INSTRUCTIONS["local.get"];
const LOCAL_SET = INSTRUCTIONS["local.set"];
const LOCAL_TEE = INSTRUCTIONS["local.tee"];
const I32_CONST = INSTRUCTIONS["i32.const"];

/** Bytes of the number of a point, with room behind it. */
const HEAD_BYTES = 8;
const FRAME_ALIGNMENT = 8;

interface Access {
  readonly load: number;
  readonly store: number;
}

const VECTOR_PREFIX = 0xfd;
const ACCESSES: ReadonlyMap<number, Access> = new Map([
  [VALUE_TYPES.i32, { load: INSTRUCTIONS["i32.load"], store: INSTRUCTIONS["i32.store"] }],
  [VALUE_TYPES.i64, { load: INSTRUCTIONS["i64.load"], store: INSTRUCTIONS["i64.store"] }],
  [VALUE_TYPES.f32, { load: INSTRUCTIONS["f32.load"], store: INSTRUCTIONS["f32.store"] }],
  [VALUE_TYPES.f64, { load: INSTRUCTIONS["f64.load"], store: INSTRUCTIONS["f64.store"] }],
]);

/** Writes `i32.const`. */
export function writeConstant(to: ByteWriter, value: number): void {
  to.u8(I32_CONST);
  to.s32(value);
}

/** Opens an `if` that takes and leaves nothing; whether it is mostly entered is not known: mostly not. */
export function openUnlikely(to: ByteWriter): void {
  to.hint(to.length, false);
  to.u8(INSTRUCTIONS.if);
  to.u8(NO_RESULT);
}

/** Pushes whether the program is in `state`. */
export function pushState(to: ByteWriter, state: number): void {
  writeOne(to, GET, PROGRAM_GLOBALS.state);
  writeConstant(to, state);
  to.u8(INSTRUCTIONS["i32.eq"]);
}

/** The saved form of a function's frame. */
export class SavedFrame {
  readonly #point: number;
  readonly #address: number;
  readonly #locals: readonly SavedLocal[];
  /** Bytes of it. */
  readonly bytes: number;

  /** `point` is the local with the number of the point, `address` one that is free. */
  constructor(point: number, address: number, locals: readonly SavedLocal[]) {
    this.#point = point;
    this.#address = address;
    this.#locals = locals;
    const sum = locals.reduce((bytes, { type }) => bytes + savedBytes(type), HEAD_BYTES);
    this.bytes = (sum + FRAME_ALIGNMENT - 1) & -FRAME_ALIGNMENT;
  }

  /** Saves it, or stops where the context ends. */
  save(to: ByteWriter): void {
    writeOne(to, GET, PROGRAM_GLOBALS.contextEnd);
    writeOne(to, GET, PROGRAM_GLOBALS.context);
    writeOne(to, LOCAL_TEE, this.#address);
    to.u8(INSTRUCTIONS["i32.sub"]);
    writeConstant(to, this.bytes);
    to.u8(INSTRUCTIONS["i32.lt_u"]);
    this.#stopIf(to);
    writeOne(to, LOCAL_GET, this.#address);
    writeConstant(to, this.bytes);
    to.u8(INSTRUCTIONS["i32.add"]);
    writeOne(to, SET, PROGRAM_GLOBALS.context);
    this.#store(to, this.#point, VALUE_TYPES.i32, 0);
    this.#each((local, type, offset) => this.#store(to, local, type, offset));
  }

  /**
   * Takes it back; stops below where the context begins, or when more calls come back than there is `stack` for.
   *
   * What comes back is not trusted: only locals get it.
   */
  restore(to: ByteWriter, stack: number): void {
    writeOne(to, GET, PROGRAM_GLOBALS.context);
    writeOne(to, LOCAL_TEE, this.#address);
    writeOne(to, GET, PROGRAM_GLOBALS.contextStart);
    to.u8(INSTRUCTIONS["i32.sub"]);
    writeConstant(to, this.bytes);
    to.u8(INSTRUCTIONS["i32.lt_u"]);
    writeOne(to, LOCAL_GET, stack);
    writeConstant(to, 0);
    to.bytes([INSTRUCTIONS["i32.lt_s"], INSTRUCTIONS["i32.or"]]);
    this.#stopIf(to);
    writeOne(to, LOCAL_GET, this.#address);
    writeConstant(to, this.bytes);
    to.u8(INSTRUCTIONS["i32.sub"]);
    writeOne(to, LOCAL_TEE, this.#address);
    writeOne(to, SET, PROGRAM_GLOBALS.context);
    this.#load(to, this.#point, VALUE_TYPES.i32, 0);
    this.#each((local, type, offset) => this.#load(to, local, type, offset));
  }

  #each(visit: (local: number, type: number, offset: number) => void): void {
    let offset = HEAD_BYTES;
    for (const { local, type } of this.#locals) {
      visit(local, type, offset);
      offset += savedBytes(type);
    }
  }

  #stopIf(to: ByteWriter): void {
    openUnlikely(to);
    writeConstant(to, STOP_CAUSE.stack);
    writeOne(to, SET, GLOBALS.cause);
    to.u8(INSTRUCTIONS.unreachable);
    to.u8(INSTRUCTIONS.end);
  }

  #store(to: ByteWriter, local: number, type: number, offset: number): void {
    writeOne(to, LOCAL_GET, this.#address);
    writeOne(to, LOCAL_GET, local);
    const access = ACCESSES.get(type);
    if (access === undefined) to.bytes([VECTOR_PREFIX, INSTRUCTIONS["v128.store"] & 0xff]);
    else to.u8(access.store);
    to.u8(0);
    to.u32(offset);
  }

  #load(to: ByteWriter, local: number, type: number, offset: number): void {
    writeOne(to, LOCAL_GET, this.#address);
    const access = ACCESSES.get(type);
    if (access === undefined) to.bytes([VECTOR_PREFIX, INSTRUCTIONS["v128.load"] & 0xff]);
    else to.u8(access.load);
    to.u8(0);
    to.u32(offset);
    writeOne(to, LOCAL_SET, local);
  }
}

/** Pushes a zero of each type: what a call returns that was left in the middle. */
function pushZeros(to: ByteWriter, types: readonly number[]): void {
  for (const type of types) {
    if (type === VALUE_TYPES.i32) to.bytes([I32_CONST, 0]);
    else if (type === VALUE_TYPES.i64) to.bytes([INSTRUCTIONS["i64.const"], 0]);
    else if (type === VALUE_TYPES.f32) to.bytes([INSTRUCTIONS["f32.const"], 0, 0, 0, 0]);
    else if (type === VALUE_TYPES.f64) to.bytes([INSTRUCTIONS["f64.const"], 0, 0, 0, 0, 0, 0, 0, 0]);
    else if (type === VALUE_TYPES.v128) {
      to.bytes([VECTOR_PREFIX, INSTRUCTIONS["v128.const"] & 0xff]);
      to.bytes(new Uint8Array(16));
    } else to.bytes([INSTRUCTIONS["ref.null"], type]);
  }
}

/** What stands behind the code of a function that can be suspended. */
export function writeUnwinding(
  to: ByteWriter,
  saved: SavedFrame,
  frame: number,
  results: readonly number[],
): void {
  to.u8(INSTRUCTIONS.end);
  giveBack(to, frame);
  to.u8(INSTRUCTIONS.return);
  to.u8(INSTRUCTIONS.end);
  writeConstant(to, PROGRAM_STATE.unwinding);
  writeOne(to, SET, PROGRAM_GLOBALS.state);
  saved.save(to);
  giveBack(to, frame);
  pushZeros(to, results);
  to.u8(INSTRUCTIONS.end);
}

/** Opens `$unwind`, `$whole` with its type, and `labels` blocks. */
export function openFrame(to: ByteWriter, whole: (to: ByteWriter) => void, labels: number): void {
  to.bytes([INSTRUCTIONS.block, NO_RESULT, INSTRUCTIONS.block]);
  whole(to);
  for (let i = 0; i < labels; i++) to.bytes([INSTRUCTIONS.block, NO_RESULT]);
}

/** What a function does on entry if it can be suspended. */
export interface SuspendableEntry {
  readonly instructions: number;
  readonly frame: number;
  readonly saved: SavedFrame;
  readonly point: number;
  /** Locals that are free: for what is left of fuel and of stack. */
  readonly left: number;
  readonly stack: number;
  /** The function that stops a program whose calls are too deep. */
  readonly tooDeep: number;
  /** Labels from inside two blocks of it to `$unwind`. */
  readonly unwind: number;
  /** Writes the branches to the points, `inside` so many blocks besides those of the dispatcher. */
  readonly dispatch: (to: ByteWriter, inside: number) => void;
}

/** Takes `amount` from a global, which stays behind in a local. */
function take(to: ByteWriter, global: number, amount: number, local: number): void {
  writeOne(to, GET, global);
  writeConstant(to, amount);
  to.u8(INSTRUCTIONS["i32.sub"]);
  writeOne(to, LOCAL_TEE, local);
  writeOne(to, SET, global);
}

/** Writes it, inside a block of its own. */
export function writeEntry(to: ByteWriter, entry: SuspendableEntry): void {
  to.bytes([INSTRUCTIONS.block, NO_RESULT]);
  take(to, GLOBALS.fuel, entry.instructions, entry.left);
  take(to, GLOBALS.stack, entry.frame, entry.stack);
  writeOne(to, LOCAL_GET, entry.stack);
  writeOne(to, LOCAL_GET, entry.left);
  to.u8(INSTRUCTIONS["i32.or"]);
  writeConstant(to, 0);
  to.u8(INSTRUCTIONS["i32.ge_s"]);
  to.hint(to.length, true);
  writeOne(to, INSTRUCTIONS.br_if, 0);
  pushState(to, PROGRAM_STATE.rewinding);
  to.bytes([INSTRUCTIONS.if, NO_RESULT]);
  entry.saved.restore(to, entry.stack);
  writeConstant(to, -1);
  writeOne(to, SET, GLOBALS.fuel);
  writeOne(to, LOCAL_GET, entry.point);
  openUnlikely(to);
  entry.dispatch(to, 3);
  to.bytes([INSTRUCTIONS.unreachable, INSTRUCTIONS.end]);
  goOn(to);
  to.u8(INSTRUCTIONS.else);
  writeOne(to, LOCAL_GET, entry.stack);
  writeConstant(to, 0);
  to.bytes([INSTRUCTIONS["i32.lt_s"], INSTRUCTIONS.if, NO_RESULT]);
  writeOne(to, INSTRUCTIONS.call, entry.tooDeep);
  to.u8(INSTRUCTIONS.end);
  writeOne(to, INSTRUCTIONS.br, entry.unwind);
  to.bytes([INSTRUCTIONS.end, INSTRUCTIONS.end]);
}

/** The program is where it was: it runs, with the fuel that it was given. */
export function goOn(to: ByteWriter): void {
  writeConstant(to, PROGRAM_STATE.running);
  writeOne(to, SET, PROGRAM_GLOBALS.state);
  writeOne(to, GET, PROGRAM_GLOBALS.grant);
  writeOne(to, SET, GLOBALS.fuel);
}
