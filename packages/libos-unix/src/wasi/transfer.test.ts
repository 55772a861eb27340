import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { STAGING_BYTES } from "./context.ts";
import { DESCRIPTOR_FLAGS } from "./layout.ts";
import { PIECES } from "./pieces.ts";
import { LimitReached } from "./stop.ts";
import { mayGoOn } from "./waiting.ts";
import { Descriptor, streamDescriptor } from "../descriptor/descriptor.ts";
import { openNull } from "../descriptor/null.ts";
import { refuse } from "../errno.ts";
import type { OpenFile } from "../filesystem/file-system.ts";
import { readTree } from "../filesystem/tree.ts";
import { OUTSIDE, RIG_BYTES, type WasiRig, makeWasiRig } from "../testing/wasi-rig.ts";

const FULL = ["fd_read", "fd_write", "fd_seek", "fd_tell", "fd_datasync", "fd_sync"] as const;
const { append, dataSync, nonBlocking, readSync, sync } = DESCRIPTOR_FLAGS;

const contents = (rig: WasiRig, path: string): string => {
  const tree = readTree(rig.system.root);
  if (typeof tree === "number") throw new Error("the tree cannot be read");
  return new TextDecoder().decode(tree.get(path));
};

/** Reads through pieces of these lengths: what was read, or the error number. */
function read(rig: WasiRig, fd: number, ...lengths: readonly number[]): string {
  const [list, count] = rig.pieces(...lengths.map((length) => new Uint8Array(length).fill(0x2e)));
  const result = rig.room(4);
  const answer = rig.call("fd_read", fd, list, count, result);
  if (answer !== "success") return answer;
  const pieces = lengths.map((length, at) => rig.text(rig.u32(list + 8 * at), length)).join("");
  expect(pieces.slice(rig.u32(result))).toMatch(/^\.*$/);
  return pieces.slice(0, rig.u32(result));
}

/** Writes these pieces: how many bytes were taken, or the error number. */
function write(rig: WasiRig, fd: number, ...said: readonly string[]): number | string {
  const result = rig.room(4);
  const answer = rig.call("fd_write", fd, ...rig.pieces(...said), result);
  return answer === "success" ? rig.u32(result) : answer;
}

