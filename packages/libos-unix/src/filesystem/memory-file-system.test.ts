import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { refuse } from "../errno.ts";
import { BLOCK_BYTES, BlockList } from "./block-list.ts";
import { EntryList } from "./entry-list.ts";
import type { Directory, FileStat, OpenFile, RegularFile } from "./file-system.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { MEMORY_BYTES, MEMORY_NODES, makeMemoryFileSystem } from "./memory-file-system.ts";

const now = () => 5n;
const openNew = (directory: Directory, name: string): OpenFile =>
  (directory.createFile(name) as RegularFile).open({ read: true, write: true }) as OpenFile;
const zeros = new Uint8Array(4 * BLOCK_BYTES);

describe("bytes in blocks", () => {
  test("a file takes what was written, not what lies between", () => {
    const made = makeMemoryFileSystem({ now, maximumBytes: 2 ** 52 });
    const file = openNew(made.root, "file");
    expect(file.write(2 ** 50, Uint8Array.of(7), 0, 1)).toBe(1);
    expect(file.size()).toBe(2 ** 50 + 1);
    expect(made.bytes).toBeLessThanOrEqual(BLOCK_BYTES);
    const into = new Uint8Array(16).fill(1);
    expect(file.read(2 ** 50 - 15, into, 0, 16)).toBe(16);
    expect([...into]).toEqual([...Array.from({ length: 15 }, () => 0), 7]);
    expect(file.resize(2 ** 52)).toBe(0);
    expect(file.resize(10)).toBe(0);
    expect(made.bytes).toBe(0);
  });

  test("appending copies a block at most", () => {
    const budget = new MemoryBudget(2 ** 30, 1);
    const list = new BlockList(budget);
    const piece = new Uint8Array(100).fill(3);
    for (let at = 0; at < 20 * BLOCK_BYTES; at += 100) expect(list.write(at, piece, 0, 100)).toBe(100);
    expect(budget.bytes).toBeLessThan(22 * BLOCK_BYTES);
    expect(budget.bytes).toBeGreaterThanOrEqual(list.size);
    list.resize(0);
    expect(budget.bytes).toBe(0);
  });

  test("small files take little, and what is cut is given back", () => {
    const budget = new MemoryBudget(2 ** 30, 1);
    const list = new BlockList(budget);
    list.write(0, Uint8Array.of(1, 2, 3), 0, 3);
    expect(budget.bytes).toBe(64);
    list.write(0, zeros, 0, 3 * BLOCK_BYTES);
    expect(budget.bytes).toBe(3 * BLOCK_BYTES);
    list.resize(BLOCK_BYTES + 1);
    expect(budget.bytes).toBe(BLOCK_BYTES + 4096);
  });

  test("they are those of one long array", () => {
    const position = fc.oneof(fc.nat(300), fc.nat(3 * BLOCK_BYTES), fc.constant(BLOCK_BYTES - 2));
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 50 }),
      fc.nat(2 * BLOCK_BYTES).map((length) => new Uint8Array(length + 1).fill((length % 255) + 1)),
    );
    const step = fc.oneof(
      fc.record({ at: position, bytes }),
      fc.record({ size: position }),
      fc.record({ from: position, length: fc.nat(BLOCK_BYTES + 100) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const budget = new MemoryBudget(2 ** 30, 1);
        const list = new BlockList(budget);
        const model = new Uint8Array(8 * BLOCK_BYTES);
        let size = 0;
        for (const each of steps) {
          if ("bytes" in each) {
            expect(list.write(each.at, each.bytes, 0, each.bytes.length)).toBe(each.bytes.length);
            model.set(each.bytes, each.at);
            size = Math.max(size, each.at + each.bytes.length);
          } else if ("size" in each) {
            list.resize(each.size);
            model.fill(0, each.size);
            size = each.size;
          } else {
            const into = new Uint8Array(each.length).fill(0xee);
            const read = list.read(each.from, into, 0, each.length);
            expect(read).toBe(Math.max(0, Math.min(each.length, size - each.from)));
            expect(Buffer.compare(into.subarray(0, read), model.subarray(each.from, each.from + read))).toBe(
              0,
            );
          }
          expect(list.size).toBe(size);
        }
        list.resize(0);
        expect(budget.bytes).toBe(0);
      }),
    );
  });
});

