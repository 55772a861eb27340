/** Two endpoints over a wire that loses, duplicates, delays and reorders: every byte arrives, nothing is left. */
import { describe, expect, test } from "vitest";
import type { Channel } from "../../testing/lossy-world.ts";
import { complaints, makeRandom, run } from "../../testing/lossy-world.ts";
import type { TcpLimits } from "./limits.ts";

const PATIENT: Partial<TcpLimits> = { giveUpSeconds: 1000, connectSeconds: 1000, halfOpenSeconds: 1000 };
const PERFECT: Channel = { loss: 0, duplication: 0, corruption: 0, delay: 1000, jitter: 0, refusal: 0 };

describe("two endpoints", () => {
  test("over a perfect wire nothing is sent twice", () => {
    const outcome = run(1, PERFECT, [300_000, 200_000], { appetite: 1000 });
    expect(complaints(outcome, [300_000, 200_000])).toEqual([]);
    for (const side of outcome.sides) expect(side.tcp.counters.retransmissions).toBe(0);
  });

  test("over 200 bad wires every byte arrives in both directions and nothing is left", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = makeRandom(seed);
      const channel: Channel = {
        loss: random() % 150,
        duplication: random() % 100,
        corruption: random() % 30,
        delay: 100 + (random() % 30_000),
        jitter: random() % 20_000,
        refusal: random() % 50,
      };
      const totals = [random() % 60_000, random() % 60_000] as const;
      const limits = { ...PATIENT, nagle: seed % 3 === 0 };
      expect(complaints(run(seed, channel, totals, { limits }), totals)).toEqual([]);
    }
  });

  test("without any receive memory what applications take at once still arrives", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const channel = { ...PERFECT, loss: 20, jitter: 500 };
      const outcome = run(seed, channel, [20_000, 20_000], { buffers: 0, appetite: 700, limits: PATIENT });
      expect(complaints(outcome, [20_000, 20_000])).toEqual([]);
    }
  });

  test("a transfer over a wire with 5 % loss is byte-exact", () => {
    const channel = { ...PERFECT, loss: 50 };
    const outcome = run(99, channel, [1_000_000, 10], { appetite: 900 });
    expect(complaints(outcome, [1_000_000, 10])).toEqual([]);
    expect(outcome.sides[0].tcp.counters.fastRetransmissions).toBeGreaterThan(20);
  });
});
