/** A request as the parser leaves it; one record a connection, used again for each. */
import type { Method } from "./method.ts";

/** What the request line and the header section say. */
export interface Request {
  method: Method;
  /** The beginning of the request line as it was sent, for a line that is not made of the three parts here; else empty. */
  line: string;
  /** The request target as it was sent: visible ASCII. */
  target: string;
  /** Minor version: 0 or 1; HTTP/1.2 and later count as 1. */
  minor: 0 | 1;
  /** The client wants the connection to stay. */
  keepAlive: boolean;
  /** `Host` was there. */
  hasHost: boolean;
  /** `Content-Length`, -1 without one. */
  contentLength: number;
  /** `Transfer-Encoding` was there, and was `chunked`. */
  chunked: boolean;
  /** `Expect: 100-continue` was there. */
  expectsContinue: boolean;
  range: string | undefined;
  ifRange: string | undefined;
  ifMatch: string | undefined;
  ifNoneMatch: string | undefined;
  ifModifiedSince: string | undefined;
  ifUnmodifiedSince: string | undefined;
}

/** Names of the fields that are kept as text. */
export type TextField =
  | "range"
  | "ifRange"
  | "ifMatch"
  | "ifNoneMatch"
  | "ifModifiedSince"
  | "ifUnmodifiedSince";

/** A record with nothing in it. */
export const makeRequest = (): Request => ({
  method: "unknown",
  line: "",
  target: "",
  minor: 1,
  keepAlive: false,
  hasHost: false,
  contentLength: -1,
  chunked: false,
  expectsContinue: false,
  range: undefined,
  ifRange: undefined,
  ifMatch: undefined,
  ifNoneMatch: undefined,
  ifModifiedSince: undefined,
  ifUnmodifiedSince: undefined,
});

/** Empties `request` for the next one. O(1). */
export function resetRequest(request: Request): void {
  request.method = "unknown";
  request.line = "";
  request.target = "";
  request.minor = 1;
  request.keepAlive = false;
  request.hasHost = false;
  request.contentLength = -1;
  request.chunked = false;
  request.expectsContinue = false;
  request.range = undefined;
  request.ifRange = undefined;
  request.ifMatch = undefined;
  request.ifNoneMatch = undefined;
  request.ifModifiedSince = undefined;
  request.ifUnmodifiedSince = undefined;
}
