/** HTTP's edges against a live server: requests that are wrong, slow, too long, or two in one. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RawClient, exchange, get } from "./support/raw-client.ts";
import { serveLive, type Live } from "./support/live.ts";
import { makeScratch, noise, removeScratch, writeFiles } from "./support/scratch.ts";
import { pause } from "./support/waiting.ts";

const LIMITS = {
  idleSeconds: 1,
  requestSeconds: 1,
  requestLineBytes: 1000,
  headerBytes: 4000,
  headerFields: 30,
  bodyBytes: 10_000,
};
const BIG = noise(300_000, 9);

let scratch: string;
let live: Live;

beforeAll(async () => {
  scratch = makeScratch();
  writeFiles(scratch, {
    "index.html": "start",
    "a.txt": "aaaa",
    "b.txt": "bbbbbb",
    "secret.txt": "smuggled!",
    "big.bin": BIG,
  });
  live = await serveLive(scratch, { limits: LIMITS });
});

afterAll(async () => {
  await live.stop();
  removeScratch(scratch);
});

const statusesIn = (answer: Buffer): number[] =>
  [...answer.toString("latin1").matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));

/** The statuses of everything that comes back until the server has ended the connection. */
const statusesOf = async (request: string): Promise<number[]> =>
  statusesIn(await exchange(live.port, request));

const h = "Host: test\r\n";
const long = (length: number): string => "x".repeat(length);

describe("a request that is wrong is refused, and the connection ends", () => {
  const wrong: readonly (readonly [string, string, number])[] = [
    ["no request line", "\r\n\r\nnonsense\r\n\r\n", 400],
    ["no version", `GET /\r\n${h}\r\n`, 400],
    ["words after the version", `GET / HTTP/1.1 now\r\n${h}\r\n`, 400],
    ["a method that is no token", `G@T / HTTP/1.1\r\n${h}\r\n`, 400],
    ["an empty target", `GET  HTTP/1.1\r\n${h}\r\n`, 400],
    ["a target without a slash", `GET index.html HTTP/1.1\r\n${h}Connection: close\r\n\r\n`, 400],
    ["an octet above ASCII in the target", `GET /\xff HTTP/1.1\r\n${h}\r\n`, 400],
    ["NUL in the target", `GET /\0 HTTP/1.1\r\n${h}\r\n`, 400],
    ["a percent sign that encodes nothing", `GET /%zz HTTP/1.1\r\n${h}Connection: close\r\n\r\n`, 400],
    ["no Host", "GET / HTTP/1.1\r\n\r\n", 400],
    ["two Hosts", `GET / HTTP/1.1\r\n${h}Host: other\r\n\r\n`, 400],
    ["a Host that cannot be one", "GET / HTTP/1.1\r\nHost: a/b@c\r\n\r\n", 400],
    ["white space before a colon", `GET / HTTP/1.1\r\n${h}Accept : x\r\n\r\n`, 400],
    ["a field without a name", `GET / HTTP/1.1\r\n${h}: x\r\n\r\n`, 400],
    ["a field without a colon", `GET / HTTP/1.1\r\n${h}Accept\r\n\r\n`, 400],
    ["a folded field", `GET / HTTP/1.1\r\n${h}Accept: x\r\n y\r\n\r\n`, 400],
    ["white space before the first field", `GET / HTTP/1.1\r\n Host: test\r\n\r\n`, 400],
    ["NUL in a field", `GET / HTTP/1.1\r\n${h}Accept: \0\r\n\r\n`, 400],
    ["a bare CR in a field", `GET / HTTP/1.1\r\n${h}Accept: a\rb\r\n\r\n`, 400],
    ["a length that is no number", `GET / HTTP/1.1\r\n${h}Content-Length: ten\r\n\r\n`, 400],
    ["a negative length", `GET / HTTP/1.1\r\n${h}Content-Length: -1\r\n\r\n`, 400],
    ["a length with a sign", `GET / HTTP/1.1\r\n${h}Content-Length: +1\r\n\r\n`, 400],
    ["two lengths that differ", `POST / HTTP/1.1\r\n${h}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`, 400],
    ["a request line that is too long", `GET /${long(2000)} HTTP/1.1\r\n${h}\r\n`, 414],
    ["a field that is too long", `GET / HTTP/1.1\r\n${h}Cookie: ${long(5000)}\r\n\r\n`, 431],
    ["too many fields", `GET / HTTP/1.1\r\n${h}${"A: b\r\n".repeat(40)}\r\n`, 431],
    ["a body that is too long", `POST / HTTP/1.1\r\n${h}Content-Length: 20000\r\n\r\n`, 413],
    ["an unknown method", `BREW / HTTP/1.1\r\n${h}Connection: close\r\n\r\n`, 501],
    ["a method that is not allowed", `DELETE / HTTP/1.1\r\n${h}Connection: close\r\n\r\n`, 405],
    ["HTTP/2", `GET / HTTP/2.0\r\n${h}\r\n`, 505],
    ["HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505],
    ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400],
  ];
  test.each(wrong)("%s", async (_, request, status) => {
    expect(await statusesOf(request)).toEqual([status]);
  });
});

