import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../limits.ts";
import { latin1Bytes } from "./ascii.ts";
import { RequestParser } from "./request-parser.ts";

const parse = (text: string, step = text.length): RequestParser & { result?: string } => {
  const parser = new RequestParser(DEFAULT_LIMITS);
  const bytes = new Uint8Array(32_768);
  bytes.set(latin1Bytes(text));
  let result = "incomplete";
  for (
    let filled = Math.min(step, text.length);
    result === "incomplete";
    filled = Math.min(filled + step, text.length)
  ) {
    result = parser.parse(bytes, filled);
    if (filled === text.length) break;
  }
  return Object.assign(parser, { result });
};

const HEAD =
  "GET /a?b HTTP/1.1\r\nHost: example:80\r\nConnection: keep-alive, Close\r\nRange:  bytes=0-1 \t\r\n" +
  'IF-NONE-MATCH: "a"\r\nif-none-match: "b"\r\nContent-Length: 0012\r\nX-Other: \xe4\r\n\r\n';

describe("a request head", () => {
  test("is read into the record", () => {
    const parser = parse(`\r\n${HEAD}`);
    expect([parser.result, parser.length]).toEqual(["complete", HEAD.length + 2]);
    expect(parser.request).toMatchObject({
      method: "GET",
      target: "/a?b",
      minor: 1,
      keepAlive: false,
      hasHost: true,
      contentLength: 12,
      range: "bytes=0-1",
      ifNoneMatch: '"a", "b"',
    });
  });

  test("comes to the same however it is cut", () => {
    const whole = parse(HEAD);
    const anywhere = fc.integer({ min: 1, max: HEAD.length });
    fc.assert(
      fc.property(anywhere, (step) => {
        const parser = parse(HEAD, step);
        expect(parser.result).toBe("complete");
        expect(parser.request).toEqual(whole.request);
      }),
    );
  });

  test("never runs past its own end, whatever follows", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const parser = parse(HEAD + String.fromCharCode(...bytes));
        expect([parser.result, parser.length]).toEqual(["complete", HEAD.length]);
      }),
    );
  });

  test("any bytes give one of three results, and a status when refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 300 }), (bytes, step) => {
        const parser = parse(String.fromCharCode(...bytes), step);
        expect(parser.result === "refused").toBe(parser.status !== 0);
      }),
    );
  });
});

describe("limits", () => {
  const line = (bytes: number): string => `GET /${"a".repeat(bytes - 14)} HTTP/1.1`;
  test("of the request line", () => {
    expect(parse(`${line(8192)}\r\nHost: a\r\n\r\n`).result).toBe("complete");
    expect(parse(`${line(8193)}\r\nHost: a\r\n\r\n`).status).toBe(414);
    expect(parse(line(8194)).status).toBe(414);
    expect(parse(line(8194), 1).status).toBe(414);
    expect(parse(`${line(8192)}\r\nHost: a\r\n\r\n`, 1).result).toBe("complete");
  });
  test("of the header section", () => {
    const field = (bytes: number): string =>
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${"a".repeat(bytes - 14)}\r\n\r\n`;
    expect(parse(field(16_384)).result).toBe("complete");
    expect(parse(field(16_385)).status).toBe(431);
    expect(parse(field(16_384), 7).result).toBe("complete");
    expect(parse(field(20_000).slice(0, 17_000)).status).toBe(431);
  });
});
