/** Twenty seconds of the soak: reloads, revocation, a bad link and clients of every manner at once. */
import { expect, test } from "vitest";
import { expectSound } from "./support/expect-soak.ts";
import { lacks, skipReason } from "./support/command.ts";
import { obstacle } from "./support/ring-ground.ts";
import { soak } from "./support/soak.ts";

const reason = skipReason("a soak on an interface of Linux", lacks("ip") ?? obstacle());

test.skipIf(reason !== undefined)(
  "reloads, revocation, loss and churn for some seconds: every body is right, and everything is given back",
  async () => {
    const options = {
      warmSeconds: 3,
      seconds: 14,
      sampleSeconds: 1,
      reloadSeconds: 1,
      quietSeconds: 0,
    };
    const report = await soak("soak", options);
    expect(report.samples.length).toBeGreaterThanOrEqual(8);
    expectSound(report, options);
  },
  180_000,
);
