import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const REPOSITORY = join(import.meta.dirname, "..", "..", "..");
let scratch: string;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "exolith-clone-"));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Resolves with the address that `npm start` prints. */
function started(child: ReturnType<typeof spawn>): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const address = /http:\/\/localhost:\d+\//.exec(text)?.[0];
      if (address !== undefined) resolve(address);
    });
    child.once("exit", (code) => reject(new Error(`ended with code ${code}: ${text}`)));
  });
}

const isRepository = existsSync(join(REPOSITORY, ".git"));
if (!isRepository) console.log("skipped: there is no repository to clone");

test.skipIf(!isRepository)(
  "[D9] a clean clone serves its first page within two minutes, by one command and without compiling native code",
  async () => {
    const clone = join(scratch, "exolith");
    execFileSync("git", ["clone", "--quiet", REPOSITORY, clone]);
    const begun = performance.now();
    const child = spawn("npm", ["start", "--", "--port", "0"], {
      cwd: clone,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const address = await started(child);
    const response = await fetch(address);
    expect(response.status).toBe(200);
    expect(await response.text()).toContain("<html");
    expect((performance.now() - begun) / 1000).toBeLessThan(120);
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGINT");
    expect(await gone).toBe(0);
    const built = execFileSync("find", ["node_modules/.pnpm", "-path", "*/build/Release/*.node"], {
      cwd: clone,
    });
    expect(built.toString()).toBe("");
  },
  180_000,
);
