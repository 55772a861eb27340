/** A program in memory: its frames, its handle, and the memory behind them. */
import {
  ERRORS,
  FRAME_BYTES,
  failed,
  type CapSlot,
  type FaultCause,
  FAULT_CAUSES,
  type Gate,
  type KernelError,
  type ProgramHandle,
  type ProgramImport,
} from "@exolith/exokernel/abi";
import { makeFramePool, type FramePool } from "@exolith/libos-exos";
import { CONTEXT_FRAMES, PROGRAM_FRAMES } from "./program-limits.ts";
import type { BackingStore } from "../memory/backing-store.ts";
import { PageFrames } from "../memory/page-frames.ts";
import { firstInFirstOut, type PagePolicyMaker } from "../memory/page-policy.ts";
import { Pager } from "../memory/pager.ts";
import type { ProgramMemory } from "../memory/program-memory.ts";
import { SegmentMemory } from "../memory/segment-memory.ts";

const PAGE_BYTES = 65_536;

/** What an image is made from. */
export interface ImageOptions {
  /** A binary module. */
  readonly module: Uint8Array | ArrayBuffer;
  /** Contiguous memory, or pages that come as they are touched. */
  readonly mode: "segment" | "paged";
  /** Bytes of a page: 4096 unless given. */
  readonly pageBytes?: 4096 | 65_536;
  /** Frames for memory and context. */
  readonly frames?: number;
  /** Frames of them in which calls are saved: `CONTEXT_FRAMES` unless given. */
  readonly contextFrames?: number;
  /** Which page goes when there is no room: first in, first out unless given. */
  readonly policy?: PagePolicyMaker;
  /** Where it goes; without one there has to be room. */
  readonly store?: (gate: Gate) => BackingStore | KernelError;
}

/** Places that paging needs: an access has up to two pages, on each side of a copy, and there is the page of zeros. */
const LEAST_PAGES = 5;

/** One loaded program. */
export class ProgramImage {
  readonly handle: ProgramHandle;
  readonly memory: ProgramMemory;
  readonly pager: Pager | undefined;
  readonly #pools: readonly FramePool[];

  private constructor(
    handle: ProgramHandle,
    memory: ProgramMemory,
    pager: Pager | undefined,
    pools: readonly FramePool[],
  ) {
    this.handle = handle;
    this.memory = memory;
    this.pager = pager;
    this.#pools = pools;
  }

  /** Frames that it holds now. */
  get frames(): number {
    return this.#pools.reduce((sum, pool) => sum + pool.held, 0);
  }

  /** Answers a memory fault. */
  fault(cause: FaultCause, address: number): boolean {
    return this.pager?.fault(address, cause === FAULT_CAUSES.protection) ?? false;
  }

  /** Loads a program; a refusal of the kernel's when that cannot be, "NoSpace" when all address spaces are taken. */
  static load(
    gate: Gate,
    slot: CapSlot,
    options: ImageOptions,
    imports: readonly ProgramImport[],
  ): ProgramImage | KernelError | "NoSpace" {
    const { frames = PROGRAM_FRAMES, contextFrames = CONTEXT_FRAMES } = options;
    const pool = makeFramePool(gate, slot, { start: 1, framesMax: frames });
    const context = pool.run(contextFrames);
    if (failed(context)) return context;
    const parts = { gate, slot, options, imports, pool, context: pool.first(context), contextFrames };
    const left = Math.max(frames - contextFrames, 0);
    return options.mode === "segment"
      ? ProgramImage.#loadSegment(parts, left)
      : ProgramImage.#loadPaged(parts, left);
  }

  static #loadSegment(parts: LoadParts, frames: number): ProgramImage | KernelError {
    const { gate, slot, options, imports, pool } = parts;
    const window = pool.run(frames);
    if (failed(window)) return window;
    const size = new MemorySize();
    const handle = gate.programLoad(
      {
        module: options.module,
        mode: "segment",
        imports,
        context: parts.context,
        contextFrames: parts.contextFrames,
        segment: pool.first(window),
        segmentFrames: frames,
        mayGrow: size.mayGrow,
      },
      slot,
    );
    if (failed(handle)) return handle;
    size.begin(handle);
    const memory = new SegmentMemory(window, size.bytes);
    return new ProgramImage(handle, memory, undefined, [pool]);
  }

  static #loadPaged(parts: LoadParts, frames: number): ProgramImage | KernelError | "NoSpace" {
    const { gate, slot, options, imports, pool } = parts;
    const { pageBytes = FRAME_BYTES, policy = firstInFirstOut } = options;
    if (frames < (LEAST_PAGES * pageBytes) / FRAME_BYTES) return ERRORS.Full;
    const size = new MemorySize();
    const created = gate.translationCreate(pageBytes);
    if (failed(created)) return created === ERRORS.Full ? "NoSpace" : created;
    const handle = gate.programLoad(
      {
        module: options.module,
        mode: "paged",
        imports,
        context: parts.context,
        contextFrames: parts.contextFrames,
        mayGrow: size.mayGrow,
      },
      slot,
    );
    if (failed(handle)) return handle;
    size.begin(handle);
    const store = options.store?.(gate);
    if (store !== undefined && failed(store)) return store;
    const pages = makeFramePool(gate, slot, { start: 1, framesMax: frames });
    const pager = new Pager({
      gate,
      slot,
      frames: new PageFrames(pages, pageBytes, frames),
      policy: policy(),
      store,
      bytes: size.bytes,
    });
    return new ProgramImage(handle, pager, pager, [pool, pages]);
  }
}

/** How large a program's memory is: it is asked for at every access, and changes when the program grows it. */
class MemorySize {
  #bytes = 0;

  begin({ memoryPages }: ProgramHandle): void {
    this.#bytes = memoryPages * PAGE_BYTES;
  }

  readonly bytes = (): number => this.#bytes;

  /** The kernel asks when nothing else stands against it. */
  readonly mayGrow = (pages: number, has: number): boolean => {
    this.#bytes = (has + pages) * PAGE_BYTES;
    return true;
  };
}

interface LoadParts {
  readonly gate: Gate;
  readonly slot: CapSlot;
  readonly options: ImageOptions;
  readonly imports: readonly ProgramImport[];
  readonly pool: FramePool;
  readonly context: ReturnType<FramePool["first"]>;
  readonly contextFrames: number;
}
