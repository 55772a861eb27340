/** The matrix: loss, reordering, duplication and delay, all combinations, both ways, with the Linux kernel at the other end. */
import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mustRun, skipReason } from "./support/command.ts";
import { FAIR, exchange, makeLab, whyNoLab, type Exchanged, type Lab } from "./support/lab.ts";
import type { Shape } from "./support/shaped-nic.ts";

const UP = 1_000_000;
const DOWN = 2_000_000;
const reason = skipReason("the Linux kernel over bad links", whyNoLab());

const MATRIX: readonly Shape[] = [0, 1, 5].flatMap((lossPercent) =>
  [1, 20].flatMap((delayMilliseconds) =>
    [0, 25].flatMap((reorderPercent) =>
      [0, 2].map((duplicatePercent) => ({
        lossPercent,
        delayMilliseconds,
        reorderPercent,
        duplicatePercent,
      })),
    ),
  ),
);

const nameOf = (shape: Shape): string =>
  `loss ${shape.lossPercent} %, delay ${shape.delayMilliseconds} ms, reordering ${shape.reorderPercent} %, duplication ${shape.duplicatePercent} %`;

function expectWhole({ server, client }: Exchanged): void {
  expect({ server, client }).toMatchObject({
    server: { received: UP, wrong: 0, reason: "done" },
    client: { received: DOWN, wrong: 0 },
  });
  expect(client.socket).toContain(" mss:1448 ");
  expect(server.counters).toMatchObject({ withTimestamps: 1, withSelective: 1, timestampsMissing: 0 });
  const timeouts = (server.counters["retransmissionTimeouts"] ?? 0) + client.timeouts;
  // A pause of half a second is one that a timer of at least 200 ms explains, backed off once.
  expect(server.longPauses).toBeLessThanOrEqual(timeouts);
  const { retransmissions, fastRetransmissions, retransmissionTimeouts, duplicatesReported } =
    server.counters;
  console.log(
    `${Math.round(client.milliseconds)} ms; ours sent again ${retransmissions}, recoveries ${fastRetransmissions}, timeouts ${retransmissionTimeouts}, Linux's ${client.timeouts}, duplicates reported ${duplicatesReported}, pauses ${server.longPauses}`,
  );
}

describe.skipIf(reason !== undefined)("an exchange with the Linux kernel", () => {
  let lab: Lab;
  beforeAll(() => {
    lab = makeLab();
  });
  afterAll(() => lab.close());

  test.each(MATRIX.map((shape): [string, Shape] => [nameOf(shape), shape]))("%s", async (_, shape) => {
    expectWhole(await exchange(lab, { shape, seed: 5, up: UP, down: DOWN, milliseconds: 90_000 }));
  });

  test("the same with the kernel's own queue towards us, and our link towards it", async (context) => {
    const [ip = "", ...rest] = lab.inside;
    const queue = [...rest, "tc", "qdisc", "replace", "dev", lab.tap, "root", "netem"];
    const netem = (...words: readonly string[]): readonly string[] => [...queue, ...words];
    const can = spawnSync(ip, netem("delay", "1ms")).status === 0;
    const why = can ? undefined : "this kernel has no netem queue (tc qdisc add … netem)";
    if (skipReason("the kernel's own loss and delay", why) !== undefined) return context.skip(why);
    for (const shape of MATRIX) {
      const { lossPercent, delayMilliseconds, reorderPercent, duplicatePercent } = shape;
      const words = ["delay", `${delayMilliseconds}ms`, "loss", `${lossPercent}%`];
      words.push("duplicate", `${duplicatePercent}%`);
      if (reorderPercent > 0) words.push("reorder", `${reorderPercent}%`);
      mustRun(ip, ...netem(...words));
      const outward = { ...FAIR, lossPercent, duplicatePercent };
      expectWhole(await exchange(lab, { shape: outward, seed: 6, up: UP, down: DOWN, milliseconds: 90_000 }));
    }
  });
});
