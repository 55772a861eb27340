import { lutimesSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Directory, FileNode, FileStat, RegularFile } from "../filesystem/file-system.ts";
import { openHostDirectory } from "./directory.ts";
import type { HostFileSystem } from "./directory.ts";
import { look } from "./host-stat.ts";
import { HostTimes, TIMES_REMEMBERED } from "./host-times.ts";

/** Times that no double of seconds is. */
const ODD = 1_700_000_000_123_456_789n;
const OTHER = 1_650_000_000_987_654_321n;

let place: string;
let system: HostFileSystem;
let root: Directory;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "exolith-times-"));
  writeFileSync(join(place, "file"), "text");
  mkdirSync(join(place, "directory"));
  symlinkSync("file", join(place, "link"));
  system = openHostDirectory(place) as HostFileSystem;
  ({ root } = system);
});
afterEach(() => {
  system.close();
  rmSync(place, { recursive: true });
});

const node = (name: string): FileNode => root.lookup(name) as FileNode;
function times(of: FileNode): readonly [bigint, bigint] {
  const { accessed, modified } = of.stat() as FileStat;
  return [accessed, modified];
}

test.each(["file", "directory", "link"])("%s: times are told to the nanosecond as they were set", (name) => {
  expect(node(name).setTimes(ODD, OTHER)).toBe(0);
  expect(times(node(name))).toEqual([ODD, OTHER]);
  expect(node(name).setTimes(undefined, ODD + 1n)).toBe(0);
  expect(times(node(name))).toEqual([ODD, ODD + 1n]);
  expect(node(name).setTimes(OTHER, undefined)).toBe(0);
  expect(times(node(name))).toEqual([OTHER, ODD + 1n]);
});

test("a time that was not named stays, to the nanosecond, however often the other is set", () => {
  const before = times(node("file"));
  for (let index = 0n; index < 20n; index++) expect(node("file").setTimes(undefined, ODD + index)).toBe(0);
  expect(times(node("file"))).toEqual([before[0], ODD + 19n]);
  expect(node("file").setTimes(undefined, undefined)).toBe(0);
  expect(times(node("file"))).toEqual([before[0], ODD + 19n]);
});

test("an open file and its name have the same times", () => {
  const file = node("file") as RegularFile;
  const open = file.open({ read: true, write: false });
  expect(file.setTimes(ODD, OTHER)).toBe(0);
  expect([times(file), times(node("file"))]).toEqual([
    [ODD, OTHER],
    [ODD, OTHER],
  ]);
  if (typeof open !== "number") open.close();
  expect(times(file)).toEqual([ODD, OTHER]);
});

test("what the host says counts again as soon as it says something else", () => {
  expect(node("file").setTimes(ODD, OTHER)).toBe(0);
  lutimesSync(join(place, "file"), 1000, 2000);
  expect(times(node("file"))).toEqual([1_000_000_000_000n, 2_000_000_000_000n]);
  expect(node("file").setTimes(ODD, OTHER)).toBe(0);
  writeFileSync(join(place, "file"), "more");
  expect(times(node("file"))).toEqual([ODD, statSync(join(place, "file"), { bigint: true }).mtimeNs]);
});

test("any time is told as it was set", () => {
  // What every file system takes: up to 2038, and far enough for doubles to be coarse.
  const time = fc.bigInt({ min: 0n, max: 2_147_483_647_999_999_999n });
  fc.assert(
    fc.property(time, time, (accessed, modified) => {
      expect(node("file").setTimes(accessed, modified)).toBe(0);
      expect(times(node("file"))).toEqual([accessed, modified]);
    }),
  );
});

test("so many are remembered, and no more; what the host did otherwise is not covered up", () => {
  const stats = look(join(place, "file"));
  if (typeof stats === "number") throw new Error("not there");
  const as = (ino: bigint, atimeNs: bigint) => Object.assign(Object.create(stats), { ino, atimeNs });
  const known = new HostTimes();
  const set = (): void => undefined;
  for (let index = 0n; index <= TIMES_REMEMBERED; index++)
    known.set(as(index, 0n), ODD, undefined, { set, look: () => as(index, ODD - 89n) });
  expect(known.statOf(as(0n, ODD - 89n)).accessed).toBe(ODD - 89n);
  expect(known.statOf(as(1n, ODD - 89n)).accessed).toBe(ODD);
  expect(known.statOf(as(BigInt(TIMES_REMEMBERED), ODD - 89n)).accessed).toBe(ODD);
  known.set(as(1n, 0n), ODD, undefined, { set, look: () => as(1n, ODD - 1_000_000n) });
  expect(known.statOf(as(1n, ODD - 1_000_000n)).accessed).toBe(ODD - 1_000_000n);
  known.set(as(2n, 0n), OTHER, undefined, { set, look: () => as(3n, OTHER - 1n) });
  expect(known.statOf(as(3n, OTHER - 1n)).accessed).toBe(OTHER - 1n);
});
