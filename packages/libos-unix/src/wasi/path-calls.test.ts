import { describe, expect, test } from "vitest";
import { PREVIEW_1, type RightName, TIME_FLAGS, rights } from "./layout.ts";
import { preopenDescriptor } from "../descriptor/descriptor.ts";
import { makeMemoryFileSystem } from "../filesystem/memory-file-system.ts";
import { readTree } from "../filesystem/tree.ts";
import {
  OUTSIDE,
  RIG_BYTES,
  type RigArgument,
  ROOT,
  type WasiRig,
  makeWasiRig,
} from "../testing/wasi-rig.ts";

const FILES = { f: "12345", "d/g": "x", "empty/": "" };

/** The same call with a descriptor and paths, the way a C library would make it. */
const mkdir = (rig: WasiRig, path: string, fd = ROOT) =>
  rig.call("path_create_directory", fd, ...rig.put(path));
const unlink = (rig: WasiRig, path: string) => rig.call("path_unlink_file", ROOT, ...rig.put(path));
const rmdir = (rig: WasiRig, path: string) => rig.call("path_remove_directory", ROOT, ...rig.put(path));
const symlink = (rig: WasiRig, target: string, path: string) =>
  rig.call("path_symlink", ...rig.put(target), ROOT, ...rig.put(path));
const link = (rig: WasiRig, from: string, to: string, follow = 0) =>
  rig.call("path_link", ROOT, follow, ...rig.put(from), ROOT, ...rig.put(to));
const rename = (rig: WasiRig, from: string, to: string) =>
  rig.call("path_rename", ROOT, ...rig.put(from), ROOT, ...rig.put(to));

function stat(rig: WasiRig, path: string, follow = 0): Record<string, bigint> | string {
  const at = rig.room(64);
  const answer = rig.call("path_filestat_get", ROOT, follow, ...rig.put(path), at);
  if (answer !== "success") return answer;
  const { fileType, size, links, accessed, modified, serial } = PREVIEW_1.fileStat;
  const fields = { fileType, size, links, accessed, modified, serial };
  return Object.fromEntries(Object.entries(fields).map(([name, offset]) => [name, rig.u64(at + offset)]));
}

function readlink(rig: WasiRig, path: string, room = 64): string {
  const [buffer, result] = [rig.room(room + 1), rig.room(4)];
  const answer = rig.call("path_readlink", ROOT, ...rig.put(path), buffer, room, result);
  expect(rig.memory.getU8(buffer + room)).toBe(0xaa);
  return answer === "success" ? rig.text(buffer, rig.u32(result)) : answer;
}

const names = (rig: WasiRig): string[] => {
  const tree = readTree(rig.system.root);
  return typeof tree === "number" ? [] : [...tree.keys()].toSorted();
};

/** Every call on paths: its arguments around descriptors and paths, and the right that it needs for each. */
const CALLS: readonly {
  readonly name: string;
  readonly needs: readonly RightName[];
  readonly paths: readonly string[];
  given(rig: WasiRig, fd: number, path: readonly [number, number]): readonly RigArgument[];
}[] = [
  {
    name: "path_create_directory",
    needs: ["path_create_directory"],
    paths: ["new"],
    given: (_, fd, path) => [fd, ...path],
  },
  {
    name: "path_filestat_get",
    needs: ["path_filestat_get"],
    paths: ["f"],
    given: (_, fd, path) => [fd, 0, ...path, 64],
  },
  {
    name: "path_filestat_set_times",
    needs: ["path_filestat_set_times"],
    paths: ["f"],
    given: (_, fd, path) => [fd, 0, ...path, 1n, 1n, 5],
  },
  {
    name: "path_link",
    needs: ["path_link_source"],
    paths: ["f"],
    given: (rig, fd, path) => [fd, 0, ...path, ROOT + 1, ...rig.put("new")],
  },
  {
    name: "path_link",
    needs: ["path_link_target"],
    paths: ["new"],
    given: (rig, fd, path) => [ROOT + 1, 0, ...rig.put("f"), fd, ...path],
  },
  {
    name: "path_open",
    needs: ["path_open"],
    paths: ["f"],
    given: (_, fd, path) => [fd, 0, ...path, 0, 0n, 0n, 0, 64],
  },
  {
    name: "path_open",
    needs: ["path_open", "path_create_file"],
    paths: ["new"],
    given: (_, fd, path) => [fd, 0, ...path, 1, 0n, 0n, 0, 64],
  },
  {
    name: "path_open",
    needs: ["path_open", "path_filestat_set_size"],
    paths: ["f"],
    given: (_, fd, path) => [fd, 0, ...path, 8, 0n, 0n, 0, 64],
  },
  {
    name: "path_readlink",
    needs: ["path_readlink"],
    paths: ["l"],
    given: (_, fd, path) => [fd, ...path, 64, 9, 128],
  },
  {
    name: "path_remove_directory",
    needs: ["path_remove_directory"],
    paths: ["empty"],
    given: (_, fd, path) => [fd, ...path],
  },
  {
    name: "path_rename",
    needs: ["path_rename_source"],
    paths: ["f"],
    given: (rig, fd, path) => [fd, ...path, ROOT + 1, ...rig.put("new")],
  },
  {
    name: "path_rename",
    needs: ["path_rename_target"],
    paths: ["new"],
    given: (rig, fd, path) => [ROOT + 1, ...rig.put("f"), fd, ...path],
  },
  {
    name: "path_symlink",
    needs: ["path_symlink"],
    paths: ["new"],
    given: (rig, fd, path) => [...rig.put("t"), fd, ...path],
  },
  {
    name: "path_unlink_file",
    needs: ["path_unlink_file"],
    paths: ["f"],
    given: (_, fd, path) => [fd, ...path],
  },
];