describe("limits", () => {
  test("there are some if nobody says so", () => {
    expect(MEMORY_BYTES).toBe(268_435_456);
    const made = makeMemoryFileSystem({ now });
    for (let index = 1; index < MEMORY_NODES; index++)
      expect(made.root.createFile(`${index}`)).not.toBeTypeOf("number");
    expect(made.root.createFile("more")).toBe(refuse("nospc"));
  });

  test("bytes: a write gets what is left, then nospc; what is cut or removed can be written again", () => {
    const made = makeMemoryFileSystem({ now, maximumBytes: BLOCK_BYTES + 1000 });
    const file = openNew(made.root, "file");
    expect(file.write(0, zeros, 0, 2 * BLOCK_BYTES)).toBe(BLOCK_BYTES + 1000);
    expect(file.write(BLOCK_BYTES + 1000, zeros, 0, 1)).toBe(refuse("nospc"));
    expect(file.size()).toBe(BLOCK_BYTES + 1000);
    expect(file.write(10, zeros, 0, 100)).toBe(100);
    const other = openNew(made.root, "other");
    expect(other.write(0, zeros, 0, 1)).toBe(refuse("nospc"));
    expect(other.size()).toBe(0);
    expect(made.root.createLink("link", "target")).toBe(refuse("nospc"));
    expect(made.root.createLink("other", "target")).toBe(refuse("exist"));
    expect(made.root.unlink("file")).toBe(0);
    expect(other.write(0, zeros, 0, 1)).toBe(refuse("nospc"));
    file.close();
    expect(made.bytes).toBe(0);
    expect(other.write(0, zeros, 0, 1)).toBe(1);
    other.close();
  });

  test("bytes: a write that finds no room, wherever it is, takes none", () => {
    const made = makeMemoryFileSystem({ now, maximumBytes: 100_000 });
    const file = openNew(made.root, "file");
    expect(file.write(10_000, zeros, 0, 1)).toBe(1);
    const before = made.bytes;
    expect(openNew(made.root, "full").write(0, zeros, 0, 70_000)).toBe(70_000);
    const full = made.bytes;
    for (const position of [BLOCK_BYTES - 1, BLOCK_BYTES + 30_000, 99_999])
      expect(file.write(position, zeros, 0, 1)).toBe(refuse("nospc"));
    expect([made.bytes, file.size()]).toEqual([full, 10_001]);
    expect(file.resize(0)).toBe(0);
    expect(made.bytes).toBe(full - before);
    expect(openNew(made.root, "other").write(0, zeros, 0, 1)).toBe(1);
  });

  test("bytes: whatever is written where, all of it is given back", () => {
    const write = fc.record({ at: fc.nat(3 * BLOCK_BYTES), length: fc.integer({ min: 1, max: 30_000 }) });
    const limit = fc.nat(3 * BLOCK_BYTES);
    fc.assert(
      fc.property(limit, fc.array(write, { maxLength: 10 }), (maximumBytes, writes) => {
        const budget = new MemoryBudget(maximumBytes, 1);
        const list = new BlockList(budget);
        for (const { at, length } of writes) {
          const { bytes } = budget;
          const written = list.write(at, zeros, 0, length);
          if (written < 0) expect(budget.bytes).toBe(bytes);
          else expect(written).toBeGreaterThan(0);
        }
        expect(list.size).toBeLessThanOrEqual(maximumBytes);
        list.resize(0);
        expect(budget.bytes).toBe(0);
      }),
    );
  });

  test("bytes: no file is longer than all of them, written or not", () => {
    const made = makeMemoryFileSystem({ now, maximumBytes: 1000 });
    const file = openNew(made.root, "file");
    for (const size of [1001, 2 ** 33, Number.MAX_SAFE_INTEGER])
      expect(file.resize(size)).toBe(refuse("fbig"));
    expect([file.resize(1000), file.size(), made.bytes]).toEqual([0, 1000, 0]);
    expect(file.write(1000, zeros, 0, 1)).toBe(refuse("fbig"));
    expect(file.write(990, zeros, 0, 100)).toBe(10);
    expect([file.write(2 ** 52, zeros, 0, 1), file.size()]).toEqual([refuse("nospc"), 1000]);
  });

  test("bytes: what links say counts, once for all names of one", () => {
    const made = makeMemoryFileSystem({ now, maximumBytes: 10 });
    const { root } = made;
    const link = root.createLink("link", "é1234");
    expect(made.bytes).toBe(6);
    expect(root.createLink("second", "12345")).toBe(refuse("nospc"));
    expect(root.createLink("link", "1")).toBe(refuse("exist"));
    expect(made.bytes).toBe(6);
    if (typeof link !== "number") expect(root.link("again", link)).toBe(0);
    expect(root.unlink("link")).toBe(0);
    expect(made.bytes).toBe(6);
    expect(root.unlink("again")).toBe(0);
    expect(made.bytes).toBe(0);
  });

  test("nodes: names of every kind, and what is open without one", () => {
    const made = makeMemoryFileSystem({ now, maximumNodes: 4 });
    const { root } = made;
    const file = root.createFile("file") as RegularFile;
    expect(root.createDirectory("directory")).not.toBeTypeOf("number");
    expect(root.link("second", file)).toBe(0);
    expect(made.nodes).toBe(4);
    expect(root.createFile("x")).toBe(refuse("nospc"));
    expect(root.createDirectory("x")).toBe(refuse("nospc"));
    expect(root.createLink("x", "y")).toBe(refuse("nospc"));
    expect(root.link("x", file)).toBe(refuse("nospc"));
    expect([made.bytes, made.nodes]).toEqual([0, 4]);
    expect((root.stat() as FileStat).links).toBe(3n);
    const opened = file.open({ read: true, write: true }) as OpenFile;
    expect(root.unlink("second")).toBe(0);
    expect(made.nodes).toBe(3);
    expect(root.unlink("file")).toBe(0);
    expect(made.nodes).toBe(3);
    expect(root.link("back", file)).toBe(refuse("noent"));
    opened.close();
    expect(made.nodes).toBe(2);
    expect(root.createFile("x")).not.toBeTypeOf("number");
    expect(root.createFile("y")).not.toBeTypeOf("number");
    expect(root.rename("x", root, "y")).toBe(0);
    expect(root.removeDirectory("directory")).toBe(0);
    expect(made.nodes).toBe(2);
  });

  test("nothing is left over, whatever was done", () => {
    const name = fc.constantFrom("a", "b", "c");
    const step = fc.record({ what: fc.nat(7), name, to: name, size: fc.nat(100_000) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const made = makeMemoryFileSystem({ now, maximumBytes: 200_000, maximumNodes: 5 });
        const { root } = made;
        const opened: OpenFile[] = [];
        const act = (each: (typeof steps)[number]) => {
          const node = root.lookup(each.name);
          if (each.what === 0) root.createFile(each.name);
          if (each.what === 1) root.createDirectory(each.name);
          if (each.what === 2) root.createLink(each.name, "x".repeat(each.size % 99));
          if (each.what === 3 && typeof node !== "number") root.link(each.to, node);
          if (each.what === 4) root.unlink(each.name);
          if (each.what === 5) root.removeDirectory(each.name);
          if (each.what === 6) root.rename(each.name, root, each.to);
          if (each.what !== 7 || typeof node === "number" || !("open" in node)) return;
          const file = (node as RegularFile).open({ read: true, write: true });
          if (typeof file === "number") return;
          file.write(each.size, zeros, 0, each.size);
          opened.push(file);
        };
        for (const each of steps) act(each);
        expect(made.bytes).toBeLessThanOrEqual(200_000);
        expect(made.nodes).toBeLessThanOrEqual(5);
        for (const each of ["a", "b", "c"]) if (root.unlink(each) < 0) root.removeDirectory(each);
        for (const file of opened) file.close();
        expect([made.bytes, made.nodes]).toEqual([0, 1]);
      }),
      { numRuns: 300 },
    );
  });
});

