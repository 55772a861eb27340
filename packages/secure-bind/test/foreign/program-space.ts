/** Physical memories for programs: a segment, or pages whose frames come, move and go; canaries around all of it. */
import { BOUNCE_BYTES, type PageBits, tableBytes } from "../../src/wasm/page-tables.ts";
import { type ProgramPlace } from "../../src/index.ts";
import type { Numbers } from "./generate.ts";

const WASM_PAGE = 65_536;
/** What is nobody's is filled with it. */
const CANARY = 0xa5;
/** Bytes of a program's context and stack. */
const CONTEXT_BYTES = 512 << 10;
const CONTEXT = WASM_PAGE + 4_096;
/** Where a segment begins: no multiple of a page. */
const SEGMENT = CONTEXT + CONTEXT_BYTES + 12_304;
const TABLES = SEGMENT - (SEGMENT % 4_096) + 4_096;

/** How a program reaches its memory here. */
export type SpaceMode = "segment" | PageBits;
/** All of them. */
export const SPACE_MODES: readonly SpaceMode[] = ["segment", 12, 16];

/** A memory with a program in it. */
export interface ProgramSpace {
  readonly mode: SpaceMode;
  readonly memory: WebAssembly.Memory;
  readonly context: number;
  readonly contextBytes: number;
  /** Misses that were answered. */
  readonly misses: number;
  /** What a place has of it. */
  place(): Pick<ProgramPlace, "memory" | "base" | "limitBytes" | "context" | "contextBytes" | "miss">;
  /** Bytes of memory that the program has now: there is nothing behind them. */
  size: () => number;
  /** Empties it: zeros everywhere. */
  clear(): void;
  /** The program's first bytes. */
  contents(bytes: number): Uint8Array;
  /** Between two steps of the program: whatever its libOS may do to its frames meanwhile. */
  disturb(numbers: Numbers): void;
  /** Whether nothing was written that is not the program's. */
  isIntact(): boolean;
}

/** What is thrown for an access that there is no answer to. */
export class NoPage extends Error {
  constructor(address: number) {
    super(`nothing at ${address}`);
  }
}

const isFilled = (bytes: Uint8Array, like: Uint8Array): boolean => {
  for (let at = 0; at < bytes.length; at += like.length)
    if (Buffer.compare(bytes.subarray(at, at + like.length), like.subarray(0, bytes.length - at)) !== 0)
      return false;
  return true;
};
const CANARIES: Uint8Array = new Uint8Array(WASM_PAGE).fill(CANARY);
const ZEROS: Uint8Array = new Uint8Array(WASM_PAGE);

/** A segment with room for so many pages of 64 KiB. */
class SegmentSpace implements ProgramSpace {
  readonly mode = "segment";
  readonly memory: WebAssembly.Memory;
  readonly context: number = CONTEXT;
  readonly contextBytes: number = CONTEXT_BYTES;
  readonly misses = 0;
  size: () => number = () => 0;
  readonly #bytes: Uint8Array;
  readonly #limit: number;

