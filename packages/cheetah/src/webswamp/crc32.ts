/** CRC-32 as gzip and zip have it: cheap enough to be taken of every body, and known to everybody's tools. */

const POLYNOMIAL = 0xedb8_8320;

const table: Uint32Array = Uint32Array.from({ length: 256 }, (_, octet) => {
  let value = octet;
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 0 ? value >>> 1 : (value >>> 1) ^ POLYNOMIAL;
  return value;
});

/** The CRC of what `crc` is of and of `bytes[0…length)` behind it; begin with 0. O(length). */
export function crc32(crc: number, bytes: Uint8Array, length: number): number {
  let value = ~crc;
  for (let i = 0; i < length; i++) value = (table[(value ^ (bytes[i] ?? 0)) & 255] ?? 0) ^ (value >>> 8);
  return ~value >>> 0;
}