describe.each(CALLS)("$name with $needs", ({ name, needs, paths: [good = ""], given }) => {
  /** A rig with a second descriptor of the root, which may do everything. */
  const start = () => {
    const rig = makeWasiRig({ files: FILES });
    rig.table.open(preopenDescriptor(rig.system.root, "/all"));
    symlink(rig, "f", "l");
    const call = (fd: number, path: string | Uint8Array) => rig.call(name, ...given(rig, fd, rig.put(path)));
    return { rig, call };
  };

  test("needs these rights and no others", () => {
    const { rig, call } = start();
    const held = rig.descriptor(ROOT);
    for (const missing of needs) {
      held.rights = preopenDescriptor(rig.system.root, "").rights & ~rights(missing);
      expect(call(ROOT, good)).toBe("notcapable");
    }
    held.rights = rights(...needs);
    expect(call(ROOT, good)).toBe("success");
  });

  test("needs an open directory", () => {
    const { rig, call } = start();
    expect([call(77, good), call(-1, good), call(1, good)]).toEqual(["badf", "badf", "notdir"]);
    expect(call(rig.open("f", ["fd_read"]), good)).toBe("notdir");
  });

  test("never leaves the directory", () => {
    const { rig, call } = start();
    expect(symlink(rig, "../f", "out")).toBe("success");
    for (const path of ["/f", "..", "../f", "d/../../f", "d/../..", "out/x", "./../d"])
      expect([path, call(ROOT, path)]).toEqual([path, "notcapable"]);
  });

  test("paths that are none", () => {
    const { rig, call } = start();
    symlink(rig, "loop", "loop");
    expect(call(ROOT, "")).toBe("noent");
    expect(call(ROOT, "f\0")).toBe("ilseq");
    expect(call(ROOT, new Uint8Array([0x66, 0xff]))).toBe("ilseq");
    expect(call(ROOT, "a".repeat(256))).toBe("nametoolong");
    expect(call(ROOT, "a/".repeat(2049))).toBe("nametoolong");
    expect(call(ROOT, "loop/x")).toBe("loop");
    expect([call(ROOT, "no/x"), call(ROOT, "f/x")]).toEqual(["noent", "notdir"]);
  });

  test("places outside the memory, with nothing done", () => {
    const { rig } = start();
    const before = names(rig);
    for (const path of [
      [RIG_BYTES - 2, 3],
      [OUTSIDE, 1],
      [-1, 2],
      [64, -1],
      [64, RIG_BYTES],
    ] as const)
      expect(rig.call(name, ...given(rig, ROOT, path))).toBe("fault");
    expect(names(rig)).toEqual(before);
  });

  test("unknown flags", () => {
    const { rig } = start();
    const places =
      name === "path_open" || /filestat/.test(name) || needs[0] === "path_link_source" ? [1] : [];
    for (const place of places) {
      const values = given(rig, ROOT, rig.put(good)).map((value, at) => (at === place ? 2 : value));
      expect(rig.call(name, ...values)).toBe("inval");
    }
  });
});

test("directories are made where nothing is", () => {
  const rig = makeWasiRig({ files: FILES });
  expect([mkdir(rig, "a"), mkdir(rig, "a/b/"), mkdir(rig, "a/../c")]).toEqual([
    "success",
    "success",
    "success",
  ]);
  expect([mkdir(rig, "a"), mkdir(rig, "f"), mkdir(rig, "."), mkdir(rig, "a/.."), mkdir(rig, "f/")]).toEqual([
    "exist",
    "exist",
    "exist",
    "exist",
    "exist",
  ]);
  expect(names(rig)).toEqual(["a/b/", "c/", "d/g", "empty/", "f"]);
});