describe("times and numbers", () => {
  test("times come from the clock that was given", () => {
    let time = 100n;
    const { root } = makeMemoryFileSystem({ now: () => time });
    const file = root.createFile("file") as RegularFile;
    expect(file.stat()).toMatchObject({ accessed: 100n, modified: 100n, changed: 100n });
    const opened = file.open({ read: true, write: true }) as OpenFile;
    time = 200n;
    opened.write(0, zeros, 0, 1);
    expect(file.stat()).toMatchObject({ accessed: 100n, modified: 200n, changed: 200n });
    time = 300n;
    opened.read(0, new Uint8Array(1), 0, 1);
    expect(file.stat()).toMatchObject({ accessed: 300n, modified: 200n, changed: 200n });
    time = 400n;
    opened.read(0, new Uint8Array(1), 0, 1);
    expect(file.stat()).toMatchObject({ accessed: 300n });
    root.link("second", file);
    expect(file.stat()).toMatchObject({ modified: 200n, changed: 400n, links: 2n });
    expect(root.stat()).toMatchObject({ modified: 400n, changed: 400n });
    time = 500n;
    opened.resize(1);
    expect(file.stat()).toMatchObject({ modified: 500n });
    file.setTimes(1n, undefined);
    expect(file.stat()).toMatchObject({ accessed: 1n, modified: 500n, changed: 500n });
    opened.close();
  });

  test("a serial number is never used again, and the device is what was said", () => {
    const { root } = makeMemoryFileSystem({ now, device: 9n });
    const seen = new Set<bigint>();
    for (let index = 0; index < 100; index++) {
      const stats = (root.createFile("file") as RegularFile).stat() as FileStat;
      expect(stats.device).toBe(9n);
      seen.add(stats.serial);
      root.unlink("file");
    }
    expect(seen.size).toBe(100);
    expect(seen.has((root.stat() as FileStat).serial)).toBe(false);
  });
});

test("names in a stable order stay few when most have gone", () => {
  const list = new EntryList<number>();
  for (let round = 0; round < 10_000; round++) {
    list.set(`${round}`, round);
    if (round >= 10) list.delete(`${round - 10}`);
  }
  expect(list.size).toBe(10);
  expect(list.after(0, 100).map(({ value }) => value)).toEqual(
    Array.from({ length: 10 }, (_, index) => 9990 + index),
  );
  expect(list.after(9_995, 2).map(({ cookie }) => cookie)).toEqual([9_996, 9_997]);
  list.set("9990", -1);
  expect(list.after(0, 1)).toMatchObject([{ name: "9990", value: -1 }]);
  list.delete("no such name");
  expect(list.size).toBe(10);
});
