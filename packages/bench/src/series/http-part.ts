/** The little HTTP that the servers on sockets speak: one request a connection, one document. */
import type { Window } from "@exolith/exokernel/abi";
import { nameOf } from "./documents.ts";
import type { Piece } from "./sockets.ts";
import type { Labour } from "./work.ts";

/** Bytes that a request may have, and a head of a response. */
export const REQUEST_BYTES = 512;
/** Room for a head. */
export const HEAD_BYTES = 512;

/** The end of a request's head. */
const END = "\r\n\r\n";

/** What a request asks for: `undefined` while it is not whole. */
export type Asked = "document" | "nothing" | undefined;

/** Understands the first `length` bytes of a request for the one document there is, of `size` bytes. */
export function understand(labour: Labour, request: Piece, length: number, size: number): Asked {
  labour.do("httpByte", length);
  const text = request.window.text(request.at, length);
  if (!text.endsWith(END)) return undefined;
  labour.do("httpRequest");
  return text.startsWith(`GET /${nameOf(size)} HTTP/1.0\r\n`) ? "document" : "nothing";
}

/** As long as what Cheetah sends, so that no server has less to carry. */
const headOf = (status: string, size: number): Uint8Array =>
  new TextEncoder().encode(
    [
      `HTTP/1.1 ${status}`,
      "Server: Sockets",
      "Date: Thu, 01 Jan 2026 00:00:00 GMT",
      "Last-Modified: Wed, 01 Jan 2025 00:00:00 GMT",
      'ETag: "1940000-0-000000000000"',
      "Accept-Ranges: bytes",
      "Content-Type: text/html; charset=utf-8",
      `Content-Length: ${size}`,
      "Connection: close\r\n\r\n",
    ].join("\r\n"),
  );

/** Writes heads. */
export interface Heads {
  /** Writes one into the caller's memory; its length. */
  write(window: Window, at: number, asked: "document" | "nothing"): number;
}

/** Heads of responses with the document of `size` bytes, or without any. */
export function makeHeads(labour: Labour, size: number): Heads {
  const heads = { document: headOf("200 OK", size), nothing: headOf("404 Not Found", 0) };
  return {
    write: (window, at, asked) => {
      labour.do("httpHead");
      window.write(at, heads[asked], 0, heads[asked].length);
      return heads[asked].length;
    },
  };
}
