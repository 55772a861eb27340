/** curl against a live server, through the gateway. */
import { readFileSync, readdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lacks, runProgram, skipReason, type Ended } from "./support/command.ts";
import { EXAMPLE_SITE, serveLive, type Live } from "./support/live.ts";
import { makeScratch, noise, removeScratch, writeFiles } from "./support/scratch.ts";

const missing = skipReason("curl against a live server", lacks("curl"));
const SECRET = "THE-SECRET-OUTSIDE";
const BIG = noise(3_000_001, 1);
const FILES = {
  "site/index.html": "<h1>start</h1>",
  "site/docs/index.html": "<h1>docs</h1>",
  "site/digits.txt": "0123456789",
  "site/big.bin": BIG,
  "site/empty.txt": "",
  "site/with space/Grüße 100%.txt": "odd name",
  "secret.txt": SECRET,
  "sitemap/secret.txt": SECRET,
};

let scratch: string;
let live: Live;

const curl = async (...words: string[]): Promise<Ended> =>
  runProgram("curl", ["-sS", "--max-time", "20", ...words]);
const url = (target: string): string => `http://127.0.0.1:${live.port}${target}`;

/** Status, fields and body of one request. */
async function fetched(
  target: string,
  ...words: string[]
): Promise<{ status: number; head: string; body: string }> {
  const { output, code, errors } = await curl("-i", "--path-as-is", ...words, url(target));
  expect(errors).toBe("");
  expect(code).toBe(0);
  const [head = "", ...body] = output.toString("latin1").split("\r\n\r\n");
  return { status: Number(head.split(" ")[1]), head: head.toLowerCase(), body: body.join("\r\n\r\n") };
}

