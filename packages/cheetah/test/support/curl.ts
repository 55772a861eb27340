/** curl, and what it must get from any server of ours that serves `CURL_FILES`. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { breakOff } from "./breaking-off.ts";
import { runProgram, type Ended } from "./command.ts";
import { noise } from "./scratch.ts";

const BIG = noise(3_000_001, 1);
const DIGITS = "0123456789";

/** The site of these checks. */
export const CURL_FILES: Readonly<Record<string, string | Uint8Array>> = {
  "index.html": "<h1>start</h1>",
  "docs/index.html": "<h1>docs</h1>",
  "digits.txt": DIGITS,
  "big.bin": BIG,
  "empty.txt": "",
  "with space/Grüße 100%.txt": "odd name",
};

/** Status, fields in lower case and body of one answer. */
export interface CurlAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** curl for one server. */
export interface Curl {
  /** The command with its usual words and `words`. */
  command(...words: string[]): string[];
  run(...words: string[]): Promise<Ended>;
  url(target: string): string;
  /** One request that is answered, whatever the status. */
  fetched(target: string, ...words: string[]): Promise<CurlAnswer>;
}

/** curl for the server at `origin`, with words in front of it, such as those that enter a network namespace. */
export function makeCurl(origin: () => string, prefix: readonly string[] = []): Curl {
  const command: Curl["command"] = (...words) => [...prefix, "curl", "-sS", "--max-time", "20", ...words];
  const run: Curl["run"] = (...words) => {
    const [program = "", ...rest] = command(...words);
    return runProgram(program, rest);
  };
  const url: Curl["url"] = (target) => `${origin()}${target}`;
  const fetched: Curl["fetched"] = async (target, ...words) => {
    const { output, code, errors } = await run("-i", "--path-as-is", ...words, url(target));
    expect(errors).toBe("");
    expect(code).toBe(0);
    const [head = "", ...body] = output.toString("latin1").split("\r\n\r\n");
    return { status: Number(head.split(" ")[1]), head: head.toLowerCase(), body: body.join("\r\n\r\n") };
  };
  return { command, run, url, fetched };
}

async function expectBodies({ run, url, fetched }: Curl): Promise<void> {
  const { output } = await run(url("/big.bin"));
  expect(output.equals(BIG)).toBe(true);
  expect((await fetched("/with%20space/Gr%C3%BC%C3%9Fe%20100%25.txt")).body).toBe("odd name");
  const empty = await fetched("/empty.txt");
  expect([empty.status, empty.body]).toEqual([200, ""]);
  expect(empty.head).toContain("content-length: 0");
}

async function expectOtherAnswers({ run, url, fetched }: Curl): Promise<void> {
  const head = await fetched("/big.bin", "-I");
  expect([head.status, head.body]).toEqual([200, ""]);
  expect(head.head).toContain(`content-length: ${BIG.length}`);
  expect((await fetched("/none")).status).toBe(404);
  const moved = await fetched("/docs");
  expect(moved.status).toBe(301);
  expect(moved.head).toMatch(/\r\nlocation: (http:\/\/[^/]+)?\/docs\/(\r|$)/);
  const { output } = await run("-L", url("/docs"));
  expect(output.toString()).toBe("<h1>docs</h1>");
  const posted = await fetched("/", "-d", "a=b");
  expect(posted.status).toBe(405);
  expect(posted.head).toContain("\r\nallow: get, head");
}

async function expectRanges({ fetched }: Curl): Promise<void> {
  const ranged = async (range: string): Promise<[number, string]> => {
    const { status, body } = await fetched("/digits.txt", "-r", range);
    return [status, body];
  };
  expect(await ranged("2-4")).toEqual([206, "234"]);
  expect(await ranged("7-")).toEqual([206, "789"]);
  expect(await ranged("-2")).toEqual([206, "89"]);
  expect((await ranged("20-30"))[0]).toBe(416);
  const several = await fetched("/digits.txt", "-r", "0-1,8-9");
  expect(several.status).toBe(206);
  expect(several.head).toContain("content-type: multipart/byteranges; boundary=");
  expect(several.body).toContain("Content-Range: bytes 0-1/10\r\n\r\n01\r\n");
  expect(several.body).toContain("Content-Range: bytes 8-9/10\r\n\r\n89\r\n");
  expect((await fetched("/digits.txt", "-H", "Range: nonsense")).body).toBe(DIGITS);
}

