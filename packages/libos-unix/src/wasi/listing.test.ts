import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { DIRENT, DIRENT_BYTES, rights } from "./layout.ts";
import { Descriptor } from "../descriptor/descriptor.ts";
import { refuse } from "../errno.ts";
import { OUTSIDE, RIG_BYTES, ROOT, type WasiRig, makeWasiRig } from "../testing/wasi-rig.ts";

interface Listed {
  readonly name: string;
  readonly next: bigint;
  readonly serial: bigint;
  readonly fileType: number;
}

/** One call: the whole entries it gave, and how much of the buffer was used. */
function list(rig: WasiRig, length: number, cookie: bigint): { entries: Listed[]; used: number } {
  const [buffer, result] = [rig.room(length + 8), rig.room(4)];
  expect(rig.call("fd_readdir", ROOT, buffer, length, cookie, result)).toBe("success");
  expect(rig.memory.getU8(buffer + length)).toBe(0xaa);
  const used = rig.u32(result);
  const entries: Listed[] = [];
  for (let at = buffer; at + DIRENT_BYTES <= buffer + used;) {
    const bytes = rig.u32(at + DIRENT.nameLength);
    if (at + DIRENT_BYTES + bytes > buffer + used) break;
    const [next, serial] = [rig.u64(at + DIRENT.next), rig.u64(at + DIRENT.serial)];
    entries.push({
      name: rig.text(at + DIRENT_BYTES, bytes),
      next,
      serial,
      fileType: rig.u32(at + DIRENT.fileType),
    });
    at += DIRENT_BYTES + bytes;
  }
  return { entries, used };
}

/** The whole listing with buffers of `length` bytes, as a C library makes it. */
function listAll(rig: WasiRig, length: number): string[] {
  const names: string[] = [];
  for (let cookie = 0n; ;) {
    const { entries, used } = list(rig, length, cookie);
    names.push(...entries.map(({ name }) => name));
    if (used < length) return names;
    cookie = entries.at(-1)?.next ?? cookie;
    if (entries.length === 0) throw new Error("the buffer is too small for one entry");
  }
}

test("an empty directory has itself and the one above", () => {
  const rig = makeWasiRig();
  const { entries, used } = list(rig, 256, 0n);
  const at = rig.room(64);
  rig.call("fd_filestat_get", ROOT, at);
  expect(entries).toEqual([
    { name: ".", next: 1n, serial: rig.u64(at + 8), fileType: 3 },
    { name: "..", next: 2n, serial: 0n, fileType: 3 },
  ]);
  expect(used).toBe(2 * DIRENT_BYTES + 3);
});

test("entries say type and serial number, and cookies go on behind them", () => {
  const rig = makeWasiRig({ files: { "a.txt": "x", "d/": "", é: "" } });
  const { entries } = list(rig, 4096, 0n);
  expect(entries.map(({ name, fileType }) => [name, fileType])).toEqual([
    [".", 3],
    ["..", 3],
    ["a.txt", 4],
    ["d", 3],
    ["é", 4],
  ]);
  const at = rig.room(64);
  rig.call("path_filestat_get", ROOT, 0, ...rig.put("a.txt"), at);
  expect(entries[2]?.serial).toBe(rig.u64(at + 8));
  for (const [index, { next }] of entries.entries())
    expect(list(rig, 4096, next).entries).toEqual(entries.slice(index + 1));
  expect(list(rig, 4096, 2n ** 64n - 1n).entries).toEqual([]);
});

test("what does not fit is cut off, and a full buffer says so", () => {
  const rig = makeWasiRig({ files: { abc: "" } });
  const whole = 3 * DIRENT_BYTES + 6;
  for (let length = 0; length <= whole + 1; length++) {
    const { entries, used } = list(rig, length, 0n);
    expect(used).toBe(Math.min(length, whole));
    const ends = [25, 51, whole].filter((end) => end <= length).length;
    expect(entries).toHaveLength(ends);
  }
});

test("any buffer that holds the longest entry gives every name once", () => {
  const name = fc
    .string({ unit: "grapheme", minLength: 1, maxLength: 20 })
    .filter((each) => !/[/\0]|^\.\.?$/.test(each) && each.isWellFormed());
  fc.assert(
    fc.property(
      fc.uniqueArray(name, { maxLength: 80 }),
      fc.integer({ min: 300, max: 900 }),
      (names, length) => {
        const rig = makeWasiRig({ files: Object.fromEntries(names.map((each) => [each, ""])) });
        expect(listAll(rig, length).toSorted()).toEqual([".", "..", ...names].toSorted());
      },
    ),
    { numRuns: 30 },
  );
});

test("names that come and go during a listing do not disturb those that stay", () => {
  const files = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`file.${at}`, ""]));
  const rig = makeWasiRig({ files });
  const names: string[] = [];
  for (let cookie = 0n, removed = 0; ; removed += 2) {
    const { entries, used } = list(rig, 256, cookie);
    names.push(...entries.map(({ name }) => name));
    if (used < 256) break;
    cookie = entries.at(-1)?.next ?? cookie;
    expect(rig.call("path_unlink_file", ROOT, ...rig.put(`file.${removed}`))).toBe("success");
  }
  const stayed = Object.keys(files).filter((each) => Number(each.slice(5)) % 2 === 1);
  expect(stayed.every((each) => names.filter((name) => name === each).length === 1)).toBe(true);
});

describe("what is wrong", () => {
  test("descriptors", () => {
    const rig = makeWasiRig({ files: { f: "" } });
    const call = (fd: number) => rig.call("fd_readdir", fd, 64, 64, 0n, 8);
    expect([call(9), call(-1), call(0), call(rig.open("f", []))]).toEqual([
      "badf",
      "badf",
      "notdir",
      "notdir",
    ]);
    rig.table.narrow(ROOT, ~rights("fd_readdir") & rig.descriptor(ROOT).rights, 0);
    expect(call(ROOT)).toBe("notcapable");
  });

  test("places", () => {
    const rig = makeWasiRig();
    const [buffer, result] = [rig.room(64), rig.room(4)];
    expect(rig.call("fd_readdir", ROOT, RIG_BYTES - 8, 9, 0n, result)).toBe("fault");
    expect(rig.call("fd_readdir", ROOT, buffer, -1, 0n, result)).toBe("fault");
    expect(rig.call("fd_readdir", ROOT, buffer, 64, 0n, OUTSIDE)).toBe("fault");
    expect([rig.u64(buffer), rig.u32(result)]).toEqual([0xaaaaaaaaaaaaaaaan, 0xaaaaaaaa]);
  });

  test("what a file system refuses is told", () => {
    const rig = makeWasiRig();
    const { thing } = rig.descriptor(ROOT);
    if (thing.kind !== "directory") throw new Error("not a directory");
    const broken = (node: object) =>
      rig.table.open(new Descriptor({ ...thing, node: Object.assign(Object.create(thing.node), node) }));
    const call = (fd: number) => rig.call("fd_readdir", fd, 64, 64, 0n, 8);
    const stat = () => thing.node.stat();
    const unlisted = { stat, list: () => refuse("io") };
    expect(call(broken(unlisted))).toBe("io");
    expect(call(broken({ stat: () => refuse("stale") }))).toBe("stale");
  });
});
