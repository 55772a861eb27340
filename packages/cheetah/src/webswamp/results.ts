/** What came of it. */
import { Histogram } from "./histogram.ts";

/** Every way in which a request can fail, and what is meant. */
export const FAILURES = {
  refused: "the server refused the connection",
  unreachable: "nobody answered the connection",
  reset: "the server reset the connection",
  short: "the connection ended before the response did",
  timeout: "nothing came for too long",
  status: "the status was not 200",
  malformed: "what came was no response that is understood",
  length: "the body was not as long as it should be",
  contents: "the body was not what it should be",
} as const;

/** One of them. */
export type Failure = keyof typeof FAILURES;

/** Every name. */
export const FAILURE_NAMES = Object.keys(FAILURES) as readonly Failure[];

/** Counted while it runs; to be read at any time. */
export class Results {
  /** Answers with status 200, whole and as they should be. */
  pages = 0;
  /** Bytes of their bodies, and of all heads. */
  bodyBytes = 0;
  headBytes = 0;
  /** Connections that were opened. */
  connections = 0;
  /** Seconds from the first request to the last answer, or until now. */
  seconds = 0;
  readonly latency: Histogram = new Histogram();
  readonly failures: Record<Failure, number> = {
    refused: 0,
    unreachable: 0,
    reset: 0,
    short: 0,
    timeout: 0,
    status: 0,
    malformed: 0,
    length: 0,
    contents: 0,
  };

  /** Requests that failed. */
  get failed(): number {
    let sum = 0;
    for (const name of FAILURE_NAMES) sum += this.failures[name];
    return sum;
  }
}
