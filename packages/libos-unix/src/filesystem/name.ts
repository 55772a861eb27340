/** Names and their lengths: what one component of a path may be. */
import type { Outcome } from "../errno.ts";
import { refuse } from "../errno.ts";

/** Bytes of UTF-8 in one name; a longer one is refused with `nametoolong`. */
export const NAME_BYTES = 255;

/** Bytes of UTF-8 in a path or in what a symbolic link says; a longer one is refused with `nametoolong`. */
export const PATH_BYTES = 4096;

const encoder: TextEncoder = new TextEncoder();

/** True when `text` has more than `limit` bytes of UTF-8. O(limit). */
export function exceeds(text: string, limit: number): boolean {
  if (text.length > limit) return true;
  if (text.length * 3 <= limit) return false;
  return encoder.encode(text).length > limit;
}

/** Bytes of `text` in UTF-8. O(length). */
export const byteLength = (text: string): number => encoder.encode(text).length;

/**
 * 0 when `name` can be the name of an entry of a directory.
 *
 * **Fails** `noent` when it is empty; `inval` for `.`, `..` and what has a `/`;
 * `ilseq` when it has U+0000 or no form in UTF-8; `nametoolong` beyond `NAME_BYTES`.
 */
export function checkName(name: string): Outcome {
  if (name === "") return refuse("noent");
  if (exceeds(name, NAME_BYTES)) return refuse("nametoolong");
  if (name === "." || name === ".." || name.includes("/")) return refuse("inval");
  return checkText(name);
}

/**
 * 0 when a symbolic link may say `target`.
 *
 * **Fails** `noent` when it is empty; `ilseq` as for names; `nametoolong` beyond `PATH_BYTES`.
 */
export function checkTarget(target: string): Outcome {
  if (target === "") return refuse("noent");
  if (exceeds(target, PATH_BYTES)) return refuse("nametoolong");
  return checkText(target);
}

/** 0 when `text` has a form in UTF-8 and no U+0000, else `ilseq`. */
export function checkText(text: string): Outcome {
  return text.includes("\0") || !text.isWellFormed() ? refuse("ilseq") : 0;
}
