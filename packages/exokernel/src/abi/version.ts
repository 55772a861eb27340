/** Versions, checked by a library operating system when it starts. */

/** The kernel interface: calls, their arguments and their errors. */
export const ABI_VERSION = 5;
/** The published tables: columns and units. */
export const TABLE_VERSION = 5;
