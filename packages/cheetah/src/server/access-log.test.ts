import { makeWindow } from "@exolith/exokernel/testing";
import { expect, test } from "vitest";
import { latin1, latin1Bytes } from "../http/ascii.ts";
import { RequestParser } from "../http/request-parser.ts";
import { DEFAULT_LIMITS } from "../limits.ts";
import { AccessLog } from "./access-log.ts";

/** What is quoted in the log line of the request that begins with `text`. */
function quoted(text: string): string {
  const parser = new RequestParser(DEFAULT_LIMITS);
  const bytes = latin1Bytes(text);
  parser.parse(bytes, bytes.length);
  let line = "";
  const log = new AccessLog(makeWindow(16_384), (window, at, length) => {
    const taken = new Uint8Array(length);
    window.read(at, taken, 0, length);
    line += latin1(taken, 0, length);
    return length;
  });
  log.add(0, parser.request, 400, 0, 0);
  log.poll();
  expect(line.indexOf("\n")).toBe(line.length - 1);
  return /"(.*)" 400 -\n$/.exec(line)?.[1] ?? "";
}

test.each([
  ['GET /a"b\\c HTTP/1.0\r\n', 'GET /a\\"b\\\\c HTTP/1.0'],
  ["BREW /pot HTTP/1.1\r\n", "BREW /pot HTTP/1.1"],
  ["GET / HTTP/1.2\r\n", "GET / HTTP/1.2"],
  ["GET / HTTP/3.0\r\n", "GET / HTTP/3.0"],
  ['\u0016\u0003\u0001\u00e9"\r\n', '\\x16\\x03\\x01\\xe9\\"'],
  ["no carriage return\n", "no carriage return"],
  [`GET /${"a".repeat(9000)}`, `GET /${"a".repeat(507)}`],
])("%j is logged as it was sent, without control characters", (text, wanted) => {
  expect(quoted(text)).toBe(wanted);
});
