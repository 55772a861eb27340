/** Imports on the host: images that last, directories that change under way, and what cannot be served. */
import { mkdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { serveLive, type Live, type LiveOptions } from "./support/live.ts";
import { get } from "./support/raw-client.ts";
import { makeScratch, noise, removeScratch, writeFiles } from "./support/scratch.ts";
import { until } from "./support/waiting.ts";

let scratch: string;
let site: string;
let live: Live | undefined;

const start = async (directory: string, options: LiveOptions = {}): Promise<Live> =>
  (live = await serveLive(directory, options));
const stop = async (): Promise<void> => {
  await live?.stop();
  live = undefined;
};
const text = async (target: string): Promise<string> => {
  const { status, body } = await get(live?.port ?? 0, target);
  return status === 200 ? body.toString() : String(status);
};
const becomes = (target: string, wanted: string): Promise<boolean> =>
  until(async () => (await text(target)) === wanted, 8000);

beforeEach(() => {
  scratch = makeScratch();
  site = join(scratch, "site");
  writeFiles(scratch, { "site/a.txt": "a", "other/b.txt": "b" });
});

afterEach(async () => {
  await stop();
  removeScratch(scratch);
});

test("an image serves the directory that it was made from, and no other", async () => {
  const image = join(scratch, "disk.img");
  await start(site, { image });
  await stop();
  await start(join(scratch, "other"), { image });
  expect([live?.server.cheetah.restored(), await text("/a.txt"), await text("/b.txt")]).toEqual([
    "OtherSource",
    "404",
    "b",
  ]);
});

test("an image inside of the directory is not served, and does not grow from start to start", async () => {
  const image = join(site, "disk.img");
  await start(site, { image });
  expect([await text("/a.txt"), await text("/disk.img")]).toEqual(["a", "404"]);
  await stop();
  const { size } = statSync(image);
  writeFileSync(join(site, "more.bin"), noise(3_000_000, 1));
  for (let i = 0; i < 2; i++) {
    await start(site, { image });
    expect([live?.server.cheetah.restored(), await text("/a.txt")]).toEqual(["restored", "a"]);
    await stop();
    expect(statSync(image).size).toBe(size);
  }
});

test("a directory that is gone when it is to be imported: a clear error, no waiting", async () => {
  const before = (): void => renameSync(site, join(scratch, "away"));
  await expect(start(site, { before })).rejects.toThrow(
    /^cannot serve .*site: the directory cannot be read$/,
  );
});

test("an import is given up when that is asked for", async () => {
  writeFileSync(join(site, "big.bin"), noise(60_000_000, 1));
  const stopping = new AbortController();
  const importing = (): void => stopping.abort();
  await expect(start(site, { importing, stopping: stopping.signal })).rejects.toThrow(/^stopped before/);
});

test("a change during the first import is seen", async () => {
  writeFileSync(join(site, "big.bin"), noise(60_000_000, 1));
  let changed = false;
  const importing: LiveOptions["importing"] = ({ phase, bytesDone }) => {
    if (changed || phase !== "copying" || bytesDone === 0) return;
    changed = true;
    writeFileSync(join(site, "a.txt"), "b");
    writeFiles(site, { "new/c.txt": "c" });
  };
  await start(site, { importing });
  expect([changed, await becomes("/a.txt", "b"), await becomes("/new/c.txt", "c")]).toEqual([
    true,
    true,
    true,
  ]);
});

test("a link to the directory that is turned, and a directory made anew, are followed and watched", async () => {
  const current = join(scratch, "current");
  symlinkSync(site, current);
  await start(current);
  expect(await text("/a.txt")).toBe("a");
  rmSync(current);
  symlinkSync(join(scratch, "other"), current);
  expect(await becomes("/b.txt", "b")).toBe(true);
  expect(await text("/a.txt")).toBe("404");
  writeFileSync(join(scratch, "other", "b.txt"), "changed");
  expect(await becomes("/b.txt", "changed")).toBe(true);
});

test("a directory that goes away stays served and is reported, and is served anew when it is back", async () => {
  const lines: string[] = [];
  await start(site, { report: (line) => lines.push(line) });
  rmSync(site, { recursive: true });
  expect(await until(() => lines.length > 0, 8000)).toBe(true);
  expect(lines[0]).toBe("not imported: the directory cannot be read (SourceFailed)");
  expect(await text("/a.txt")).toBe("a");
  mkdirSync(site);
  writeFileSync(join(site, "a.txt"), "again");
  expect(await becomes("/a.txt", "again")).toBe(true);
});
