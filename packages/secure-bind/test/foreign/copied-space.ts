/** One physical memory with two programs of which one begins as a copy of the other: copied, or sharing pages until one writes. */
import { type PageBits, tableBytes } from "../../src/wasm/page-tables.ts";
import type { ProgramPlace } from "../../src/index.ts";

const WASM_PAGE = 65_536;
const CONTEXT_BYTES = 512 << 10;
const SLOTS = 2;

type Place = Pick<ProgramPlace, "memory" | "base" | "limitBytes" | "context" | "contextBytes" | "miss">;

/** Places 0 and 1, each with `pages` pages of 64 KiB. */
export class CopiedSpace {
  readonly memory: WebAssembly.Memory;
  readonly #bits: PageBits | undefined;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #slotBytes: number;
  readonly #memoryBytes: number;
  #nextFrame: number;
  /** Of each place the frame of each page, and in how many places a frame is. */
  readonly #frames: readonly Map<number, number>[] = [new Map(), new Map()];
  readonly #uses: Map<number, number> = new Map();
  /** Frames that were copied because somebody wrote. */
  copies = 0;

  constructor(mode: "segment" | PageBits, pages: number) {
    this.#bits = mode === "segment" ? undefined : mode;
    this.#memoryBytes = pages * WASM_PAGE;
    const own = this.#bits === undefined ? this.#memoryBytes : 2 * tableBytes(this.#bits) + WASM_PAGE;
    this.#slotBytes = CONTEXT_BYTES + own;
    this.#nextFrame = SLOTS * this.#slotBytes + WASM_PAGE;
    const frames = this.#bits === undefined ? 0 : SLOTS * this.#memoryBytes;
    this.memory = new WebAssembly.Memory({ initial: (this.#nextFrame + frames) / WASM_PAGE });
    this.#bytes = new Uint8Array(this.memory.buffer);
    this.#view = new DataView(this.memory.buffer);
  }

  #base(slot: number): number {
    return slot * this.#slotBytes + CONTEXT_BYTES;
  }

  place(slot: number): Place {
    return {
      memory: this.memory,
      base: this.#base(slot),
      limitBytes: this.#memoryBytes,
      context: slot * this.#slotBytes,
      contextBytes: CONTEXT_BYTES,
      miss: (address, writes) => this.#miss(slot, address, writes),
    };
  }

  /** Bytes of the context of a place. */
  context(slot: number): Uint8Array {
    return this.#bytes.subarray(slot * this.#slotBytes, slot * this.#slotBytes + CONTEXT_BYTES);
  }

  #translate(slot: number, page: number, read: number, write: number): void {
    const at = this.#base(slot) + 4 * page;
    this.#view.setUint32(at, read, true);
    this.#view.setUint32(at + tableBytes(this.#bits ?? 12), write, true);
  }

  #newFrame(): number {
    const frame = this.#nextFrame;
    this.#nextFrame += 2 ** (this.#bits ?? 12);
    this.#uses.set(frame, 1);
    return frame;
  }

  #miss(slot: number, address: number, writes: number): void {
    const page = address >>> (this.#bits ?? 12);
    const frames = this.#frames[slot] as Map<number, number>;
    const known = frames.get(page);
    let frame = known ?? this.#newFrame();
    if (known !== undefined && writes === 1 && (this.#uses.get(known) ?? 0) > 1) {
      frame = this.#newFrame();
      this.#bytes.copyWithin(frame, known, known + 2 ** (this.#bits ?? 12));
      this.#uses.set(known, (this.#uses.get(known) ?? 0) - 1);
      this.copies += 1;
    }
    frames.set(page, frame);
    this.#translate(slot, page, frame, writes === 1 ? frame : 0);
  }

  /** Gives place 1 the memory of place 0: as it is, or page by page as soon as either writes. */
  copy(): void {
    if (this.#bits === undefined) {
      this.#bytes.copyWithin(this.#base(1), this.#base(0), this.#base(0) + this.#memoryBytes);
      return;
    }
    for (const [page, frame] of this.#frames[0] as Map<number, number>) {
      this.#frames[1]?.set(page, frame);
      this.#uses.set(frame, (this.#uses.get(frame) ?? 0) + 1);
      for (const slot of [0, 1]) this.#translate(slot, page, frame, 0);
    }
  }

  /** Frames that are used by anybody. */
  get frames(): number {
    return this.#uses.size;
  }

  /** The memory of a place. */
  contents(slot: number): Uint8Array {
    if (this.#bits === undefined)
      return this.#bytes.slice(this.#base(slot), this.#base(slot) + this.#memoryBytes);
    const all = new Uint8Array(this.#memoryBytes);
    for (const [page, frame] of this.#frames[slot] as Map<number, number>)
      all.set(this.#bytes.subarray(frame, frame + 2 ** this.#bits), page * 2 ** this.#bits);
    return all;
  }
}
