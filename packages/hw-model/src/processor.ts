/** The processor: how it translates the addresses of programs, and how its clock interrupts them. */
import type { Cycles } from "./units.ts";

/** Bits of an address inside a page: pages of 4 KiB, or of 64 KiB. */
export type PageBits = 12 | 16;

/** Bytes of one entry of a table: the physical address of a page, little-endian, 0 for a miss. */
export const ENTRY_BYTES = 4;
/** Bytes above the tables through which an access goes that crosses a page. */
export const BOUNCE_BYTES = 64;

/** Entries of a table: one for every page of a 32-bit address. */
export const tableEntries = (bits: PageBits): number => 2 ** (32 - bits);
/** Bytes of a table. */
export const tableBytes = (bits: PageBits): number => tableEntries(bits) * ENTRY_BYTES;

/**
 * Bytes of an address space: a table for reading, one for writing, and the bounce buffer.
 *
 * Code that runs in it looks at the first table before it reads and at the second
 * before it writes. So a page that may be written has the same entry in both, and
 * frame 0, whose entry would be a miss, is in none.
 */
export const spaceBytes = (bits: PageBits): number => 2 * tableBytes(bits) + BOUNCE_BYTES;

/** Fuel that is granted at once at most. */
export const FUEL_GRANT = 67_108_864;

/** What a processor is. */
export interface ProcessorHardware {
  /** True when time is what is charged: then the fuel that was used is charged before the processor is asked. */
  readonly countsFuel: boolean;
}

/**
 * Where the clock interrupts programs.
 *
 * A program counts its instructions down, in fuel, and asks for more when there
 * is none left. It is not interrupted anywhere else, so whoever is called by it for
 * long asks as well.
 */
export interface Processor {
  readonly hardware: ProcessorHardware;
  /** Grants fuel for the time up to `deadline`: 0 when it has come. O(1). */
  grant(deadline: Cycles): number;
  /** Stands still until `until`: time passes, and nobody runs. */
  wait(until: Cycles): void;
  /** True when `deadline` has come, which a host may see a few questions late. O(1). */
  interrupts(deadline: Cycles): boolean;
}
