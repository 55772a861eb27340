/** A physical memory with tables of translations, filled in different ways: for tests of paged programs. */
import { BOUNCE_BYTES, type PageBits, tableBytes } from "../wasm/page-tables.ts";
import { type PlacedProgram, type TestProgram, placeProgram } from "./program-sandbox.ts";

/** What is thrown for an access that there is no answer to. */
export class Fault extends Error {
  readonly address: number;
  readonly writes: number;

  constructor(address: number, writes: number) {
    super(`fault at ${address}`);
    this.address = address;
    this.writes = writes;
  }
}

/** How pages get frames. */
export interface Paging {
  /** Pages from here on are never there. */
  readonly pages: number;
  /** Whether all pages have frames from the start. */
  readonly isEager?: boolean;
  /** Pages that may not be written. */
  readonly readOnly?: ReadonlySet<number>;
  /** At most so many pages are there at once: each miss takes another away. */
  readonly resident?: number;
}

const WASM_PAGE = 65_536;
const OUTSIDE = 0xa5;

/** Pages of a program in frames that are nowhere near in their order. */
export class PagedMemory {
  readonly memory: WebAssembly.Memory;
  readonly base: number;
  readonly pageBytes: number;
  readonly paging: Paging;
  /** Misses so far. */
  misses = 0;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #tableBytes: number;
  readonly #frames: number[] = [];
  readonly #resident: number[] = [];
  readonly #unused: Uint8Array;

  constructor(pageBits: PageBits, paging: Paging) {
    this.paging = paging;
    this.pageBytes = 2 ** pageBits;
    this.#tableBytes = tableBytes(pageBits);
    const { pages } = paging;
    // Frames of pages in reverse order, every second one nobody's.
    const first = Math.ceil((WASM_PAGE + 2 * this.#tableBytes + BOUNCE_BYTES) / this.pageBytes) + 1;
    const end = first + 2 * pages + 1;
    this.memory = new WebAssembly.Memory({ initial: Math.ceil((end * this.pageBytes) / WASM_PAGE) });
    this.base = WASM_PAGE;
    this.#bytes = new Uint8Array(this.memory.buffer);
    this.#view = new DataView(this.memory.buffer);
    for (let page = 0; page < pages; page++) this.#frames.push((first + 2 * (pages - page)) * this.pageBytes);
    this.#unused = new Uint8Array(end).fill(1);
    for (const frame of this.#frames) this.#unused[frame / this.pageBytes] = 0;
    for (let i = first; i < end; i++)
      if (this.#unused[i] === 1) this.#bytes.fill(OUTSIDE, i * this.pageBytes, (i + 1) * this.pageBytes);
    if (paging.isEager === true) for (let page = 0; page < pages; page++) this.#map(page, 1);
  }

  #map(page: number, writes: number): void {
    const at = this.base + 4 * page;
    const frame = this.#frames[page] ?? 0;
    this.#view.setUint32(at, frame, true);
    const mayWrite = this.paging.readOnly?.has(page) !== true;
    if (writes === 1 && mayWrite) this.#view.setUint32(at + this.#tableBytes, frame, true);
  }

  /** Maps a page to the frame of another, for reads and writes. */
  alias(page: number, of: number): void {
    this.#view.setUint32(this.base + 4 * page, this.#frames[of] ?? 0, true);
    this.#view.setUint32(this.base + 4 * page + this.#tableBytes, this.#frames[of] ?? 0, true);
  }

  /** Takes a page away. */
  unmap(page: number): void {
    this.#view.setUint32(this.base + 4 * page, 0, true);
    this.#view.setUint32(this.base + 4 * page + this.#tableBytes, 0, true);
  }

  /** Answers a miss: with the page, of which writes have to be asked for again, or a `Fault`. */
  miss(address: number, writes: number): void {
    this.misses += 1;
    const page = Math.floor(address / this.pageBytes);
    const isDenied = writes === 1 && this.paging.readOnly?.has(page) === true;
    if (page >= this.paging.pages || isDenied) throw new Fault(address, writes);
    this.#map(page, writes);
    const { resident } = this.paging;
    if (resident === undefined) return;
    if (!this.#resident.includes(page)) this.#resident.push(page);
    if (this.#resident.length > resident) this.unmap(this.#resident.shift() ?? 0);
  }

  /** Places a program that runs in it. */
  place(program: TestProgram, grow?: (pages: number) => number): PlacedProgram {
    const calls = { miss: (address: number, writes: number) => this.miss(address, writes) };
    return placeProgram(program, this.memory, this.base, grow === undefined ? calls : { ...calls, grow });
  }

  /** What the program's memory holds, page after page. */
  contents(): Uint8Array {
    const all = new Uint8Array(this.paging.pages * this.pageBytes);
    for (const [page, frame] of this.#frames.entries())
      all.set(this.#bytes.subarray(frame, frame + this.pageBytes), page * this.pageBytes);
    return all;
  }

  /** Fills the program's memory. */
  fill(from: Uint8Array): void {
    for (const [page, frame] of this.#frames.entries())
      this.#bytes.set(from.subarray(page * this.pageBytes, (page + 1) * this.pageBytes), frame);
  }

  /** Whether nothing was written that is not the program's: frames between its own, and what stands before the tables. */
  isConfined(): boolean {
    const first = Math.ceil((this.base + 2 * this.#tableBytes + BOUNCE_BYTES) / this.pageBytes) + 1;
    if (Buffer.compare(this.#bytes.subarray(0, this.base), new Uint8Array(this.base)) !== 0) return false;
    const nobodys = new Uint8Array(this.pageBytes).fill(OUTSIDE);
    for (let i = first; i < this.#unused.length; i++) {
      const frame = this.#bytes.subarray(i * this.pageBytes, (i + 1) * this.pageBytes);
      if (this.#unused[i] === 1 && Buffer.compare(frame, nobodys) !== 0) return false;
    }
    return true;
  }
}
