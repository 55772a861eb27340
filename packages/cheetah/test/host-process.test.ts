/** What the server costs the host: nothing while it waits, little until the first byte. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { lacks, mustRun, skipReason, startCheetah } from "./support/command.ts";
import { EXAMPLE_SITE } from "./support/live.ts";
import { RawClient, get } from "./support/raw-client.ts";
import { pause } from "./support/waiting.ts";

const BUILT = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const noStatistics = skipReason(
  "processor use of the idle server",
  existsSync("/proc/self/stat") ? undefined : "no /proc on this host",
  lacks("getconf"),
);
const notBuilt = skipReason(
  "time to the first byte",
  existsSync(BUILT) ? undefined : "the package is not built (pnpm build)",
);

/** Seconds of processor time that a program has used: fields 14 and 15 of its statistics, in ticks. */
function processorSeconds(id: number): number {
  const ticks = Number(mustRun("getconf", "CLK_TCK"));
  const statistics = readFileSync(`/proc/${id}/stat`, "utf8");
  const fields = statistics.slice(statistics.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticks;
}

describe.skipIf(noStatistics !== undefined)("an idle server", () => {
  test("uses under 2 % of a processor, also with connections that wait for their next request", async () => {
    const server = await startCheetah([EXAMPLE_SITE, "--port", "0", "--quiet"]);
    try {
      const waiting = Array.from({ length: 20 }, () => new RawClient(server.port));
      for (const client of waiting) client.write("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
      for (const client of waiting) expect((await client.response()).status).toBe(200);
      await pause(500);
      const id = server.child.pid ?? 0;
      const before = processorSeconds(id);
      const begun = performance.now();
      await pause(5000);
      const share = (processorSeconds(id) - before) / ((performance.now() - begun) / 1000);
      expect(share).toBeLessThan(0.02);
      for (const client of waiting) client.close();
    } finally {
      await server.end("SIGKILL");
    }
  });
});

describe.skipIf(notBuilt !== undefined)("the built command", () => {
  test("has sent the first byte of the example site within 1.5 s of its start", async () => {
    const times: number[] = [];
    for (let i = 0; i < 3; i++) {
      const begun = performance.now();
      const server = await startCheetah([EXAMPLE_SITE, "--port", "0"], { program: [BUILT] });
      try {
        const { status, body } = await get(server.port, "/");
        times.push(performance.now() - begun);
        expect([status, body.toString().includes("</html>")]).toEqual([200, true]);
      } finally {
        expect(await server.end()).toBe(0);
      }
    }
    expect(Math.min(...times)).toBeLessThan(1500);
  });
});