describe("files", () => {
  test("reads and writes move the position, pieces in order", () => {
    const rig = makeWasiRig({ files: { f: "0123456789" } });
    const fd = rig.open("f", FULL);
    expect(read(rig, fd, 3, 0, 2)).toBe("01234");
    expect(write(rig, fd, "ab", "", "c")).toBe(3);
    expect(read(rig, fd, 100)).toBe("89");
    expect(read(rig, fd, 100)).toBe("");
    expect(contents(rig, "f")).toBe("01234abc89");
    expect(rig.wasi.ledger).toMatchObject({ bytesRead: 7, bytesWritten: 3, outputBytes: 0 });
  });

  test("a write behind the end leaves zeros between", () => {
    const rig = makeWasiRig({ files: { f: "ab" } });
    const fd = rig.open("f", FULL);
    const at = rig.room(8);
    expect(rig.call("fd_seek", fd, 4, 0, at)).toBe("success");
    expect(write(rig, fd, "c")).toBe(1);
    expect(contents(rig, "f")).toBe("ab\0\0c");
  });

  test("with `append` every write goes to the end, wherever the position is", () => {
    const rig = makeWasiRig({ files: { f: "ab" } });
    const fd = rig.open("f", FULL, { fdflags: append });
    expect(write(rig, fd, "c")).toBe(1);
    const at = rig.room(8);
    rig.call("fd_seek", fd, 0, 0, at);
    expect(write(rig, fd, "d")).toBe(1);
    expect(read(rig, fd, 5)).toBe("");
    expect(rig.call("fd_pwrite", fd, ...rig.pieces("X"), 0, at)).toBe("success");
    expect(contents(rig, "f")).toBe("Xbcd");
  });

  test("at a given place the position stays", () => {
    const rig = makeWasiRig({ files: { f: "0123456789" } });
    const fd = rig.open("f", FULL);
    const result = rig.room(4);
    const [list, count] = rig.pieces("..", "..");
    expect(rig.call("fd_pread", fd, list, count, 7, result)).toBe("success");
    expect([rig.u32(result), rig.text(rig.u32(list), 2), rig.text(rig.u32(list + 8), 2)]).toEqual([
      3,
      "78",
      "9.",
    ]);
    expect(rig.call("fd_pwrite", fd, ...rig.pieces("ab", "c"), 1, result)).toBe("success");
    expect([rig.u32(result), read(rig, fd, 20)]).toEqual([3, "0abc456789"]);
    expect(rig.wasi.ledger).toMatchObject({ bytesRead: 13, bytesWritten: 3 });
  });

  test("more than the staging buffer holds is moved whole, by any pieces", () => {
    const size = 3 * STAGING_BYTES + 17;
    const sent = Uint8Array.from({ length: size }, (_, at) => (at * 7 + (at >> 8)) & 0xff);
    const cuts = fc.array(fc.nat(size), { maxLength: 6 });
    fc.assert(
      fc.property(cuts, cuts, (given, taken) => {
        const rig = makeWasiRig();
        const split = (at: readonly number[]): [number, number][] => {
          const ends = [0, ...at.toSorted((left, right) => left - right), size];
          return ends.slice(1).map((end, index) => [ends[index] ?? 0, end]);
        };
        const fd = rig.open("f", FULL, { flags: 1 });
        const result = rig.room(8);
        const list = rig.pieces(...split(given).map(([from, to]) => sent.subarray(from, to)));
        expect(rig.call("fd_write", fd, ...list, result)).toBe("success");
        expect(rig.u32(result)).toBe(size);
        rig.call("fd_seek", fd, 0, 0, result);
        const into = rig.pieces(...split(taken).map(([from, to]) => new Uint8Array(to - from)));
        expect(rig.call("fd_read", fd, ...into, result)).toBe("success");
        expect(rig.u32(result)).toBe(size);
        const got = split(taken).flatMap(([from, to], index) => {
          const at = rig.u32(into[0] + 8 * index);
          return [...rig.memory.bytes.subarray(at, at + to - from)];
        });
        expect(Buffer.compare(Buffer.from(got), Buffer.from(sent))).toBe(0);
      }),
      { numRuns: 8 },
    );
  });

  test("the flags that synchronise do so after each write, and their failure is told", () => {
    const synced: boolean[] = [];
    let outcome = 0;
    const file = (inner: OpenFile): OpenFile => ({
      read: (...given) => inner.read(...given),
      write: (...given) => inner.write(...given),
      size: () => inner.size(),
      resize: (size) => inner.resize(size),
      sync: (dataOnly) => {
        synced.push(dataOnly);
        return outcome;
      },
      close: () => inner.close(),
    });
    const rig = makeWasiRig({ files: { f: "" } });
    const { thing } = rig.descriptor(rig.open("f", FULL));
    if (thing.kind !== "file") throw new Error("not a file");
    const wrapped = { kind: "file" as const, node: thing.node, file: file(thing.file) };
    for (const [flags, expected] of [
      [0, []],
      [dataSync, [true]],
      [sync, [false]],
      [dataSync | sync, [false]],
      [readSync, [false]],
    ] as const) {
      const fd = rig.table.open(new Descriptor(wrapped, {}, flags));
      synced.length = 0;
      expect(write(rig, fd, "x")).toBe(1);
      expect(synced).toEqual(expected);
    }
    outcome = refuse("io");
    expect(write(rig, rig.table.open(new Descriptor(wrapped, {}, sync)), "x")).toBe("io");
  });
});

