import { describe, expect, test } from "vitest";
import { DESCRIPTOR_FLAGS, OPEN_FLAGS, type RightName, rights } from "./layout.ts";
import { DIRECTORY_RIGHTS, Descriptor, FILE_RIGHTS, INHERITING_RIGHTS } from "../descriptor/descriptor.ts";
import { refuse } from "../errno.ts";
import type { FileNode } from "../filesystem/file-system.ts";
import { readTree } from "../filesystem/tree.ts";
import { OUTSIDE, RIG_BYTES, ROOT, type WasiRig, makeWasiRig } from "../testing/wasi-rig.ts";

const FILES = { f: "12345", "d/g": "x" };
const { create, directory, exclusive, truncate } = OPEN_FLAGS;

interface How {
  readonly fd?: number;
  readonly follow?: number;
  readonly open?: number;
  readonly base?: bigint | readonly RightName[];
  readonly inheriting?: bigint | readonly RightName[];
  readonly flags?: number;
}

const set = (given: bigint | readonly RightName[] = []): bigint =>
  typeof given === "bigint" ? given : BigInt(rights(...given));

/** Opens: the descriptor, or the name of the error. */
function open(rig: WasiRig, path: string, how: How = {}): number | string {
  const result = rig.room(4);
  const { fd = ROOT, follow = 0, open: flags = 0, base, inheriting, flags: fdflags = 0 } = how;
  const rest = [flags, set(base), set(inheriting), fdflags, result];
  const answer = rig.call("path_open", fd, follow, ...rig.put(path), ...rest);
  if (answer !== "success") expect(rig.u32(result)).toBe(0xaaaaaaaa);
  return answer === "success" ? rig.u32(result) : answer;
}

const link = (rig: WasiRig, target: string, path: string) =>
  expect(rig.call("path_symlink", ...rig.put(target), ROOT, ...rig.put(path))).toBe("success");

const tree = (rig: WasiRig): Record<string, string> => {
  const read = readTree(rig.system.root);
  if (typeof read === "number") throw new Error("the tree cannot be read");
  return Object.fromEntries([...read].map(([name, bytes]) => [name, new TextDecoder().decode(bytes)]));
};

test("files and directories are opened, at the lowest free number", () => {
  const rig = makeWasiRig({ files: FILES });
  expect([open(rig, "f"), open(rig, "d"), open(rig, "d/"), open(rig, "."), open(rig, "d/..")]).toEqual([
    4, 5, 6, 7, 8,
  ]);
  expect([4, 5, 7].map((fd) => rig.descriptor(fd).thing.kind)).toEqual(["file", "directory", "directory"]);
  expect(rig.call("fd_close", 6)).toBe("success");
  expect(open(rig, "f")).toBe(6);
  expect([
    open(rig, "no"),
    open(rig, "f/"),
    open(rig, "f", { open: directory }),
    open(rig, "d", { open: directory }),
  ]).toEqual(["noent", "notdir", "notdir", 9]);
});

test("below a directory that was opened, `..` leads no further than to it", () => {
  const rig = makeWasiRig({ files: FILES });
  const fd = open(rig, "d", { inheriting: ["fd_read", "path_open"], base: ["path_open"] }) as number;
  expect([open(rig, "..", { fd }), open(rig, "../f", { fd }), open(rig, "g", { fd })]).toEqual([
    "notcapable",
    "notcapable",
    5,
  ]);
});

