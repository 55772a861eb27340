/** One header field: its name, its value and what it does to the request (RFC 9112 section 5). */
import { COLON, SPACE, TAB, isFieldValue, isHost, isToken, latin1, matchesAnyCase } from "./ascii.ts";
import type { Request, TextField } from "./request.ts";
import type { Status } from "./status.ts";

const TEXT_FIELDS: readonly (readonly [string, TextField])[] = [
  ["range", "range"],
  ["if-range", "ifRange"],
  ["if-match", "ifMatch"],
  ["if-none-match", "ifNoneMatch"],
  ["if-modified-since", "ifModifiedSince"],
  ["if-unmodified-since", "ifUnmodifiedSince"],
];

/** Longest `Content-Length` in digits: exact as a number. */
const LENGTH_DIGITS = 15;

/**
 * Reads `bytes[from…to)`, a header line without its end, into `request`.
 *
 * Returns 0, or the status that refuses it. A line that begins with white space
 * continues another (obsolete line folding): 400. O(length).
 */
export function parseHeaderField(bytes: Uint8Array, from: number, to: number, request: Request): Status | 0 {
  const colon = bytes.indexOf(COLON, from);
  if (colon < 0 || colon >= to || !isToken(bytes, from, colon)) return 400;
  let start = colon + 1;
  let end = to;
  while (start < end && isBlank(bytes[start])) start++;
  while (end > start && isBlank(bytes[end - 1])) end--;
  if (!isFieldValue(bytes, start, end)) return 400;
  return applyField(bytes, from, colon, request, [start, end]);
}

const isBlank = (octet: number | undefined): boolean => octet === SPACE || octet === TAB;

type Extent = readonly [start: number, end: number];

function applyField(
  bytes: Uint8Array,
  from: number,
  to: number,
  request: Request,
  value: Extent,
): Status | 0 {
  switch (to - from) {
    case 4:
      return matchesAnyCase(bytes, from, to, "host") ? applyHost(bytes, request, value) : 0;
    case 6:
      return matchesAnyCase(bytes, from, to, "expect") ? applyExpect(bytes, request, value) : 0;
    case 10:
      return matchesAnyCase(bytes, from, to, "connection") ? applyConnection(bytes, request, value) : 0;
    case 14:
      return matchesAnyCase(bytes, from, to, "content-length") ? applyLength(bytes, request, value) : 0;
    case 17:
      if (matchesAnyCase(bytes, from, to, "transfer-encoding")) return applyEncoding(bytes, request, value);
      return applyText(bytes, from, to, request, value);
    default:
      return applyText(bytes, from, to, request, value);
  }
}

function applyText(bytes: Uint8Array, from: number, to: number, request: Request, value: Extent): 0 {
  for (const [name, field] of TEXT_FIELDS) {
    if (!matchesAnyCase(bytes, from, to, name)) continue;
    const text = latin1(bytes, value[0], value[1]);
    const before = request[field];
    request[field] = before === undefined ? text : `${before}, ${text}`;
    return 0;
  }
  return 0;
}

function applyHost(bytes: Uint8Array, request: Request, value: Extent): Status | 0 {
  if (request.hasHost || !isHost(bytes, value[0], value[1])) return 400;
  request.hasHost = true;
  return 0;
}

/** A client of HTTP/1.0 cannot expect anything (RFC 9110 section 10.1.1). */
function applyExpect(bytes: Uint8Array, request: Request, value: Extent): Status | 0 {
  if (request.minor === 0) return 0;
  if (!matchesAnyCase(bytes, value[0], value[1], "100-continue")) return 417;
  request.expectsContinue = true;
  return 0;
}

function applyConnection(bytes: Uint8Array, request: Request, value: Extent): 0 {
  for (const option of latin1(bytes, value[0], value[1]).toLowerCase().split(",")) {
    if (option.trim() === "close") request.keepAlive = false;
    else if (option.trim() === "keep-alive" && request.minor === 0) request.keepAlive = true;
  }
  return 0;
}

function applyLength(bytes: Uint8Array, request: Request, value: Extent): Status | 0 {
  const text = latin1(bytes, value[0], value[1]);
  if (!/^\d+$/.test(text)) return 400;
  if (text.length > LENGTH_DIGITS) return 413;
  const length = Number(text);
  if (request.contentLength >= 0 && request.contentLength !== length) return 400;
  request.contentLength = length;
  return 0;
}

function applyEncoding(bytes: Uint8Array, request: Request, value: Extent): Status | 0 {
  if (request.chunked || request.minor === 0) return 400;
  if (!matchesAnyCase(bytes, value[0], value[1], "chunked")) return 501;
  request.chunked = true;
  return 0;
}

/** The status that refuses the header section as a whole, or 0. */
export function checkFields(request: Request): Status | 0 {
  if (request.minor === 1 && !request.hasHost) return 400;
  if (request.chunked && request.contentLength >= 0) return 400;
  return 0;
}
