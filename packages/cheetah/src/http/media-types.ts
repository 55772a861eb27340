/** Media types by the extension of a name. */
import { lookup } from "mrmime";

/** The type of what has no known extension (RFC 9110 section 8.3). */
export const DEFAULT_MEDIA_TYPE = "application/octet-stream";

const TEXT = /^text\/|^application\/(?:json|javascript|xml|manifest\+json)$|\+xml$|\+json$/;

/** The media type of a file called `name`, with its character set where it is text. O(length). */
export function mediaTypeOf(name: string): string {
  const base = name.slice(name.lastIndexOf("/") + 1);
  const type = base.lastIndexOf(".") > 0 ? lookup(base) : undefined;
  if (type === undefined) return DEFAULT_MEDIA_TYPE;
  return TEXT.test(type) ? `${type}; charset=utf-8` : type;
}
