/** The Linux kernel as the other end of TCP over a link that loses, doubles, delays and reorders: what was agreed on, and every byte. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lacks, skipReason } from "./support/command.ts";
import { FAIR, SERVER, exchange, makeLab, startTcpdump, whyNoLab, type Lab } from "./support/lab.ts";

const reason = skipReason("the Linux kernel over a bad link", whyNoLab() ?? lacks("tcpdump"));

describe.skipIf(reason !== undefined)("an exchange with the Linux kernel", () => {
  let lab: Lab;
  beforeAll(() => {
    lab = makeLab();
  });
  afterAll(() => lab.close());

  const OPTIONS = { shape: FAIR, seed: 1, up: 600_000, down: 600_000, milliseconds: 25_000 };
  const WHOLE = {
    server: { received: OPTIONS.up, wrong: 0, reason: "done" },
    client: { received: OPTIONS.down, wrong: 0 },
  };

  test("agrees on timestamps, selective acknowledgments and window scaling, and every segment has its timestamps", async () => {
    const dump = await startTcpdump(lab);
    const { server, client } = await exchange(lab, OPTIONS);
    const lines = await dump.stop();
    expect({ server, client }).toMatchObject(WHOLE);
    const synced = lines.filter((line) => /Flags \[S\.?\]/.test(line));
    expect(synced.length).toBe(2);
    for (const line of synced) expect(line).toMatch(/mss 1460,sackOK,TS val \d+ ecr \d+,nop,wscale \d/);
    expect(lines.every((line) => line.includes("TS val"))).toBe(true);
    expect(client.socket).toContain(" mss:1448 ");
    expect(server.counters).toMatchObject({
      withTimestamps: 1,
      withSelective: 1,
      timestampsMissing: 0,
      timestampsOld: 0,
      blocksRefused: 0,
    });
  });

  test("agrees on neither when they are switched off", async () => {
    const limits = { timestamps: false, selectiveAcknowledgments: false };
    const { server, client } = await exchange(lab, { ...OPTIONS, limits });
    expect({ server, client }).toMatchObject(WHOLE);
    expect(client.socket).toContain(" mss:1460 ");
    expect(server.counters).toMatchObject({ withTimestamps: 0, withSelective: 0 });
  });

  test("over a link that does all of it at once: byte-exact, recovered by reports both ways", async () => {
    const shape = { lossPercent: 3, duplicatePercent: 2, delayMilliseconds: 2, reorderPercent: 10 };
    const dump = await startTcpdump(lab);
    const { server, client } = await exchange(lab, { ...OPTIONS, shape });
    const lines = await dump.stop();
    expect({ server, client }).toMatchObject(WHOLE);
    const reports = lines.filter((line) => /,sack \d /.test(line));
    expect(reports.some((line) => line.includes(`IP ${SERVER}.`))).toBe(true);
    expect(reports.some((line) => !line.includes(`IP ${SERVER}.`))).toBe(true);
    expect(server.lost).toBeGreaterThan(5);
    expect(server.counters["fastRetransmissions"]).toBeGreaterThan(0);
    expect(server.counters["duplicatesReported"]).toBeGreaterThan(0);
    const timeouts = (server.counters["retransmissionTimeouts"] ?? 0) + client.timeouts;
    expect(server.longPauses).toBeLessThanOrEqual(timeouts);
  });
});
