/** The command line: what it takes, what it says, how it ends. */
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { runCheetah, startCheetah, type Started } from "./support/command.ts";
import { RawClient, get } from "./support/raw-client.ts";
import { makeScratch, noise, removeScratch, writeFiles } from "./support/scratch.ts";
import { pause, until } from "./support/waiting.ts";

const BIG = noise(12_000_000, 11);

let scratch: string;
let site: string;
const running = new Set<Started>();

/** Starts a server that is gone after the test, whatever becomes of it. */
async function start(...words: string[]): Promise<Started> {
  const started = await startCheetah([site, "--port", "0", ...words]);
  running.add(started);
  return started;
}

beforeAll(() => {
  scratch = makeScratch();
  site = join(scratch, "site");
  writeFiles(scratch, { "site/index.html": "start", "site/big.bin": BIG, "secret.txt": "outside" });
});

afterEach(async () => {
  for (const started of running) await started.end("SIGKILL");
  running.clear();
});

afterAll(() => removeScratch(scratch));

test("without any of the techniques, the same is served", async () => {
  const started = await start(
    "--no-grouping",
    "--no-precomputed-checksums",
    "--no-preformatted-heads",
    "--no-packet-merging",
  );
  const response = await fetch(`${started.address}/big.bin`);
  expect(Buffer.compare(Buffer.from(await response.arrayBuffer()), BIG)).toBe(0);
  expect(await (await fetch(`${started.address}/`, { headers: { connection: "close" } })).text()).toBe(
    "start",
  );
});

describe("what is wrong is said in a line", () => {
  test("--help and --version", async () => {
    const help = await runCheetah("--help");
    expect([help.code, help.errors]).toEqual([0, ""]);
    for (const option of [
      "--port",
      "--host",
      "--net",
      "--address",
      "--memory",
      "--cache",
      "--image",
      "--pcap",
      "--drop",
      "--quiet",
      "--no-grouping",
      "--no-precomputed-checksums",
      "--no-preformatted-heads",
      "--no-packet-merging",
      "--trace",
      "--calls",
      "--tables",
    ])
      expect(help.output.toString()).toContain(option);
    const version = await runCheetah("--version");
    expect(version.code).toBe(0);
    expect(version.output.toString()).toMatch(/\d+\.\d+\.\d+/);
  });

  const usage: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["no directory", [], /which directory\?/],
    ["an unknown option", ["x", "--colour", "red"], /colour/],
    ["an option without its value", ["x", "--port"], /port/],
    [
      "a port that is no number",
      ["x", "--port", "http"],
      /--port takes a whole number from 0 to 65535, not http/,
    ],
    ["a port that cannot be", ["x", "--port", "70000"], /--port takes .* not 70000/],
    ["an option given twice", ["x", "--host", "a", "--host", "b"], /--host is given more than once/],
    ["a share above all", ["x", "--drop", "101"], /--drop takes a percentage, not 101/],
    ["a trace of what there is not", ["x", "--trace=x"], /--trace is events or calls, not x/],
    ["no memory for the cache", ["x", "--memory", "20"], /--memory takes a whole number from 40/],
    [
      "a network nobody knows",
      ["x", "--net", "wifi"],
      /--net is gateway, packet:<interface> or tap:<name>, not wifi/,
    ],
    ["an interface without an address", ["x", "--net", "packet:e0"], /--net packet needs --address/],
    ["no interface", ["x", "--net", "packet:"], /--net is gateway, packet:<interface>/],
    ["a TAP without an address", ["x", "--net", "tap:t0"], /--net tap needs --address/],
    [
      "an address that is none",
      ["x", "--net", "tap:t0", "--address", "10.0.0.300/24"],
      /not an IPv4 address/,
    ],
    [
      "a prefix that is none",
      ["x", "--net", "tap:t0", "--address", "10.0.0.3/40"],
      /not an address with a prefix/,
    ],
    [
      "an Ethernet address that is none",
      ["x", "--net", "tap:t0", "--address", "10.0.0.3/8", "--mac", "1"],
      /Ethernet/,
    ],
  ];
  test.concurrent.each(usage)("%s: exit code 2", async (_, words, says) => {
    const { code, output, errors } = await runCheetah(...words);
    expect(errors).toMatch(says);
    expect([code, output.length]).toEqual([2, 0]);
    expect(errors.trim().split("\n")).toEqual([expect.stringMatching(/^cheetah: /), "see cheetah --help"]);
  });

  test("a directory that is missing or is none, a port in use, an address of somebody else: exit code 1", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await until(() => other.listening);
    const { port } = other.address() as AddressInfo;
    const failing: readonly (readonly [readonly string[], RegExp])[] = [
      [[join(scratch, "none")], /^cheetah: no such directory: .*none\n$/],
      [[join(site, "index.html")], /^cheetah: not a directory: .*index\.html\n$/],
      [
        [site, "--port", String(port)],
        new RegExp(`^cheetah: cannot listen on 127\\.0\\.0\\.1 port ${port}: .*EADDRINUSE.*\\n$`),
      ],
      [[site, "--port", "0", "--host", "192.0.2.1"], /^cheetah: cannot listen on 192\.0\.2\.1 .*\n$/],
      [[site, "--port", "0", "--pcap", join(scratch, "none", "x.pcap")], /^cheetah: .*x\.pcap.*\n$/],
      [[site, "--port", "0", "--image", join(scratch, "none", "x.img")], /^cheetah: .*x\.img.*\n$/],
      [
        [site, "--net", "tap:much-too-long-a-name", "--address", "10.0.0.3/8"],
        /^cheetah: an interface has a name of 1 to 15 .*\n$/,
      ],
      [
        [site, "--net", "tap:lo", "--address", "10.0.0.3/8"],
        /^cheetah: cannot (attach to the interface lo|open a TAP).*\n$/,
      ],
    ];
    const ended = await Promise.all(failing.map(([words]) => runCheetah(...words)));
    other.close();
    for (const [i, { code, output, errors }] of ended.entries()) {
      expect(errors).toMatch(failing[i]?.[1] ?? /never/);
      expect([code, output.length]).toEqual([1, 0]);
    }
  });
});

