import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { watchDirectory, type DirectoryWatch } from "./watch.ts";

let directory: string;
let watching: DirectoryWatch | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "cheetah-watch-"));
  mkdirSync(join(directory, "below"));
});

afterEach(() => {
  watching?.close();
  rmSync(directory, { recursive: true, force: true });
});

test("a change below the directory is told once for a burst", async () => {
  const changed = vi.fn();
  watching = watchDirectory(directory, changed);
  await new Promise((resolve) => setTimeout(resolve, 100));
  for (let i = 0; i < 10; i++) writeFileSync(join(directory, "below", "page.html"), `version ${i}`);
  await vi.waitFor(() => expect(changed).toHaveBeenCalled(), { timeout: 5000 });
  expect(changed.mock.calls.length).toBeLessThanOrEqual(2);
});

test("nothing is told after close", async () => {
  const changed = vi.fn();
  watching = watchDirectory(directory, changed);
  watching.close();
  writeFileSync(join(directory, "page.html"), "new");
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(changed).not.toHaveBeenCalled();
});

test("writing that never ends is told all the same, about once a second", async () => {
  const changed = vi.fn();
  watching = watchDirectory(directory, changed);
  const writing = setInterval(() => writeFileSync(join(directory, "log.txt"), String(Math.random())), 10);
  try {
    await vi.waitFor(() => expect(changed.mock.calls.length).toBeGreaterThanOrEqual(2), { timeout: 5000 });
  } finally {
    clearInterval(writing);
  }
});
