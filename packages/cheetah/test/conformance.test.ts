/** HTTP as a client sees it, over the real kernel, disk and cache. */
import { describe, expect, test } from "vitest";
import type { Window } from "@exolith/exokernel/abi";
import { MODIFIED, makeMemorySource, patternBytes } from "./memory-source.ts";
import { makeServerRig, parseResponse, text } from "./server-rig.ts";
import type { ParsedResponse } from "./server-rig.ts";

const BIG = patternBytes(200_000, 7);
const FILES = {
  "index.html": "<h1>hello</h1>",
  "style.css": "body{}",
  "data.json": "{}",
  "picture.png": Uint8Array.of(137, 80, 78, 71),
  notes: "no extension",
  "docs/index.html": "docs",
  "docs/deep/page.html": "deep",
  "a b/ü%.txt": "odd",
  "big.bin": BIG,
  "empty.txt": "",
};
const source = makeMemorySource(FILES);
const lines: string[] = [];
const log = (window: Window, at: number, length: number): number => {
  lines.push(window.text(at, length));
  return length;
};
const rig = makeServerRig({ source, cheetah: { log } });

const ask = (line: string, ...fields: string[]): ParsedResponse =>
  parseResponse(
    rig.exchange(`${[line, "Host: test", ...fields].join("\r\n")}\r\n\r\n`),
    line.startsWith("HEAD"),
  );
const get = (target: string, ...fields: string[]): ParsedResponse => ask(`GET ${target} HTTP/1.1`, ...fields);
const statusOf = (request: string): number => parseResponse(rig.exchange(request)).status;

