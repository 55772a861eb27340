/** The request line (RFC 9112 section 3). */
import { SPACE, isTarget, isToken, latin1 } from "./ascii.ts";
import { METHOD_BYTES, methodOf } from "./method.ts";
import type { Request } from "./request.ts";
import type { Status } from "./status.ts";

/** Bytes of `HTTP/1.1`. */
const VERSION_BYTES = 8;
const ZERO = 48;
const NINE = 57;

/**
 * Reads `bytes[from…to)`, a line without its end, into `request`.
 *
 * Returns 0, or the status that refuses it: 400 for a malformed line, 501 for
 * a method longer than any, 505 for a major version other than 1. O(length).
 */
export function parseRequestLine(bytes: Uint8Array, from: number, to: number, request: Request): Status | 0 {
  const methodEnd = bytes.indexOf(SPACE, from);
  if (methodEnd < 0 || methodEnd >= to) return 400;
  if (!isToken(bytes, from, methodEnd)) return 400;
  if (methodEnd - from > METHOD_BYTES) return 501;
  const targetEnd = to - VERSION_BYTES - 1;
  if (targetEnd <= methodEnd || bytes[targetEnd] !== SPACE) return 400;
  if (!isTarget(bytes, methodEnd + 1, targetEnd)) return 400;
  request.method = methodOf(bytes, from, methodEnd);
  request.target = latin1(bytes, methodEnd + 1, targetEnd);
  const status = parseVersion(bytes, targetEnd + 1, request);
  const isOrdinary = request.method !== "unknown" && bytes[to - 1] === ZERO + request.minor;
  if (!isOrdinary) keepLine(bytes, from, to, request);
  return status;
}

/** Bytes of a request line that are kept for the log. */
const KEPT_BYTES = 512;

/** Keeps the beginning of a line that its parts do not tell. O(KEPT_BYTES). */
export function keepLine(bytes: Uint8Array, from: number, to: number, request: Request): void {
  request.line = latin1(bytes, from, Math.min(to, from + KEPT_BYTES));
}

function parseVersion(bytes: Uint8Array, at: number, request: Request): Status | 0 {
  const major = bytes[at + 5] ?? 0;
  const minor = bytes[at + 7] ?? 0;
  if (latin1(bytes, at, at + 5) !== "HTTP/" || bytes[at + 6] !== 46) return 400;
  if (!isDigit(major) || !isDigit(minor)) return 400;
  if (major !== ZERO + 1) return 505;
  request.minor = minor === ZERO ? 0 : 1;
  request.keepAlive = request.minor === 1;
  return 0;
}

const isDigit = (octet: number): boolean => octet >= ZERO && octet <= NINE;

/** The status for a request line without an end within the limit. O(METHOD_BYTES). */
export function endlessLineStatus(bytes: Uint8Array, from: number): Status {
  const methodEnd = bytes.indexOf(SPACE, from);
  if (methodEnd >= 0 && methodEnd - from <= METHOD_BYTES) return isToken(bytes, from, methodEnd) ? 414 : 400;
  return isToken(bytes, from, from + METHOD_BYTES) ? 501 : 400;
}
