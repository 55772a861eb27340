import { fork } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

test("a server ends when the bench is gone", async () => {
  const directory = mkdtempSync(join(tmpdir(), "exolith-bench-test-"));
  writeFileSync(join(directory, "a.txt"), "a");
  const module = fileURLToPath(new URL("./node-http-server.ts", import.meta.url));
  const child = fork(module, [directory], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const code = new Promise((resolve) => child.once("exit", resolve));
  await new Promise((resolve) => child.once("message", resolve));
  child.disconnect();
  expect(await code).toBe(0);
  rmSync(directory, { recursive: true });
});