  constructor(pages: number) {
    this.#limit = pages * WASM_PAGE;
    this.memory = new WebAssembly.Memory({ initial: Math.ceil((SEGMENT + this.#limit) / WASM_PAGE) + 1 });
    this.#bytes = new Uint8Array(this.memory.buffer).fill(CANARY);
    this.clear();
  }

  place(): ReturnType<ProgramSpace["place"]> {
    const { memory, context, contextBytes } = this;
    return { memory, base: SEGMENT, limitBytes: this.#limit, context, contextBytes };
  }

  clear(): void {
    this.#bytes.fill(0, CONTEXT, CONTEXT + CONTEXT_BYTES);
    this.#bytes.fill(0, SEGMENT, SEGMENT + this.#limit);
  }

  contents(bytes: number): Uint8Array {
    return this.#bytes.subarray(SEGMENT, SEGMENT + bytes);
  }

  disturb(): void {}

  isIntact(): boolean {
    const all = this.#bytes;
    return (
      isFilled(all.subarray(0, CONTEXT), CANARIES) &&
      isFilled(all.subarray(CONTEXT + CONTEXT_BYTES, SEGMENT), CANARIES) &&
      isFilled(all.subarray(SEGMENT + this.#limit), CANARIES)
    );
  }
}

/** Pages of a program in few frames: zero at first, kept elsewhere when they are taken away. */
class PagedSpace implements ProgramSpace {
  readonly mode: PageBits;
  readonly memory: WebAssembly.Memory;
  readonly context: number = CONTEXT;
  readonly contextBytes: number = CONTEXT_BYTES;
  misses = 0;
  size: () => number = () => 0;
  readonly #pageBytes: number;
  readonly #tableBytes: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Frames, every second one of which is nobody's, and those that are free. */
  readonly #frames: readonly number[];
  #free: number[] = [];
  /** The frame of each page that has one, in the order in which they came; the bytes of the others. */
  readonly #mapped: Map<number, number> = new Map();
  readonly #kept: Map<number, Uint8Array> = new Map();

  constructor(mode: PageBits, frames: number) {
    this.mode = mode;
    this.#pageBytes = 2 ** mode;
    this.#tableBytes = tableBytes(mode);
    const first = Math.ceil((TABLES + 2 * this.#tableBytes + BOUNCE_BYTES) / this.#pageBytes) + 1;
    this.#frames = Array.from({ length: frames }, (_, i) => (first + 2 * i) * this.#pageBytes);
    const end = (first + 2 * frames) * this.#pageBytes;
    this.memory = new WebAssembly.Memory({ initial: Math.ceil(end / WASM_PAGE) });
    this.#bytes = new Uint8Array(this.memory.buffer).fill(CANARY);
    this.#bytes.fill(0, TABLES, TABLES + 2 * this.#tableBytes + BOUNCE_BYTES);
    this.#view = new DataView(this.memory.buffer);
    this.clear();
  }

  place(): ReturnType<ProgramSpace["place"]> {
    const { memory, context, contextBytes } = this;
    const miss = (address: number, writes: number): void => this.#miss(address, writes);
    return { memory, base: TABLES, limitBytes: 0, context, contextBytes, miss };
  }

  clear(): void {
    this.#bytes.fill(0, CONTEXT, CONTEXT + CONTEXT_BYTES);
    for (const page of this.#mapped.keys()) this.#translate(page, 0, 0);
    this.#mapped.clear();
    this.#kept.clear();
    this.#free = [...this.#frames];
    this.misses = 0;
  }

  #translate(page: number, read: number, write: number): void {
    this.#view.setUint32(TABLES + 4 * page, read, true);
    this.#view.setUint32(TABLES + this.#tableBytes + 4 * page, write, true);
  }

  #evict(page: number): void {
    const frame = this.#mapped.get(page) ?? 0;
    this.#translate(page, 0, 0);
    this.#mapped.delete(page);
    this.#kept.set(page, this.#bytes.slice(frame, frame + this.#pageBytes));
    this.#bytes.fill(CANARY, frame, frame + this.#pageBytes);
    this.#free.unshift(frame);
  }

  #miss(address: number, writes: number): void {
    const page = Math.floor(address / this.#pageBytes);
    if (address >= this.size()) throw new NoPage(address);
    this.misses += 1;
    let frame = this.#mapped.get(page);
    if (frame === undefined) {
      if (this.#free.length === 0) this.#evict(this.#mapped.keys().next().value ?? 0);
      frame = this.#free.pop() ?? 0;
      const kept = this.#kept.get(page);
      if (kept === undefined) this.#bytes.fill(0, frame, frame + this.#pageBytes);
      else this.#bytes.set(kept, frame);
      this.#mapped.set(page, frame);
    }
    this.#translate(page, frame, writes === 1 ? frame : 0);
  }

  contents(bytes: number): Uint8Array {
    const all = new Uint8Array(bytes);
    const put = (page: number, from: Uint8Array): void => {
      const at = page * this.#pageBytes;
      if (at < bytes) all.set(from.subarray(0, bytes - at), at);
    };
    for (const [page, kept] of this.#kept) put(page, kept);
    for (const [page, frame] of this.#mapped) put(page, this.#bytes.subarray(frame, frame + this.#pageBytes));
    return all;
  }

  disturb(numbers: Numbers): void {
    const kind = numbers.below(4);
    if (kind === 0) for (const page of this.#mapped.keys()) this.#evict(page);
    if (kind === 1) for (const page of this.#mapped.keys()) if (numbers.below(2) === 0) this.#evict(page);
    if (kind === 2) this.#free.reverse();
  }

  isIntact(): boolean {
    const all = this.#bytes;
    const tables = TABLES + 2 * this.#tableBytes;
    const mapped = [...this.#mapped.keys()];
    const entries = mapped.map(
      (page) => [page, this.#view.getUint32(TABLES + this.#tableBytes + 4 * page, true)] as const,
    );
    for (const page of mapped) this.#translate(page, 0, 0);
    const isEmpty = isFilled(all.subarray(TABLES, tables), ZEROS);
    for (const [page, write] of entries) this.#translate(page, this.#mapped.get(page) ?? 0, write);
    const first = this.#frames[0] ?? 0;
    return (
      isEmpty &&
      isFilled(all.subarray(0, CONTEXT), CANARIES) &&
      isFilled(all.subarray(CONTEXT + CONTEXT_BYTES, TABLES), CANARIES) &&
      isFilled(all.subarray(tables + BOUNCE_BYTES, first), CANARIES) &&
      this.#frames.every((frame) =>
        isFilled(all.subarray(frame + this.#pageBytes, frame + 2 * this.#pageBytes), CANARIES),
      )
    );
  }
}

/** A memory for programs of up to so many pages of 64 KiB. */
export const makeSpace = (mode: SpaceMode, pages: number, frames = 12): ProgramSpace =>
  mode === "segment" ? new SegmentSpace(pages) : new PagedSpace(mode, frames);
