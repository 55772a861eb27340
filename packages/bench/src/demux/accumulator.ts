/** The accumulator machine of BSD's packet filter, interpreted: what MPF and its like run. */
import type { Field, Filter, FilterTerm } from "@exolith/secure-bind";

/**
 * Words of an instruction: operation, where to go if a comparison holds and if
 * not (in words, from the next instruction), constant.
 */
export const WORDS = 4;

/** A load outside the frame ends the program with nothing, as in the original. */
export const OPERATION = {
  /** A = the field of 1, 2 or 4 bytes at X + constant. */
  load1: 0,
  load2: 1,
  load4: 2,
  /** A = A & constant. */
  and: 3,
  /** On by the one distance if A = constant, by the other if not. */
  jump: 4,
  /** X = 4 * (the byte at constant & 15): the length of an IPv4 header. */
  header: 5,
  /** X = X + A * 2 to the power of the constant. */
  advance: 6,
  /** M[constant] = A. */
  store: 7,
  /** Ends with the constant. */
  answer: 8,
} as const;

/** Words of scratch memory; as many keys may a program have. */
export const SCRATCH_WORDS = 16;

/**
 * Runs `program` over the frame of `length` bytes at `at`; its answer, or -1 when it looked outside the frame.
 *
 * One loop over numbers, written to be quick: an interpreter of this kind in
 * JavaScript gets no better by much.
 */
export function runProgram(
  program: Int32Array,
  scratch: Int32Array,
  memory: Uint8Array,
  at: number,
  length: number,
): number {
  let a = 0;
  let x = 0;
  for (let i = 0; ; i += WORDS) {
    const constant = program[i + 3] ?? 0;
    switch (program[i]) {
      case OPERATION.load1: {
        if (x + constant >= length) return -1;
        a = memory[at + x + constant] ?? 0;
        break;
      }
      case OPERATION.load2: {
        if (x + constant + 2 > length) return -1;
        const from = at + x + constant;
        a = ((memory[from] ?? 0) << 8) | (memory[from + 1] ?? 0);
        break;
      }
      case OPERATION.load4: {
        if (x + constant + 4 > length) return -1;
        const from = at + x + constant;
        const high = ((memory[from] ?? 0) << 24) | ((memory[from + 1] ?? 0) << 16);
        a = high | ((memory[from + 2] ?? 0) << 8) | (memory[from + 3] ?? 0);
        break;
      }
      case OPERATION.and:
        a &= constant;
        break;
      case OPERATION.jump:
        i += (a === constant ? program[i + 1] : program[i + 2]) ?? 0;
        break;
      case OPERATION.header:
        if (constant >= length) return -1;
        x = ((memory[at + constant] ?? 0) & 15) << 2;
        break;
      case OPERATION.advance:
        x = Math.min(x + (a >>> 0) * 2 ** constant, length + 1);
        break;
      case OPERATION.store:
        scratch[constant] = a;
        break;
      default:
        return constant;
    }
  }
}

/** Where a comparison that fails goes; replaced when the end of the program is known. */
const FAIL = -1;

/** A program under construction. */
export interface ProgramWriter {
  /** Adds what `term` asks; nothing more happens in a frame that it does not hold for. */
  term(term: FilterTerm): void;
  /** Loads a field and stores it for a comparison with constants of many filters. */
  key(field: Field, index: number): void;
  /** The program, which ends with `answer` if every term held and with -1 otherwise. */
  end(answer: number): Int32Array;
}

const LOADS = { 1: OPERATION.load1, 2: OPERATION.load2, 4: OPERATION.load4 } as const;
const isHeaderLength = (term: Field & { readonly by: number }): boolean =>
  term.width === 1 && term.mask === 15 && term.by === 2;
const keepsAll = ({ width, mask }: Field): boolean => mask === 2 ** (8 * width) - 1;

/** Begins a program; skips are folded into the offsets. */
export function makeProgramWriter(): ProgramWriter {
  const words: number[] = [];
  let skipped = 0;
  let moved = false;
  const load = (field: Field): void => {
    words.push(LOADS[field.width], 0, 0, skipped + field.at);
    if (!keepsAll(field)) words.push(OPERATION.and, 0, 0, field.mask | 0);
  };
  const advance = (term: Field & { readonly by: number }): void => {
    if (!moved && isHeaderLength(term)) words.push(OPERATION.header, 0, 0, skipped + term.at);
    else {
      load(term);
      words.push(OPERATION.advance, 0, 0, term.by);
    }
    moved = true;
  };
  return {
    term: (term) => {
      if (term.kind === "skip") skipped += term.bytes;
      else if (term.kind === "shift") advance(term);
      else if (term.kind === "equal") {
        load(term);
        words.push(OPERATION.jump, 0, FAIL, term.value | 0);
      } else throw new RangeError(`no instruction remembers anything: ${term.kind}`);
    },
    key: (field, index) => {
      load(field);
      words.push(OPERATION.store, 0, 0, index);
    },
    end: (answer) => {
      const program = Int32Array.from([...words, OPERATION.answer, 0, 0, answer, OPERATION.answer, 0, 0, -1]);
      const fail = program.length - WORDS;
      for (let i = 0; i < fail; i += WORDS)
        if (program[i] === OPERATION.jump && program[i + 2] === FAIL) program[i + 2] = fail - i - WORDS;
      return program;
    },
  };
}

/** The program of one filter, which answers `tag` or -1. */
export function programOf(filter: Filter, tag: number): Int32Array {
  const writer = makeProgramWriter();
  for (const term of filter) writer.term(term);
  return writer.end(tag);
}