describe("streams", () => {
  test("an empty one is waited for, and the call made again finds what came", () => {
    const rig = makeWasiRig();
    const [list, count] = rig.pieces(new Uint8Array(8));
    const result = rig.room(4);
    const again = () => rig.call("fd_read", 0, list, count, result);
    expect([again(), again()]).toEqual(["wait", "wait"]);
    expect(mayGoOn(rig.wasi.waiting, Number.MAX_VALUE)).toBe(false);
    rig.streams[0].writer.write(new TextEncoder().encode("hey"), 0, 3);
    expect(mayGoOn(rig.wasi.waiting, 0)).toBe(true);
    expect(again()).toBe("success");
    expect([rig.u32(result), rig.text(rig.u32(list), 3)]).toEqual([3, "hey"]);
    rig.streams[0].writer.close();
    expect([again(), rig.u32(result)]).toEqual(["success", 0]);
  });

  test("a full one is waited for, and takes what it can", () => {
    const rig = makeWasiRig({ pipeBytes: 4 });
    expect(write(rig, 1, "abc", "def")).toBe(4);
    expect(write(rig, 1, "ef")).toBe("wait");
    expect(mayGoOn(rig.wasi.waiting, 0)).toBe(false);
    const into = new Uint8Array(3);
    rig.streams[1].reader.read(into, 0, 3);
    expect(mayGoOn(rig.wasi.waiting, 0)).toBe(true);
    expect(write(rig, 1, "ef")).toBe(2);
    rig.streams[1].reader.close();
    expect(write(rig, 1, "g")).toBe("pipe");
  });

  test("nobody waits who asked not to", () => {
    const rig = makeWasiRig({ pipeBytes: 1 });
    expect(rig.call("fd_fdstat_set_flags", 0, nonBlocking)).toBe("success");
    expect(rig.call("fd_fdstat_set_flags", 1, nonBlocking)).toBe("success");
    expect(read(rig, 0, 4)).toBe("again");
    expect([write(rig, 1, "ab"), write(rig, 1, "b")]).toEqual([1, "again"]);
  });

  test("they have no place", () => {
    const rig = makeWasiRig();
    const result = rig.room(4);
    expect(rig.call("fd_pread", 0, ...rig.pieces("a"), 0, result)).toBe("spipe");
    expect(rig.call("fd_pwrite", 1, ...rig.pieces("a"), 0, result)).toBe("spipe");
  });

  test("output ends at its limit: the write after the last byte stops the program, by name", () => {
    const rig = makeWasiRig({ outputBytes: 5 });
    const fd = rig.open("f", FULL, { flags: 1 });
    expect(write(rig, fd, "0123456789")).toBe(10);
    expect([write(rig, 1, "abc"), write(rig, 2, "def")]).toEqual([3, 2]);
    expect(write(rig, 1, "")).toBe(0);
    expect(rig.wasi.ledger.outputBytes).toBe(5);
    const stop = (() => {
      try {
        return write(rig, 1, "g");
      } catch (error) {
        return error;
      }
    })();
    expect(stop).toBeInstanceOf(LimitReached);
    expect(stop).toMatchObject({ limit: "outputBytes", message: "limit reached: outputBytes" });
    expect([rig.streams[1].reader.readable(), rig.streams[2].reader.readable()]).toEqual([3, 2]);
  });

  test("what forgets is not copied to, but the bytes must be there", () => {
    const rig = makeWasiRig({ outputBytes: 4 });
    const fd = rig.table.open(streamDescriptor(openNull()));
    expect(write(rig, fd, "abc")).toBe(3);
    const list = rig.room(8);
    rig.memory.setU32LE(list, RIG_BYTES - 1);
    rig.memory.setU32LE(list + 4, 2);
    expect(rig.call("fd_write", fd, list, 1, rig.room(4))).toBe("fault");
    expect(rig.wasi.ledger.outputBytes).toBe(3);
  });
});

