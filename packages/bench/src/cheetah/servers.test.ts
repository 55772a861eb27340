import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { hasProgram } from "./requirements.ts";
import { SERVERS, USUAL_SERVERS, cheetahWithout, type ServerSite } from "./servers.ts";
import { TECHNIQUES } from "./techniques.ts";

const SITE: ServerSite = {
  directory: "/site",
  scratch: "/scratch",
  link: {
    namespace: "n",
    interface: "server1",
    serverAddress: "198.18.1.10",
    clientAddress: "198.18.1.1",
    nextRingAddress: () => "198.18.1.16",
    prefixLength: 24,
    clientInterface: "client1",
  },
};
const serverOf = (name: string) => SERVERS.find((server) => server.name === name);

test("names are unique, and the usual ones are known", () => {
  const names = SERVERS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const name of USUAL_SERVERS) expect(names).toContain(name);
  expect(USUAL_SERVERS).not.toContain("cheetah-gateway");
});

test("Cheetah without a technique is Cheetah with words that switch it off", () => {
  const whole = serverOf("cheetah")?.command(SITE) ?? [];
  expect(whole.slice(whole.indexOf("--net"))).toEqual([
    "--net",
    "packet:server1",
    "--address",
    "198.18.1.10/24",
    "--quiet",
  ]);
  const without = cheetahWithout({ key: "grouping", name: "x", off: ["--no-x", "1"] });
  expect(without.name).toBe("cheetah without x");
  expect(without.owner).toBe("ring");
  expect(without.command(SITE)).toEqual([...whole, "--no-x", "1"]);
});

test("every technique has a name of its own, and words", () => {
  expect(new Set(TECHNIQUES.map(({ name }) => name)).size).toBe(TECHNIQUES.length);
  for (const { off } of TECHNIQUES) expect(off.length).toBeGreaterThan(0);
});

const hasNginx = hasProgram("nginx");
if (!hasNginx) console.log("skipped: nginx is not installed");

test.skipIf(!hasNginx)("nginx is told one worker, no log, sendfile and kept connections", () => {
  const scratch = mkdtempSync(join(tmpdir(), "exolith-bench-test-"));
  try {
    serverOf("nginx")?.command({ ...SITE, scratch });
    const said = readFileSync(join(scratch, "nginx.conf"), "utf8");
    for (const line of ["worker_processes 1;", "access_log off;", "sendfile on;", "tcp_nopush on;"])
      expect(said).toContain(line);
    expect(said).toContain("listen 198.18.1.10:80");
    expect(said).toContain("root /site;");
  } finally {
    rmSync(scratch, { recursive: true });
  }
});
