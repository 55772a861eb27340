/**
 * Entries of page tables, in one word: as an x86 has them.
 *
 *     present       frame (20 bits) | owner's (3) | bound for writing | . | dirty | accessed | ... | writable | 1
 *     not present   owner's (31 bits) | 0
 */

/** Single bits of an entry that is present. */
export const ENTRY = {
  present: 1,
  writable: 2,
  accessed: 0x20,
  dirty: 0x40,
  /** Bound for writing: its owner may have it writable again. */
  mayWrite: 0x100,
} as const;

const FRAME_SHIFT = 12;
const MARK_SHIFT = 9;
/** The owner's three bits of a page that is bound. */
const MARK_BITS = 0b111;

/** Marks that a page may have when it is bound, and when it is not. */
export const MARKS = { bound: 8, unbound: 0x8000_0000 } as const;

/** The entry of a page that has just been bound. */
export const entryOf = (frame: number, isWritable: boolean): number =>
  ((frame << FRAME_SHIFT) | ENTRY.present | (isWritable ? ENTRY.writable | ENTRY.mayWrite : 0)) >>> 0;

/** The frame in which a page that is bound begins. */
export const frameIn = (entry: number): number => entry >>> FRAME_SHIFT;

/** Whether an entry has a bit. */
export const has = (entry: number, bit: number): boolean => (entry & bit) !== 0;

/** The owner's bits. */
export const markIn = (entry: number): number =>
  has(entry, ENTRY.present) ? (entry >>> MARK_SHIFT) & MARK_BITS : entry >>> 1;

/** An entry with other bits of the owner's. */
export const withMark = (entry: number, mark: number): number =>
  has(entry, ENTRY.present)
    ? ((entry & ~(MARK_BITS << MARK_SHIFT)) | (mark << MARK_SHIFT)) >>> 0
    : (mark << 1) >>> 0;
