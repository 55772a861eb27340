/**
 * Cheetah on an interface of Linux under attack for minutes: nothing is lost for good, and clients keep their share.
 *
 * What "keeps half its throughput" means: a client asks for 200 pages a second on eight connections that stay and
 * for 50 on new ones, which the server has at a small part of what it can do. Stretches without and with the attack
 * take turns, and the medians of both kinds of requests are compared. The server has a processor for itself; client
 * and attacker share the other, where the attacker goes behind: his machine is not the client's. An attack that is
 * made of frames has 50,000 of them a second, one that is made of connections opens up to 5,000 of those.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { AttackName } from "./hostile/attacks.ts";
import type { ClientTotals } from "./hostile/honest-client.ts";
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
  expectSums,
  expectWholeSite,
  missingForHostile,
  pagesIn,
  startServer,
} from "./hostile/stage.ts";
import type { Look } from "./hostile/watched-server.ts";
import { skipReason } from "./support/command.ts";
import { makeScratch, removeScratch, writeFiles } from "./support/scratch.ts";
import { median, pause } from "./support/waiting.ts";

const missing = skipReason("Cheetah on an interface of Linux under long attacks", missingForHostile());
const ground = hostileGround("assault");
const FRAMES = 1_000_000;
const REQUESTS = 100_000;
const MEBIBYTE = 2 ** 20;
/** Bytes by which memory may differ between two looks at rest: what the engine keeps settles below. */
const SETTLING_BYTES = 24 * MEBIBYTE;
/** Seconds until half-open connections are dropped, and what else waits for silent peers. */
const REST_SECONDS = 150;

let scratch: string;
let server: WatchedServer;
beforeAll(() => {
  if (missing !== undefined) return;
  scratch = makeScratch();
  writeFiles(`${scratch}/site`, FILES);
  layHostile(ground);
});
afterAll(() => {
  if (missing !== undefined) return;
  clearHostile(ground);
  removeScratch(scratch);
});
beforeEach(async () => {
  server = await startServer(ground, scratch);
});
afterEach(async () => void (await server.end("SIGKILL")));

const print = (what: string, { memory, processor }: Look): void =>
  console.log(
    `${what}: resident ${Math.round(memory.rss / MEBIBYTE)} MiB, heap ${(memory.heap / MEBIBYTE).toFixed(1)} MiB, ` +
      `buffers ${(memory.buffers / MEBIBYTE).toFixed(1)} MiB, ${(processor / 1e6).toFixed(1)} s of processor time`,
  );

function expectFlat(half: Look, whole: Look): void {
  expect(whole.memory.rss - half.memory.rss).toBeLessThan(SETTLING_BYTES);
  expect(whole.memory.heap - half.memory.heap).toBeLessThan(SETTLING_BYTES / 4);
  expect(whole.memory.buffers - half.memory.buffers).toBeLessThan(SETTLING_BYTES / 4);
}

describe.skipIf(missing !== undefined)("a server that meets", () => {
  test("1,000,000 frames of every layer that no honest host sends: whole, and everything given back", async () => {
    const before = await server.look();
    const assault = async (seed: number): Promise<Look> => {
      const attack = await startAttack(ground, { name: "fuzz", rate: 50_000, seed, frames: FRAMES / 2 });
      const report = await attack.report();
      expect(report.sent).toBeGreaterThanOrEqual(FRAMES / 2);
      console.log(`${report.sent} frames, ${Math.round(report.sent / report.seconds)} a second`);
      return await server.look();
    };
    const half = await assault(101);
    print("after the first half", half);
    const strange = await sendStrange(ground, 20_000, 103);
    console.log(`virtio headers: ${strange.taken} of ${strange.frames} taken by Linux`);
    const whole = await assault(102);
    print("after the second half", whole);
    expectFlat(half, whole);
    await expectWholeSite(ground);
    const last = await expectAllBack(server, before, REST_SECONDS);
    print("at rest", last);
    expectSums(last);
    expect((last.nic["received"] ?? 0) + (last.nic["receiveDropped"] ?? 0)).toBeGreaterThan(FRAMES * 0.7);
    expect(await server.end()).toBe(0);
  });

  test("100,000 requests that no honest client sends: answered or refused, and everything given back", async () => {
    const before = await server.look();
    const statuses: Record<string, number> = {};
    const assault = async (seed: number): Promise<Look> => {
      const report = await sendMalformed(ground, REQUESTS / 2, seed);
      expect(report).toMatchObject({ wrong: 0, endless: 0 });
      expect(report.requests).toBeGreaterThanOrEqual(REQUESTS / 2);
      for (const [status, count] of Object.entries(report.statuses))
        statuses[status] = (statuses[status] ?? 0) + count;
      return await server.look();
    };
    const half = await assault(201);
    print("after the first half", half);
    const whole = await assault(202);
    print("after the second half", whole);
    console.log(JSON.stringify(statuses));
    expectFlat(half, whole);
    for (const status of ["200", "206", "304", "400", "404", "405", "413", "414", "417", "431", "501", "505"])
      expect(statuses[status]).toBeGreaterThan(0);
    await expectWholeSite(ground);
    expectSums(await expectAllBack(server, before, REST_SECONDS));
    expect(await server.end()).toBe(0);
  });
});

