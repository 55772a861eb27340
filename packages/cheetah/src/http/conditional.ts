/** Conditional requests (RFC 9110 section 13). */
import { parseHttpDate } from "./http-date.ts";
import type { Request } from "./request.ts";

/** What the conditions are tested against. */
export interface Validators {
  /** A strong entity tag, quotes included. */
  readonly tag: string;
  /** Milliseconds since 1970; only whole seconds count. */
  readonly modified: number;
}

const LIST = /^[\s,]*(?:(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"[\s,]*)+$/;
const TAGS = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g;

/** The status that the conditions of `request` decide, 200 when they let it pass. `now` in milliseconds. */
export function evaluateConditions(request: Request, current: Validators, now: number): 200 | 304 | 412 {
  if (request.ifMatch !== undefined) {
    if (!listMatches(request.ifMatch, current.tag, false)) return 412;
  } else if (isAfter(current.modified, request.ifUnmodifiedSince, now)) return 412;
  if (request.ifNoneMatch !== undefined)
    return listMatches(request.ifNoneMatch, current.tag, true) ? 304 : 200;
  return isNotAfter(current.modified, request.ifModifiedSince, now) ? 304 : 200;
}

/**
 * True when `If-Range` lets `Range` stand: absent, or the very tag (section 13.1.5).
 *
 * A date never does: it would have to be a strong validator, and a file may change twice in a second.
 */
export const ifRangeHolds = (ifRange: string | undefined, current: Validators): boolean =>
  ifRange === undefined || ifRange === current.tag;

/** True when `field` is `*` or lists `tag`; weak tags count only in a weak comparison (section 8.8.3.2). */
function listMatches(field: string, tag: string, weak: boolean): boolean {
  if (field.trim() === "*") return true;
  if (!LIST.test(field)) return false;
  for (const candidate of field.match(TAGS) ?? [])
    if (candidate === tag || (weak && candidate === `W/${tag}`)) return true;
  return false;
}

const wholeSeconds = (milliseconds: number): number => Math.floor(milliseconds / 1000) * 1000;

function isAfter(modified: number, field: string | undefined, now: number): boolean {
  const date = field === undefined ? undefined : parseHttpDate(field, now);
  return date !== undefined && wholeSeconds(modified) > date;
}

function isNotAfter(modified: number, field: string | undefined, now: number): boolean {
  const date = field === undefined ? undefined : parseHttpDate(field, now);
  return date !== undefined && wholeSeconds(modified) <= date;
}