describe("what is wrong", () => {
  const CALLS = [
    ["fd_read", []],
    ["fd_write", []],
    ["fd_pread", [0n]],
    ["fd_pwrite", [0n]],
  ] as const;

  test.each(CALLS)("%s: descriptors", (name, place) => {
    const rig = makeWasiRig({ files: { f: "abc" } });
    const [list, result] = [rig.pieces("xyz"), rig.room(4)];
    const reads = name.endsWith("read");
    const call = (fd: number) => rig.call(name, fd, ...list, ...place, result);
    expect([call(99), call(-1), call(2 ** 31 - 1)]).toEqual(["badf", "badf", "badf"]);
    expect(call(3)).toBe("isdir");
    expect(call(rig.open("f", ["fd_seek", reads ? "fd_write" : "fd_read"]))).toBe("notcapable");
    if (place.length > 0)
      expect(call(rig.open("f", ["fd_tell", reads ? "fd_read" : "fd_write"]))).toBe("notcapable");
    expect(call(rig.open("f", ["fd_seek", reads ? "fd_read" : "fd_write"]))).toBe("success");
  });

  test.each(CALLS)("%s: places, with nothing done", (name, place) => {
    const rig = makeWasiRig({ files: { f: "abcdef" } });
    const fd = rig.open("f", FULL);
    const result = rig.room(4);
    const bad = rig.room(16);
    const [good, length] = rig.put("xyz");
    for (const [at, value] of [good, length, RIG_BYTES - 1, 2].entries())
      rig.memory.setU32LE(bad + 4 * at, value);
    const [list] = rig.pieces("xyz");
    const call = (...given: [number, number, number]) =>
      rig.call(name, fd, given[0], given[1], ...place, given[2]);
    expect(call(bad, 2, result)).toBe("fault");
    expect(call(RIG_BYTES - 4, 1, result)).toBe("fault");
    expect(call(OUTSIDE, 1, result)).toBe("fault");
    expect(call(list, 1, RIG_BYTES - 3)).toBe("fault");
    expect(call(list, 1, -4)).toBe("fault");
    expect(call(list, PIECES + 1, result)).toBe("inval");
    expect(call(list, -1, result)).toBe("inval");
    expect(call(OUTSIDE, 0, result)).toBe("success");
    for (const at of [bad, bad + 8]) rig.memory.setU32LE(at + 4, 0xffffffff);
    expect(call(bad, 2, result)).toBe("inval");
    expect([contents(rig, "f"), rig.text(good, 3), rig.descriptor(fd).position]).toEqual([
      "abcdef",
      "xyz",
      0,
    ]);
  });

  test("places that are too far", () => {
    const rig = makeWasiRig({ files: { f: "abc" } });
    const fd = rig.open("f", FULL);
    const result = rig.room(8);
    for (const name of ["fd_pread", "fd_pwrite"])
      for (const place of [-1n, 2n ** 53n, 2n ** 53n - 2n, 2n ** 63n])
        expect(rig.call(name, fd, ...rig.pieces("xyz"), place, result)).toBe("inval");
    expect(rig.call("fd_seek", fd, 2n ** 53n - 1n, 0, result)).toBe("success");
    expect(write(rig, fd, "xyz")).toBe("fbig");
    expect(read(rig, fd, 3)).toBe("");
    expect(contents(rig, "f")).toBe("abc");
  });

  test("a read may overwrite its own list", () => {
    const rig = makeWasiRig({ files: { f: "\xff".repeat(40) } });
    const fd = rig.open("f", FULL);
    const list = rig.room(24);
    const result = rig.room(4);
    for (const [at, value] of [list, 16, list + 16, 4].entries()) rig.memory.setU32LE(list + 4 * at, value);
    expect(rig.call("fd_read", fd, list, 2, result)).toBe("success");
    expect([rig.u32(result), rig.memory.getU8(list + 20)]).toEqual([20, 0xaa]);
  });

  test("a place that may not be written is found before anything is read", () => {
    const rig = makeWasiRig();
    const [list, count] = rig.pieces("....", "....");
    const result = rig.room(4);
    rig.streams[0].writer.write(new TextEncoder().encode("abcdefgh"), 0, 8);
    rig.memory.protect(rig.u32(list + 8), 4);
    expect(rig.call("fd_read", 0, list, count, result)).toBe("fault");
    expect([rig.streams[0].reader.readable(), rig.text(rig.u32(list), 4)]).toEqual([8, "...."]);
  });

  test("one found in the middle of a long read ends it, with what was read until there", () => {
    const rig = makeWasiRig({ files: { f: "x".repeat(3 * STAGING_BYTES) } });
    const fd = rig.open("f", FULL);
    const [list, count] = rig.pieces(new Uint8Array(3 * STAGING_BYTES));
    const result = rig.room(4);
    rig.memory.protect(rig.u32(list) + 2 * STAGING_BYTES + 5, 1);
    expect(rig.call("fd_read", fd, list, count, result)).toBe("success");
    expect([rig.u32(result), rig.descriptor(fd).position]).toEqual([2 * STAGING_BYTES, 2 * STAGING_BYTES]);
  });

  test("what a file system refuses is told", () => {
    const rig = makeWasiRig({ files: { f: "" } });
    const { thing } = rig.descriptor(rig.open("f", FULL));
    if (thing.kind !== "file") throw new Error("not a file");
    const file: OpenFile = {
      read: () => refuse("io"),
      write: () => refuse("nospc"),
      size: () => refuse("stale"),
      resize: () => 0,
      sync: () => 0,
      close: () => undefined,
    };
    const broken = { kind: "file" as const, node: thing.node, file };
    const fd = rig.table.open(new Descriptor(broken));
    expect([read(rig, fd, 1), write(rig, fd, "x")]).toEqual(["io", "nospc"]);
    const result = rig.room(4);
    expect(rig.call("fd_pread", fd, ...rig.pieces("x"), 0, result)).toBe("io");
    expect(rig.call("fd_pwrite", fd, ...rig.pieces("x"), 0, result)).toBe("nospc");
    expect(write(rig, rig.table.open(new Descriptor(broken, {}, append)), "x")).toBe("stale");
  });
});
