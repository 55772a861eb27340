/** Real clients of Cheetah on an interface of Linux: browser, curl, fetch, wget and a proxy, with every frame of theirs captured. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { breakOff } from "./support/breaking-off.ts";
import {
  complaintsOf,
  expectExampleSite,
  expectManyImages,
  expectStartPage,
  manyImages,
  noBrowser,
  openBrowser,
} from "./support/browser.ts";
import {
  SYN,
  isSumOpen,
  isWrong,
  isWrongBesideSums,
  readCapture,
  startCapture,
  type CapturedFrame,
} from "./support/capture.ts";
import { lacks, mustRun, runProgram, skipReason, startCheetah, type Started } from "./support/command.ts";
import { CURL_CHECKS, CURL_FILES, makeCurl } from "./support/curl.ts";
import type { FetchingReport } from "./support/fetching-report.ts";
import { linkedSite } from "./support/linked-site.ts";
import { EXAMPLE_SITE } from "./support/live.ts";
import { SORRY, startProxy, type Proxy } from "./support/proxy.ts";
import { SERVER, clear, lay, obstacle, packetGround, setOffloads, within } from "./support/ring-ground.ts";
import { digest, digestOf, makeScratch, noise, removeScratch, writeFiles } from "./support/scratch.ts";
import { pause } from "./support/waiting.ts";

const GROUND = packetGround("clients");
const ORIGIN = `http://${SERVER}`;

const missing = skipReason(
  "real clients of a server on an interface",
  lacks("ip") ?? lacks("tcpdump") ?? lacks("tshark") ?? obstacle(),
);
const without = (what: string, reason: string | undefined): boolean =>
  missing !== undefined || skipReason(what, reason) !== undefined;
const NO_BROWSER = without("a browser over the ring", noBrowser);
const NO_CURL = without("curl over the ring", lacks("curl"));
const NO_WGET = without("wget over the ring", lacks("wget"));
const NO_PROXY = without("nginx in front", lacks("nginx") ?? lacks("curl"));

let scratch: string;
let server: Started | undefined;
let sites = 0;
beforeAll(() => {
  scratch = makeScratch();
  if (missing !== undefined) return;
  lay(GROUND);
  mustRun("ip", "-n", GROUND.outside, "link", "set", "lo", "up");
});
afterEach(async () => {
  await server?.end("SIGKILL");
  server = undefined;
});
afterAll(() => {
  clear(GROUND);
  removeScratch(scratch);
});

/** A directory of its own for these files. */
function siteOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  const directory = join(scratch, `site-${sites++}`);
  writeFiles(directory, files);
  return directory;
}

/** Starts a server of `directory`, which has the interface to itself. */
async function start(directory: string, ...more: readonly string[]): Promise<void> {
  const net = ["--net", `packet:${GROUND.ours}`, "--address", `${SERVER}/24`];
  server = await startCheetah([directory, ...net, "--quiet", ...more], { prefix: within(GROUND.inside) });
}

/** Stops the server as a user does. */
async function stop(): Promise<void> {
  const stopped = server;
  server = undefined;
  expect(await stopped?.end()).toBe(0);
}

/** What passes the client's end while `use` goes on. */
async function captured(use: () => Promise<void>): Promise<CapturedFrame[]> {
  const path = join(scratch, `capture-${sites++}.pcap`);
  const capture = await startCapture(GROUND.outside, GROUND.theirs, path);
  let frames: CapturedFrame[] = [];
  try {
    await use();
  } finally {
    frames = await capture.end();
  }
  return frames;
}

const fromServer = (frames: readonly CapturedFrame[]): CapturedFrame[] =>
  frames.filter(({ source, sourcePort }) => source === SERVER && sourcePort !== "");

/** Every checksum of ours is right, and nobody's frame is malformed or an error of any protocol. */
function expectSound(frames: readonly CapturedFrame[], atLeast: number): void {
  const ours = fromServer(frames);
  expect(ours.length).toBeGreaterThanOrEqual(atLeast);
  expect(
    ours.filter(({ tcpChecksumIs, ipChecksumIs }) => tcpChecksumIs !== "1" || ipChecksumIs !== "1"),
  ).toEqual([]);
  // Linux writes 0xffff for a TCP checksum of 0 when it sums in software, which Wireshark calls an error.
  const isLinuxChecksum = (frame: CapturedFrame): boolean =>
    frame.source !== SERVER && frame.tcpChecksum === "0xffff";
  expect(frames.filter((frame) => isWrong(frame) && !isLinuxChecksum(frame))).toEqual([]);
}

/** Connections that were asked for. */
const opened = (frames: readonly CapturedFrame[]): number =>
  frames.filter(({ source, flags }) => source !== SERVER && (flags & SYN) !== 0).length;

/** What the server answered, in order. */
const statusesOf = (frames: readonly CapturedFrame[]): string[] =>
  fromServer(frames).flatMap(({ statuses }) => (statuses === "" ? [] : statuses.split(",")));

