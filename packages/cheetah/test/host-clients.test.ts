/** Clients that are slow, that never read, that disappear: what they cost the others, and what they leave behind. */
import { connect, type Socket } from "node:net";
import { isDeepStrictEqual } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Exokernel } from "@exolith/exokernel";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  MOST_GATEWAY_FRAMES,
  heldFrames,
  holdingsOf,
  serveLive,
  type Holdings,
  type Live,
} from "./support/live.ts";
import { RawClient, get } from "./support/raw-client.ts";
import { makeScratch, noise, removeScratch, writeFiles } from "./support/scratch.ts";
import { median, pause, until } from "./support/waiting.ts";

const SMALL = "s".repeat(1024);
const REQUEST = "GET /small.txt HTTP/1.1\r\nHost: test\r\n\r\n";
const LARGE = "GET /large.bin HTTP/1.1\r\nHost: test\r\n\r\n";

let scratch: string;
let live: Live;
let before: Holdings;
const opened: Socket[] = [];

/** A connection that nobody reads. */
function connectUnread(): Socket {
  const socket = connect({ host: "127.0.0.1", port: live.port, noDelay: true });
  socket.on("error", () => {});
  socket.pause();
  opened.push(socket);
  return socket;
}

/** Milliseconds of each of 200 requests, one after another on one connection. */
async function latencies(): Promise<number[]> {
  const client = new RawClient(live.port);
  const times: number[] = [];
  for (let i = 0; i < 200; i++) {
    const begun = performance.now();
    client.write(REQUEST);
    const { status, body } = await client.response();
    times.push(performance.now() - begun);
    if (status !== 200 || body.length !== SMALL.length)
      throw new Error(`status ${status}, ${body.length} bytes`);
  }
  client.close();
  return times;
}

/** Hardly a frame was sent in a tenth of a second: the host's own buffers for clients that do not read are full. */
async function isWireQuiet(): Promise<boolean> {
  const { nics } = live.kernel.root;
  const sent = nics.transmitted(0);
  await pause(100);
  return nics.transmitted(0) - sent < 1000;
}

/** Everything has been given back. */
async function expectAllGivenBack(): Promise<void> {
  await until(() => isDeepStrictEqual(holdingsOf(live), before), 15_000);
  expect(holdingsOf(live)).toEqual(before);
  expect(heldFrames(live.gatewayKernel as Exokernel)).toBeLessThan(MOST_GATEWAY_FRAMES);
}

beforeAll(async () => {
  scratch = makeScratch();
  writeFiles(scratch, { "small.txt": SMALL, "large.bin": noise(30_000_000, 5) });
  live = await serveLive(scratch, { limits: { stallSeconds: 3, requestSeconds: 30, idleSeconds: 30 } });
  before = holdingsOf(live);
});

afterAll(async () => {
  for (const socket of opened) socket.destroy();
  await live.stop();
  removeScratch(scratch);
});

