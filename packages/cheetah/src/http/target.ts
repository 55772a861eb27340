/**
 * From a request target to a name in the site (RFC 9112 section 3.2, RFC 3986 section 5.2.4).
 *
 * Heads up! What this returns is only ever looked up in the site's own index:
 * it cannot name anything outside, whatever it is. Escapes are decoded once.
 */

/** A target that could be read. */
export interface ResolvedTarget {
  /** Segments with `/` between them, decoded; no leading one; ends with `/`, or is empty, for a directory. */
  readonly path: string;
  /** From `?` on, as it was sent; empty without one. */
  readonly query: string;
}

/** Why a target is not looked up: malformed (400), or no name can be meant by it (404). */
export type TargetError = "Malformed" | "NoSuchName";

const HTTP_FORM = /^https?:\/\/[^/?#@\\]+(?=[/?]|$)/i;
const PLAIN = /^[^%\\#]*$/;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads an origin-form or absolute-form target. O(length). */
export function resolveTarget(target: string): ResolvedTarget | TargetError {
  const origin = originOf(target);
  if (origin === undefined) return "Malformed";
  const mark = origin.indexOf("?");
  const raw = mark < 0 ? origin : origin.slice(0, mark);
  const query = mark < 0 ? "" : origin.slice(mark);
  if (query.includes("#")) return "Malformed";
  const path = decodePath(raw);
  if (path === "Malformed" || path === "NoSuchName") return path;
  return { path: removeDots(path.slice(1)), query };
}

/** The path and query of a target, `undefined` for forms that a server of files does not take. */
function originOf(target: string): string | undefined {
  if (target.startsWith("/")) return target;
  const authority = HTTP_FORM.exec(target);
  if (authority === null) return undefined;
  const rest = target.slice(authority[0].length);
  return rest.startsWith("/") ? rest : `/${rest}`;
}

/** Decodes the escapes of a path, once. */
function decodePath(raw: string): string | TargetError {
  if (PLAIN.test(raw)) return raw;
  if (raw.includes("\\") || raw.includes("#")) return "Malformed";
  const bytes = new Uint8Array(raw.length);
  let length = 0;
  for (let i = 0; i < raw.length; i++) {
    let octet = raw.charCodeAt(i);
    if (octet === 0x25) {
      octet = hexadecimal(raw, i + 1);
      if (octet <= 0 || octet === 0x5c) return "Malformed";
      if (octet === 0x2f) return checkRest(raw, i);
      i += 2;
    }
    bytes[length++] = octet;
  }
  return decodeUtf8(bytes.subarray(0, length));
}

/** An escaped slash is part of no name; the rest must still be well-formed. */
const checkRest = (raw: string, at: number): TargetError =>
  /^(?:[^%]|%(?!00|5[cC])[0-9a-fA-F]{2})*$/.test(raw.slice(at)) ? "NoSuchName" : "Malformed";

function decodeUtf8(bytes: Uint8Array): string | TargetError {
  try {
    return utf8.decode(bytes);
  } catch {
    return "Malformed";
  }
}

/** The octet that two hexadecimal digits at `at` stand for, -1 if they are none. */
const hexadecimal = (text: string, at: number): number => {
  const high = digit(text.charCodeAt(at));
  const low = digit(text.charCodeAt(at + 1));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
};

const digit = (code: number): number => {
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code | 0x20;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
};

/** Resolves `.` and `..` segments; what would lead above the root stays at the root. */
function removeDots(path: string): string {
  if (!/(?:^|\/)\.\.?(?:\/|$)/.test(path)) return path;
  const kept: string[] = [];
  const segments = path.split("/");
  for (const segment of segments) {
    if (segment === "..") kept.pop();
    else if (segment !== ".") kept.push(segment);
  }
  const last = segments[segments.length - 1];
  const joined = kept.join("/");
  return (last === "." || last === "..") && joined !== "" && !joined.endsWith("/") ? `${joined}/` : joined;
}

/** `path` with everything escaped that is not plain in a path segment; `/` stays. O(length). */
export const escapePath = (path: string): string =>
  path
    .split("/")
    .map((segment) => encodeURIComponent(segment))
    .join("/");