describe("rights", () => {
  test("are what was wished, without what means nothing for the thing", () => {
    const rig = makeWasiRig({ files: FILES });
    const all = {
      base: BigInt(INHERITING_RIGHTS & ~rights("fd_write")),
      inheriting: BigInt(INHERITING_RIGHTS),
    };
    const held = (fd: number | string) => rig.descriptor(Number(fd));
    expect(held(open(rig, "d", all))).toMatchObject({
      rights: DIRECTORY_RIGHTS,
      inheriting: INHERITING_RIGHTS,
    });
    expect(held(open(rig, "f", all))).toMatchObject({
      rights: FILE_RIGHTS & ~rights("fd_write"),
      inheriting: 0,
    });
    expect(held(open(rig, "f"))).toMatchObject({ rights: 0, inheriting: 0 });
  });

  test("cannot be more than the directory passes on", () => {
    const rig = makeWasiRig({ files: FILES });
    const inheriting = ["fd_read", "path_open"] as const;
    const fd = open(rig, "d", { base: ["path_open"], inheriting }) as number;
    expect(open(rig, "g", { fd, base: ["fd_read"] })).toBe(5);
    expect(open(rig, "g", { fd, base: ["fd_write"] })).toBe("notcapable");
    expect(open(rig, "g", { fd, inheriting: ["fd_write"] })).toBe("notcapable");
    for (const unknown of [2n ** 30n, 2n ** 63n, -1n]) {
      expect(open(rig, "f", { base: unknown })).toBe("notcapable");
      expect(open(rig, "f", { inheriting: unknown })).toBe("notcapable");
    }
    expect(open(rig, "f", { base: ["sock_accept"] })).toBe("notcapable");
  });

  test("flags that synchronise need the right to do so", () => {
    const rig = makeWasiRig({ files: FILES });
    const { dataSync, readSync, sync, append } = DESCRIPTOR_FLAGS;
    const only = (...names: readonly RightName[]) => {
      rig.descriptor(ROOT).inheriting = rights(...names);
      return [dataSync, readSync, sync, append].map((flags) => typeof open(rig, "f", { flags }));
    };
    expect(only()).toEqual(["string", "string", "string", "number"]);
    expect(only("fd_datasync")).toEqual(["number", "string", "string", "number"]);
    expect(only("fd_sync")).toEqual(["string", "number", "number", "number"]);
  });

  test("decide how a file is opened", () => {
    const rig = makeWasiRig({ files: FILES });
    const { thing } = rig.descriptor(ROOT);
    if (thing.kind !== "directory") throw new Error("not a directory");
    const asked: object[] = [];
    const node = thing.node.lookup("f");
    if (typeof node === "number") throw new Error("no file");
    const file = { ...node, fileType: 4, open: (access: object) => (asked.push(access), refuse("acces")) };
    const inner = Object.assign(Object.create(thing.node), { lookup: () => file });
    const fd = rig.table.open(new Descriptor({ ...thing, node: inner }));
    const rw = (read: boolean, write: boolean) => ({ read, write });
    for (const [how, access] of [
      [{}, rw(true, false)],
      [{ base: ["fd_read"] }, rw(true, false)],
      [{ base: ["fd_write"] }, rw(false, true)],
      [{ base: ["fd_read", "fd_write"] }, rw(true, true)],
      [{ base: ["fd_allocate"] }, rw(false, true)],
      [{ base: ["fd_filestat_set_size", "fd_read"] }, rw(true, true)],
      [{ open: truncate }, rw(false, true)],
      [{ open: truncate, base: ["fd_read"] }, rw(true, true)],
    ] as const) {
      expect(open(rig, "f", { fd, ...how })).toBe("acces");
      expect(asked.pop()).toEqual(access);
    }
  });
});