const FETCHED: Readonly<Record<string, Buffer>> = Object.fromEntries(
  Array.from({ length: 40 }, (_, i) => [`file-${i}.bin`, noise(1 + i * 1111, 600 + i)]),
);
const FETCH_FILES = { ...FETCHED, "unwanted.bin": noise(2_000_000, 700) };

/** Node's own fetch asks for 40 files five times each, all at once, and gives up 60 requests for another. */
async function expectFetched(): Promise<void> {
  const program = fileURLToPath(new URL("support/fetching-program.ts", import.meta.url));
  const targets = Array.from({ length: 200 }, (_, i) => `/file-${i % 40}.bin`);
  const words = [process.execPath, program, ORIGIN, JSON.stringify(targets), "/unwanted.bin", "60"];
  const { output, errors } = await runProgram("ip", within(GROUND.outside, ...words).slice(1));
  expect(errors).toBe("");
  const report = JSON.parse(output.toString()) as FetchingReport;
  const bodies = Object.entries(FETCHED).map(([path, body]) => [`200 /${path} ${digest(body)}`, 5]);
  expect(report).toEqual({ bodies: Object.fromEntries(bodies), aborted: [20, 20, 20], failures: [] });
}

/** Digests of all files below a directory, by path. */
async function treeOf(directory: string): Promise<Record<string, string>> {
  const tree: Record<string, string> = {};
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) tree[path.slice(directory.length + 1)] = await digestOf(path);
  }
  return tree;
}

