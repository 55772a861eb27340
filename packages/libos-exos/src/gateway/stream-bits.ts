/** The bits of a published stream state. */

/** Bytes are waiting to be read. */
export const STREAM_READABLE = 1;
/** There is room to write. */
export const STREAM_WRITABLE = 2;
/** The other end will send no more. */
export const STREAM_ENDED = 4;
/** The stream is dead in both directions. */
export const STREAM_FAILED = 8;