describe("flags", () => {
  test("make and empty files", () => {
    const rig = makeWasiRig({ files: FILES });
    expect([
      open(rig, "new", { open: create }),
      open(rig, "f", { open: create }),
      open(rig, "d/../d/n", { open: create | exclusive }),
    ]).toEqual([4, 5, 6]);
    expect(tree(rig)).toEqual({ ...FILES, new: "", "d/n": "" });
    expect(open(rig, "f", { open: create | exclusive | truncate })).toBe("exist");
    expect(open(rig, "f", { open: truncate })).toBe(7);
    expect(open(rig, "n2", { open: create | truncate })).toBe(8);
    expect(tree(rig)).toEqual({ "d/g": "x", "d/n": "", f: "", n2: "", new: "" });
  });

  test("fit what is there", () => {
    const rig = makeWasiRig({ files: FILES });
    expect([
      open(rig, "d", { open: create }),
      open(rig, "d", { open: truncate }),
      open(rig, "d", { base: ["fd_write"] }),
    ]).toEqual(["isdir", "isdir", "isdir"]);
    expect(open(rig, "d", { open: directory, base: ["fd_read", "fd_write"] })).toBe("isdir");
    expect([
      open(rig, "d", { open: create | exclusive }),
      open(rig, "new/", { open: create }),
      open(rig, "no/f", { open: create }),
    ]).toEqual(["exist", "isdir", "noent"]);
    expect([
      open(rig, "f", { open: create | directory }),
      open(rig, "f", { open: 16 }),
      open(rig, "f", { flags: 32 }),
      open(rig, "f", { flags: -1 }),
    ]).toEqual(["inval", "inval", "inval", "inval"]);
    expect(open(rig, "d", { open: directory, base: ["fd_read"], flags: DESCRIPTOR_FLAGS.nonBlocking })).toBe(
      4,
    );
    expect(tree(rig)).toEqual(FILES);
  });

  test("and links: not followed they are in the way, followed they lead inside", () => {
    const rig = makeWasiRig({ files: FILES });
    link(rig, "f", "to-f");
    link(rig, "d", "to-d");
    link(rig, "later", "dangling");
    link(rig, "../f", "out");
    link(rig, "a/../../f", "far");
    expect([
      open(rig, "to-f"),
      open(rig, "to-d"),
      open(rig, "to-f", { open: directory }),
      open(rig, "dangling", { open: create }),
    ]).toEqual(["loop", "loop", "loop", "loop"]);
    expect([
      open(rig, "to-f", { follow: 1 }),
      open(rig, "to-d", { follow: 1, open: directory }),
      open(rig, "to-d/g"),
    ]).toEqual([4, 5, 6]);
    expect([open(rig, "to-f", { follow: 1, open: directory }), open(rig, "dangling", { follow: 1 })]).toEqual(
      ["notdir", "noent"],
    );
    expect([open(rig, "out", { follow: 1 }), open(rig, "far", { follow: 1 })]).toEqual([
      "notcapable",
      "noent",
    ]);
    expect(open(rig, "dangling", { follow: 1, open: create | exclusive })).toBe("exist");
    expect(open(rig, "dangling", { follow: 1, open: create })).toBe(7);
    expect(tree(rig)).toEqual({ ...FILES, later: "" });
  });
});

describe("nothing is half done", () => {
  test("when there is no number left", () => {
    const rig = makeWasiRig({ files: FILES, descriptors: 4 });
    expect([open(rig, "new", { open: create }), open(rig, "f", { open: truncate })]).toEqual([
      "mfile",
      "mfile",
    ]);
    expect(tree(rig)).toEqual(FILES);
    expect([rig.call("fd_close", 0), open(rig, "f")]).toEqual(["success", 0]);
  });

  test("when the number cannot be told", () => {
    const rig = makeWasiRig({ files: FILES });
    for (const at of [OUTSIDE, RIG_BYTES - 3, -1])
      expect(rig.call("path_open", ROOT, 0, ...rig.put("new"), create, 0n, 0n, 0, at)).toBe("fault");
    expect([tree(rig), rig.table.count()]).toEqual([FILES, 4]);
  });

  test("when a file cannot be emptied it is closed again", () => {
    const rig = makeWasiRig({ files: FILES });
    const { thing } = rig.descriptor(ROOT);
    if (thing.kind !== "directory") throw new Error("not a directory");
    let closed = 0;
    const file = { resize: () => refuse("rofs"), close: () => void (closed += 1) };
    const lookup = () => ({ fileType: 4, open: () => file });
    const node = Object.assign(Object.create(thing.node), { lookup });
    const fd = rig.table.open(new Descriptor({ ...thing, node }));
    expect([open(rig, "f", { fd, open: truncate }), closed, rig.table.count()]).toEqual(["rofs", 1, 5]);
  });

  test("devices of a file system are not opened", () => {
    const rig = makeWasiRig();
    const { thing } = rig.descriptor(ROOT);
    if (thing.kind !== "directory") throw new Error("not a directory");
    const lookup = (): FileNode => ({ fileType: 2, stat: () => refuse("io"), setTimes: () => refuse("io") });
    const node = Object.assign(Object.create(thing.node), { lookup });
    const fd = rig.table.open(new Descriptor({ ...thing, node }));
    expect(open(rig, "tty", { fd })).toBe("notsup");
  });
});