describe.skipIf(missing !== undefined)(
  "with offloads off on either side, and nothing wrong on the wire",
  () => {
    beforeAll(() => setOffloads(GROUND, "off"));

    test.skipIf(NO_BROWSER)(
      "Chromium loads sites whole, ranges of files, and several tabs at once",
      async () => {
        const browser = await openBrowser(scratch, within(GROUND.outside));
        try {
          await start(EXAMPLE_SITE, "--no-offloads");
          const frames = await captured(async () => {
            await expectExampleSite(browser, ORIGIN, scratch);
            const window = await browser.newContext();
            const pages = await Promise.all(Array.from({ length: 5 }, () => window.newPage()));
            const complaints = pages.map(complaintsOf);
            await Promise.all(pages.map((page) => page.goto(ORIGIN, { waitUntil: "networkidle" })));
            for (const page of pages) await expectStartPage(page);
            expect(complaints.flat()).toEqual([]);
            await window.close();
          });
          await stop();
          expectSound(frames, 50);

          await start(siteOf(manyImages()), "--no-offloads");
          expectSound(await captured(() => expectManyImages(browser, ORIGIN)), 200);
          await stop();
        } finally {
          await browser.close();
        }
      },
    );

    test.skipIf(NO_CURL)(
      "curl: HTTP/1.0 and 1.1, keep-alive, ranges, resumption, HEAD, conditions, byte-exact",
      async () => {
        await start(siteOf(CURL_FILES), "--no-offloads");
        const curl = makeCurl(() => ORIGIN, within(GROUND.outside));
        const frames = await captured(async () => {
          for (const { check } of CURL_CHECKS) await check(curl, scratch);
        });
        expectSound(frames, 1000);
        await stop();
      },
    );

    test("Node's fetch: two hundred at once, sixty given up, bodies byte-exact", async () => {
      await start(siteOf(FETCH_FILES), "--no-offloads");
      const frames = await captured(expectFetched);
      expectSound(frames, 500);
      expect(opened(frames)).toBeGreaterThan(60);
      await stop();
    });

    test.skipIf(NO_WGET)(
      "wget mirrors a site of hundreds of linked pages, and goes on where it broke off",
      async () => {
        const directory = siteOf(linkedSite());
        const large = noise(3_000_000, 701);
        writeFiles(directory, { "large.bin": large });
        await start(directory, "--no-offloads");
        const wget = (...words: string[]): string[] =>
          within(GROUND.outside, "wget", "--tries=1", "--timeout=20", "--no-verbose", ...words);
        const mirror = join(scratch, "mirror");
        const frames = await captured(async () => {
          const [program = "", ...words] = wget("-r", "-l", "inf", "-nH", "-P", mirror, `${ORIGIN}/`);
          const { code, errors } = await runProgram(program, words);
          expect(code, errors).toBe(0);

          const at = join(scratch, "large.bin");
          const slowly = wget("--limit-rate=500k", "-O", at, `${ORIGIN}/large.bin`);
          const got = await breakOff(slowly, at, 100_000);
          expect(got).toBeGreaterThan(0);
          expect(got).toBeLessThan(large.length);
          const resume = wget("-c", "--server-response", "-P", scratch, `${ORIGIN}/large.bin`);
          const resumed = await runProgram("ip", resume.slice(1));
          expect(resumed.code).toBe(0);
          expect(resumed.errors).toContain(`Content-Range: bytes ${got}-${large.length - 1}/${large.length}`);
          expect(readFileSync(at).equals(large)).toBe(true);
        });
        expectSound(frames, 1000);
        const { "large.bin": _, ...whole } = await treeOf(directory);
        expect(Object.keys(whole).length).toBeGreaterThan(300);
        expect(await treeOf(mirror)).toEqual(whole);
        await stop();
      },
    );

    describe.skipIf(NO_PROXY)("nginx as a proxy in front", () => {
      const curl = makeCurl(() => "http://127.0.0.1:8080", within(GROUND.outside));
      const BODY = CURL_FILES["big.bin"] as Buffer;
      let site: string;
      let proxy: Proxy | undefined;
      beforeEach(async () => {
        site = siteOf(CURL_FILES);
        await start(site, "--no-offloads");
        proxy = await startProxy(GROUND.outside, `${SERVER}:80`, join(scratch, "nginx"));
      });
      afterEach(async () => {
        await proxy?.end();
        proxy = undefined;
      });

      test("answers arrive byte-exact through it, ranges and 304 too, over one connection that stays", async () => {
        const frames = await captured(async () => {
          for (let i = 0; i < 30; i++) expect((await curl.fetched("/digits.txt")).body).toBe("0123456789");
          const { output } = await curl.run(curl.url("/big.bin"));
          expect(output.equals(BODY)).toBe(true);
          const part = await curl.run("-r", "1000000-1999999", curl.url("/big.bin"));
          expect(part.output.equals(BODY.subarray(1_000_000, 2_000_000))).toBe(true);
          const first = await curl.fetched("/digits.txt", "-I");
          const tag = /\r\netag: (\S+)/.exec(first.head)?.[1] ?? "none";
          expect((await curl.fetched("/digits.txt", "-H", `If-None-Match: ${tag}`)).status).toBe(304);
          expect((await curl.fetched("/none")).status).toBe(404);
        });
        expectSound(frames, 1000);
        expect(statusesOf(frames)).toEqual([
          ...Array.from({ length: 31 }, () => "200"),
          "206",
          "200",
          "304",
          "404",
        ]);
        expect(opened(frames)).toBe(1);
        await stop();
      });

      test("what it keeps is good without us, and what it asks about again has not been modified", async () => {
        const kept = async (target: string): Promise<[number, string | undefined, string]> => {
          const { status, head, body } = await curl.fetched(target);
          return [status, /\r\nx-cache: (\S+)/.exec(head)?.[1], body];
        };
        const frames = await captured(async () => {
          expect(await kept("/kept/digits.txt")).toEqual([200, "miss", "0123456789"]);
          expect(await kept("/kept/digits.txt")).toEqual([200, "hit", "0123456789"]);
          expect(await kept("/checked/docs/")).toEqual([200, "miss", "<h1>docs</h1>"]);
          await pause(2100);
          expect(await kept("/checked/docs/")).toEqual([200, "revalidated", "<h1>docs</h1>"]);
        });
        expectSound(frames, 3);
        expect(statusesOf(frames)).toEqual(["200", "200", "304"]);
        await stop();
        expect(await kept("/kept/digits.txt")).toEqual([200, "hit", "0123456789"]);
      });

      test.each(["SIGTERM", "SIGKILL"] as const)(
        "after %s its users see an error page, and the site again when the server is back",
        async (signal) => {
          const frames = await captured(async () => {
            expect((await curl.fetched("/digits.txt")).body).toBe("0123456789");
            await server?.end(signal);
            const { status, body } = await curl.fetched("/digits.txt");
            expect([502, 504]).toContain(status);
            expect(body).toBe(SORRY);
            await start(site, "--no-offloads");
            expect((await curl.fetched("/digits.txt")).body).toBe("0123456789");
            const { output } = await curl.run(curl.url("/big.bin"));
            expect(output.equals(BODY)).toBe(true);
          });
          expectSound(frames, 1000);
          await stop();
        },
      );
    });
  },
);

describe.skipIf(missing !== undefined)("with offloads at work on either side", () => {
  beforeAll(() => setOffloads(GROUND, "on"));

  test.skipIf(NO_CURL)(
    "sums are right or left open for the interface, and nothing else is wrong",
    async () => {
      await start(siteOf({ ...CURL_FILES, ...FETCH_FILES }));
      const curl = makeCurl(() => ORIGIN, within(GROUND.outside));
      const path = join(scratch, "open-sums.pcap");
      const capture = await startCapture(GROUND.outside, GROUND.theirs, path);
      for (const { check } of CURL_CHECKS) await check(curl, scratch);
      await expectFetched();
      const verified = await capture.end();
      await stop();
      const segments = verified.filter(({ sourcePort }) => sourcePort !== "");
      const isOpen = segments.filter(isSumOpen);
      expect(isOpen.some(({ source, ipBytes }) => source === SERVER && ipBytes > 10_000)).toBe(true);
      expect(segments.filter((frame) => frame.tcpChecksumIs !== "1" && !isSumOpen(frame))).toEqual([]);
      const frames = readCapture(path, "IP's sums");
      expect(frames.length).toBe(verified.length);
      expect(frames.filter(isWrongBesideSums)).toEqual([]);
    },
  );
});
