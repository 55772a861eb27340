import { describe, expect, test } from "vitest";
import { FDSTAT, PREVIEW_1, RIGHT_BITS, type RightName, TIME_FLAGS, UNSTABLE, rights } from "./layout.ts";
import {
  DIRECTORY_RIGHTS,
  Descriptor,
  INHERITING_RIGHTS,
  preopenDescriptor,
  streamDescriptor,
} from "../descriptor/descriptor.ts";
import { openNull } from "../descriptor/null.ts";
import { INPUT_RIGHTS, OUTPUT_RIGHTS } from "../descriptor/stream.ts";
import { refuse } from "../errno.ts";
import { MEMORY_BYTES } from "../filesystem/memory-file-system.ts";
import {
  OUTSIDE,
  REALTIME,
  RIG_BYTES,
  type RigArgument,
  ROOT,
  type WasiRig,
  makeWasiRig,
} from "../testing/wasi-rig.ts";

const stat = (rig: WasiRig, fd: number): Record<string, bigint> => {
  const at = rig.room(64);
  expect(rig.call("fd_filestat_get", fd, at)).toBe("success");
  const names = Object.entries(PREVIEW_1.fileStat).filter(([name]) => !name.endsWith("ytes"));
  return Object.fromEntries(names.map(([name, offset]) => [name, rig.u64(at + offset)]));
};

const size = (rig: WasiRig, fd: number): number => Number(stat(rig, fd)["size"]);

const EVERY = (Object.keys(RIGHT_BITS) as RightName[]).filter((name) => /^fd_(?!readdir)/.test(name));

/** Each call that needs a right: the right, its other arguments, and what it says of a directory and of a stream. */
const NEEDS: readonly [string, RightName, readonly RigArgument[], string, string][] = [
  ["fd_advise", "fd_advise", [0n, 0n, 0], "isdir", "spipe"],
  ["fd_allocate", "fd_allocate", [0n, 1n], "isdir", "spipe"],
  ["fd_datasync", "fd_datasync", [], "success", "inval"],
  ["fd_sync", "fd_sync", [], "success", "inval"],
  ["fd_fdstat_set_flags", "fd_fdstat_set_flags", [0], "success", "success"],
  ["fd_filestat_get", "fd_filestat_get", [64], "success", "success"],
  ["fd_filestat_set_size", "fd_filestat_set_size", [0n], "isdir", "inval"],
  ["fd_filestat_set_times", "fd_filestat_set_times", [0n, 0n, 0], "success", "notcapable"],
  ["fd_seek", "fd_seek", [1n, 0, 64], "isdir", "spipe"],
  ["fd_tell", "fd_tell", [64], "isdir", "spipe"],
];

test.each(NEEDS)(
  "%s needs its right, and a thing that it makes sense for",
  (name, right, rest, directory, stream) => {
    const rig = makeWasiRig({ files: { f: "" } });
    const without = EVERY.filter((each) => each !== right && !(right === "fd_tell" && each === "fd_seek"));
    expect(rig.call(name, rig.open("f", [right]), ...rest)).toBe("success");
    expect(rig.call(name, rig.open("f", without), ...rest)).toBe("notcapable");
    expect(rig.call(name, ROOT, ...rest)).toBe(directory);
    expect(rig.call(name, 1, ...rest)).toBe(stream);
    for (const fd of [-1, 77, 2 ** 31 - 1]) expect(rig.call(name, fd, ...rest)).toBe("badf");
  },
);

