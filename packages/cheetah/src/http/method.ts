/** Request methods (RFC 9110 section 9). */
import { matches } from "./ascii.ts";

/** The methods of the standard; this server performs the first two. */
export const METHODS = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "OPTIONS",
  "TRACE",
  "PATCH",
  "CONNECT",
] as const;

/** A method of the standard, or one that is not. */
export type Method = (typeof METHODS)[number] | "unknown";

/** The value of `Allow`. */
export const ALLOWED = "GET, HEAD";

/** Bytes of the longest method that is looked at; RFC 9112 section 3 wants 501 for a longer one. */
export const METHOD_BYTES = 32;

/** The method named by `bytes[from…to)`; names are case-sensitive. O(1). */
export function methodOf(bytes: Uint8Array, from: number, to: number): Method {
  for (const method of METHODS) if (matches(bytes, from, to, method)) return method;
  return "unknown";
}
