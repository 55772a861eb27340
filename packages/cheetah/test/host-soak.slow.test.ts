/** The soak: ten minutes, or as many seconds as `SOAK_SECONDS` says. */
import { expect, test } from "vitest";
import { expectSound } from "./support/expect-soak.ts";
import { lacks, skipReason } from "./support/command.ts";
import { obstacle } from "./support/ring-ground.ts";
import { soak } from "./support/soak.ts";

const reason = skipReason("the soak on an interface of Linux", lacks("ip") ?? obstacle());
const SECONDS = Number(process.env["SOAK_SECONDS"] ?? 600);

test.skipIf(reason !== undefined)(
  "ten minutes of reloads, revocation, loss and churn: every body is right, memory is flat, and nothing is left",
  async () => {
    const options = {
      warmSeconds: 60,
      seconds: SECONDS,
      sampleSeconds: 10,
      reloadSeconds: 3,
      quietSeconds: 90,
    };
    const report = await soak("soak-long", options);
    expect(report.samples.length).toBeGreaterThanOrEqual(Math.floor(SECONDS / 20));
    expectSound(report, options);
  },
  (SECONDS + 600) * 1000,
);
