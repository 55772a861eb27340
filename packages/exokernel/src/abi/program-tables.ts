/** Published tables of programs and of the address spaces that they run in. */
import type { EnvId, FrameNumber } from "./ids.ts";

/** Uses of a page that the kernel keeps: what `tlbClear` takes. */
export const PAGE_USE = { accessed: 1, dirty: 2 } as const;

/**
 * The reader's own address space: what the kernel has of its page table.
 *
 * Written by the translation calls, programs' accesses, and whatever frees a frame.
 */
export interface TranslationReaders {
  /** Bytes of a page, 0 without an address space. */
  pageBytes(): number;
  /** Pages that have a translation. */
  count(): number;
  /** First frame of a page, 0 without a translation. */
  frame(page: number): FrameNumber;
  /** Rights of a translation: `RIGHTS.none` for reading, `RIGHTS.write` for both, -1 without one. */
  rights(page: number): number;
  /** 1 when a bound page was read or written since it was bound, or since that was cleared. */
  accessed(page: number): number;
  /** 1 when a bound page was written since it was bound, or since that was cleared. */
  dirty(page: number): number;
  /** The owner's mark on a page: three bits while it is bound, 31 bits while it is not. */
  mark(page: number): number;
  /** Accesses that were not found in the machine's translation buffer. */
  misses(): number;
  /** Those among them that the kernel answered without an upcall. */
  refills(): number;
}

/**
 * One row per program: its ledger.
 *
 * Written by `programLoad`, `programEnd`, and the program as it runs: fuel whenever it stops or calls.
 */
export interface ProgramReaders {
  readonly count: number;
  /** Environment that loaded it, 0 when the row is free. */
  owner(row: number): EnvId;
  /** The full id of the program in this row. */
  id(row: number): number;
  /** Fuel that it has used: instructions, and bytes that it moved many at a time. */
  fuel(row: number): number;
  /** Times that its environment was asked about an access of its. */
  faults(row: number): number;
  /** Calls of functions that it imports, kernel calls among them. */
  hostCalls(row: number): number;
  /** Kernel calls that it made itself. */
  gateCalls(row: number): number;
  /** Times that it was suspended. */
  suspensions(row: number): number;
}
