/** What a load generator is to do. */

/** Something to ask for, over and over. */
export interface Page {
  /** Path and query, as they stand on the request line. */
  readonly target: string;
  /** What the body has to be; what the first one was, when absent. */
  readonly body?: { readonly bytes: number; readonly crc32: number } | undefined;
}

/** Load for one server. */
export interface Plan {
  /** The server's IPv4 address, as an unsigned 32-bit number, and its port. */
  readonly address: number;
  readonly port: number;
  /** What `Host` says. */
  readonly host: string;
  /** Asked for in turns. */
  readonly pages: readonly Page[];
  /** Requests at once, each on a connection of its own. */
  readonly concurrency: number;
  /** Requests in all; `Infinity` goes on until the time is over. */
  readonly requests: number;
  /** Seconds after which it ends, whatever has been done. */
  readonly seconds: number;
  /** True opens a connection for every request. */
  readonly close: boolean;
  /** True takes the CRC-32 of every body: all of a page have to be the same. */
  readonly check: boolean;
  /** Seconds without a byte after which a request has failed. */
  readonly timeoutSeconds: number;
}

/** Bounds of a plan. */
export const PLAN_LIMITS: Readonly<Record<"pages" | "concurrency" | "targetBytes", number>> = Object.freeze({
  pages: 256,
  concurrency: 2048,
  targetBytes: 8000,
});

/** Where a URL leads. */
export interface Place {
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly target: string;
}

/**
 * `http://192.0.2.10:8080/index.html` in its parts; a message when it is none.
 *
 * The host has to be an IPv4 address: names are not resolved.
 */
export function parsePlace(text: string): Place | string {
  const found = /^http:\/\/([^/?#:@[\]]+)(?::(\d{1,5}))?(\/[^#]*|\?[^#]*)?$/i.exec(text);
  if (found === null) return `not the URL of a page over HTTP: ${text}`;
  const [, address = "", digits = "80", rest = "/"] = found;
  const port = Number(digits);
  if (port < 1 || port > 65_535) return `not a port: ${digits}`;
  const target = rest.startsWith("/") ? rest : `/${rest}`;
  if (!/^[\x21-\x7e]+$/.test(target)) return `not a target that can be sent as it is: ${target}`;
  if (target.length > PLAN_LIMITS.targetBytes)
    return `a target of more than ${PLAN_LIMITS.targetBytes} bytes`;
  const host = port === 80 ? address : `${address}:${port}`;
  return { host, address, port, target };
}

/** Why `plan` cannot be followed; `undefined` when it can. */
export function problemOf({ pages, concurrency, requests, seconds }: Plan): string | undefined {
  if (pages.length === 0) return "nothing to ask for";
  if (pages.length > PLAN_LIMITS.pages) return `more than ${PLAN_LIMITS.pages} pages`;
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > PLAN_LIMITS.concurrency)
    return `not 1 to ${PLAN_LIMITS.concurrency} requests at once`;
  if (requests === Infinity && seconds === Infinity) return "neither requests nor time would end it";
  return undefined;
}
