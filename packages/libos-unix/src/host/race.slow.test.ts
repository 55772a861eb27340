/** Other software of the host swaps directories and links while a program goes through them. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Directory, RegularFile } from "../filesystem/file-system.ts";
import { resolvePath } from "../filesystem/resolve.ts";
import { openHostDirectory } from "./directory.ts";
import type { HostFileSystem } from "./directory.ts";

const ROUNDS = 30_000;
const SWAP = `
const { renameSync, symlinkSync, unlinkSync, writeSync } = require("node:fs");
writeSync(1, "ready");
for (;;) {
  renameSync("a/b", "a/kept");
  symlinkSync("../../outside", "a/b");
  unlinkSync("a/b");
  renameSync("a/kept", "a/b");
  renameSync("a/file", "a/saved");
  symlinkSync("../../outside/file", "a/file");
  unlinkSync("a/file");
  renameSync("a/saved", "a/file");
}`;

/** Reads and writes through `root`; what was read. */
function visit(root: Directory, path: string): string {
  const resolved = resolvePath(root, path, true);
  if (typeof resolved === "number" || resolved.node === undefined) return "";
  const file = (resolved.node as RegularFile).open({ read: true, write: true });
  if (typeof file === "number") return "";
  const bytes = new Uint8Array(6);
  const read = file.read(0, bytes, 0, 6);
  file.write(0, new TextEncoder().encode("inside"), 0, 6);
  file.close();
  return new TextDecoder().decode(bytes.subarray(0, read));
}

test.runIf(existsSync("/proc/self/fd"))("no race leads out", async () => {
  const above = mkdtempSync(join(tmpdir(), "exolith-"));
  const inside = join(above, "inside");
  mkdirSync(join(inside, "a", "b"), { recursive: true });
  mkdirSync(join(above, "outside"));
  for (const place of ["inside/a/b/file", "inside/a/file", "outside/file"])
    writeFileSync(join(above, place), place.slice(0, 6));
  const swapper = spawn(process.execPath, ["-e", SWAP], {
    cwd: inside,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(swapper, "exit");
  try {
    await once(swapper.stdout, "data");
    const system = openHostDirectory(inside, { directoriesOpen: 2 }) as HostFileSystem;
    expect(system.anchored).toBe(true);
    let found = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const text = visit(system.root, round % 2 === 0 ? "a/b/file" : "a/file");
      if (text !== "") found++;
      expect(["", "inside"]).toContain(text);
      const directory = resolvePath(system.root, "a/b", true);
      if (typeof directory === "number" || directory.node === undefined) continue;
      if ("createFile" in directory.node) {
        (directory.node as Directory).createFile("planted");
        (directory.node as Directory).unlink("planted");
      }
    }
    system.close();
    expect(found).toBeGreaterThan(0);
  } finally {
    swapper.kill("SIGKILL");
    await ended;
  }
  expect(readdirSync(join(above, "outside"))).toEqual(["file"]);
  expect(readFileSync(join(above, "outside", "file"), "utf8")).toBe("outsid");
  rmSync(above, { recursive: true });
});