/** What Linux says of a name with a slash behind it, by call. */
const SLASHED = {
  "to/": ["exist", "exist", "exist", "notdir", "notdir", "notdir", "notdir", "notdir"],
  "dangling/": ["exist", "exist", "exist", "notdir", "notdir", "notdir", "notdir", "notdir"],
  "self/": ["exist", "exist", "exist", "notdir", "notdir", "notdir", "notdir", "notdir"],
  "f/": ["exist", "exist", "exist", "notdir", "notdir", "notdir", "notdir", "notdir"],
  "d/": ["exist", "exist", "exist", "isdir", "notempty", "success", "notempty", "notdir"],
  "empty/": ["exist", "exist", "exist", "isdir", "success", "success", "success", "notdir"],
  "new/": ["success", "noent", "noent", "noent", "noent", "noent", "success", "notdir"],
} as const;

test.each(Object.entries(SLASHED))("a slash behind a name: %s follows no link", (name, expected) => {
  const calls: ((rig: WasiRig) => string)[] = [
    (rig) => mkdir(rig, name),
    (rig) => symlink(rig, "x", name),
    (rig) => link(rig, "f", name),
    (rig) => unlink(rig, name),
    (rig) => rmdir(rig, name),
    (rig) => rename(rig, name, "moved"),
    (rig) => rename(rig, "other", name),
    (rig) => rename(rig, "g", name),
  ];
  const said = calls.map((call) => {
    const rig = makeWasiRig({ files: { ...FILES, g: "", "other/": "" } });
    for (const [target, at] of [
      ["d", "to"],
      ["none", "dangling"],
      ["self", "self"],
    ] as const)
      // prettier-ignore
      symlink(rig, target, at);
    return call(rig);
  });
  expect(said).toEqual(expected);
});

test("files and links are unlinked, directories removed when they are empty", () => {
  const rig = makeWasiRig({ files: FILES });
  symlink(rig, "d", "l");
  expect([
    unlink(rig, "d"),
    unlink(rig, "d/"),
    unlink(rig, "f/"),
    unlink(rig, "no"),
    unlink(rig, "."),
  ]).toEqual(["isdir", "isdir", "notdir", "noent", "isdir"]);
  expect([
    rmdir(rig, "f"),
    rmdir(rig, "f/"),
    rmdir(rig, "d"),
    rmdir(rig, "no"),
    rmdir(rig, "."),
    rmdir(rig, "l"),
    rmdir(rig, "d/.."),
  ]).toEqual(["notdir", "notdir", "notempty", "noent", "inval", "notdir", "inval"]);
  expect([unlink(rig, "f"), unlink(rig, "l"), rmdir(rig, "empty/")]).toEqual([
    "success",
    "success",
    "success",
  ]);
  expect([stat(rig, "l"), names(rig)]).toEqual(["noent", ["d/g"]]);
});

test("an unlinked file that is open lives on", () => {
  const rig = makeWasiRig({ files: FILES });
  const fd = rig.open("f", ["fd_read"]);
  expect(unlink(rig, "f")).toBe("success");
  const [list, count] = rig.pieces("........");
  expect(rig.call("fd_read", fd, list, count, 64)).toBe("success");
  expect(rig.text(rig.u32(list), 5)).toBe("12345");
});

test("links are told, followed when that is wished, and cut off where the buffer ends", () => {
  const rig = makeWasiRig({ files: FILES });
  expect([symlink(rig, "d/g", "l"), symlink(rig, "ä€", "dangling"), symlink(rig, "d", "to-d")]).toEqual([
    "success",
    "success",
    "success",
  ]);
  expect([
    readlink(rig, "l"),
    readlink(rig, "l", 2),
    readlink(rig, "l", 0),
    readlink(rig, "dangling"),
  ]).toEqual(["d/g", "d/", "", "ä€"]);
  expect([readlink(rig, "f"), readlink(rig, "no"), readlink(rig, "."), readlink(rig, "to-d/")]).toEqual([
    "inval",
    "noent",
    "inval",
    "inval",
  ]);
  expect(stat(rig, "l")).toMatchObject({ fileType: 7n, size: 3n });
  expect([stat(rig, "l", 1), stat(rig, "to-d/g")]).toMatchObject([
    { fileType: 4n, size: 1n },
    { fileType: 4n, size: 1n },
  ]);
  expect([stat(rig, "dangling", 1), stat(rig, "dangling")]).toMatchObject(["noent", { fileType: 7n }]);
  expect([
    symlink(rig, "x", "f"),
    symlink(rig, "x", "new/"),
    symlink(rig, "x", "d/"),
    symlink(rig, "x", "f/"),
    symlink(rig, "x", "dangling"),
  ]).toEqual(["exist", "noent", "exist", "exist", "exist"]);
  expect([symlink(rig, "/etc", "abs"), symlink(rig, "", "none"), stat(rig, "abs")]).toEqual([
    "notcapable",
    "noent",
    "noent",
  ]);
  const [buffer, result] = [rig.room(8), rig.room(4)];
  expect(rig.call("path_readlink", ROOT, ...rig.put("l"), RIG_BYTES - 1, 2, result)).toBe("fault");
  expect(rig.call("path_readlink", ROOT, ...rig.put("l"), buffer, 8, OUTSIDE)).toBe("fault");
  expect(rig.u64(buffer)).toBe(0xaaaaaaaaaaaaaaaan);
});

