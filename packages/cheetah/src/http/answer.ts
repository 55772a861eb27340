/** What a request is answered with: the whole of HTTP's semantics for files (RFC 9110). */
import { entityTag } from "../disk/site-file.ts";
import type { SiteFile } from "../disk/site-file.ts";
import type { SiteIndex } from "../disk/site-index.ts";
import { evaluateConditions, ifRangeHolds } from "./conditional.ts";
import { parseRanges } from "./ranges.ts";
import type { ByteRange } from "./ranges.ts";
import type { Request } from "./request.ts";
import type { Status } from "./status.ts";
import { escapePath, resolveTarget } from "./target.ts";

/** The answer to one request; one record a connection, filled again for each. */
export interface Answer {
  status: Status;
  /** The file concerned: for 200, 206, 304 and 416. */
  file: SiteFile | undefined;
  /** The parts of a 206. */
  ranges: readonly ByteRange[] | undefined;
  /** Where a 301 leads. */
  location: string;
  /** The request was HEAD: the head of an answer, and no body. */
  headOnly: boolean;
}

/** An empty record. */
export const makeAnswer = (): Answer => ({
  status: 500,
  file: undefined,
  ranges: undefined,
  location: "",
  headOnly: false,
});

/** Makes `answer` a plain `status`, without a file. */
export function answerStatus(answer: Answer, status: Status, headOnly: boolean): void {
  answer.status = status;
  answer.file = undefined;
  answer.ranges = undefined;
  answer.location = "";
  answer.headOnly = headOnly;
}

/** Makes `answer` all of `file`. */
export function answerWhole(answer: Answer, file: SiteFile, headOnly: boolean): void {
  answerStatus(answer, 200, headOnly);
  answer.file = file;
}

/** What an answer depends on besides the request. */
export interface AnswerContext {
  /** The site, `undefined` before it has been read. */
  readonly site: SiteIndex | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Most ranges of a request. */
  readonly ranges: number;
}

/** Fills `answer` for `request`. */
export function answerRequest(request: Request, context: AnswerContext, answer: Answer): void {
  answerStatus(answer, 200, request.method === "HEAD");
  answer.status = answerMethod(request) ?? answerTarget(request, context, answer);
}

/** The status that the method decides; `undefined` for those that are performed. */
function answerMethod(request: Request): Status | undefined {
  if (request.method === "GET" || request.method === "HEAD") return undefined;
  return request.method === "unknown" ? 501 : 405;
}

function answerTarget(request: Request, context: AnswerContext, answer: Answer): Status {
  const target = resolveTarget(request.target);
  if (target === "Malformed") return 400;
  if (context.site === undefined) return 503;
  if (target === "NoSuchName") return 404;
  const found = context.site.find(target.path);
  if (found === undefined) return 404;
  if (found !== "directory") return answerFile(request, found, context, answer);
  answer.location = `/${escapePath(target.path)}/${target.query}`;
  return 301;
}

function answerFile(request: Request, file: SiteFile, context: AnswerContext, answer: Answer): Status {
  answer.file = file;
  if (!isConditional(request)) return 200;
  const current = { tag: entityTag(file), modified: file.modified };
  const status = evaluateConditions(request, current, context.now);
  if (status !== 200) return status;
  if (request.range === undefined || request.method !== "GET") return 200;
  if (!ifRangeHolds(request.ifRange, current)) return 200;
  const ranges = parseRanges(request.range, file.size, context.ranges);
  if (ranges === "ignored") return 200;
  if (ranges === "unsatisfiable") return 416;
  answer.ranges = ranges;
  return 206;
}

/** True when the answer depends on more than the target. */
export const isConditional = (request: Readonly<Request>): boolean =>
  request.range !== undefined ||
  request.ifNoneMatch !== undefined ||
  request.ifModifiedSince !== undefined ||
  request.ifMatch !== undefined ||
  request.ifUnmodifiedSince !== undefined;