describe("fdstat", () => {
  test("tells type, flags and rights", () => {
    const rig = makeWasiRig({ files: { f: "" } });
    const at = rig.room(32);
    const tell = (fd: number) => {
      expect(rig.call("fd_fdstat_get", fd, at)).toBe("success");
      const [base, inheriting] = [rig.u64(at + FDSTAT.rightsBase), rig.u64(at + FDSTAT.rightsInheriting)];
      return [rig.memory.getU8(at), rig.memory.getU16LE(at + FDSTAT.flags), Number(base), Number(inheriting)];
    };
    expect(tell(ROOT)).toEqual([3, 0, DIRECTORY_RIGHTS, INHERITING_RIGHTS]);
    expect(tell(0)).toEqual([0, 0, INPUT_RIGHTS, 0]);
    expect(tell(1)).toEqual([0, 0, OUTPUT_RIGHTS, 0]);
    expect(tell(rig.open("f", ["fd_write", "path_open"], { fdflags: 1 }))).toEqual([
      4,
      1,
      rights("fd_write"),
      0,
    ]);
    expect(rig.u64(at + 24)).toBe(0xaaaaaaaaaaaaaaaan);
    expect(rig.call("fd_fdstat_get", 9, at)).toBe("badf");
    expect([rig.call("fd_fdstat_get", 0, RIG_BYTES - 23), rig.call("fd_fdstat_get", 0, OUTSIDE)]).toEqual([
      "fault",
      "fault",
    ]);
  });

  test("flags are set, of those there are", () => {
    const rig = makeWasiRig({ files: { f: "" } });
    const fd = rig.open("f", ["fd_fdstat_set_flags"]);
    expect(rig.call("fd_fdstat_set_flags", fd, 31)).toBe("success");
    expect(rig.descriptor(fd).flags).toBe(31);
    expect([rig.call("fd_fdstat_set_flags", fd, 32), rig.call("fd_fdstat_set_flags", fd, -1)]).toEqual([
      "inval",
      "inval",
    ]);
    expect(rig.descriptor(fd).flags).toBe(31);
  });

  test("rights only shrink", () => {
    const rig = makeWasiRig();
    const set = (base: bigint, inheriting: bigint) =>
      rig.call("fd_fdstat_set_rights", ROOT, base, inheriting);
    expect(set(BigInt(rights("path_open", "fd_readdir")), BigInt(rights("fd_read")))).toBe("success");
    expect(set(BigInt(rights("path_open", "fd_sync")), 0n)).toBe("notcapable");
    expect(set(0n, BigInt(rights("fd_write")))).toBe("notcapable");
    for (const unknown of [2n ** 30n, 2n ** 63n, -1n]) expect(set(unknown, 0n)).toBe("notcapable");
    expect(set(0n, 2n ** 40n)).toBe("notcapable");
    expect(rig.descriptor(ROOT)).toMatchObject({ rights: rights("path_open", "fd_readdir"), inheriting: 2 });
    expect(rig.call("fd_fdstat_set_rights", 9, 0n, 0n)).toBe("badf");
  });
});