describe("others are not slowed by", () => {
  /** Five times as long and ten milliseconds more: far from what one stuck connection would do, and from noise. */
  const bearable = (usual: number): number => 5 * usual + 10;
  let usual = 0;
  beforeAll(async () => {
    await latencies();
    usual = median(await latencies());
  });

  test("fifty clients that write one byte a second", async () => {
    const slow = Array.from({ length: 50 }, connectUnread);
    let at = 0;
    const drip = (): void => {
      for (const socket of slow) socket.write(REQUEST.charAt(at));
      at += 1;
    };
    drip();
    const dripping = setInterval(drip, 1000);
    await until(() => live.server.cheetah.counters.open() >= 50);
    expect(median(await latencies())).toBeLessThan(bearable(usual));
    clearInterval(dripping);
    for (const socket of slow) socket.destroy();
    await expectAllGivenBack();
  });

  test("fifty clients that read one byte a second", async () => {
    const slow = Array.from({ length: 50 }, connectUnread);
    for (const socket of slow) socket.write(LARGE);
    const sip = (): void => {
      for (const socket of slow) socket.read(1);
    };
    const sipping = setInterval(sip, 1000);
    await until(() => live.server.cheetah.counters.open() >= 50);
    await pause(1100);
    expect(median(await latencies())).toBeLessThan(bearable(usual));
    clearInterval(sipping);
    for (const socket of slow) socket.destroy();
    await expectAllGivenBack();
  });

  test("330 clients that ask often and never read, until they are let go because nothing has moved for too long", async () => {
    const { counters } = live.server.cheetah;
    const stalls = counters.stalls();
    const stuck = Array.from({ length: 330 }, connectUnread);
    for (const socket of stuck) socket.write(LARGE.repeat(3));
    await until(() => counters.open() >= 330);
    await until(isWireQuiet, 25_000);
    const begun = performance.now();
    expect((await get(live.port, "/small.txt")).status).toBe(200);
    expect(performance.now() - begun).toBeLessThan(2000);
    expect(counters.stalls()).toBeLessThan(stalls + 330);
    expect(median(await latencies())).toBeLessThan(bearable(usual));
    expect((await get(live.port, "/large.bin", "Range: bytes=29000000-29999999")).body.length).toBe(
      1_000_000,
    );
    expect(await until(() => counters.stalls() === stalls + 330, 20_000)).toBe(true);
    expect(live.server.stack.tcp.use.connections()).toBe(0);
    for (const socket of stuck) socket.destroy();
    await expectAllGivenBack();
  });

  test("clients that disappear in the middle of a response", async () => {
    let vanished = 0;
    const vanish = (): void => {
      const socket = connectUnread();
      socket.write(LARGE);
      setTimeout(() => socket.resetAndDestroy(), 20);
      vanished += 1;
    };
    const vanishing = setInterval(vanish, 5);
    await pause(300);
    expect(median(await latencies())).toBeLessThan(bearable(usual));
    await until(() => vanished >= 200);
    clearInterval(vanishing);
    await expectAllGivenBack();
    expect((await get(live.port, "/small.txt")).body.toString()).toBe(SMALL);
  });
});

/** Sends `count` requests in pipelined batches on a connection of its own; resolves when every byte has come. */
function burst(port: number, count: number, batch: number, responseBytes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    const text = Buffer.from(REQUEST.repeat(batch));
    let received = 0;
    let sent = 0;
    const more = (): void => {
      sent += batch;
      socket.write(text);
    };
    socket.on("connect", more);
    socket.on("data", (chunk: Buffer) => {
      received += chunk.length;
      if (received < sent * responseBytes) return;
      if (sent < count) return more();
      socket.end();
      if (received === sent * responseBytes) resolve();
      else reject(new Error(`${received} bytes for ${sent} responses of ${responseBytes}`));
    });
    socket.on("error", reject);
  });
}

/** 10,000 requests over 40 new connections, 20 of them at once. */
async function tenThousand(port: number, responseBytes: number): Promise<void> {
  for (let i = 0; i < 2; i++)
    await Promise.all(Array.from({ length: 20 }, () => burst(port, 250, 25, responseBytes)));
}

setFlagsFromString("--expose_gc");
const collect = runInNewContext("gc") as () => void;

/** Bytes of heap that are alive, and of the whole program, after what can be collected has been. */
function memoryNow(): { readonly heap: number; readonly resident: number } {
  collect();
  collect();
  const { heapUsed, rss, external } = process.memoryUsage();
  return { heap: heapUsed + external, resident: rss };
}

test("memory stays flat over 100,000 requests, and every frame and connection is given back", async () => {
  const probe = new RawClient(live.port);
  probe.write(`${REQUEST}`);
  const { status } = await probe.response();
  expect(status).toBe(200);
  probe.write(REQUEST);
  await until(() => probe.unread.includes(SMALL));
  const responseBytes = probe.unread.length;
  probe.close();
  const requests = live.server.cheetah.counters.requests();
  const accepted = live.server.cheetah.counters.accepted();
  const samples: { heap: number; resident: number; gatewayFrames: number }[] = [];
  for (let round = 0; round < 10; round++) {
    await tenThousand(live.port, responseBytes);
    await expectAllGivenBack();
    samples.push({ ...memoryNow(), gatewayFrames: heldFrames(live.gatewayKernel as Exokernel) });
  }
  expect(live.server.cheetah.counters.requests() - requests).toBe(100_000);
  expect(live.server.cheetah.counters.accepted() - accepted).toBe(400);
  const [, , settled, , , , , , , last] = samples;
  if (settled === undefined || last === undefined) throw new Error("ten rounds give ten samples");
  expect(last.heap - settled.heap).toBeLessThan(4 * 2 ** 20);
  expect(last.resident - settled.resident).toBeLessThan(48 * 2 ** 20);
  expect(last.gatewayFrames).toBe(settled.gatewayFrames);
});