test("further names lead to the same file", () => {
  const rig = makeWasiRig({ files: FILES });
  symlink(rig, "f", "l");
  symlink(rig, "gone", "dangling");
  expect([link(rig, "f", "d/again"), stat(rig, "d/again")]).toMatchObject([
    "success",
    { links: 2n, size: 5n },
  ]);
  expect([link(rig, "l", "l2"), stat(rig, "l2")]).toMatchObject(["success", { fileType: 7n }]);
  expect([link(rig, "l", "f3", 1), stat(rig, "f3")]).toMatchObject(["success", { fileType: 4n, links: 3n }]);
  expect([link(rig, "dangling", "x"), link(rig, "dangling", "y", 1)]).toEqual(["success", "noent"]);
  expect([
    link(rig, "f", "f"),
    link(rig, "f", "d"),
    link(rig, "f", "dangling"),
    link(rig, "no", "n"),
    link(rig, "d", "n"),
    link(rig, "f", "n/"),
    link(rig, "f/", "n"),
  ]).toEqual(["exist", "exist", "exist", "noent", "perm", "noent", "notdir"]);
  const other = makeMemoryFileSystem({ now: () => 0n, device: 2n });
  const fd = rig.table.open(preopenDescriptor(other.root, "/other"));
  expect(rig.call("path_link", ROOT, 0, ...rig.put("f"), fd, ...rig.put("f"))).toBe("xdev");
});

test("names are moved as POSIX moves them", () => {
  const rig = makeWasiRig({ files: { ...FILES, "e2/": "", h: "h" } });
  expect([rename(rig, "f", "d/f"), rename(rig, "h", "d/f"), rename(rig, "d/f", "d/f")]).toEqual([
    "success",
    "success",
    "success",
  ]);
  expect([rename(rig, "empty/", "moved/"), rename(rig, "moved", "e2"), rename(rig, "d", "e2/d")]).toEqual([
    "success",
    "success",
    "success",
  ]);
  expect(names(rig)).toEqual(["e2/d/f", "e2/d/g"]);
  expect([mkdir(rig, "full"), mkdir(rig, "full/x"), mkdir(rig, "new")]).toEqual([
    "success",
    "success",
    "success",
  ]);
  expect([rename(rig, "new", "full"), rename(rig, "e2/d/f", "new"), rename(rig, "new", "e2/d/f")]).toEqual([
    "notempty",
    "isdir",
    "notdir",
  ]);
  expect([
    rename(rig, "no", "n"),
    rename(rig, "new", "new/x"),
    rename(rig, ".", "n"),
    rename(rig, "new", "."),
  ]).toEqual(["noent", "inval", "inval", "inval"]);
  expect([rename(rig, "e2/d/f/", "n"), rename(rig, "e2/d/f", "n/")]).toEqual(["notdir", "notdir"]);
  const other = makeMemoryFileSystem({ now: () => 0n, device: 2n });
  const fd = rig.table.open(preopenDescriptor(other.root, "/other"));
  expect(rig.call("path_rename", ROOT, ...rig.put("new"), fd, ...rig.put("f"))).toBe("xdev");
});

test("times of a link are its own, unless it is followed", () => {
  const rig = makeWasiRig({ files: FILES });
  symlink(rig, "f", "l");
  const set = (path: string, follow: number, flags: number) =>
    rig.call("path_filestat_set_times", ROOT, follow, ...rig.put(path), 11n, 22n, flags);
  const { accessed, accessedNow, modified, modifiedNow } = TIME_FLAGS;
  expect(set("l", 0, accessed | modified)).toBe("success");
  expect([stat(rig, "l"), stat(rig, "f")]).toMatchObject([
    { accessed: 11n, modified: 22n },
    { accessed: rig.time.realtime },
  ]);
  expect(set("l", 1, modified)).toBe("success");
  expect(stat(rig, "f")).toMatchObject({ accessed: rig.time.realtime, modified: 22n });
  expect([
    set("f", 0, accessed | accessedNow),
    set("f", 0, modified | modifiedNow),
    set("f", 0, 16),
    set("no", 0, 1),
  ]).toEqual(["inval", "inval", "inval", "noent"]);
  expect(rig.call("path_filestat_get", ROOT, 0, ...rig.put("f"), RIG_BYTES - 63)).toBe("fault");
});