describe("filestat", () => {
  test("tells of files and streams", () => {
    const rig = makeWasiRig({ files: { f: "12345" } });
    const fd = rig.open("f", ["fd_filestat_get"]);
    const told = stat(rig, fd);
    expect(told).toMatchObject({
      fileType: 4n,
      size: 5n,
      links: 1n,
      accessed: REALTIME,
      modified: REALTIME,
      changed: REALTIME,
    });
    expect(stat(rig, ROOT)).toMatchObject({ fileType: 3n, device: told["device"] });
    expect(stat(rig, ROOT)["serial"]).not.toBe(told["serial"]);
    expect(stat(rig, 1)).toMatchObject({ fileType: 0n, size: 0n, links: 1n });
    const tty = rig.table.open(streamDescriptor(openNull()));
    expect(stat(rig, tty)).toMatchObject({ fileType: 2n });
    for (const each of [fd, 1]) expect(rig.call("fd_filestat_get", each, RIG_BYTES - 63)).toBe("fault");
  });

  test("each stream is told from every other", () => {
    const rig = makeWasiRig({ files: { f: "" } });
    const one = openNull();
    const [first, same] = [0, 1].map(() => rig.table.open(streamDescriptor(one)));
    const fds = [1, 0, 2, first ?? 0, same ?? 0, 1];
    const told = fds.map((each) => stat(rig, each));
    expect(told.map(({ serial }) => serial)).toEqual([1n, 2n, 3n, 4n, 4n, 1n]);
    expect(new Set(told.map(({ device }) => device))).toEqual(new Set([0n]));
    expect(stat(rig, rig.open("f", ["fd_filestat_get"]))["device"]).not.toBe(0n);
  });

  test("is shorter in the older interface", () => {
    const rig = makeWasiRig({ files: { f: "12345" }, module: UNSTABLE.module });
    const fd = rig.open("f", ["fd_filestat_get"]);
    const at = rig.room(64);
    expect(rig.call("fd_filestat_get", fd, at)).toBe("success");
    const { fileType, links, size: sizeAt, accessed, changed } = UNSTABLE.fileStat;
    expect([rig.u32(at + fileType), rig.u32(at + links), rig.u64(at + sizeAt)]).toEqual([4, 1, 5n]);
    expect([rig.u64(at + accessed), rig.u64(at + changed), rig.u64(at + 56)]).toEqual([
      REALTIME,
      REALTIME,
      0xaaaaaaaaaaaaaaaan,
    ]);
    expect(rig.call("fd_filestat_get", fd, RIG_BYTES - 56)).toBe("success");
  });

  test("sizes are set, within reason", () => {
    const rig = makeWasiRig({ files: { f: "12345" } });
    const fd = rig.open("f", ["fd_filestat_get", "fd_filestat_set_size", "fd_allocate"]);
    const set = (to: bigint) => rig.call("fd_filestat_set_size", fd, to);
    expect([set(3n), size(rig, fd), set(9n), size(rig, fd)]).toEqual(["success", 3, "success", 9]);
    expect([set(-1n), set(2n ** 53n), set(2n ** 62n)]).toEqual(["inval", "fbig", "fbig"]);
    const allocate = (from: bigint, length: bigint) => rig.call("fd_allocate", fd, from, length);
    expect([allocate(0n, 5n), size(rig, fd)]).toEqual(["success", 9]);
    expect([allocate(8n, 4n), size(rig, fd)]).toEqual(["success", 12]);
    expect([allocate(0n, 0n), allocate(-1n, 1n), allocate(0n, -1n)]).toEqual(["inval", "inval", "inval"]);
    const most = BigInt(MEMORY_BYTES);
    expect([set(most + 1n), set(2n ** 52n), allocate(most, 1n), allocate(1n, 2n ** 52n)]).toEqual(
      Array.from({ length: 4 }, () => "fbig"),
    );
    expect([allocate(2n ** 53n - 1n, 1n), allocate(2n ** 60n, 1n)]).toEqual(["fbig", "inval"]);
    expect(size(rig, fd)).toBe(12);
  });

  test("times are set to what is given, or to now", () => {
    const rig = makeWasiRig({ files: { f: "" } });
    const fd = rig.open("f", ["fd_filestat_get", "fd_filestat_set_times"]);
    const { accessed, accessedNow, modified, modifiedNow } = TIME_FLAGS;
    const set = (flags: number, to = 5n) => rig.call("fd_filestat_set_times", fd, to, to + 1n, flags);
    expect([set(accessed | modified), stat(rig, fd)]).toMatchObject([
      "success",
      { accessed: 5n, modified: 6n },
    ]);
    rig.time.realtime = 77n;
    expect([set(accessedNow), stat(rig, fd)]).toMatchObject(["success", { accessed: 77n, modified: 6n }]);
    expect([set(modifiedNow), stat(rig, fd)]).toMatchObject(["success", { modified: 77n }]);
    expect([set(0, 9n), stat(rig, fd)]).toMatchObject(["success", { accessed: 77n, modified: 77n }]);
    expect([set(accessed, 2n ** 64n - 2n), stat(rig, fd)]).toMatchObject([
      "success",
      { accessed: 2n ** 64n - 2n },
    ]);
    for (const wrong of [accessed | accessedNow, modified | modifiedNow, 16, -1])
      expect(set(wrong)).toBe("inval");
    expect(stat(rig, fd)).toMatchObject({ accessed: 2n ** 64n - 2n, modified: 77n });
  });

  test("what a file system refuses is told", () => {
    const rig = makeWasiRig({ files: { f: "" } });
    const { thing } = rig.descriptor(rig.open("f", []));
    if (thing.kind !== "file") throw new Error("not a file");
    const node = {
      ...thing.node,
      fileType: 4 as const,
      open: () => refuse("io"),
      stat: () => refuse("stale"),
      setTimes: () => refuse("rofs"),
    };
    const file = {
      read: () => 0,
      write: () => 0,
      size: () => refuse("stale"),
      resize: () => refuse("nospc"),
      sync: () => refuse("io"),
      close: () => undefined,
    };
    const fd = rig.table.open(new Descriptor({ kind: "file", node, file }));
    expect(rig.call("fd_filestat_get", fd, 64)).toBe("stale");
    expect(rig.call("fd_filestat_set_times", fd, 0n, 0n, 1)).toBe("rofs");
    expect([rig.call("fd_filestat_set_size", fd, 1n), rig.call("fd_allocate", fd, 0n, 1n)]).toEqual([
      "nospc",
      "stale",
    ]);
    expect([
      rig.call("fd_sync", fd),
      rig.call("fd_datasync", fd),
      rig.call("fd_seek", fd, 0n, 2, 64),
    ]).toEqual(["io", "io", "stale"]);
  });
});

