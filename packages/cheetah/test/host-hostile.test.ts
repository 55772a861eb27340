/** Cheetah on an interface of Linux under attack: every attack for a moment, while an honest client is served. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AttackName } from "./hostile/attacks.ts";
import type { AttackReport } from "./hostile/attacker.ts";
import {
  clearHostile,
  hostileGround,
  layHostile,
  sendMalformed,
  sendStrange,
  startAttack,
  startHonest,
  type HonestClient,
  type WatchedServer,
} from "./hostile/ground.ts";
import {
  FILES,
  expectAllBack,
  expectColdChunks,
  expectSums,
  expectWholeSite,
  missingForHostile,
  pagesIn,
  startServer,
} from "./hostile/stage.ts";
import type { Look } from "./hostile/watched-server.ts";
import { skipReason } from "./support/command.ts";
import { makeScratch, removeScratch, writeFiles } from "./support/scratch.ts";
import { until } from "./support/waiting.ts";

const missing = skipReason("Cheetah on an interface of Linux under attack", missingForHostile());
const ground = hostileGround("hostile");
/** Frames of one attack. */
const FRAMES = 20_000;
const RATE = 50_000;
const REQUESTS = 3000;
/** Shorter than usual, so that what is held for silent clients comes back while the test waits. */
const LIMITS = { stallSeconds: 4, requestSeconds: 4, idleSeconds: 4, lingerSeconds: 1 };

let scratch: string;
let server: WatchedServer;
let honest: HonestClient | undefined;
let before: Look;
beforeAll(async () => {
  if (missing !== undefined) return;
  scratch = makeScratch();
  writeFiles(`${scratch}/site`, FILES);
  layHostile(ground);
  server = await startServer(ground, scratch, LIMITS);
  before = await server.look();
  honest = await startHonest(ground, { kept: 100, fresh: 30, pages: pagesIn(scratch) });
}, 60_000);
afterAll(async () => {
  if (missing !== undefined) return;
  await honest?.end();
  await server?.end("SIGKILL");
  clearHostile(ground);
  removeScratch(scratch);
});

/** Each attack has numbers of its own. */
let seed = 10;

/** What came of an attack: its report, and what the server did meanwhile. */
interface Outcome {
  readonly report: AttackReport;
  readonly at: Look;
  /** How much a counter grew. */
  grew(layer: "arp" | "ipv4" | "icmp" | "udp" | "tcp" | "http", name: string): number;
}

/** The honest client goes on having right answers, on the connections that it has and on new ones. */
async function expectServed(): Promise<void> {
  const begun = honest?.totals();
  const isServed = (): boolean => {
    const now = honest?.totals();
    return (now?.kept ?? 0) >= (begun?.kept ?? 0) + 20 && (now?.fresh ?? 0) >= (begun?.fresh ?? 0) + 5;
  };
  expect(await until(isServed, 20_000)).toBe(true);
  expect(honest?.totals().wrong).toBe(0);
}

/** What an attack is, and when there was enough of it: when its frames are sent, unless the server shows it. */
interface Wish {
  readonly frames?: number;
  readonly rate?: number;
  readonly isEnough?: (now: Look, first: Look) => boolean;
  /** What is done while it goes on, after that. */
  readonly meanwhile?: () => Promise<void>;
}

/** Lets an attack go on until there was enough of it, and looks whether the honest client is served meanwhile. */
async function attackWith(name: AttackName, wish: Wish = {}): Promise<Outcome> {
  const { isEnough, rate = RATE } = wish;
  const first = await server.look();
  const frames = isEnough === undefined ? { frames: wish.frames ?? FRAMES } : {};
  const attack = await startAttack(ground, { name, rate, seed: ++seed, ...frames });
  let report: AttackReport;
  let at: Look;
  try {
    await expectServed();
    at = await server.look();
    if (isEnough !== undefined)
      expect(await until(async () => isEnough((at = await server.look()), first), 20_000)).toBe(true);
    await wish.meanwhile?.();
  } finally {
    report = await (isEnough === undefined ? attack.report() : attack.end());
  }
  const last = await server.look();
  await expectServed();
  return { report, at, grew: (layer, counter) => (last[layer][counter] ?? 0) - (first[layer][counter] ?? 0) };
}

/** So many connections were accepted. */
const hasAccepted =
  (count: number) =>
  (now: Look, first: Look): boolean =>
    (now.http["accepted"] ?? 0) - (first.http["accepted"] ?? 0) >= count;

