/** Texts of others, made fit for a terminal or a log. */

/**
 * C0 and C1 controls, separators of lines, and what turns the direction of writing.
 *
 * A tab and the end of a line are among them: what is shown stays where and how it was put.
 */
// oxlint-disable-next-line no-control-regex
const UNPRINTABLE = /[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const escaped = (character: string): string =>
  `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`;

/** `text` with every control as its number, such as `\u001b`; all else is as it was. O(length). */
export const printable = (text: string): string => text.replaceAll(UNPRINTABLE, escaped);
