/** The tables of translations of a paged program: what the code that reads them and whoever fills them agree on. */

/** Bits of an address inside a page. */
export type PageBits = 12 | 16;

/** Bytes of an entry, as a power of two. */
export const ENTRY_BITS = 2;

/** Bytes of one table of translations: an entry for every page of the 32-bit address. */
export const tableBytes = (pageBits: PageBits): number => 2 ** (32 - pageBits + ENTRY_BITS);

/** Bytes of the bounce buffer, which stands behind both tables. */
export const BOUNCE_BYTES = 64;

/** Misses that one access, or one page of a longer operation, may have; whoever needs more is stopped. */
export const MISSES_MAX = 64;