describe.skipIf(missing !== undefined)(
  "an honest client is served byte for byte while the server meets",
  () => {
    test("requests that no honest client sends", async () => {
      const report = await sendMalformed(ground, REQUESTS, 12);
      expect(report).toMatchObject({ wrong: 0, endless: 0 });
      expect(report.requests).toBeGreaterThanOrEqual(REQUESTS);
      for (const status of ["200", "400", "404", "405", "501", "505"])
        expect(report.statuses[status]).toBeGreaterThan(0);
      await expectServed();
    });

    test("frames of every layer that no honest host sends", async () => {
      const { report, grew } = await attackWith("fuzz", { frames: 60_000 });
      expect(report.sent).toBeGreaterThanOrEqual(60_000);
      expect(Object.values(report.counts).every((count) => count > 5000)).toBe(true);
      for (const name of ["malformed", "badChecksum", "fragments", "martians", "unknownProtocol"])
        expect(grew("ipv4", name)).toBeGreaterThan(0);
      for (const layer of ["arp", "icmp", "udp", "tcp"] as const)
        expect(grew(layer, "malformed")).toBeGreaterThan(0);
      expect(grew("tcp", "established")).toBeGreaterThan(0);
    });

    test("virtio headers that lie", async () => {
      const { frames, taken } = await sendStrange(ground, 3000, 5);
      expect(frames).toBe(3000);
      expect(taken).toBeGreaterThan(300);
      await expectServed();
    });

    test("a SYN flood: newcomers get in by cookies", async () => {
      const { at, grew } = await attackWith("SYN flood", { frames: 60_000 });
      expect(at.held.halfOpen).toBeLessThanOrEqual(1024);
      expect(grew("tcp", "cookiesSent")).toBeGreaterThan(0);
      expect(grew("tcp", "cookiesAccepted")).toBeGreaterThan(0);
    });

    test("guesses at the numbers of its connections: none is reset, and the answers are few (RFC 5961)", async () => {
      const lost = honest?.totals().keptLost;
      const { grew } = await attackWith("guessed numbers");
      expect(honest?.totals().keptLost).toBe(lost);
      expect(grew("tcp", "rateLimited")).toBeGreaterThan(1000);
      expect(grew("tcp", "challenges")).toBeGreaterThan(0);
      expect(grew("tcp", "challenges")).toBeLessThan(1000);
    });

    test("fragments that never come whole", async () => {
      const { grew } = await attackWith("fragments");
      expect(grew("ipv4", "fragments")).toBeGreaterThan(FRAMES / 2);
    });

    test("somebody who claims to be where the honest client is: the client is asked, and believed", async () => {
      const { grew } = await attackWith("forged neighbour");
      expect(grew("arp", "conflicts")).toBeGreaterThan(FRAMES / 2);
      expect(grew("arp", "requestsSent")).toBeLessThan(FRAMES / 20);
    });

    test("heads that come a byte at a time, on all connections there are and more", async () => {
      const { at, grew } = await attackWith("slow loris", { rate: 10_000, isEnough: hasAccepted(2000) });
      expect(at.held.connections).toBeLessThanOrEqual(1024);
      expect(grew("http", "displaced")).toBeGreaterThan(0);
      expect(grew("http", "refused")).toBe(0);
    });

    test("readers that take a byte at a time, on all connections there are and more", async () => {
      const { at, grew } = await attackWith("slow readers", { rate: 10_000, isEnough: hasAccepted(1500) });
      expect(at.held.connections).toBeLessThanOrEqual(1024);
      expect(grew("http", "displaced")).toBeGreaterThan(0);
    });

    // Whoever asks for a chunk that nobody holds takes it from the quarter for a while; nobody has it given up.
    test("windows held at zero, over more chunks than the cache has", async () => {
      const leavesQuarter = ({ held }: Look): boolean => held.chunksIdle >= Math.floor(held.chunks / 4) - 8;
      const { grew } = await attackWith("closed windows", {
        rate: 10_000,
        isEnough: (now, first) => hasAccepted(1500)(now, first) && leavesQuarter(now),
        meanwhile: () => expectColdChunks(ground),
      });
      expect(grew("http", "displaced")).toBeGreaterThan(0);
    });

    test("dozens of responses asked for and not taken: a first slot is there for everybody", async () => {
      const { at } = await attackWith("hoarders", {
        isEnough: ({ held }) => held.slotsFree <= (held.slots * 3) / 4,
        meanwhile: () => expectColdChunks(ground),
      });
      expect(at.held.slotsFree).toBeGreaterThan(at.held.slots / 4);
    });

    test("clients that ask for more and are gone before they have it", async () => {
      const { grew } = await attackWith("quitters", { isEnough: hasAccepted(200) });
      expect(grew("tcp", "resetsReceived")).toBeGreaterThan(100);
    });

    test("segments of a byte asked for: none is that short", async () => {
      const { report } = await attackWith("tiny segments");
      expect(report.counts["overlong"]).toBe(88);
      expect(report.counts["text"]).toBeGreaterThan(88 * 100);
    });

    test.each(["ACK storm", "optimistic ACKs", "SACK lies", "timestamp lies"] as const)(
      "%s",
      async (name) => {
        const { report, grew } = await attackWith(name);
        expect(report.counts["opened"]).toBeGreaterThan(0);
        if (name === "optimistic ACKs") expect(grew("tcp", "rateLimited")).toBeGreaterThan(0);
        if (name === "SACK lies") expect(grew("tcp", "blocksRefused")).toBeGreaterThan(0);
        if (name === "timestamp lies") expect(grew("tcp", "timestampsOld")).toBeGreaterThan(0);
      },
    );

    test("more ended connections than it remembers", async () => {
      const { report, at } = await attackWith("TIME-WAIT crowd", {
        isEnough: ({ held }) => held.timeWaits === 4096,
      });
      expect(report.counts["ended"]).toBeGreaterThan(1000);
      expect(at.held.timeWaits).toBeLessThanOrEqual(4096);
    });

    test("and afterwards the whole site comes, the counters add up, and everything is back", async () => {
      await honest?.end();
      await expectWholeSite(ground);
      expectSums(await expectAllBack(server, before, 30));
      expect(await server.end()).toBe(0);
      expect(server.errors()).not.toContain("Error");
    });
  },
);
