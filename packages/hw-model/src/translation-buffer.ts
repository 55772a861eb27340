/** The translation buffer (TLB): which entries of the tables in memory programs find there. */
import type { PageBits } from "./processor.ts";

/** What a translation buffer is. */
export interface TranslationHardware {
  /** Translations that it holds; `Infinity` where the tables are looked at themselves. */
  readonly entries: number;
  /** Who fills it at a miss: the processor, which walks the page tables (x86), or the kernel (MIPS). */
  readonly refill: "hardware" | "software";
}

/** Running totals since the machine was switched on. */
export interface TranslationCounters {
  /** Entries written: at most one for a miss. */
  written: number;
  /** Entries that lost their place to another. */
  displaced: number;
  /** Entries that were flushed with their address-space id. */
  flushed: number;
}

/** The tables of an address space: where they lie, and the size of its pages. */
export interface TranslationTables {
  /** Physical address. */
  readonly base: number;
  readonly bits: PageBits;
}

/**
 * A buffer of translations, each tagged with an address-space id.
 *
 * Code looks at the tables in memory, and those hold exactly what is in the buffer: a
 * translation that loses its place is taken out of its table, so that the next access misses,
 * and whoever runs the program hears of it. An id stands for one address space at a time: whoever gives it
 * to another flushes it first.
 */
export interface TranslationBuffer {
  readonly hardware: TranslationHardware;
  readonly counters: Readonly<TranslationCounters>;
  /** Enters a page at `physical` under `asid`, for reading or also for writing, in place of what it had, or of the oldest. O(entries). */
  write(asid: number, tables: TranslationTables, page: number, physical: number, isWritable: boolean): void;
  /** Takes a page out, if it is there. O(entries). */
  invalidate(tables: TranslationTables, page: number): void;
  /** Takes out every page under `asid`, where there are tags. O(entries). */
  flush(asid: number): void;
}
