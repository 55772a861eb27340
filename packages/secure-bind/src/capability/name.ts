/** Capability names: short strings of bytes, written `1.115.5`; a prefix stands above. */

/** Bytes in the longest name (HotOS'97 figure 2). */
export const NAME_BYTES = 7;

const COMPONENT = /^(?:0|[1-9]\d{0,2})$/;

/** True for an integer from 0 to 255. */
const isComponent = (value: unknown): value is number =>
  typeof value === "number" && value >= 0 && value <= 255 && (value | 0) === value;

/** True when `value` has at most `NAME_BYTES` components, each an integer from 0 to 255. */
export const isName = (value: readonly unknown[]): value is readonly number[] =>
  value.length <= NAME_BYTES && value.every(isComponent);

/**
 * The name that `text` spells: components in decimal between dots; "" is the root.
 *
 * **Fails** throws `RangeError` for anything that `printName` would not print.
 */
export function parseName(text: string): readonly number[] {
  const words = text === "" ? [] : text.split(".");
  const name = words.map((word) => (COMPONENT.test(word) ? Number(word) : -1));
  if (!isName(name)) throw new RangeError(`malformed capability name: ${text}`);
  return Object.freeze(name);
}

/** `name` in decimal with dots, as `parseName` reads it. */
export const printName = (name: readonly number[]): string => name.join(".");

/** True when `short` is a prefix of `long`; every name is a prefix of itself. O(NAME_BYTES). */
export function isPrefix(short: readonly number[], long: readonly number[]): boolean {
  if (short.length > long.length) return false;
  for (let i = 0; i < short.length; i++) {
    if (short[i] !== long[i]) return false;
  }
  return true;
}
