/** A page and what it embeds lie together: fewer requests to the disk, the same bytes. */
import type { Disk } from "@exolith/hw-model";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cutDisk } from "./cut-disk.ts";
import { makeMemorySource, patternBytes } from "./memory-source.ts";
import type { MemorySource } from "./memory-source.ts";
import { makeServerRig, parseResponse } from "./server-rig.ts";
import type { RigOptions, ServerRig } from "./server-rig.ts";

const GET = (name: string): string => `GET /${name} HTTP/1.1\r\nHost: t\r\n\r\n`;
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A disk that counts the reads it is given. */
const countingDisk = (disk: Disk, count: { reads: number }): Disk => ({
  ...disk,
  submit: (now, memory, request) => {
    const accepted = disk.submit(now, memory, request);
    if (accepted && request.kind === "read") count.reads += 1;
    return accepted;
  },
});

const refresh = (rig: ServerRig): void => {
  const { rounds } = rig.cheetah.progress();
  rig.cheetah.refresh();
  rig.gate.nullCall();
  rig.run(0);
  rig.until(() => rig.cheetah.progress().rounds > rounds);
};

/** Fails unless `names` come back as they are in the source, asked for at once on a connection each. */
function expectExact(rig: ServerRig, names: Iterable<string>): void {
  const asked = [...names].map((name) => ({ name, peer: rig.connect(), parts: [] as Uint8Array[] }));
  for (const { name, peer } of asked) peer.write(GET(encodeURI(name)));
  for (let quiet = 0; quiet < 3; quiet++) {
    rig.run(0.005);
    for (const { peer, parts } of asked) {
      while (peer.receive() > 0) quiet = 0;
      parts.push(peer.take());
    }
  }
  for (const { name, peer, parts } of asked) {
    const { status, body } = parseResponse(Buffer.concat(parts));
    const { bytes } = rig.source.files.get(name) ?? { bytes: utf8("gone") };
    expect([name, status, Buffer.compare(body, bytes)]).toEqual([name, 200, 0]);
    peer.end();
    peer.receive();
  }
}

interface Page {
  readonly path: string;
  readonly inlines: readonly string[];
}

/** Pages with images, scripts and style sheets named by their contents, as tools that build sites name them. */
function makeSite(pages: number): { source: MemorySource; pages: Page[] } {
  const source = makeMemorySource();
  const made: Page[] = [];
  const put = (directory: string, index: number, extension: string): string => {
    const name = Math.imul(index + 1, 0x9e37_79b1) >>> 0;
    const path = `${directory}/${name.toString(16).padStart(8, "0")}.${extension}`;
    source.put(path, patternBytes(500 + (name % 9000), index));
    return path;
  };
  for (let page = 0; page < pages; page++) {
    const images = Array.from({ length: 6 }, (_, k) => put("img", page * 6 + k, "png"));
    const [style, script] = [put("css", page, "css"), put("js", page, "js")];
    const html =
      `<!doctype html><title>${page}</title><link rel=stylesheet href="/${style}"><script src="../${script}"></script>` +
      images.map((path) => `<p><img src='/${path}' alt="">`).join("");
    const path = `pages/${page}.html`;
    source.put(path, html.padEnd(3000, " "));
    made.push({ path, inlines: [style, script, ...images] });
  }
  const sorted = makeMemorySource();
  for (const path of [...source.files.keys()].toSorted()) sorted.files.set(path, source.files.get(path)!);
  return { source: sorted, pages: made };
}

/** Reads that the disk does for pages with their inlines, each by a server that has just been started. */
function coldReads(grouping: boolean): number {
  const { source, pages } = makeSite(30);
  const options: RigOptions = { source, cheetah: { grouping, cacheFrames: 256 } };
  const { machine } = makeServerRig(options);
  const count = { reads: 0 };
  let reads = 0;
  for (const { path, inlines } of pages) {
    const rig = makeServerRig({ ...options, machine, wrapDisk: (disk) => countingDisk(disk, count) });
    expect([rig.cheetah.restored(), rig.cheetah.progress().files]).toEqual(["restored", 0]);
    count.reads = 0;
    expectExact(rig, [path]);
    expectExact(rig, inlines);
    reads += count.reads;
  }
  return reads;
}

