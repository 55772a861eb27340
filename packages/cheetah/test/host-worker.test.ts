/** The server in a thread of its own: the same program, and nobody's event loop in its way. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { runCheetah, startCheetah, type Started } from "./support/command.ts";
import { RawClient } from "./support/raw-client.ts";
import { makeScratch, noise, removeScratch, writeFiles } from "./support/scratch.ts";
import { pause, until } from "./support/waiting.ts";

let scratch: string;
let site: string;
let server: Started | undefined;
beforeAll(() => {
  scratch = makeScratch();
  site = join(scratch, "site");
  writeFiles(site, { "index.html": "<h1>elsewhere</h1>", "large.bin": noise(12_000_000, 41) });
});
afterAll(() => removeScratch(scratch));
afterEach(async () => {
  await server?.end("SIGKILL");
  server = undefined;
});

const fetched = async (path: string): Promise<string> => {
  const response = await fetch(`${server?.address ?? ""}/${path}`, { headers: { connection: "close" } });
  return Buffer.from(await response.arrayBuffer()).toString("latin1");
};

test("--worker serves the same bytes, logs, prints what was asked for and ends with code 0", async () => {
  server = await startCheetah([site, "--port", "0", "--worker", "--calls"]);
  expect(await fetched("")).toBe("<h1>elsewhere</h1>");
  expect(await fetched("large.bin")).toBe(Buffer.from(noise(12_000_000, 41)).toString("latin1"));
  expect(await server.end()).toBe(0);
  const output = server.output();
  expect(output.match(/"GET [^"]*" 200/g)?.length).toBe(2);
  expect(output).toContain("Kernel calls of the server");
  expect(output).toContain("Kernel calls of the gateway");
  expect(server.errors()).toBe("stopping: finishing the responses under way\n");
});

test("--worker finishes the response under way when it is told to stop", async () => {
  server = await startCheetah([site, "--port", "0", "--worker", "--quiet"]);
  const client = new RawClient(server.port);
  client.socket.pause();
  client.write("GET /large.bin HTTP/1.1\r\nHost: test\r\n\r\n");
  await pause(300);
  const code = server.end();
  expect(await until(() => server?.errors().includes("stopping") === true)).toBe(true);
  client.socket.resume();
  expect((await client.response()).body.length).toBe(12_000_000);
  client.close();
  expect(await code).toBe(0);
});

test("what is wrong is said in the same words", async () => {
  for (const words of [
    [join(scratch, "missing"), "--port", "0"],
    [site, "--net", "packet:exo-none", "--address", "10.0.0.3/8"],
  ]) {
    const here = await runCheetah(...words);
    const there = await runCheetah(...words, "--worker");
    expect([there.code, there.errors]).toEqual([here.code, here.errors]);
    expect(there.code).toBe(1);
  }
});

const HOST = fileURLToPath(new URL("support/blocked-host.ts", import.meta.url));

/** Milliseconds that a request takes which is made while the program's own event loop stands still. */
const whileBlocked = async (where: "worker" | "here"): Promise<number> => {
  server = await startCheetah([where, site], { program: ["--conditions=@exolith/source", HOST] });
  expect(await fetched("")).toBe("<h1>elsewhere</h1>");
  expect(await until(() => server?.output().includes("blocked") === true)).toBe(true);
  const begun = performance.now();
  expect(await fetched("")).toBe("<h1>elsewhere</h1>");
  return performance.now() - begun;
};

test("a host that stands still delays packets of a server in its thread, and none of one in a worker", async () => {
  expect(await whileBlocked("worker")).toBeLessThan(6000);
  expect(server?.output()).not.toContain("free");
  await server?.end("SIGKILL");
  expect(await whileBlocked("here")).toBeGreaterThan(2000);
});