describe("request smuggling: after what could be read in two ways, nothing on that connection is answered", () => {
  const hidden = `GET /secret.txt HTTP/1.1\r\n${h}\r\n`;
  const post = `POST / HTTP/1.1\r\n${h}`;
  const shapes: readonly (readonly [string, string])[] = [
    [
      "length and chunked",
      `${post}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
    ],
    [
      "chunked and length",
      `${post}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${hidden}`,
    ],
    ["chunked alone", `${post}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`],
    ["chunked on a GET", `GET / HTTP/1.1\r\n${h}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`],
    [
      "chunked twice",
      `${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n${hidden}`,
    ],
    ["chunked misspelt", `${post}Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${hidden}`],
    ["chunked after a vertical tab", `${post}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n${hidden}`],
    ["chunked behind a space", `${post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${hidden}`],
    ["chunked in HTTP/1.0", `POST / HTTP/1.0\r\n${h}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`],
    ["lengths in one field", `${post}Content-Length: 0, ${hidden.length}\r\n\r\n${hidden}`],
    [
      "lengths in two fields",
      `${post}Content-Length: 0\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
    ],
    ["length in hexadecimal", `${post}Content-Length: 0x5\r\n\r\n${hidden}`],
    ["length beyond all numbers", `${post}Content-Length: 18446744073709551616\r\n\r\n${hidden}`],
    ["bare CR between fields", `${post}A: b\rContent-Length: 5\r\n\r\n${hidden}`],
    ["NUL in a field's name", `${post}Content-Length\0: 0\r\n\r\n${hidden}`],
  ];
  test.each(shapes)("%s", async (_, request) => {
    const answer = await exchange(live.port, request);
    expect(answer.toString("latin1")).not.toContain("smuggled!");
    expect(statusesIn(answer).length).toBe(1);
    if (request.startsWith("POST")) expect(statusesIn(answer)[0]).toBeGreaterThanOrEqual(400);
  });

  test("a body with a length is skipped, whatever it looks like, and the next request is answered", async () => {
    const answer = await exchange(
      live.port,
      `${post}Content-Length: ${hidden.length}\r\n\r\n${hidden}GET /a.txt HTTP/1.1\r\n${h}Connection: close\r\n\r\n`,
    );
    expect(statusesIn(answer)).toEqual([405, 200]);
    expect(answer.toString("latin1")).not.toContain("smuggled!");
    expect(answer.toString("latin1")).toMatch(/\r\n\r\naaaa$/);
  });
});

describe("what a tolerant server takes", () => {
  const fine: readonly (readonly [string, string])[] = [
    ["an empty line in front", `\r\nGET /a.txt HTTP/1.1\r\n${h}Connection: close\r\n\r\n`],
    ["the absolute form", `GET http://test/a.txt HTTP/1.1\r\n${h}Connection: close\r\n\r\n`],
    ["a query", `GET /a.txt?x=y%20z HTTP/1.1\r\n${h}Connection: close\r\n\r\n`],
    ["names in any case", "GET /a.txt HTTP/1.1\r\nhOsT:test\r\ncOnNeCtIoN:   ClOsE  \r\n\r\n"],
    ["HTTP/1.0 without a Host", "GET /a.txt HTTP/1.0\r\n\r\n"],
    ["a byte at a time", `GET /a.txt HTTP/1.1\r\n${h}Connection: close\r\n\r\n`],
  ];
  test.each(fine)("%s", async (_, request) => {
    const client = new RawClient(live.port);
    for (const byte of request) client.write(byte);
    const answer = (await client.rest()).toString("latin1");
    client.close();
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toMatch(/\r\n\r\naaaa$/);
  });
});

test("a hundred pipelined requests are answered in order, on one connection", async () => {
  const client = new RawClient(live.port);
  const targets = Array.from(
    { length: 100 },
    (_, i) => ["/a.txt", "/big.bin", "/none", "/b.txt"][i % 4] ?? "/",
  );
  client.write(targets.map((target) => `GET ${target} HTTP/1.1\r\n${h}\r\n`).join(""));
  for (const target of targets) {
    const { status, body } = await client.response();
    if (target === "/none") expect(status).toBe(404);
    if (target === "/a.txt") expect(body.toString()).toBe("aaaa");
    if (target === "/b.txt") expect(body.toString()).toBe("bbbbbb");
    if (target === "/big.bin") expect(body.equals(BIG)).toBe(true);
  }
  client.write(`HEAD /big.bin HTTP/1.1\r\n${h}\r\nGET /a.txt HTTP/1.1\r\n${h}\r\n`);
  expect((await client.response(true)).fields.get("content-length")).toBe(String(BIG.length));
  expect((await client.response()).body.toString()).toBe("aaaa");
  client.close();
});

test("the client may finish its side first: everything it asked for still comes", async () => {
  const client = new RawClient(live.port);
  client.write(`GET /big.bin HTTP/1.1\r\n${h}\r\nGET /a.txt HTTP/1.1\r\n${h}\r\n`);
  client.socket.end();
  expect((await client.response()).body.equals(BIG)).toBe(true);
  expect((await client.response()).body.toString()).toBe("aaaa");
  expect((await client.rest()).length).toBe(0);
});

test("a request that does not come to an end in time gets 408", async () => {
  const begun = performance.now();
  expect(await statusesOf("GET / HTTP/1.1\r\nHost: te")).toEqual([408]);
  expect(performance.now() - begun).toBeGreaterThan(900);
  const dripping = new RawClient(live.port);
  for (const byte of "GET / HTTP/1.1\r\nA: bcdefghijklmnop") {
    dripping.write(byte);
    await pause(50);
    if (dripping.isOver) break;
  }
  expect(statusesIn(await dripping.rest())).toEqual([408]);
});

test("a connection that says nothing is let go after the idle time, without a word", async () => {
  const quiet = new RawClient(live.port);
  const used = new RawClient(live.port);
  used.write(`GET /a.txt HTTP/1.1\r\n${h}\r\n`);
  await used.response();
  expect((await quiet.rest()).length).toBe(0);
  expect((await used.rest()).length).toBe(0);
});

test("conditional requests and ranges together, as RFC 9110 orders them", async () => {
  const first = await get(live.port, "/big.bin");
  const tag = first.fields.get("etag") ?? "";
  const modified = first.fields.get("last-modified") ?? "";
  const ask = async (...fields: string[]): Promise<number> =>
    (await get(live.port, "/big.bin", ...fields)).status;
  expect(await ask("Range: bytes=0-9", `If-Range: ${tag}`)).toBe(206);
  expect(await ask("Range: bytes=0-9", 'If-Range: "other"')).toBe(200);
  expect(await ask("Range: bytes=0-9", `If-None-Match: ${tag}`)).toBe(304);
  expect(await ask(`If-None-Match: W/${tag}`)).toBe(304);
  expect(await ask("If-None-Match: *")).toBe(304);
  expect(await ask(`If-None-Match: "a", ${tag} , "b"`)).toBe(304);
  expect(await ask('If-None-Match: "a"', `If-Modified-Since: ${modified}`)).toBe(200);
  expect(await ask(`If-Modified-Since: ${modified}`)).toBe(304);
  expect(await ask("If-Modified-Since: yesterday")).toBe(200);
  const part = await get(live.port, "/big.bin", "Range: bytes=299990-999999");
  expect(part.fields.get("content-range")).toBe("bytes 299990-299999/300000");
  expect(part.body.equals(BIG.subarray(299_990))).toBe(true);
  const none = await get(live.port, "/big.bin", "Range: bytes=300000-");
  expect([none.status, none.fields.get("content-range")]).toEqual([416, "bytes */300000"]);
});

test("nothing of all that was left behind", async () => {
  await pause(50);
  expect(live.server.cheetah.counters.slotsFree()).toBeGreaterThan(0);
  expect(live.server.cheetah.counters.chunksIdle()).toBe(live.server.cheetah.counters.chunks());
  expect((await get(live.port, "/a.txt")).status).toBe(200);
});