test("[W5] cold page + inlines: disk requests ↓ ≥ 2×", () => {
  const [apart, together] = [coldReads(false), coldReads(true)];
  expect(together).toBeGreaterThanOrEqual(30);
  expect(together).toBeLessThanOrEqual(2 * 30);
  expect(apart / together).toBeGreaterThanOrEqual(2);
});

test("a group of several chunks is read as one: its first file brings the rest before anybody asks", () => {
  const images = Array.from({ length: 10 }, (_, index) => `${index}.png`);
  const source = makeMemorySource({ "p.html": images.map((name) => `<img src=${name}>`).join("") });
  for (const [index, name] of images.entries()) source.put(name, patternBytes(20_000, index));
  const count = { reads: 0 };
  const options: RigOptions = { source, wrapDisk: (disk) => countingDisk(disk, count) };
  const { machine } = makeServerRig(options);
  const rig = makeServerRig({ ...options, machine });
  count.reads = 0;
  expectExact(rig, ["p.html"]);
  const blocks = 1 + 10 * 5;
  expect(count.reads).toBe(Math.ceil(blocks / 16));
  expectExact(rig, images);
  expect(count.reads).toBe(Math.ceil(blocks / 16));
  const { cacheMisses, cacheReadAhead } = rig.cheetah.counters;
  expect([cacheMisses(), cacheReadAhead()]).toEqual([1, 3]);
});

describe("a file of a group that changes", () => {
  const page = "<img src=a.png><img src=b.png>";
  const makeGroup = (options: RigOptions = {}): ServerRig =>
    makeServerRig({
      ...options,
      source: makeMemorySource({
        "p.html": page,
        "a.png": patternBytes(5000, 1),
        "b.png": patternBytes(5000, 2),
      }),
    });

  test("goes to a place of its own; the others stay, and its old blocks are free", () => {
    const rig = makeGroup();
    const free = rig.cheetah.counters.blocksFree();
    rig.source.put("a.png", patternBytes(5000, 3), Date.UTC(2026, 0, 1));
    refresh(rig);
    expect([rig.cheetah.progress().files, rig.cheetah.counters.blocksFree()]).toEqual([1, free]);
    expectExact(rig, rig.source.files.keys());
    rig.source.put("p.html", `${page}<img src=c.png>`, Date.UTC(2026, 0, 1));
    rig.source.put("c.png", patternBytes(100, 4));
    refresh(rig);
    expectExact(rig, rig.source.files.keys());
    expect(makeServerRig({ source: rig.source, machine: rig.machine }).cheetah.restored()).toBe("restored");
  });

  test("while it is copied: it is copied again elsewhere, and the group's other files are where they were to be", () => {
    const source = makeMemorySource({
      "p.html": page,
      "a.png": patternBytes(5000, 1),
      "b.png": patternBytes(5000, 2),
    });
    let isCalm = false;
    const changing: MemorySource = {
      ...source,
      look: (path) => ({
        path,
        size: source.files.get(path)!.bytes.length,
        modified: source.files.get(path)!.modified,
      }),
      read: (path, offset, into) => {
        const count = source.read(path, offset, into);
        if (path === "a.png" && !isCalm) source.put("a.png", patternBytes(15_000, 3), Date.UTC(2026, 0, 1));
        isCalm ||= path === "a.png";
        return count;
      },
    };
    const rig = makeServerRig({ source: changing });
    expect(rig.cheetah.progress()).toMatchObject({ filesDone: 3, skipped: 0 });
    expectExact(rig, source.files.keys());
    expect(rig.cheetah.counters.blocksFree()).toBe(8192 - 2 - 1 - (1 + 4 + 2));
  });
});

test("a write that fails is charged to its file: the others of its group are served, and its place is free", () => {
  const source = makeMemorySource({
    "p.html": "<img src=a.png><img src=b.png>",
    "a.png": patternBytes(30_000, 1),
    "b.png": patternBytes(5000, 2),
  });
  const failing = (disk: Disk): Disk => ({
    ...disk,
    reap: (now, limit, done) =>
      disk.reap(now, limit, (request, ok) =>
        done(request, ok && (request.kind === "read" || request.count < 8)),
      ),
  });
  const rig = makeServerRig({ source, wrapDisk: failing });
  expect(rig.cheetah.progress().skippedFiles).toEqual([{ path: "a.png", reason: "DiskFailed" }]);
  expectExact(rig, ["p.html", "b.png"]);
  expect(rig.cheetah.counters.blocksFree()).toBe(8192 - 2 - 1 - (1 + 2));
});

