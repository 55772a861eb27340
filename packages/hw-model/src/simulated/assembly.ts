/** What small modules of WebAssembly are put together from, by hand (core specification, chapter 5). */

/** How every module begins. */
export const MAGIC: readonly number[] = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

/** The type of a 32-bit number. */
export const I32 = 0x7f;

/** Instructions, or other parts, one after the other. */
export const code = (...parts: readonly (readonly number[])[]): number[] => parts.flat();

/** Pushes a local variable. */
export const get = (local: number): number[] => [0x20, local];

/** A number below 2^14 in LEB128. */
export const leb = (value: number): number[] => (value < 128 ? [value] : [(value & 0x7f) | 0x80, value >> 7]);

/** A section of less than 2^14 bytes. */
export const section = (id: number, content: readonly number[]): number[] => [
  id,
  ...leb(content.length),
  ...content,
];
