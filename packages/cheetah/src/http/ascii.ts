/** Classes of octets and comparisons without strings (RFC 9110 section 5.6.2). */

/** Carriage return. */
export const CR = 13;
/** Line feed. */
export const LF = 10;
/** Horizontal tab. */
export const TAB = 9;
/** Space. */
export const SPACE = 32;
/** Colon. */
export const COLON = 58;

const TOKEN = 1;
const FIELD_VALUE = 2;
const TARGET = 4;
const HOST = 8;

const classes: Uint8Array = new Uint8Array(256);

const mark = (characters: string, bit: number): void => {
  for (const character of characters) classes[character.charCodeAt(0)]! |= bit;
};

const LETTERS_AND_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
mark(LETTERS_AND_DIGITS + "!#$%&'*+-.^_`|~", TOKEN);
mark(LETTERS_AND_DIGITS + "-._~!$&'()*+,;=%:[]", HOST);
for (let octet = 0x21; octet <= 0x7e; octet++) classes[octet]! |= TARGET | FIELD_VALUE;
for (let octet = 0x80; octet <= 0xff; octet++) classes[octet]! |= FIELD_VALUE;
mark(" \t", FIELD_VALUE);

const allAre = (bytes: Uint8Array, from: number, to: number, bit: number): boolean => {
  for (let i = from; i < to; i++) if (((classes[bytes[i]!] ?? 0) & bit) === 0) return false;
  return true;
};

/** True when `bytes[from…to)` is a token: at least one octet, no separator. O(length). */
export const isToken = (bytes: Uint8Array, from: number, to: number): boolean =>
  to > from && allAre(bytes, from, to, TOKEN);

/** True when every octet may stand in a field value. O(length). */
export const isFieldValue = (bytes: Uint8Array, from: number, to: number): boolean =>
  allAre(bytes, from, to, FIELD_VALUE);

/** True when `bytes[from…to)` is visible ASCII and not empty. O(length). */
export const isTarget = (bytes: Uint8Array, from: number, to: number): boolean =>
  to > from && allAre(bytes, from, to, TARGET);

/** True when every octet may stand in `Host` (RFC 3986 section 3.2.2 and a port). O(length). */
export const isHost = (bytes: Uint8Array, from: number, to: number): boolean => allAre(bytes, from, to, HOST);

/** True when `bytes[from…to)` equals `text`, exactly. O(length). */
export function matches(bytes: Uint8Array, from: number, to: number, text: string): boolean {
  if (to - from !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[from + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** True when `bytes[from…to)` equals the lower-case `text` but for the case of letters. O(length). */
export function matchesAnyCase(bytes: Uint8Array, from: number, to: number, text: string): boolean {
  if (to - from !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (lower(bytes[from + i] ?? 0) !== text.charCodeAt(i)) return false;
  return true;
}

const lower = (octet: number): number => (octet >= 65 && octet <= 90 ? octet + 32 : octet);

/** `bytes[from…to)` as Latin-1 text. O(length), allocates. */
export function latin1(bytes: Uint8Array, from: number, to: number): string {
  let text = "";
  for (let i = from; i < to; i++) text += String.fromCharCode(bytes[i] ?? 0);
  return text;
}

/** Writes Latin-1 `text` to `into` at `at`; returns the offset behind it. O(length). */
export function putText(into: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) into[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/** `text` as Latin-1 bytes. O(length), allocates. */
export function latin1Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  putText(bytes, 0, text);
  return bytes;
}