describe("a running server", () => {
  test("says where it is, and one line a request in the common log format", async () => {
    const server = await start();
    expect(server.output()).toBe(`Cheetah serves ${site} at http://localhost:${server.port}/\n`);
    expect((await get(server.port, "/")).body.toString()).toBe("start");
    await get(server.port, "/none?a=b");
    await get(server.port, "/", "If-None-Match: *");
    await until(() => server.output().split("\n").length === 5);
    const [, ...lines] = server.output().trimEnd().split("\n");
    const date = String.raw`\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]`;
    const line = (request: string, status: number, bytes: string): unknown =>
      expect.stringMatching(
        new RegExp(`^\\d+\\.\\d+\\.\\d+\\.\\d+ - - ${date} "${request}" ${status} ${bytes}$`),
      );
    expect(lines).toEqual([
      line("GET / HTTP/1\\.1", 200, "5"),
      line("GET /none\\?a=b HTTP/1\\.1", 404, "\\d+"),
      line("GET / HTTP/1\\.1", 304, "-"),
    ]);
    expect(await server.end()).toBe(0);
    expect(server.errors()).toMatch(/^stopping/);
  });

  test("--quiet silences the log; --pcap writes what crossed the wire; --image lasts", async () => {
    const image = join(scratch, "disk.img");
    const quiet = await start("--quiet", "--pcap", join(scratch, "wire.pcap"), "--image", image);
    await get(quiet.port, "/");
    expect(await quiet.end()).toBe(0);
    expect(quiet.output().split("\n").length).toBe(2);
    const again = await start("--quiet", "--image", image);
    expect((await get(again.port, "/big.bin")).body.equals(BIG)).toBe(true);
    expect(await again.end()).toBe(0);
  });

  test("--trace, --calls and --tables print both kernels at the end; without them nothing is printed", async () => {
    const plain = await start("--quiet");
    const server = await start("--quiet", "--trace", "calls", "--calls", "--tables");
    for (const { port } of [plain, server]) await get(port, "/");
    expect([await plain.end(), await server.end()]).toEqual([0, 0]);
    expect(plain.output().split("\n")).toHaveLength(2);
    for (const machine of ["the server", "the gateway"])
      for (const part of ["Trace", "Kernel calls", "Published tables"])
        expect(server.output()).toContain(`\n${part} of ${machine}\n`);
    expect(server.output()).toMatch(/ µs {2}call +environment 2, transmit by the moving way\n/);
    expect(server.output()).toMatch(/Environment 2: \d+ calls\n/);
    expect(server.output()).toMatch(/^Transmit bindings\n/m);
  });

  test("--drop loses frames, and nothing is lost", async () => {
    const lossy = await start("--quiet", "--drop", "2");
    expect(
      (await get(lossy.port, "/big.bin", "Range: bytes=0-1999999")).body.equals(BIG.subarray(0, 2_000_000)),
    ).toBe(true);
    expect(await lossy.end()).toBe(0);
  });

  test.each(["SIGINT", "SIGTERM"] as const)(
    "%s: the response under way is finished, nobody else gets in, exit code 0",
    async (signal) => {
      const server = await start("--quiet");
      const client = new RawClient(server.port);
      const idle = new RawClient(server.port);
      client.socket.pause();
      client.write("GET /big.bin HTTP/1.1\r\nHost: test\r\n\r\n");
      await pause(300);
      const ended = server.end(signal);
      await until(() => server.errors().includes("stopping"));
      await expect(get(server.port, "/")).rejects.toThrow();
      expect((await idle.rest()).length).toBe(0);
      idle.close();
      client.socket.resume();
      expect((await client.response()).body.equals(BIG)).toBe(true);
      await client.rest();
      client.close();
      expect(await ended).toBe(0);
    },
  );

  test("a second signal does not wait", async () => {
    const server = await start("--quiet");
    const stuck = new RawClient(server.port);
    stuck.socket.pause();
    stuck.write("GET /big.bin HTTP/1.1\r\nHost: test\r\n\r\n");
    await pause(300);
    const begun = performance.now();
    const ended = server.end("SIGINT");
    await until(() => server.errors().includes("stopping"));
    await pause(700);
    expect(server.child.exitCode).toBe(null);
    server.child.kill("SIGINT");
    expect(await ended).toBe(1);
    expect(performance.now() - begun).toBeLessThan(5000);
    stuck.close();
  });
});

