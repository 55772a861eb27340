/** Base64 (RFC 4648), as far as the modules of this package need it. */

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The bytes that `text` stands for; padding ends it. Throws a `RangeError` for any other character. */
export function bytesOfBase64(text: string): Uint8Array<ArrayBuffer> {
  const end = text.indexOf("=");
  const digits = end < 0 ? text : text.slice(0, end);
  const bytes = new Uint8Array(Math.floor((digits.length * 3) / 4));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const digit of digits) {
    const value = DIGITS.indexOf(digit);
    if (value < 0) throw new RangeError("not base64");
    bits = ((bits << 6) | value) & 0xffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes[at++] = bits >>> held;
  }
  return bytes;
}