test("[W7] HTTP/1.0 and 1.1 keep-alive, HEAD, media types, 404, configuration and log conform", () => {
  const peer = rig.connect();
  peer.write("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  rig.run();
  peer.receive();
  expect(parseResponse(peer.take()).fields.get("connection")).toBe("keep-alive");
  expect(peer.sawEnd).toBe(false);
  peer.write("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
  peer.receive();
  expect(parseResponse(peer.take()).fields.get("connection")).toBe("keep-alive");
  peer.write("GET / HTTP/1.0\r\n\r\n");
  peer.receive();
  expect(parseResponse(peer.take()).fields.get("connection")).toBe("close");
  expect(peer.sawEnd).toBe(true);
  const closing = rig.connect();
  closing.write("GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
  closing.receive();
  expect([parseResponse(closing.take()).fields.get("connection"), closing.sawEnd]).toEqual(["close", true]);

  const whole = get("/big.bin");
  const head = ask("HEAD /big.bin HTTP/1.1");
  expect(Buffer.compare(whole.body, BIG)).toBe(0);
  expect(head.rest.length).toBe(0);
  expect([...head.fields]).toEqual([...whole.fields]);
  expect(whole.fields.get("date")).toMatch(/^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/);
  expect(whole.fields.get("server")).toBe("Cheetah");

  const types = ["/", "/style.css", "/data.json", "/picture.png", "/notes"].map((t) =>
    get(t).fields.get("content-type"),
  );
  expect(types).toEqual([
    "text/html; charset=utf-8",
    "text/css; charset=utf-8",
    "application/json; charset=utf-8",
    "image/png",
    "application/octet-stream",
  ]);
  expect(get("/missing").status).toBe(404);

  lines.length = 0;
  get('/docs/?a="b');
  statusOf("nonsense\r\n\r\n");
  rig.run();
  expect(lines.join("")).toBe(
    '10.0.0.2 - - [01/Jan/2026:00:00:00 +0000] "GET /docs/?a=\\"b HTTP/1.1" 200 4\n' +
      `10.0.0.2 - - [01/Jan/2026:00:00:00 +0000] "nonsense" 400 ${parseResponse(rig.exchange("x\r\n\r\n")).body.length}\n`,
  );

  const small = makeServerRig({ source, cheetah: { limits: { requestLineBytes: 64, connections: 1 } } });
  expect(parseResponse(small.exchange(`GET /${"a".repeat(80)} HTTP/1.1\r\n`)).status).toBe(414);
  const first = small.connect();
  first.write("GET / HTTP/1.1\r\n");
  expect(first.closedBecause).toBeUndefined();
  const second = small.connect();
  expect([first.closedBecause, second.closedBecause]).toEqual(["aborted", undefined]);
  second.end();
  expect(second.closedBecause).toBe("done");
});

describe("names", () => {
  test("index files and redirects to directories", () => {
    expect(text(get("/docs/").body)).toBe("docs");
    expect(text(get("/docs/index.html").body)).toBe("docs");
    const moved = get("/docs?x=1&y");
    expect([moved.status, moved.fields.get("location")]).toEqual([301, "/docs/?x=1&y"]);
    expect(get("/a%20b").fields.get("location")).toBe("/a%20b/");
    expect(get("/docs/deep/").status).toBe(404);
    expect(get("/index.html/").status).toBe(404);
  });

  test("escapes are decoded once, dots are resolved, and nothing is above the root", () => {
    expect(text(get("/a%20b/%C3%BC%25.txt").body)).toBe("odd");
    expect(text(get("/docs/../docs/./deep/page.html").body)).toBe("deep");
    expect(text(get("/../../docs/%2e%2e/index.html").body)).toBe("<h1>hello</h1>");
    expect(text(get("http://other:80/docs/").body)).toBe("docs");
    expect(text(get("http://other").body)).toBe("<h1>hello</h1>");
    expect(get("/%2564ocs/").status).toBe(404);
    expect(get("/docs%2Findex.html").status).toBe(404);
    for (const bad of [
      "/%",
      "/%2",
      "/%zz",
      "/%00",
      "/a\\b",
      "/%5c",
      "/%ff",
      "/a#b",
      "*",
      "other",
      "ftp://x/",
    ])
      expect([bad, get(bad).status]).toEqual([bad, 400]);
  });
});

describe("methods and refusals", () => {
  test("405 with Allow, 501, 505", () => {
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT"]) {
      const refused = ask(`${method} / HTTP/1.1`);
      expect([refused.status, refused.fields.get("allow")]).toEqual([405, "GET, HEAD"]);
    }
    expect(ask("OPTIONS * HTTP/1.1").status).toBe(405);
    expect(ask("BREW / HTTP/1.1").status).toBe(501);
    expect(ask("get / HTTP/1.1").status).toBe(501);
    expect(ask("GET / HTTP/2.0").status).toBe(505);
    expect(ask("GET / HTTP/1.9").status).toBe(200);
  });

  test.each([
    ["no version", "GET /\r\n\r\n"],
    ["two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["no Host", "GET / HTTP/1.1\r\n\r\n"],
    ["two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"],
    ["a bad Host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"],
    ["folding", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n"],
    ["a bare CR", "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n"],
    ["a bare LF", "GET / HTTP/1.1\nHost: a\n\n"],
    ["white space before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n"],
    ["no colon", "GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n"],
    ["a name that is no token", "GET / HTTP/1.1\r\nHost: a\r\nX(: a\r\n\r\n"],
    ["NUL in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n"],
    ["lengths that differ", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"],
    ["a length with a sign", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n"],
    [
      "length and coding",
      "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
    ["a coding in 1.0", "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"],
    ["raw bytes in the target", "GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["three empty lines", "\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"],
  ])("400 and the end of the connection for %s", (_what, request) => {
    const peer = rig.connect();
    peer.write(request);
    peer.receive();
    expect(parseResponse(peer.take()).status).toBe(400);
    expect(peer.sawEnd).toBe(true);
    peer.end();
  });

  test("413, 414, 417, 431, 501", () => {
    expect(ask("POST / HTTP/1.1", "Content-Length: 1048577").status).toBe(413);
    expect(get(`/${"a".repeat(9000)}`).status).toBe(414);
    expect(get("/", "Expect: wonders").status).toBe(417);
    expect(ask("GET / HTTP/1.0", "Expect: wonders").status).toBe(200);
    expect(get("/", `X: ${"a".repeat(16_400)}`).status).toBe(431);
    expect(get("/", ...Array.from({ length: 100 }, (_, i) => `X-${i}: 1`)).status).toBe(431);
    expect(get("/", ...Array.from({ length: 99 }, (_, i) => `X-${i}: 1`)).status).toBe(200);
    expect(get("/", "Transfer-Encoding: gzip").status).toBe(501);
    expect(statusOf(`${"A".repeat(9000)}`)).toBe(501);
  });
});

describe("bodies of requests", () => {
  test("are skipped, and the next request is answered", () => {
    const peer = rig.connect();
    peer.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\nGET / HTTP/");
    peer.write("1GET /style.css HTTP/1.1\r\nHost: a\r\n\r\n");
    rig.run();
    peer.receive();
    const first = parseResponse(peer.take());
    expect([first.status, text(parseResponse(first.rest).body)]).toEqual([405, "body{}"]);
    peer.end();
  });

  test("without a known end close the connection", () => {
    for (const field of ["Transfer-Encoding: chunked", "Content-Length: 5\r\nExpect: 100-continue"]) {
      const peer = rig.connect();
      peer.write(`GET / HTTP/1.1\r\nHost: a\r\n${field}\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n`);
      peer.receive();
      const only = parseResponse(peer.take());
      expect([only.status, only.fields.get("connection"), only.rest.length]).toEqual([200, "close", 0]);
      expect(peer.sawEnd).toBe(true);
      peer.end();
    }
  });
});

describe("conditions", () => {
  const whole = get("/");
  const tag = whole.fields.get("etag") ?? "";
  const date = whole.fields.get("last-modified") ?? "";

  test("If-None-Match and If-Modified-Since", () => {
    expect(date).toBe(new Date(MODIFIED).toUTCString());
    const matched = get("/", `If-None-Match: "x", W/${tag}`);
    expect([matched.status, matched.fields.get("etag"), matched.rest.length]).toEqual([304, tag, 0]);
    expect(get("/", "If-None-Match: *").status).toBe(304);
    expect(get("/", 'If-None-Match: "x"', `If-Modified-Since: ${date}`).status).toBe(200);
    expect(get("/", `If-Modified-Since: ${date}`).status).toBe(304);
    expect(get("/", "If-Modified-Since: Wed, 01 Jan 2025 00:00:00 GMT").status).toBe(200);
    expect(get("/", "If-Modified-Since: Thursday, 02-Jan-25 03:04:05 GMT").status).toBe(304);
    expect(get("/", "If-Modified-Since: Thu Jan  2 03:04:05 2025").status).toBe(304);
    expect(get("/", "If-Modified-Since: whenever").status).toBe(200);
    expect(ask("HEAD / HTTP/1.1", `If-None-Match: ${tag}`).status).toBe(304);
  });

  test("If-Match and If-Unmodified-Since", () => {
    expect(get("/", `If-Match: ${tag}`).status).toBe(200);
    expect(get("/", `If-Match: W/${tag}`).status).toBe(412);
    expect(get("/", 'If-Match: "x"').status).toBe(412);
    expect(get("/", "If-Unmodified-Since: Wed, 01 Jan 2025 00:00:00 GMT").status).toBe(412);
    expect(get("/", `If-Unmodified-Since: ${date}`).status).toBe(200);
  });

  test("ranges: one, many, none, and those that are ignored", () => {
    const one = get("/big.bin", "Range: bytes=65000-140000");
    expect([one.status, one.fields.get("content-range")]).toEqual([206, "bytes 65000-140000/200000"]);
    expect(Buffer.compare(one.body, BIG.subarray(65_000, 140_001))).toBe(0);
    expect(Buffer.compare(get("/big.bin", "Range: bytes=-10").body, BIG.subarray(-10))).toBe(0);
    expect(Buffer.compare(get("/big.bin", "Range: bytes=199990-").body, BIG.subarray(-10))).toBe(0);
    const outside = get("/big.bin", "Range: bytes=200000-");
    expect([outside.status, outside.fields.get("content-range")]).toEqual([416, "bytes */200000"]);
    const many = get("/big.bin", "Range: bytes=0-3, 100000-170000, -2");
    const boundary = /boundary=(.*)$/.exec(many.fields.get("content-type") ?? "")?.[1];
    const parts = text(many.body).split(`--${boundary}`);
    expect(parts.length).toBe(5);
    expect(parts[4]).toBe("--\r\n");
    const bodies = parts.slice(1, 4).map((part) => part.slice(part.indexOf("\r\n\r\n") + 4, -2));
    expect(bodies).toEqual(
      [
        [0, 4],
        [100_000, 170_001],
        [199_998, 200_000],
      ].map(([a, b]) => text(BIG.subarray(a, b))),
    );
    expect(many.rest.length).toBe(0);
    for (const ignored of [
      "bytes=5-4",
      "bytes=",
      "lines=0-1",
      "bytes=0-,0-",
      `bytes=${"0-0,".repeat(16)}1-1`,
    ])
      expect([ignored, get("/big.bin", `Range: ${ignored}`).status]).toEqual([ignored, 200]);
    expect(get("/big.bin", "Range: bytes=0-1", 'If-Range: "x"').status).toBe(200);
    expect(get("/big.bin", "Range: bytes=0-1", `If-Range: ${date}`).status).toBe(200);
    expect(ask("HEAD /big.bin HTTP/1.1", "Range: bytes=0-1").status).toBe(200);
    expect(get("/empty.txt", "Range: bytes=0-").status).toBe(416);
    expect(get("/empty.txt").fields.get("content-length")).toBe("0");
  });
});
