/** Imports where something goes wrong: other disks, failing writes, files and directories that will not hold still. */
import type { Disk, DiskRequest } from "@exolith/hw-model";
import { expect, test } from "vitest";
import type { SiteSource, SourceFile } from "../src/disk/site-source.ts";
import { makeMemorySource, patternBytes } from "./memory-source.ts";
import type { MemorySource } from "./memory-source.ts";
import { makeServerRig, parseResponse, text } from "./server-rig.ts";
import type { ServerRig } from "./server-rig.ts";

const GET = (name: string): string => `GET /${name} HTTP/1.1\r\nHost: t\r\n\r\n`;
const fetch = (rig: ServerRig, name: string): string => {
  const { status, body } = parseResponse(rig.exchange(GET(name)));
  return status === 200 ? text(body) : String(status);
};
const refresh = (rig: ServerRig): void => {
  const { rounds } = rig.cheetah.progress();
  rig.cheetah.refresh();
  rig.gate.nullCall();
  rig.run(0);
  rig.until(() => rig.cheetah.progress().rounds > rounds);
};
const reasons = (rig: ServerRig): Record<string, string> =>
  Object.fromEntries(rig.cheetah.progress().skippedFiles.map(({ path, reason }) => [path, reason]));

test("a disk that was filled from another directory is wiped, not served", () => {
  const first = makeServerRig({ source: { ...makeMemorySource({ "a.txt": "private" }), identity: "one" } });
  const again = makeServerRig({ source: { ...first.source, identity: "one" }, machine: first.machine });
  expect([again.cheetah.restored(), again.cheetah.progress().files]).toEqual(["restored", 0]);
  const broken = { ...makeMemorySource(), identity: "two", list: () => fail("unplugged") };
  const other = makeServerRig({ source: broken, machine: first.machine });
  expect([other.cheetah.restored(), other.cheetah.ready(), fetch(other, "a.txt")]).toEqual([
    "OtherSource",
    false,
    "503",
  ]);
  const back = makeServerRig({ source: { ...first.source, identity: "one" }, machine: first.machine });
  expect([back.cheetah.restored(), fetch(back, "a.txt")]).toEqual(["NoMagic", "private"]);
});

test("what a disk held is served only when it has been compared with the source", () => {
  const files = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`${i}.txt`, ""]));
  const source = makeMemorySource({ ...files, "a.txt": "old" });
  const first = makeServerRig({ source });
  source.put("a.txt", "new", Date.UTC(2026, 0, 1));
  const second = makeServerRig({ source, machine: first.machine, waits: false });
  second.until(() => second.cheetah.restored() !== undefined);
  expect([second.cheetah.restored(), second.cheetah.progress().rounds]).toEqual(["restored", 0]);
  const early = second.connect();
  early.write(GET("a.txt"));
  early.receive();
  expect([second.cheetah.ready(), parseResponse(early.take()).status]).toEqual([false, 503]);
  second.until(() => second.cheetah.progress().rounds > 0);
  expect([second.cheetah.ready(), fetch(second, "a.txt")]).toEqual([true, "new"]);
});

/** A disk on which writes that `isBad` holds of fail. */
const failingDisk = (disk: Disk, isBad: (request: DiskRequest) => boolean): Disk => ({
  ...disk,
  reap: (now, limit, done) => disk.reap(now, limit, (request, ok) => done(request, ok && !isBad(request))),
});

test("a write that fails is charged to its file: the others are imported, and it is once the disk is well", () => {
  const big = patternBytes(300_000, 3);
  const disk = { isBad: true };
  const source = makeMemorySource({ "a.txt": "a", "big.bin": "small yet" });
  const heard: (string | undefined)[] = [];
  const rig = makeServerRig({
    source,
    wrapDisk: (inner) => failingDisk(inner, ({ kind, count }) => disk.isBad && kind === "write" && count > 8),
    cheetah: { imported: ({ error }) => heard.push(error) },
  });
  const free = rig.cheetah.counters.blocksFree();
  source.put("big.bin", big);
  source.put("b.txt", "b");
  refresh(rig);
  expect([rig.cheetah.progress().error, reasons(rig)]).toEqual([undefined, { "big.bin": "DiskFailed" }]);
  expect(["a.txt", "b.txt", "big.bin"].map((name) => fetch(rig, name))).toEqual(["a", "b", "small yet"]);
  expect(rig.cheetah.counters.blocksFree()).toBe(free - 1);
  disk.isBad = false;
  refresh(rig);
  expect([reasons(rig), fetch(rig, "big.bin") === text(big)]).toEqual([{}, true]);
  expect(heard).toEqual([undefined, undefined, undefined]);
});

