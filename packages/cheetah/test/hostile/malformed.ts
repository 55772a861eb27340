/** Requests that no honest client sends, as bytes: whole ones, and such as never end. */
import type { Random } from "./random.ts";

/** Methods and versions, right ones among them. */
export const METHODS: readonly string[] = [
  "GET",
  "GET",
  "GET",
  "HEAD",
  "POST",
  "OPTIONS",
  "get",
  "G T",
  "",
  "PRI",
  "\u0000",
];
export const VERSIONS: readonly string[] = [
  "HTTP/1.1",
  "HTTP/1.1",
  "HTTP/1.0",
  "HTTP/0.9",
  "HTTP/2.0",
  "HTTP/1.1 ",
  "http/1.1",
  "",
  "HTTP/1.11",
];
const TARGETS = [
  "/",
  "/small.txt",
  "/page.bin",
  "*",
  "/../../../../etc/passwd",
  "/..%2f..%2f..%2fetc/passwd",
  "/%2e%2e/%2e%2e/etc/passwd",
  "/..%c0%af..%c0%afetc/passwd",
  "/..%5c..%5cwindows/win.ini",
  "/small.txt%00.html",
  "//etc/passwd",
  "http://x/../../etc/passwd",
  "file:///etc/passwd",
  "/%",
  "/%zz",
  "/\\..\\..",
];
const FIELDS = [
  "Host: x",
  "Host:",
  "Host: y",
  "Connection: close",
  "Connection: keep-alive",
  "Content-Length: 3",
  "Content-Length: -1",
  "Content-Length: 99999999999999999999",
  "Content-Length: 5\r\nContent-Length: 6",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: chunked\r\nContent-Length: 4",
  "Transfer-Encoding: gzip, chunked",
  "Expect: 100-continue",
  " folded",
  "Range: bytes=0-0",
  "Range: bytes=0-1,1-2,2-3",
  "Range: bytes=999999999999999-",
  "Range: bytes=1-0,",
  "If-None-Match: *",
  'If-Match: "x',
  ": no name",
  "name : spaced",
];
const ENDS = ["\r\n", "\r\n", "\r\n", "\n", "\r", "\n\r"];

const octets = (random: Random, length: number): string => {
  let text = "";
  for (let i = 0; i < length; i++) text += String.fromCharCode(random.below(256));
  return text;
};

/** One request; many are wrong in one place only, some in all. */
export function malformedRequest(random: Random): Buffer {
  const target = random.chance(15) ? `/${octets(random, random.below(40))}` : random.pick(TARGETS);
  const end = random.chance(60) ? "\r\n" : random.pick(ENDS);
  const lines = [`${random.pick(METHODS)} ${target} ${random.pick(VERSIONS)}`];
  if (random.chance(80)) lines.push("Host: x");
  for (let fields = random.below(6); fields > 0; fields--)
    lines.push(random.chance(15) ? octets(random, random.below(30)) : random.pick(FIELDS));
  if (random.chance(1)) lines.push(`X: ${"y".repeat(random.pick([8000, 17_000, 30_000]))}`);
  if (random.chance(1)) for (let i = 0; i < 120; i++) lines.push(`X-${i}: y`);
  const request = Buffer.from(`${lines.join(end)}${end}${end}`, "latin1");
  if (random.chance(25)) request[random.below(request.length)] = random.below(256);
  return random.chance(10) ? request.subarray(0, random.below(request.length) + 1) : request;
}