test("a power cut at any write of groups leaves the old site or the new one, whole", () => {
  const version = (seed: number): Record<string, Uint8Array> => ({
    "a.html": utf8(`<img src=1.png><img src=2.png>${seed}`),
    "b.html": utf8(`<img src=3.png><img src=1.png>${seed}`),
    "1.png": patternBytes(9000, seed),
    "2.png": patternBytes(70_000, seed + 1),
    "3.png": patternBytes(100, seed + 2),
  });
  const [before, after] = [version(10), version(20)];
  const seen = new Set<boolean>();
  for (let cut = 0; cut < 12; cut++) {
    const source = makeMemorySource(before);
    const power = { left: Infinity };
    const options: RigOptions = { blocks: 256, cheetah: { cacheFrames: 64 } };
    const rig = makeServerRig({ ...options, source, wrapDisk: (disk) => cutDisk(disk, power) });
    for (const [path, bytes] of Object.entries(after)) source.put(path, bytes, Date.UTC(2026, 0, 1));
    power.left = cut;
    refresh(rig);
    const list = (): never => {
      throw new Error("the source is gone");
    };
    const found = makeServerRig({ ...options, source: { ...source, list }, machine: rig.machine });
    expect(found.cheetah.restored()).toBe("restored");
    const isNew = found.cheetah.counters.generation() === 2;
    for (const [path, bytes] of Object.entries(isNew ? after : before)) source.put(path, bytes);
    expectExact(found, Object.keys(before));
    seen.add(isNew);
  }
  expect([...seen].toSorted()).toEqual([false, true]);
});

const NAMES = [
  "index.html",
  "a.html",
  "d/b.html",
  "d/e/c.htm",
  "x.png",
  "d/y.css",
  "d/z.js",
  "e/ü v.gif",
  "w.bin",
];

/** One file of a random site: which names it embeds if it is a page, its length, and its bytes. */
const arbitraryFile = fc.record({
  embeds: fc.subarray(NAMES),
  base: fc.constantFrom("", "<base href=/d/>", "<base href=http://else.example/>"),
  // Empty, within a block, some blocks, more than a chunk.
  length: fc.oneof(fc.constant(0), fc.nat(5000), fc.nat(30_000), fc.nat(150_000)),
  seed: fc.nat(1000),
});
const arbitrarySite = fc.array(arbitraryFile, { minLength: NAMES.length, maxLength: NAMES.length });

type ArbitraryFile = typeof arbitraryFile extends fc.Arbitrary<infer T> ? T : never;

function contentsOf(name: string, { embeds, base, length, seed }: ArbitraryFile): Uint8Array {
  const noise = patternBytes(length, seed);
  if (!/html?$/.test(name)) return noise;
  return Buffer.concat([
    utf8(base + embeds.map((path) => `<img src="/${encodeURI(path)}">`).join("")),
    noise,
  ]);
}

test("every file is served byte-exact, whatever the layout, its changes and restarts", () => {
  fc.assert(
    fc.property(
      arbitrarySite,
      arbitrarySite,
      fc.subarray(NAMES),
      fc.tuple(fc.boolean(), fc.boolean()),
      (before, after, changed, [grouping, later]) => {
        const source = makeMemorySource();
        for (const [index, name] of NAMES.entries()) source.put(name, contentsOf(name, before[index]!));
        const options: RigOptions = { source, blocks: 2048, frames: 1536 };
        const rig = makeServerRig({ ...options, cheetah: { grouping, cacheFrames: 128 } });
        expectExact(rig, NAMES);
        for (const name of changed)
          source.put(name, contentsOf(name, after[NAMES.indexOf(name)]!), Date.UTC(2026, 0, 1));
        refresh(rig);
        expectExact(rig, NAMES);
        const again = makeServerRig({
          ...options,
          machine: rig.machine,
          cheetah: { grouping: later, cacheFrames: 128 },
        });
        expect([again.cheetah.restored(), again.cheetah.progress().files]).toEqual(["restored", 0]);
        expectExact(again, NAMES);
      },
    ),
    { numRuns: 20 },
  );
});