/** A source that can tell a file's state, and meddles with a file whenever a piece of it has been read. */
function changingSource(meddle: (source: MemorySource, path: string, offset: number) => void): MemorySource {
  const source = makeMemorySource();
  const look = (path: string): SourceFile => {
    const { bytes, modified } = source.files.get(path) ?? fail("gone");
    return { path, size: bytes.length, modified };
  };
  const read: SiteSource["read"] = (path, offset, into) => {
    const count = source.read(path, offset, into);
    meddle(source, path, offset);
    return count;
  };
  return { ...source, look, read };
}

const fail = (why: string): never => {
  throw new Error(why);
};

test("a file that changes while it is copied is copied again: no mixture is ever served", () => {
  const [old, fresh] = [patternBytes(150_000, 1), patternBytes(150_000, 2)];
  const meddling = { now: true };
  const source = changingSource((memory, path) => {
    if (meddling.now) memory.put(path, fresh, Date.UTC(2026, 0, 1));
    meddling.now = false;
  });
  source.put("f.bin", old);
  const rig = makeServerRig({ source });
  expect([fetch(rig, "f.bin") === text(fresh), reasons(rig)]).toEqual([true, {}]);
  expect(rig.cheetah.progress()).toMatchObject({ files: 1, filesDone: 1, bytesDone: 150_000 });
});

test("a file that never holds still stays as it was, and gives its blocks back", () => {
  let modified = Date.UTC(2026, 0, 1);
  const restless = { now: false };
  const source = changingSource((memory, path) => {
    if (restless.now && path === "f.bin") memory.put(path, patternBytes(150_000, modified), (modified += 1));
  });
  source.put("f.bin", "calm");
  source.put("g.txt", "g");
  const rig = makeServerRig({ source });
  const free = rig.cheetah.counters.blocksFree();
  restless.now = true;
  source.put("f.bin", patternBytes(150_000, 5), 1);
  source.put("g.txt", "G", 1);
  refresh(rig);
  expect([fetch(rig, "f.bin"), fetch(rig, "g.txt"), reasons(rig)]).toEqual([
    "calm",
    "G",
    { "f.bin": "Changed" },
  ]);
  expect(rig.cheetah.counters.blocksFree()).toBe(free);
});

test("a change that keeps size and time is seen by the file's version, also after a restart", () => {
  const version = { of: 2 ** 52 + 1 };
  const memory = makeMemorySource({ "a.txt": "old", "b.txt": "b" });
  const list = (): SourceFile[] =>
    [...memory.list()].flatMap((file) => ("size" in file ? [{ ...file, version: version.of }] : []));
  const source = { ...memory, list };
  const first = makeServerRig({ source });
  refresh(first);
  expect(first.cheetah.progress().files).toBe(0);
  memory.put("a.txt", "new");
  version.of += 1;
  refresh(first);
  expect([first.cheetah.progress().files, fetch(first, "a.txt")]).toEqual([2, "new"]);
  const second = makeServerRig({ source, machine: first.machine });
  expect([second.cheetah.restored(), second.cheetah.progress().files]).toEqual(["restored", 0]);
});

test("what cannot be looked at for a while stays served; what is gone does not", () => {
  const memory = makeMemorySource({
    "d/a.txt": "a",
    "d/e/b.txt": "b",
    "da.txt": "c",
    "gone.txt": "d",
    "f.txt": "f",
  });
  const trouble = { now: false };
  const list: SiteSource["list"] = () =>
    trouble.now
      ? [
          { path: "d", reason: "Unreadable" },
          { path: "f.txt", reason: "Unreadable" },
          { path: "caf\ufffd.txt", reason: "BadName" },
        ]
      : memory.list();
  const rig = makeServerRig({ source: { ...memory, list } });
  trouble.now = true;
  refresh(rig);
  const names = ["d/a.txt", "d/e/b.txt", "da.txt", "gone.txt", "f.txt"];
  expect(names.map((name) => fetch(rig, name))).toEqual(["a", "b", "404", "404", "f"]);
  expect(reasons(rig)).toEqual({ d: "Unreadable", "f.txt": "Unreadable", "caf\ufffd.txt": "BadName" });
});

test("when the host has no room for more of the disk, what has been written before is used again", () => {
  const source = makeMemorySource({ "a.txt": "a" });
  const rig = makeServerRig({
    source,
    wrapDisk: (inner) =>
      failingDisk(inner, ({ kind, first, count }) => kind === "write" && first + count > 20),
  });
  source.put("big.bin", patternBytes(30 * 4096, 3));
  source.put("n.txt", "n");
  refresh(rig);
  expect([fetch(rig, "a.txt"), reasons(rig)["big.bin"]]).toEqual(["a", "DiskFailed"]);
  source.files.delete("big.bin");
  refresh(rig);
  expect([fetch(rig, "n.txt"), reasons(rig)]).toEqual(["n", {}]);
});
