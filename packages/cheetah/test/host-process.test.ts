/** What the server costs the host: nothing while it waits, little until the first byte. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { skipReason, startCheetah } from "./support/command.ts";
import { EXAMPLE_SITE } from "./support/live.ts";
import { noStatistics, unrest } from "./support/quiet.ts";
import { RawClient, get } from "./support/raw-client.ts";

const BUILT = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const unmeasured = skipReason("processor use of the idle server", noStatistics);
const notBuilt = skipReason(
  "time to the first byte",
  existsSync(BUILT) ? undefined : "the package is not built (pnpm build)",
);

describe.skipIf(unmeasured !== undefined)("an idle server", () => {
  test("uses under 2 % of a processor, also with connections that wait for their next request", async () => {
    const server = await startCheetah([EXAMPLE_SITE, "--port", "0", "--quiet"]);
    try {
      const waiting = Array.from({ length: 20 }, () => new RawClient(server.port));
      for (const client of waiting) client.write("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
      for (const client of waiting) expect((await client.response()).status).toBe(200);
      const quiet = { milliseconds: 5000, ticks: 9, wakings: 100 };
      expect(await unrest(server.child.pid ?? 0, quiet)).toBeUndefined();
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