describe("positions", () => {
  const open = (rig: WasiRig) => rig.open("f", ["fd_seek", "fd_tell"]);

  test("are set from the start, from here, and from the end", () => {
    const rig = makeWasiRig({ files: { f: "0123456789" } });
    const fd = open(rig);
    const at = rig.room(16);
    const seek = (offset: bigint, whence: number) => [
      rig.call("fd_seek", fd, offset, whence, at),
      rig.u64(at),
    ];
    expect(seek(4n, 0)).toEqual(["success", 4n]);
    expect(seek(3n, 1)).toEqual(["success", 7n]);
    expect(seek(-2n, 2)).toEqual(["success", 8n]);
    expect(seek(1000n, 1)).toEqual(["success", 1008n]);
    expect(seek(-1009n, 1)).toEqual(["inval", 1008n]);
    expect([seek(0n, 3), seek(0n, -1)].map(([answer]) => answer)).toEqual(["inval", "inval"]);
    expect(seek(2n ** 53n - 1n, 0)).toEqual(["success", 2n ** 53n - 1n]);
    for (const far of [1n, 2n ** 63n - 1n, -(2n ** 63n)]) expect(seek(far, 1)[0]).toBe("inval");
    expect([rig.call("fd_tell", fd, at + 8), rig.u64(at + 8)]).toEqual(["success", 2n ** 53n - 1n]);
    expect([rig.call("fd_seek", fd, 0n, 0, RIG_BYTES - 7), rig.call("fd_tell", fd, OUTSIDE)]).toEqual([
      "fault",
      "fault",
    ]);
    expect(rig.descriptor(fd).position).toBe(2 ** 53 - 1);
  });

  test("the older interface counts `whence` differently", () => {
    const rig = makeWasiRig({ files: { f: "0123456789" }, module: UNSTABLE.module });
    const fd = open(rig);
    const at = rig.room(8);
    const seek = (offset: bigint, whence: number) => [
      rig.call("fd_seek", fd, offset, whence, at),
      rig.u64(at),
    ];
    expect([seek(4n, 2), seek(3n, 0), seek(-2n, 1)]).toEqual([
      ["success", 4n],
      ["success", 7n],
      ["success", 8n],
    ]);
  });

  test("asking needs either right, moving the one", () => {
    const rig = makeWasiRig({ files: { f: "" } });
    const at = rig.room(8);
    const tell = rig.open("f", ["fd_tell"]);
    const seek = rig.open("f", ["fd_seek"]);
    const none = rig.open("f", ["fd_read"]);
    expect([
      rig.call("fd_tell", tell, at),
      rig.call("fd_tell", seek, at),
      rig.call("fd_tell", none, at),
    ]).toEqual(["success", "success", "notcapable"]);
    const ask = (fd: number) => rig.call("fd_seek", fd, 0n, 1, at);
    expect([ask(tell), ask(seek), ask(none)]).toEqual(["success", "success", "notcapable"]);
    expect(rig.call("fd_seek", tell, 0n, 0, at)).toBe("notcapable");
  });
});