async function expectResumed({ command, run, url }: Curl, scratch: string): Promise<void> {
  const at = join(scratch, "resumed.bin");
  rmSync(at, { force: true });
  const slowly = command("--no-buffer", "--limit-rate", "10k", "-o", at, url("/big.bin"));
  const got = await breakOff(slowly, at, 10_000);
  expect(got).toBeGreaterThan(0);
  expect(got).toBeLessThan(BIG.length);
  const { code, errors } = await run("-C", "-", "-o", at, "-w", "%{stderr}%{size_download}", url("/big.bin"));
  expect([code, errors]).toEqual([0, String(BIG.length - got)]);
  expect(readFileSync(at).equals(BIG)).toBe(true);
}

async function expectConditions({ fetched }: Curl): Promise<void> {
  const first = await fetched("/digits.txt");
  const tag = /\r\netag: (\S+)/.exec(first.head)?.[1] ?? "none";
  const modified = /\r\nlast-modified: ([^\r]+)/.exec(first.head)?.[1] ?? "none";
  const same = await fetched("/digits.txt", "-H", `If-None-Match: ${tag}`);
  expect([same.status, same.body]).toEqual([304, ""]);
  expect((await fetched("/digits.txt", "-H", 'If-None-Match: "another"')).status).toBe(200);
  expect((await fetched("/digits.txt", "-z", modified)).status).toBe(304);
  expect((await fetched("/digits.txt", "-z", "1 Jan 2001")).status).toBe(200);
}

async function expectOldVersion({ fetched }: Curl): Promise<void> {
  const plain = await fetched("/digits.txt", "-0");
  expect(plain.body).toBe(DIGITS);
  expect(plain.head).toMatch(/^connection: +close$/m);
  const kept = await fetched("/digits.txt", "-0", "-H", "Connection: keep-alive");
  expect(kept.head).toContain("connection: keep-alive");
}

const REQUESTS = 50;

async function expectConnections({ run, url }: Curl): Promise<void> {
  const words = Array.from({ length: REQUESTS }, () => url("/digits.txt"));
  const count = ["--no-progress-meter", "-w", "%{stderr}%{num_connects}"];
  const kept = await run(...count, ...words);
  expect(kept.output.toString()).toBe(DIGITS.repeat(REQUESTS));
  expect(kept.errors).toBe(`1${"0".repeat(REQUESTS - 1)}`);
  const close = ["-H", "Connection: close"];
  const parallel = await run("-Z", "--parallel-max", String(REQUESTS), ...count, ...close, ...words);
  expect(parallel.output.toString()).toBe(DIGITS.repeat(REQUESTS));
  expect(parallel.errors).toBe("1".repeat(REQUESTS));
}

/** One property of a server. */
export interface CurlCheck {
  readonly title: string;
  /** `scratch` is a directory that it may write into. */
  check(curl: Curl, scratch: string): Promise<void>;
}

/** All of them. */
export const CURL_CHECKS: readonly CurlCheck[] = [
  {
    title: "files come back byte-exact, names with spaces, Unicode and percent signs too",
    check: expectBodies,
  },
  {
    title: "HEAD, 404, a directory's redirect, its index, a method that is not allowed",
    check: expectOtherAnswers,
  },
  { title: "ranges: from, to, the last, several, none that fits", check: expectRanges },
  { title: "a download that broke off is resumed where it stopped", check: expectResumed },
  { title: "conditional requests: 304 without a body, 200 when it is another file", check: expectConditions },
  { title: "HTTP/1.0, with and without keep-alive", check: expectOldVersion },
  {
    title: "one connection carries many requests, and many connections one each",
    check: expectConnections,
  },
];