describe.skipIf(missing !== undefined)("curl", () => {
  beforeAll(async () => {
    scratch = makeScratch();
    writeFiles(scratch, FILES);
    symlinkSync(join(scratch, "secret.txt"), join(scratch, "site", "leak.txt"));
    symlinkSync(scratch, join(scratch, "site", "up"));
    live = await serveLive(join(scratch, "site"));
  });
  afterAll(async () => {
    await live.stop();
    removeScratch(scratch);
  });

  test("files come back byte-exact, names with spaces, Unicode and percent signs too", async () => {
    const { output } = await curl(url("/big.bin"));
    expect(output.equals(BIG)).toBe(true);
    expect((await fetched("/with%20space/Gr%C3%BC%C3%9Fe%20100%25.txt")).body).toBe("odd name");
    const empty = await fetched("/empty.txt");
    expect([empty.status, empty.body]).toEqual([200, ""]);
    expect(empty.head).toContain("content-length: 0");
  });

  test("HEAD, 404, a directory's redirect, its index, a method that is not allowed", async () => {
    const head = await fetched("/big.bin", "-I");
    expect([head.status, head.body]).toEqual([200, ""]);
    expect(head.head).toContain(`content-length: ${BIG.length}`);
    expect((await fetched("/none")).status).toBe(404);
    const moved = await fetched("/docs");
    expect(moved.status).toBe(301);
    expect(moved.head).toMatch(/\r\nlocation: (http:\/\/[^/]+)?\/docs\/(\r|$)/);
    const { output } = await curl("-L", url("/docs"));
    expect(output.toString()).toBe("<h1>docs</h1>");
    const posted = await fetched("/", "-d", "a=b");
    expect(posted.status).toBe(405);
    expect(posted.head).toContain("\r\nallow: get, head");
  });

  test("ranges: from, to, the last, several, none that fits", async () => {
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
    expect((await fetched("/digits.txt", "-H", "Range: nonsense")).body).toBe("0123456789");
  });

  test("a download that broke off is resumed where it stopped", async () => {
    const at = join(scratch, "resumed.bin");
    writeFileSync(at, BIG);
    truncateSync(at, 1_234_567);
    const { code } = await curl("-C", "-", "-o", at, url("/big.bin"));
    expect(code).toBe(0);
    expect(readFileSync(at).equals(BIG)).toBe(true);
  });

  test("conditional requests: 304 without a body, 200 when it is another file", async () => {
    const first = await fetched("/digits.txt");
    const tag = /\r\netag: (\S+)/.exec(first.head)?.[1] ?? "none";
    const modified = /\r\nlast-modified: ([^\r]+)/.exec(first.head)?.[1] ?? "none";
    const same = await fetched("/digits.txt", "-H", `If-None-Match: ${tag}`);
    expect([same.status, same.body]).toEqual([304, ""]);
    expect((await fetched("/digits.txt", "-H", 'If-None-Match: "another"')).status).toBe(200);
    expect((await fetched("/digits.txt", "-z", modified)).status).toBe(304);
    expect((await fetched("/digits.txt", "-z", "1 Jan 2001")).status).toBe(200);
  });

  test("HTTP/1.0, with and without keep-alive", async () => {
    const plain = await fetched("/digits.txt", "-0");
    expect(plain.body).toBe("0123456789");
    expect(plain.head).toMatch(/^connection: +close$/m);
    const kept = await fetched("/digits.txt", "-0", "-H", "Connection: keep-alive");
    expect(kept.head).toContain("connection: keep-alive");
  });

  test("one connection carries many requests, and many connections one each", async () => {
    const before = live.server.cheetah.counters.accepted();
    const words = Array.from({ length: 50 }, () => url("/digits.txt"));
    const { output } = await curl(...words);
    expect(output.toString()).toBe("0123456789".repeat(50));
    expect(live.server.cheetah.counters.accepted()).toBe(before + 1);
    const parallel = await curl("-Z", "--parallel-max", "50", ...words, "-H", "Connection: close");
    expect(parallel.output.toString()).toBe("0123456789".repeat(50));
    expect(live.server.cheetah.counters.accepted()).toBe(before + 51);
  });

  test("never a byte from outside the directory", async () => {
    const names = ["secret.txt", "sitemap/secret.txt", "etc/passwd"];
    const steps = [
      "..",
      "%2e%2e",
      "%2E.",
      ".%2e",
      "%252e%252e",
      "..%00",
      "..;",
      "..%c0%af",
      "%c0%ae%c0%ae",
      "....",
      "up",
    ];
    const joints = ["/", "//", "%2f", "%5c", "\\", "/./", "%252f"];
    const starts = ["/", "//", "/docs/", "/docs/../", "/with%20space/", "/big.bin/"];
    const others = [
      "/leak.txt",
      "/up",
      "/up/",
      "/%00",
      "/etc/passwd",
      "/index.html%00.txt",
      `//${scratch}/secret.txt`,
      `/${scratch}/secret.txt`,
    ];
    const all = starts.flatMap((start) =>
      steps.flatMap((step) =>
        joints.flatMap((joint) => names.map((name) => `${start}${step}${joint}${step}${joint}${name}`)),
      ),
    );
    const single = steps.flatMap((step) => joints.map((joint) => `/${step}${joint}secret.txt`));
    const targets = [...all, ...single, ...others];
    const pages: string[] = [];
    for (let from = 0; from < targets.length; from += 400) {
      const words = targets.slice(from, from + 400).map((target) => url(target));
      const { output } = await curl("--path-as-is", "--globoff", "-w", "\n@%{http_code}\n", ...words);
      pages.push(output.toString("latin1"));
    }
    const said = pages.join("");
    const statuses = [...said.matchAll(/^@(\d+)$/gm)].map((match) => match[1]);
    expect(statuses.length).toBe(targets.length);
    expect(new Set(statuses)).toEqual(new Set(["400", "404"]));
    expect(said).not.toContain(SECRET);
    expect(said).not.toContain("root:");
  });
});

describe.skipIf(missing !== undefined)("the example site", () => {
  test("every file of it, byte for byte, with its media type", async () => {
    live = await serveLive(EXAMPLE_SITE);
    try {
      const names = readdirSync(EXAMPLE_SITE, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(EXAMPLE_SITE.length));
      expect(names).toContain("/index.html");
      for (const name of names) {
        const { output } = await curl(url(name));
        expect(output.equals(readFileSync(join(EXAMPLE_SITE, name)))).toBe(true);
      }
      const types: Record<string, string> = {
        html: "text/html",
        css: "text/css",
        js: "text/javascript",
        png: "image/png",
        svg: "image/svg+xml",
      };
      for (const name of names) {
        const expected = types[name.slice(name.lastIndexOf(".") + 1)];
        if (expected !== undefined) expect((await fetched(name)).head).toContain(`content-type: ${expected}`);
      }
      expect((await fetched("/")).body).toContain("</html>");
    } finally {
      await live.stop();
    }
  });
});
