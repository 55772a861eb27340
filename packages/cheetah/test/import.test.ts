/** The site on disk: imported, refreshed while it is served, and whole after a power cut at any write. */
import { boot } from "@exolith/exokernel";
import { capSlot, failed } from "@exolith/exokernel/abi";
import { RIGHTS } from "@exolith/secure-bind";
import { expect, test } from "vitest";
import { cutDisk } from "./cut-disk.ts";
import { makeMemorySource, patternBytes } from "./memory-source.ts";
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

test("a refresh imports what changed, drops what is gone, and keeps the blocks of the rest", () => {
  const rig = makeServerRig({
    source: makeMemorySource({ "a.txt": "one", "b.txt": "two", "c.txt": "three" }),
  });
  const free = rig.cheetah.counters.blocksFree();
  rig.source.put("a.txt", "changed", Date.UTC(2026, 0, 1));
  rig.source.files.delete("b.txt");
  refresh(rig);
  expect(["a.txt", "b.txt", "c.txt"].map((name) => fetch(rig, name))).toEqual(["changed", "404", "three"]);
  expect(rig.cheetah.progress()).toMatchObject({ files: 1, filesDone: 1, skipped: 0, error: undefined });
  expect(rig.cheetah.counters.blocksFree()).toBe(free + 1);
  expect(rig.cheetah.counters.generation()).toBe(2);
  refresh(rig);
  expect([rig.cheetah.counters.generation(), rig.cheetah.progress().files]).toEqual([2, 0]);
});

test("a response that began before a refresh ends with the bytes it began with", () => {
  const old = patternBytes(1_500_000, 1);
  const fresh = patternBytes(1_500_000, 2);
  const rig = makeServerRig({
    blocks: 1024,
    source: makeMemorySource({ "f.bin": old }),
    cheetah: { cacheFrames: 128 },
  });
  const free = rig.cheetah.counters.blocksFree();
  const peer = rig.connect();
  peer.write(GET("f.bin"));
  rig.run();
  rig.source.put("f.bin", fresh, Date.UTC(2026, 0, 1));
  refresh(rig);
  expect(rig.cheetah.counters.blocksFree()).toBe(free - Math.ceil(fresh.length / 4096));
  const parts: Uint8Array[] = [];
  for (let turn = 0; turn < 200; turn++) {
    peer.receive();
    parts.push(peer.take());
    rig.run(0.002);
  }
  expect(Buffer.compare(parseResponse(Buffer.concat(parts)).body, old)).toBe(0);
  expect(rig.cheetah.counters.blocksFree()).toBe(free);
  expect(Buffer.compare(parseResponse(rig.exchange(GET("f.bin"))).body, fresh)).toBe(0);
});

test("files are skipped for a named reason, and the rest is served", () => {
  const source = makeMemorySource({
    "ok.txt": "ok",
    "a/../b": "x",
    "/c": "x",
    "d\0": "x",
    "e\\f": "x",
    "g//h": "x",
  });
  source.put("shrunk.txt", "short");
  source.files.get("shrunk.txt")!.claimed = 100;
  source.put("huge.bin", "");
  source.files.get("huge.bin")!.claimed = 1e12;
  const gone = {
    ...source,
    list: () => [
      ...source.list(),
      { path: "gone.txt", size: 3, modified: 0 },
      { path: "ok.txt", size: 2, modified: 0 },
    ],
  };
  const rig = makeServerRig({ source: gone });
  const reasons = Object.fromEntries(
    rig.cheetah.progress().skippedFiles.map(({ path, reason }) => [path, reason]),
  );
  expect(reasons).toEqual({
    "a/../b": "BadName",
    "/c": "BadName",
    "d\0": "BadName",
    "e\\f": "BadName",
    "g//h": "BadName",
    "ok.txt": "Duplicate",
    "shrunk.txt": "Changed",
    "gone.txt": "Unreadable",
    "huge.bin": "NoSpace",
  });
  expect([fetch(rig, "ok.txt"), rig.cheetah.counters.files()]).toEqual(["ok", 1]);
  expect(rig.cheetah.counters.blocksFree()).toBe(8192 - 2 - 1 - 1);
});

test("a source that cannot be listed leaves what was served", () => {
  const source = makeMemorySource({ "a.txt": "a" });
  const bad = { now: false };
  const failing = {
    ...source,
    list: () => {
      if (bad.now) throw new Error("no directory");
      return source.list();
    },
  };
  const rig = makeServerRig({ source: failing });
  bad.now = true;
  refresh(rig);
  expect([rig.cheetah.progress().error, fetch(rig, "a.txt")]).toEqual(["SourceFailed", "a"]);
});

test("after a restart the site is read from the disk, and only changes are imported", () => {
  const source = makeMemorySource({ "a.txt": "a", "b.txt": "b" });
  const first = makeServerRig({ source });
  source.put("b.txt", "B!", Date.UTC(2026, 0, 1));
  const second = makeServerRig({ source, machine: first.machine });
  expect([second.cheetah.restored(), second.cheetah.progress().files]).toEqual(["restored", 1]);
  expect([fetch(second, "a.txt"), fetch(second, "b.txt")]).toEqual(["a", "B!"]);
});

test("a power cut at any write leaves the old site or the new one, whole", () => {
  const before = { "a.txt": "old a", "b.txt": "old b", "c.txt": patternBytes(70_000, 1) };
  const seen = new Set<string>();
  for (let cut = 0; cut < 12; cut++) {
    const source = makeMemorySource(before);
    const power = { left: Infinity };
    const rig = makeServerRig({
      blocks: 256,
      source,
      wrapDisk: (disk) => cutDisk(disk, power),
      cheetah: { cacheFrames: 64 },
    });
    source.put("a.txt", "new a", Date.UTC(2026, 0, 1));
    source.put("c.txt", "new c", Date.UTC(2026, 0, 1));
    power.left = cut;
    refresh(rig);
    const list = {
      ...source,
      list: () => {
        throw new Error("the source is gone");
      },
    };
    const after = makeServerRig({
      blocks: 256,
      source: list,
      machine: rig.machine,
      cheetah: { cacheFrames: 64 },
    });
    expect([after.cheetah.restored(), after.cheetah.progress().error]).toEqual(["restored", "SourceFailed"]);
    const found = ["a.txt", "b.txt"].map((name) => fetch(after, name)).join();
    const c = fetch(after, "c.txt");
    expect(["old a,old b", "new a,old b"]).toContain(found);
    expect(c).toBe(found.startsWith("old") ? text(before["c.txt"]) : "new c");
    seen.add(found);
  }
  expect(seen.size).toBe(2);
});

test("[X22] a raw extent works behind a capability, and not without", () => {
  const rig = makeServerRig({ source: makeMemorySource({ "a.txt": "a" }) });
  const { gate } = rig;
  const row = Array.from({ length: gate.extents.count }, (_, i) => i).find(
    (i) => gate.extents.owner(i) !== 0,
  )!;
  expect([gate.extents.owner(row), gate.extents.first(row), gate.extents.blocks(row)]).toEqual([
    gate.self,
    0,
    8192,
  ]);
  expect(fetch(rig, "a.txt")).toBe("a");
  const kernel = boot(rig.machine);
  const weak = kernel.root.capabilityForge(capSlot(0), { name: [9], rights: RIGHTS.all });
  if (failed(weak)) throw new Error(weak.name);
  expect(kernel.root.extentAlloc(0, 0, 10, weak, capSlot(0))).toMatchObject({ name: "BadCapability" });
});
