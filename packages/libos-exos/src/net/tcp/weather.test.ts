/** A matrix of loss, reordering, duplication and delay, with and without each way to recover: byte-exact, without a pause that no timer explains. */
import { describe, expect, test } from "vitest";
import type { Channel, Outcome } from "../../testing/lossy-world.ts";
import { HERTZ, complaints, makeRandom, run } from "../../testing/lossy-world.ts";
import type { TcpLimits } from "./limits.ts";

const MILLISECOND = HERTZ / 1000;
const CALM: Channel = { loss: 0, duplication: 0, corruption: 0, delay: MILLISECOND, jitter: 0, refusal: 0 };
const WAYS: Readonly<Record<string, Partial<TcpLimits>>> = {
  everything: {},
  "no timestamps": { timestamps: false },
  "no selective acknowledgments": { selectiveAcknowledgments: false },
  "neither, and no limited transmit": {
    timestamps: false,
    selectiveAcknowledgments: false,
    limitedTransmit: false,
  },
  "a scoreboard of two runs": { scoreboardRuns: 2 },
};
const TOTALS = [200_000, 60_000] as const;

function matrix(): [string, Channel][] {
  const rows: [string, Channel][] = [];
  for (const loss of [0, 10, 50])
    for (const delay of [1, 20])
      for (const [jitter, duplication] of [
        [0, 0],
        [2, 0],
        [0, 20],
        [2, 20],
      ] as const)
        rows.push([
          `loss ${loss / 10} %, delay ${delay} ms, reordering within ${jitter} delays, duplication ${duplication / 10} %`,
          { ...CALM, loss, duplication, delay: delay * MILLISECOND, jitter: jitter * delay * MILLISECOND },
        ]);
  return rows;
}

const counted = (outcome: Outcome, name: "retransmissionTimeouts" | "retransmissions"): number =>
  outcome.sides.reduce((sum, side) => sum + side.tcp.counters[name], 0);

// A timeout of at least 200 ms, of a round trip and four times its variation, which is no more; doubled three times in a row.
const longestPause = ({ delay, jitter }: Channel): number =>
  8 * Math.max(200 * MILLISECOND, 5 * 2 * (delay + jitter));

describe.each(Object.entries(WAYS))("with %s", (_, limits) => {
  test.each(matrix())("%s", (_name, channel) => {
    const setting = { limits, mtu: 1500, buffers: 1, bufferBytes: 65_536, appetite: 1000 };
    for (let seed = 1; seed <= 3; seed++) {
      const outcome = run(seed, channel, TOTALS, setting);
      expect(complaints(outcome, TOTALS)).toEqual([]);
      expect(outcome.world.stalls).toEqual([]);
      expect(outcome.world.longestPause).toBeLessThan(longestPause(channel));
      if (channel.loss === 0 && channel.jitter === 0) {
        expect(counted(outcome, "retransmissionTimeouts")).toBe(0);
        expect(counted(outcome, "retransmissions")).toBe(0);
      }
    }
  });
});

test("over 200 bad wires, with whatever limits: all arrives, and every pause is a timer's", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = makeRandom(seed);
    const channel: Channel = {
      loss: random() % 150,
      duplication: random() % 100,
      corruption: random() % 30,
      delay: 100 + (random() % 30_000),
      jitter: random() % 20_000,
      refusal: 0,
    };
    const totals = [random() % 80_000, random() % 40_000] as const;
    const patient = { giveUpSeconds: 1000, connectSeconds: 1000, halfOpenSeconds: 1000 };
    const limits = {
      ...patient,
      nagle: random() % 3 === 0,
      timestamps: random() % 3 > 0,
      scoreboardRuns: 1 + (random() % 40),
      reassemblyRuns: 1 + (random() % 16),
      limitedTransmit: random() % 4 > 0,
      duplicateReports: random() % 4 > 0,
    };
    const setting = { limits, buffers: random() % 8 === 0 ? 0 : 2, mtu: random() % 2 === 0 ? 1500 : 576 };
    const outcome = run(seed, channel, totals, setting);
    expect(complaints(outcome, totals)).toEqual([]);
    expect(outcome.world.stalls).toEqual([]);
  }
});

/** Seconds for a megabyte over a wire of 20 ms, 3 % of it lost, summed over seeds; and the timeouts. */
function recoverMany(limits: Partial<TcpLimits>): { seconds: number; timeouts: number } {
  let seconds = 0;
  let timeouts = 0;
  for (let seed = 1; seed <= 12; seed++) {
    const channel = { ...CALM, loss: 30, delay: 20 * MILLISECOND };
    const setting = { limits, mtu: 1500, buffers: 1, bufferBytes: 262_144, appetite: 1000 };
    const outcome = run(seed, channel, [1_000_000, 10], setting);
    expect(complaints(outcome, [1_000_000, 10])).toEqual([]);
    seconds += outcome.world.now / HERTZ;
    timeouts += outcome.sides[0].tcp.counters.retransmissionTimeouts;
  }
  return { seconds, timeouts };
}

test("with selective acknowledgments a megabyte over a wire that loses 3 % comes sooner, with fewer timeouts", () => {
  const reno = recoverMany({ selectiveAcknowledgments: false });
  const selective = recoverMany({});
  expect(selective.seconds).toBeLessThan(reno.seconds);
  expect(selective.timeouts).toBeLessThan(reno.timeouts);
});

test("timestamps do not make the timeouts longer, even on a wire that loses every tenth packet both ways", () => {
  const seconds = (limits: Partial<TcpLimits>): number => {
    let sum = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const channel = { ...CALM, loss: 100, delay: 20 * MILLISECOND };
      const setting = { limits, mtu: 1500, buffers: 1, bufferBytes: 262_144, appetite: 1000 };
      const { world } = run(seed, channel, [500_000, 10], setting);
      sum += world.now / HERTZ;
    }
    return sum;
  };
  expect(seconds({})).toBeLessThan(1.25 * seconds({ timestamps: false }));
});

test("the round trips of a long way are all that a transfer without loss takes", () => {
  const channel = { ...CALM, delay: 20 * MILLISECOND };
  const setting = { mtu: 1500, buffers: 1, bufferBytes: 65_536, appetite: 1000 };
  const { world } = run(1, channel, [500_000, 0], setting);
  // Handshake 1, slow start from 10 segments to a window of 64 KB: 3; 430 KB at 64 KB a round trip: 7; the end: 2; delayed ACKs.
  expect(world.now).toBeLessThan(16 * 40 * MILLISECOND);
});
