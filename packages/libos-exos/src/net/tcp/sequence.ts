/**
 * Sequence numbers: arithmetic modulo 2^32 (RFC 9293 section 3.4).
 *
 * They are signed here, -2^31 to 2^31 - 1: engines keep such numbers in place,
 * and give each that is larger a box of its own. Equal ones are `===`.
 */

/** A word of a segment as a sequence number, or as a timestamp, which are counted in the same way. */
export const sequenceOf = (word: number): number => word | 0;

/** `sequence` and `bytes` further on. */
export const advance = (sequence: number, bytes: number): number => (sequence + bytes) | 0;

/** How far `to` lies after `from`, 0 to 2^32 - 1. */
export const distance = (from: number, to: number): number => (to - from) >>> 0;

/** True when `left` comes before `right`; the two are less than 2^31 apart. */
export const isBefore = (left: number, right: number): boolean => ((left - right) | 0) < 0;

/** True when `left` comes after `right`. */
export const isAfter = (left: number, right: number): boolean => ((left - right) | 0) > 0;

/** The one that comes last. */
export const latest = (left: number, right: number): number => (isBefore(left, right) ? right : left);

/** The one that comes first. */
export const earliest = (left: number, right: number): number => (isBefore(left, right) ? left : right);
