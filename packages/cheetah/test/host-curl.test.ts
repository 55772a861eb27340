/** curl against a live server, through the gateway. */
import { readFileSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lacks, skipReason } from "./support/command.ts";
import { CURL_CHECKS, CURL_FILES, makeCurl } from "./support/curl.ts";
import { EXAMPLE_SITE, serveLive, type Live } from "./support/live.ts";
import { makeScratch, removeScratch, writeFiles } from "./support/scratch.ts";

const missing = skipReason("curl against a live server", lacks("curl"));
const SECRET = "THE-SECRET-OUTSIDE";

let scratch: string;
let live: Live;

const curl = makeCurl(() => `http://127.0.0.1:${live.port}`);
const { run, url, fetched } = curl;

describe.skipIf(missing !== undefined)("curl", () => {
  beforeAll(async () => {
    scratch = makeScratch();
    writeFiles(join(scratch, "site"), CURL_FILES);
    writeFiles(scratch, { "secret.txt": SECRET, "sitemap/secret.txt": SECRET });
    symlinkSync(join(scratch, "secret.txt"), join(scratch, "site", "leak.txt"));
    symlinkSync(scratch, join(scratch, "site", "up"));
    live = await serveLive(join(scratch, "site"));
  });
  afterAll(async () => {
    await live.stop();
    removeScratch(scratch);
  });

  test.each(CURL_CHECKS)("$title", ({ check }) => check(curl, scratch));

  test("connections are counted as they are accepted", async () => {
    const { accepted } = live.server.cheetah.counters;
    const before = accepted();
    await run(url("/digits.txt"), url("/empty.txt"));
    expect(accepted()).toBe(before + 1);
    await run("-H", "Connection: close", url("/digits.txt"), url("/empty.txt"));
    expect(accepted()).toBe(before + 3);
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
      const { output } = await run("--path-as-is", "--globoff", "-w", "\n@%{http_code}\n", ...words);
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
        const { output } = await run(url(name));
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
