import { spawnSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { consoleContract } from "../contract/index.ts";
import { makeHostConsole } from "./console.ts";
import { pause, until } from "../../test/host-events.ts";
import { makeWaker } from "./waker.ts";

const inDirectory = <T>(work: (directory: string) => T): T => {
  const directory = mkdtempSync(join(tmpdir(), "exolith-console-"));
  try {
    return work(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
};

consoleContract("host console", () => {
  const directory = mkdtempSync(join(tmpdir(), "exolith-console-"));
  const path = join(directory, "printed");
  const output = openSync(path, "w");
  const input = new PassThrough();
  const host = makeHostConsole({ input, output });
  return {
    console: host,
    peer: { type: (bytes) => void input.write(bytes), printed: () => Uint8Array.from(readFileSync(path)) },
    settle: pause,
    dispose: () => {
      host.close();
      closeSync(output);
      rmSync(directory, { recursive: true });
    },
  };
});

test("input that nobody reads stops its sender, and goes on once it is read", async () => {
  const input = new PassThrough();
  const waker = makeWaker();
  const host = makeHostConsole({ input, waker });
  for (let i = 0; i < 40; i++) input.write(Buffer.alloc(16_384, i));
  await pause();
  expect(waker.take()).toBe(true);
  expect(input.isPaused()).toBe(true);
  const memory = new Uint8Array(40 * 16_384);
  let got = 0;
  expect(await until(() => (got += host.read(memory, got, memory.length - got)) === memory.length)).toBe(
    true,
  );
  expect(memory.every((byte, at) => byte === at >> 14)).toBe(true);
  host.close();
});

test("a full pipe takes nothing for now; one that nobody reads takes everything and loses it", () => {
  inDirectory((directory) => {
    const path = join(directory, "pipe");
    if (spawnSync("mkfifo", [path]).status !== 0) return;
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const output = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    const host = makeHostConsole({ output });
    const memory = new Uint8Array(4096);
    let writes = 0;
    while (host.write(memory, 0, 4096) > 0) writes++;
    expect(writes).toBeGreaterThan(0);
    expect(host.write(memory, 0, 4096)).toBe(0);
    closeSync(reader);
    expect(host.write(memory, 0, 4096)).toBe(4096);
    closeSync(output);
  });
});

test("a console without input reads nothing", () => {
  const host = makeHostConsole();
  expect(host.read(new Uint8Array(4), 0, 4)).toBe(0);
  host.close();
});
