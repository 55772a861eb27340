/** What the tests of hostile traffic share: the site, the server under watch, and what must hold of its counters. */
import { join } from "node:path";
import { expect } from "vitest";
import { lacks, runProgram, type Ended } from "../support/command.ts";
import { within, obstacle } from "../support/ring-ground.ts";
import { digest, noise } from "../support/scratch.ts";
import { pause } from "../support/waiting.ts";
import type { Limits } from "../../src/limits.ts";
import { SERVER, bridgeObstacle, startWatched, type HostileGround, type WatchedServer } from "./ground.ts";
import type { Look, Totals } from "./watched-server.ts";

/** The site. The large file has more chunks than the server's cache. */
export const FILES: Readonly<Record<string, string | Uint8Array>> = {
  "index.html": "<h1>under attack</h1>",
  "small.txt": "small",
  "page.bin": noise(1024, 41),
  "medium.bin": noise(30_000, 42),
  "large.bin": noise(16_000_000, 43),
};
/** Its cache. */
export const CACHE_MEBIBYTES = 8;

/** Why there can be no hostile traffic here, if there cannot. */
export const missingForHostile = (): string | undefined =>
  lacks("ip") ?? lacks("curl") ?? obstacle() ?? bridgeObstacle();

/** Starts the server on a site that was written to `scratch`. */
export const startServer = (
  ground: HostileGround,
  scratch: string,
  limits: Partial<Limits> = {},
): Promise<WatchedServer> =>
  startWatched(ground, { directory: join(scratch, "site"), cacheMebibytes: CACHE_MEBIBYTES, limits });

/** What the honest client asks for, by turns. */
export const pagesIn = (scratch: string): { readonly target: string; readonly path: string }[] =>
  ["small.txt", "page.bin", "medium.bin"].map((name) => ({
    target: `/${name}`,
    path: join(scratch, "site", name),
  }));

const CURL = ["-sS", "--max-time", "40"];

/** What a client of the ground gets by `curl`. */
const fetched = (ground: HostileGround, ...words: readonly string[]): Promise<Ended> =>
  runProgram("ip", within(ground.client, "curl", ...words).slice(1), 45_000);

/** Times that a client asks again who was reset, as one may be who takes nothing for two seconds of a crowd. */
const ATTEMPTS = 3;

/** A client that has taken something gets what is not in the cache, while others hold as much as they may. */
export async function expectColdChunks(ground: HostileGround): Promise<void> {
  const [name, first] = ["large.bin", 12_000_000];
  const before = [...CURL, "--output", "/dev/null", `http://${SERVER}/small.txt`];
  const then = [...CURL, "--range", `${first}-`, `http://${SERVER}/${name}`];
  let ended = await fetched(ground, ...before, "--next", ...then);
  for (let attempt = 1; attempt < ATTEMPTS && ended.errors.includes("reset"); attempt++)
    ended = await fetched(ground, ...before, "--next", ...then);
  expect(ended.errors).toBe("");
  expect(digest(ended.output)).toBe(digest(Buffer.from(FILES[name] ?? "").subarray(first)));
}

/** The whole site comes byte for byte. */
export async function expectWholeSite(ground: HostileGround): Promise<void> {
  for (const [path, content] of Object.entries(FILES)) {
    const { output, errors } = await fetched(ground, ...CURL, `http://${SERVER}/${path}`);
    expect(errors).toBe("");
    expect(digest(output)).toBe(digest(Buffer.from(content)));
  }
}

const sum = (totals: Totals, ...names: readonly string[]): number =>
  names.reduce((all, name) => all + (totals[name] ?? Number.NaN), 0);

/** Every frame that came is counted once in every layer, and every frame that left. */
export function expectSums({ nic, ring, arp, ipv4, icmp, udp, tcp, link, http }: Look): void {
  expect(sum(ring, "matched", "unclaimed")).toBe(nic["received"]);
  expect(sum(ring, "delivered", "dropped")).toBe(ring["matched"]);
  expect(sum(arp, "received") + sum(ipv4, "received")).toBe(ring["delivered"]);
  const refused = ["malformed", "badChecksum", "fragments", "martians", "notOurs", "unknownProtocol"];
  expect(sum(ipv4, "delivered", ...refused)).toBe(ipv4["received"]);
  expect(sum(icmp, "received") + sum(udp, "received") + sum(tcp, "segmentsReceived")).toBe(ipv4["delivered"]);
  expect(sum(arp, "requestsSent", "repliesSent") + sum(ipv4, "sent")).toBe(link["sent"]);
  expect(link["sent"]).toBe(nic["transmitted"]);
  expect(sum(http, "accepted", "refused")).toBe(tcp["established"]);
}

/** True when nothing is held for anybody but SYNs that wait for their ACK. */
const isAtRest = ({ held }: Look): boolean => held.connections === 0 && held.tcpConnections === held.halfOpen;

/** Waits until every client is gone; what was held for them has been given back, as it was `before`. */
export async function expectAllBack(server: WatchedServer, before: Look, seconds: number): Promise<Look> {
  let look = await server.look();
  for (let waited = 0; waited < seconds && !isAtRest(look); waited++) {
    await pause(1000);
    look = await server.look();
  }
  const { held } = look;
  expect(held).toMatchObject({
    connections: 0,
    tcpConnections: held.halfOpen,
    frames: before.held.frames,
    slotsFree: held.slots,
    chunksIdle: held.chunks,
    receiveBuffersFree: before.held.receiveBuffersFree,
  });
  return look;
}