/** Stretches of either kind, and how long each is. */
const STRETCHES = 5;
const STRETCH_MILLISECONDS = 1500;
/** Until an attack has begun, and until it is over. */
const SETTLE_MILLISECONDS = 700;

interface Rates {
  readonly kept: number;
  readonly fresh: number;
}

const ratesBetween = (from: ClientTotals, to: ClientTotals): Rates => {
  const seconds = (to.at - from.at) / 1000;
  return { kept: (to.kept - from.kept) / seconds, fresh: (to.fresh - from.fresh) / seconds };
};

async function stretch(honest: HonestClient): Promise<Rates> {
  const from = honest.totals();
  await pause(STRETCH_MILLISECONDS);
  return ratesBetween(from, honest.totals());
}

describe.skipIf(missing !== undefined)(
  "an honest client keeps half of its throughput at least during",
  () => {
    test.each<[AttackName, number]>([
      ["fuzz", 50_000],
      ["SYN flood", 50_000],
      ["guessed numbers", 50_000],
      ["fragments", 50_000],
      ["forged neighbour", 50_000],
      ["ACK storm", 50_000],
      ["optimistic ACKs", 50_000],
      ["SACK lies", 50_000],
      ["timestamp lies", 50_000],
      ["tiny segments", 50_000],
      ["TIME-WAIT crowd", 15_000],
      ["slow loris", 10_000],
      ["slow readers", 10_000],
      ["closed windows", 10_000],
      ["hoarders", 10_000],
      ["quitters", 10_000],
    ])("%s at %i frames a second", async (name, rate) => {
      const honest = await startHonest(ground, { kept: 200, fresh: 50, pages: pagesIn(scratch) });
      const quiet: Rates[] = [];
      const attacked: Rates[] = [];
      let frames = 0;
      let seconds = 0;
      try {
        for (let round = 0; round < STRETCHES; round++) {
          quiet.push(await stretch(honest));
          const attack = await startAttack(ground, { name, rate, seed: 300 + round });
          await pause(SETTLE_MILLISECONDS);
          attacked.push(await stretch(honest));
          const report = await attack.end();
          frames += report.sent;
          seconds += report.seconds;
          await pause(SETTLE_MILLISECONDS);
        }
      } finally {
        await honest.end();
      }
      const of = (all: readonly Rates[], kind: keyof Rates): number =>
        median(all.map((rates) => rates[kind]));
      const shares = (["kept", "fresh"] as const).map((kind) => of(attacked, kind) / of(quiet, kind));
      const { wrong, keptLost, freshLost } = honest.totals();
      console.log(
        `${name}: ${Math.round(frames / seconds)} frames a second; connections that stay ` +
          `${of(quiet, "kept").toFixed(0)} -> ${of(attacked, "kept").toFixed(0)} a second (${shares[0]?.toFixed(2)}), ` +
          `new ones ${of(quiet, "fresh").toFixed(0)} -> ${of(attacked, "fresh").toFixed(0)} (${shares[1]?.toFixed(2)}); ` +
          `lost ${keptLost} and ${freshLost}`,
      );
      expect(wrong).toBe(0);
      for (const share of shares) expect(share).toBeGreaterThanOrEqual(0.5);
    });
  },
);