test("advice is looked at", () => {
  const rig = makeWasiRig({ files: { f: "" } });
  const fd = rig.open("f", ["fd_advise"]);
  const advise = (offset: bigint, length: bigint, advice: number) =>
    rig.call("fd_advise", fd, offset, length, advice);
  for (let advice = 0; advice < 6; advice++) expect(advise(10n, 2n ** 63n, advice)).toBe("success");
  expect([advise(0n, 0n, 6), advise(0n, 0n, -1), advise(-1n, 1n, 0)]).toEqual(["inval", "inval", "inval"]);
});

describe("descriptors", () => {
  test("closing and renumbering", () => {
    const rig = makeWasiRig({ files: { a: "", b: "" } });
    const [a, b] = [rig.open("a", ["fd_read"]), rig.open("b", ["fd_write"])];
    expect(rig.call("fd_renumber", a, b)).toBe("success");
    expect([rig.call("fd_close", a), rig.descriptor(b).rights]).toEqual(["badf", rights("fd_read")]);
    expect([
      rig.call("fd_renumber", b, a),
      rig.call("fd_renumber", a, b),
      rig.call("fd_renumber", b, -1),
    ]).toEqual(["badf", "badf", "badf"]);
    expect([rig.call("fd_renumber", b, b), rig.call("fd_close", b), rig.call("fd_close", b)]).toEqual([
      "success",
      "success",
      "badf",
    ]);
    expect(rig.call("fd_renumber", 1, ROOT)).toBe("success");
    expect(rig.call("fd_prestat_get", ROOT, 64)).toBe("badf");
  });

  test("directories from the start have names, and the search for them ends with `badf`", () => {
    const rig = makeWasiRig({ files: { f: "" } });
    const fd = rig.table.open(preopenDescriptor(rig.system.root, "/tmp/ä"));
    const at = rig.room(16);
    expect(rig.call("fd_prestat_get", fd, at)).toBe("success");
    expect([rig.u32(at), rig.u32(at + 4), rig.u64(at + 8)]).toEqual([0, 7, 0xaaaaaaaaaaaaaaaan]);
    const name = rig.room(16);
    expect(rig.call("fd_prestat_dir_name", fd, name, 16)).toBe("success");
    expect([rig.text(name, 7), rig.memory.getU8(name + 7)]).toEqual(["/tmp/ä", 0xaa]);
    expect(rig.call("fd_prestat_dir_name", fd, name, 6)).toBe("nametoolong");
    expect(rig.call("fd_prestat_dir_name", fd, RIG_BYTES - 6, 7)).toBe("fault");
    expect(rig.call("fd_prestat_get", fd, RIG_BYTES - 7)).toBe("fault");
    for (const other of [0, rig.open("f", []), 50, -1]) {
      expect(rig.call("fd_prestat_get", other, at)).toBe("badf");
      expect(rig.call("fd_prestat_dir_name", other, name, 16)).toBe("badf");
    }
    expect(rig.call("fd_renumber", fd, 0)).toBe("success");
    expect(rig.call("fd_prestat_get", 0, at)).toBe("success");
  });
});
