/** Worlds of filters and frames from a seed, for differential tests of filters by the million. */
import { compileFilter } from "../filter/compile.ts";
import { type Demultiplexer, makeDemultiplexer } from "../filter/demultiplexer.ts";
import { interpretFilter } from "../filter/interpret.ts";
import {
  type Field,
  type FieldWidth,
  type Filter,
  type FilterTerm,
  equal,
  fragments,
  shift,
  skip,
} from "../filter/term.ts";
import type { Verified } from "../verified.ts";
import { type Remembered, longestMatch } from "./longest-match.ts";
import { mustVerify } from "./verify.ts";

/** A whole number below `limit`. */
type Pick = (limit: number) => number;

/** The same numbers from the same seed (a linear congruential generator, its upper bits). */
export function makePick(seed: number): Pick {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

const FRAME_BYTES = 24;
const REACH = 5;
const WIDTHS: readonly FieldWidth[] = [1, 1, 2, 4];
const MASKS = {
  1: [0xff, 0xff, 0x03, 0],
  2: [0xffff, 0x0303, 0xff, 0xff00],
  4: [0xffffffff, 0x03030303, 0xff, 1],
};

function pickField(pick: Pick): Field {
  const width = WIDTHS[pick(WIDTHS.length)] ?? 1;
  return { at: pick(REACH), width, mask: MASKS[width][pick(4)] ?? 0 };
}

/** A value that frames have: bytes are 0 or 1 in most of them. */
function pickValue(pick: Pick, { width, mask }: Field): number {
  let value = 0;
  for (let i = 0; i < width; i++) value = value * 256 + (pick(12) === 0 ? 128 + pick(128) : pick(2));
  return (value & mask) >>> 0;
}

function pickTerm(pick: Pick): FilterTerm {
  const kind = pick(8);
  if (kind === 0) return skip(pick(3));
  const field = pickField(pick);
  if (kind === 1) return shift(field.at, field.width, field.mask, pick(4));
  return equal(field.at, field.width, pickValue(pick, field), field.mask);
}

const pickBits = (pick: Pick): Field => ({ at: pick(REACH), width: 1, mask: 1 + 2 * pick(2) });

function pickFilter(pick: Pick): Filter {
  const terms = Array.from({ length: pick(5) }, () => pickTerm(pick));
  if (pick(4) > 0) return terms;
  const key = Array.from({ length: 1 + pick(2) }, () => pickBits(pick));
  const before = terms.findIndex(({ kind }) => kind === "shift");
  const at = pick((before < 0 ? terms.length : before) + 1);
  return [...terms.slice(0, at), fragments(pickBits(pick), pickBits(pick), key), ...terms.slice(at)];
}

/** A filter that begins as another one does, and goes on or ends there. */
function pickAlike(pick: Pick, other: Filter): Filter {
  const shared = other.slice(0, pick(other.length + 1));
  const more = Array.from({ length: pick(3) }, () => pickTerm(pick));
  return [...shared, ...more];
}

/** One installed filter in each of its forms. */
interface Subject {
  readonly filter: Verified<Filter>;
  readonly seen: Set<string>;
  readonly compiled: ReturnType<typeof compileFilter>;
  readonly index: number;
  readonly tag: number;
}

/** How much was compared, and the first difference. */
export interface FuzzResult {
  /** Pairs of a filter and a frame. */
  readonly pairs: number;
  readonly matches: number;
  /** Later fragments that a filter got. */
  readonly later: number;
  /** Frames that code classified. */
  readonly byCode: number;
  readonly difference: string | undefined;
}

/** One world: filters that come and go, and frames that every form of them decides on. */
class World {
  readonly #pick: Pick;
  /** With code from one of the first frames on, and never with any. */
  readonly #twins: readonly Demultiplexer[];
  readonly #remembered: Remembered = new Map();
  readonly #memory: Uint8Array = new Uint8Array(FRAME_BYTES + 8);
  readonly #subjects: Subject[] = [];
  #tag = 0;
  pairs = 0;
  matches = 0;
  later = 0;
  byCode = 0;
  difference: string | undefined;

  constructor(pick: Pick) {
    this.#pick = pick;
    const limits = { seed: pick(2 ** 32), steps: [1024, 24][pick(2)] ?? 0, shapes: [8192, 20][pick(2)] ?? 0 };
    const codeFields = [128, 128, 12][pick(3)] ?? 0;
    this.#twins = [
      makeDemultiplexer({ ...limits, codeFields, patience: pick(3) }),
      makeDemultiplexer({ ...limits, codeFields: 0 }),
    ];
  }

  #fail(what: string): void {
    this.difference ??= what;
  }

  insert(): void {
    const pick = this.#pick;
    const alike = this.#subjects[pick(this.#subjects.length)]?.filter;
    const terms = alike !== undefined && pick(2) === 0 ? pickAlike(pick, alike) : pickFilter(pick);
    const filter = mustVerify(terms);
    const tag = this.#tag++;
    const [index, other] = this.#twins.map((twin) => twin.insert(filter, tag));
    if (index !== other) this.#fail(`insert: ${index}, ${other}`);
    if (typeof index !== "number") return;
    this.#subjects.push({ filter, seen: new Set(), compiled: compileFilter(filter), index, tag });
  }

  remove(): void {
    const [gone] = this.#subjects.splice(this.#pick(this.#subjects.length), 1);
    if (gone === undefined) return;
    for (const twin of this.#twins) if (!twin.remove(gone.index)) this.#fail(`remove: ${gone.index}`);
    for (const [key, filter] of this.#remembered) if (filter === gone.filter) this.#remembered.delete(key);
  }

  /** Several changes with no frame between them. */
  burst(): void {
    for (let changes = 1 + this.#pick(6); changes > 0; changes--) {
      if (this.#pick(2) === 0) this.remove();
      else this.insert();
    }
  }

  frame(): void {
    const pick = this.#pick;
    const memory = this.#memory;
    for (let i = 0; i < memory.length; i++) memory[i] = pick(16) === 0 ? 128 + pick(128) : pick(2);
    const at = pick(40) === 0 ? pick(2 * FRAME_BYTES) : pick(5);
    const length = pick(8) === 0 ? pick(3 * FRAME_BYTES) : 8 + pick(FRAME_BYTES - 8);
    const frame = { memory, at, length };
    for (const { filter, seen, compiled } of this.#subjects) {
      const size = seen.size;
      const expected = interpretFilter(filter, memory, at, length, seen);
      if (compiled(memory, at, length) !== expected)
        this.#fail(`compiled: ${JSON.stringify([filter, [...memory], at, length])}`);
      this.pairs++;
      if (expected) this.matches++;
      if (expected && seen.size === size && !interpretFilter(filter, memory, at, length)) this.later++;
    }
    const tags = this.#subjects.map(({ tag }) => tag);
    const filters = this.#subjects.map(({ filter }) => filter);
    const expected = tags[longestMatch(filters, frame, this.#remembered)] ?? -1;
    for (const twin of this.#twins) {
      const tag = twin.classify(memory, at, length);
      if (tag !== expected)
        this.#fail(`classify: ${tag} for ${expected}: ${JSON.stringify([filters, [...memory], at, length])}`);
      if (twin.isCompiled()) this.byCode++;
    }
  }

  check(): void {
    if (!this.#twins.every((twin) => twin.check())) this.#fail("check");
  }
}

/** Compares all forms of filters in `worlds` worlds; stops at the first difference. */
export function fuzzFilters(seed: number, worlds: number): FuzzResult {
  const pick = makePick(seed);
  let [pairs, matches, later, byCode] = [0, 0, 0, 0];
  for (let i = 0; i < worlds; i++) {
    const world = new World(pick);
    for (let j = 0; j < 12; j++) world.insert();
    for (let round = 0; round < 8; round++) {
      for (let j = 0; j < 6; j++) world.frame();
      world.burst();
      world.check();
    }
    pairs += world.pairs;
    matches += world.matches;
    later += world.later;
    byCode += world.byCode;
    if (world.difference !== undefined)
      return { pairs, matches, later, byCode, difference: `world ${i}: ${world.difference}` };
  }
  return { pairs, matches, later, byCode, difference: undefined };
}
