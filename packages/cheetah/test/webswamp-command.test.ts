/** The command line of webswamp, and a run of it against Cheetah on both ends of a veth. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { lacks, mustRun, runProgram, skipReason, startCheetah, type Ended } from "./support/command.ts";
import { makeScratch, noise, removeScratch, writeFiles } from "./support/scratch.ts";

const MAIN = fileURLToPath(new URL("../src/board/webswamp-main.ts", import.meta.url));
const WEBSWAMP = [process.execPath, "--conditions=@exolith/source", MAIN] as const;
const webswamp = (...words: readonly string[]): Promise<Ended> =>
  runProgram(WEBSWAMP[0], [...WEBSWAMP.slice(1), ...words]);

const URL_HERE = "http://192.0.2.10/";
const NET = ["--net", "packet:e0", "--address", "192.0.2.2/24"];
let scratch: string;

beforeAll(() => {
  scratch = makeScratch();
  writeFileSync(join(scratch, "list"), "/a b\n");
});
afterAll(() => removeScratch(scratch));

const usage: readonly (readonly [string, readonly string[], RegExp])[] = [
  ["no page", [], /which page\?/],
  ["a name instead of an address", ["http://example.com/", ...NET], /not an IPv4 address: example\.com/],
  ["another scheme", ["https://192.0.2.10/", ...NET], /not the URL of a page over HTTP/],
  ["no network", [URL_HERE], /which network\?/],
  [
    "a network nobody knows",
    [URL_HERE, "--net", "wifi"],
    /--net is packet:<interface> or tap:<name>, not wifi/,
  ],
  ["no address", [URL_HERE, "--net", "packet:e0"], /--net needs --address/],
  ["an address that is none", [URL_HERE, "--net", "packet:e0", "--address", "1.2.3"], /not an IPv4 address/],
  ["too many at once", [URL_HERE, ...NET, "-c", "5000"], /--concurrency takes a whole number from 1 to 2048/],
  ["no requests", [URL_HERE, ...NET, "-n", "0"], /--requests takes a whole number from 1/],
  ["no time", [URL_HERE, ...NET, "-s", "0"], /--seconds takes seconds, up to 86400, not 0/],
  ["an endless wait", [URL_HERE, ...NET, "--timeout", "x"], /--timeout takes seconds/],
  ["a body for many pages", [URL_HERE, ...NET, "--body", "a", "--list", "b"], /--body is for one page/],
  ["an unknown option", [URL_HERE, ...NET, "--colour", "red"], /colour/],
];
test.concurrent.each(usage)("%s: exit code 2", async (_, words, says) => {
  const { code, output, errors } = await webswamp(...words);
  expect(errors).toMatch(says);
  expect([code, output.length]).toEqual([2, 0]);
  expect(errors.trim().split("\n")).toEqual([expect.stringMatching(/^webswamp: /), "see webswamp --help"]);
});

test("files that are not there, targets that cannot be: said in a line", async () => {
  const none = join(scratch, "none");
  const missing = await webswamp(URL_HERE, ...NET, "--body", none);
  expect([missing.code, missing.errors.trim().split("\n").length]).toEqual([1, 1]);
  expect(missing.errors).toContain(none);
  const bad = await webswamp(URL_HERE, ...NET, "--list", join(scratch, "list"));
  expect(bad.code).toBe(2);
  expect(bad.errors).toContain("--list: not a target that can be sent as it is: /a b");
});

function obstacle(): string | undefined {
  if (process.platform !== "linux") return "not Linux";
  if (process.getuid?.() !== 0) return "needs root";
  const name = `swamp-try-${process.pid}`;
  if (spawnSync("ip", ["netns", "add", name]).status !== 0) return "ip netns add does not work";
  const made = spawnSync("ip", [
    "-n",
    name,
    "link",
    "add",
    "name",
    "try-a",
    "type",
    "veth",
    "peer",
    "name",
    "try-b",
  ]);
  spawnSync("ip", ["netns", "del", name]);
  return made.status === 0 ? undefined : "ip link add … type veth does not work";
}
const noRing = skipReason("webswamp on an interface of Linux", lacks("ip") ?? obstacle());

const [INSIDE, OUTSIDE] = [`swamp-in-${process.pid}`, `swamp-out-${process.pid}`];
const PAGE = noise(100_000, 7);

test.skipIf(noRing !== undefined)("it loads Cheetah, from one end of a cable to the other", async () => {
  const site = join(scratch, "site");
  writeFiles(site, { "index.html": "<p>here</p>", "page.bin": PAGE });
  writeFileSync(join(scratch, "page.bin"), PAGE);
  writeFileSync(join(scratch, "pages"), "/\npage.bin\n\n/none\n");
  const lay = (...words: string[]): string => mustRun("ip", ...words);
  const client = (...words: string[]): Promise<Ended> =>
    runProgram("ip", [
      "netns",
      "exec",
      OUTSIDE,
      ...WEBSWAMP,
      ...words,
      "--net",
      "packet:out0",
      "--address",
      "192.0.2.2/24",
    ]);
  try {
    for (const name of [INSIDE, OUTSIDE]) lay("netns", "add", name);
    lay("-n", INSIDE, "link", "add", "in0", "type", "veth", "peer", "name", "out0", "netns", OUTSIDE);
    lay("-n", INSIDE, "link", "set", "in0", "up");
    lay("-n", OUTSIDE, "link", "set", "out0", "up");
    const words = [site, "--net", "packet:in0", "--address", "192.0.2.10/24", "--quiet"];
    const server = await startCheetah(words, { prefix: ["ip", "netns", "exec", INSIDE] });
    const body = join(scratch, "page.bin");
    const right = await client("http://192.0.2.10/page.bin", "-n", "300", "-c", "8", "--body", body);
    expect(right.errors).toBe("");
    expect(right.output.toString()).toMatch(
      /^300 pages and 30\.00 MB in .* over 8 connections\npages\/s {2}\d/,
    );
    expect(right.code).toBe(0);
    const close = await client("http://192.0.2.10/", "-n", "100", "-c", "4", "--close", "--json");
    expect(JSON.parse(close.output.toString())).toMatchObject({ requests: 100, connections: 100, failed: 0 });
    const list = ["--list", join(scratch, "pages")];
    const mixed = await client("http://192.0.2.10/", "-n", "30", ...list, "--json");
    expect(JSON.parse(mixed.output.toString())).toMatchObject({ requests: 20, failures: { status: 10 } });
    expect(mixed.code).toBe(1);
    const nobody = await client("http://192.0.2.99/", "-n", "2", "--timeout", "1");
    expect(nobody.output.toString()).toContain("2 unreachable: nobody answered the connection");
    expect(nobody.code).toBe(1);
    expect(await server.end()).toBe(0);
  } finally {
    for (const name of [INSIDE, OUTSIDE]) spawnSync("ip", ["netns", "del", name]);
  }
});

test.skipIf(noRing !== undefined)("an interface that is not there: said in a line, exit code 1", async () => {
  const { code, errors } = await webswamp(URL_HERE, ...NET);
  expect(code).toBe(1);
  expect(errors).toMatch(/^webswamp: .*e0.*\n$/);
});
