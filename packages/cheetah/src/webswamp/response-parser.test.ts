import { expect, test } from "vitest";
import { HEAD, RESPONSE_HEAD_BYTES, ResponseParser, UNTIL_END } from "./response-parser.ts";

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

function parsed(text: string): { head: number; parser: ResponseParser } {
  const parser = new ResponseParser();
  const bytes = bytesOf(text);
  return { head: parser.parse(bytes, bytes.length), parser };
}

const OK = "HTTP/1.1 200 OK\r\n";

test.each([
  [`${OK}Content-Length: 12\r\n\r\n`, 200, 12, true],
  [`${OK}content-LENGTH:\t12 \r\nServer: x\r\n\r\n`, 200, 12, true],
  [`${OK}Content-Length: 12\r\nConnection: close\r\n\r\n`, 200, 12, false],
  ["HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 200, 0, false],
  ["HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n", 200, 0, true],
  [`${OK}Server: y\r\n\r\n`, 200, UNTIL_END, false],
  ["HTTP/1.1 204 No Content\r\n\r\n", 204, 0, true],
  ["HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, 0, true],
  ["HTTP/1.1 100 Continue\r\n\r\n", 100, 0, true],
  ["HTTP/1.1 404\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 404, 1, true],
  ["HTTP/1.1 200 OK\nContent-Length: 3\n\n", 200, 3, true],
] as const)("%j", (text, status, bodyBytes, keepsAlive) => {
  const { head, parser } = parsed(`${text}body`);
  expect(head).toBe(text.length);
  expect(parser).toMatchObject({ status, bodyBytes, keepsAlive });
});

test.each([
  "HTTP/2 200 OK\r\n\r\n",
  "HTTP/1.x 200 OK\r\n\r\n",
  "HTTP/1.1 20 OK\r\n\r\n",
  "HTTP/1.1 2000 OK\r\n\r\n",
  "ICY 200 OK\r\n\r\n",
  `${OK}Content-Length: -1\r\n\r\n`,
  `${OK}Content-Length: 1x\r\n\r\n`,
  `${OK}Content-Length:\r\n\r\n`,
  `${OK}Content-Length: 99999999999999999\r\n\r\n`,
  `${OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`,
  `${OK}Transfer-Encoding: chunked\r\n\r\n`,
  `${OK}Content-Length\r\n\r\n`,
])("%j is refused", (text) => {
  expect(parsed(text).head).toBe(HEAD.malformed);
});

test("a head that has not all come is waited for, up to a limit", () => {
  const whole = `${OK}Content-Length: 12\r\nDate: x\r\n\r\n`;
  for (let length = 0; length < whole.length; length++)
    expect(parsed(whole.slice(0, length)).head, `${length}`).toBe(HEAD.incomplete);
  expect(parsed("H".repeat(RESPONSE_HEAD_BYTES + 1)).head).toBe(HEAD.malformed);
  expect(parsed(`${OK}${"a: b\r\n".repeat(RESPONSE_HEAD_BYTES / 6)}`).head).toBe(HEAD.malformed);
});

test("what is behind the bytes that came is not looked at", () => {
  const parser = new ResponseParser();
  const bytes = bytesOf(`${OK}Content-Length: 12\r\n\r\n`);
  expect(parser.parse(bytes, bytes.length - 1)).toBe(HEAD.incomplete);
});