describe("the directory while it is served", () => {
  test("changed, added, renamed and removed files are picked up, links outwards never", async () => {
    const files = { "a.txt": "old", "gone.txt": "gone", "old name.txt": "renamed", "deep/b.txt": "b" };
    for (const [path, content] of Object.entries(files)) writeFiles(site, { [path]: content });
    const server = await start("--quiet");
    const is = (target: string, status: number, body?: string): Promise<boolean> =>
      until(async () => {
        const got = await get(server.port, target);
        return got.status === status && (body === undefined || got.body.toString() === body);
      }, 5000);
    const first = (await get(server.port, "/a.txt")).fields.get("etag");
    writeFileSync(join(site, "a.txt"), "new and longer");
    expect(await is("/a.txt", 200, "new and longer")).toBe(true);
    expect((await get(server.port, "/a.txt")).fields.get("etag")).not.toBe(first);
    writeFileSync(join(site, "a.txt"), "NEW AND LONGER");
    expect(await is("/a.txt", 200, "NEW AND LONGER")).toBe(true);

    mkdirSync(join(site, "fresh", "er"), { recursive: true });
    writeFileSync(join(site, "fresh", "er", "50% größer.txt"), "fresh");
    expect(await is("/fresh/er/50%25%20gr%C3%B6%C3%9Fer.txt", 200, "fresh")).toBe(true);

    renameSync(join(site, "old name.txt"), join(site, "new name.txt"));
    rmSync(join(site, "gone.txt"));
    expect(await is("/new%20name.txt", 200, "renamed")).toBe(true);
    expect(await is("/old%20name.txt", 404)).toBe(true);
    expect(await is("/gone.txt", 404)).toBe(true);

    symlinkSync(join(scratch, "secret.txt"), join(site, "leak.txt"));
    symlinkSync(scratch, join(site, "out"));
    rmSync(join(site, "deep", "b.txt"));
    symlinkSync(join(scratch, "secret.txt"), join(site, "deep", "b.txt"));
    symlinkSync(join(site, "a.txt"), join(site, "alias.txt"));
    expect(await is("/alias.txt", 200, "NEW AND LONGER")).toBe(true);
    expect(await is("/deep/b.txt", 404)).toBe(true);
    for (const target of ["/leak.txt", "/out/secret.txt", "/out/", "/deep/b.txt"])
      expect((await get(server.port, target)).status).toBe(404);
    expect(await server.end()).toBe(0);
  });

  test("a download under way is of one version, though the file is changed meanwhile", async () => {
    const server = await start("--quiet");
    const client = new RawClient(server.port);
    client.socket.pause();
    client.write("GET /big.bin HTTP/1.1\r\nHost: test\r\n\r\n");
    await pause(200);
    const changed = noise(BIG.length, 12);
    writeFileSync(join(site, "big.bin"), changed);
    expect(await until(async () => (await get(server.port, "/big.bin")).body.equals(changed), 8000)).toBe(
      true,
    );
    client.socket.resume();
    expect((await client.response()).body.equals(BIG)).toBe(true);
    client.close();
    expect(await server.end()).toBe(0);
  });
});
