import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  DIRECTORY_RIGHTS,
  Descriptor,
  FILE_RIGHTS,
  INHERITING_RIGHTS,
  checkDescriptor,
  preopenDescriptor,
  streamDescriptor,
} from "./descriptor.ts";
import { openNull } from "./null.ts";
import { STREAM_RIGHTS, type Stream } from "./stream.ts";
import { DescriptorTable } from "./table.ts";
import { refuse } from "../errno.ts";
import { makeMemoryFileSystem } from "../filesystem/memory-file-system.ts";
import { rights } from "../wasi/layout.ts";

/** A stream that counts how often it was closed. */
function counted(): Stream & { closed: number } {
  return {
    ...openNull(),
    closed: 0,
    close() {
      this.closed += 1;
    },
  };
}

const open = (): Descriptor => streamDescriptor(openNull());
const root = () => makeMemoryFileSystem({ now: () => 0n }).root;

describe("opening and closing", () => {
  test("the lowest free descriptor is taken, and the table has an end", () => {
    const table = new DescriptorTable(3);
    expect([table.open(open()), table.open(open()), table.open(open())]).toEqual([0, 1, 2]);
    expect(table.next()).toBe(undefined);
    expect(table.open(open())).toBe(refuse("mfile"));
    expect(table.close(1)).toBe(0);
    expect(table.next()).toBe(1);
    expect(table.open(open())).toBe(1);
    expect(() => new DescriptorTable(-1)).toThrow(RangeError);
    expect(() => new DescriptorTable(1.5)).toThrow(RangeError);
  });

  test("what is closed is closed once, and its number means nothing afterwards", () => {
    const table = new DescriptorTable();
    const stream = counted();
    const number = table.open(streamDescriptor(stream));
    expect(table.close(number)).toBe(0);
    expect(table.close(number)).toBe(refuse("badf"));
    expect(table.get(number)).toBe(undefined);
    expect(stream.closed).toBe(1);
  });

  test("no number outside the table names anything", () => {
    const table = new DescriptorTable(2);
    for (const number of [-1, 2, 0.5, Number.NaN, 2 ** 31, 2 ** 32 - 1]) {
      expect(table.get(number)).toBe(undefined);
      expect(table.close(number)).toBe(refuse("badf"));
      expect(table.renumber(number, 0)).toBe(refuse("badf"));
      expect(table.narrow(number, 0, 0)).toBe(refuse("badf"));
    }
  });

  test("any sequence keeps the numbers that a set of integers would", () => {
    const step = fc.oneof(
      fc.constant({ kind: "open" as const }),
      fc.record({ kind: fc.constant("close" as const), at: fc.nat(8) }),
      fc.record({ kind: fc.constant("renumber" as const), at: fc.nat(8), to: fc.nat(8) }),
    );
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const table = new DescriptorTable(8);
        const model = new Map<number, Descriptor>();
        for (const each of steps) {
          if (each.kind === "open") {
            const descriptor = open();
            const free = [0, 1, 2, 3, 4, 5, 6, 7].find((number) => !model.has(number));
            expect(table.open(descriptor)).toBe(free ?? refuse("mfile"));
            if (free !== undefined) model.set(free, descriptor);
          } else if (each.kind === "close")
            expect(table.close(each.at)).toBe(model.delete(each.at) ? 0 : refuse("badf"));
          else {
            const moved = model.get(each.at);
            const both = moved !== undefined && model.has(each.to);
            expect(table.renumber(each.at, each.to)).toBe(both ? 0 : refuse("badf"));
            if (both && each.at !== each.to) {
              model.set(each.to, moved);
              model.delete(each.at);
            }
          }
          for (let number = 0; number < 8; number++) expect(table.get(number)).toBe(model.get(number));
          expect(table.count()).toBe(model.size);
          expect(table.check()).toEqual([]);
        }
      }),
    );
  });

  test("the end of a program closes everything, files too", () => {
    const table = new DescriptorTable(4);
    const streams = [counted(), counted()];
    for (const stream of streams) table.open(streamDescriptor(stream));
    const directory = root();
    const node = directory.createFile("a");
    if (typeof node === "number") throw new Error("no file");
    const file = node.open({ read: true, write: false });
    if (typeof file === "number") throw new Error("not opened");
    let closed = 0;
    table.open(new Descriptor({ kind: "file", node, file: { ...file, close: () => void closed++ } }));
    table.closeAll();
    table.closeAll();
    expect([streams[0]?.closed, streams[1]?.closed, closed, table.count()]).toEqual([1, 1, 1, 0]);
  });

  test("a descriptor that moves onto another closes what was there, and onto itself nothing", () => {
    const table = new DescriptorTable();
    const [first, second] = [counted(), counted()];
    table.open(streamDescriptor(first));
    table.open(streamDescriptor(second));
    expect(table.renumber(1, 1)).toBe(0);
    expect(table.renumber(0, 1)).toBe(0);
    expect([first.closed, second.closed]).toEqual([0, 1]);
    expect(table.get(0)).toBe(undefined);
    expect(table.open(open())).toBe(0);
  });
});

describe("rights", () => {
  test("a descriptor has at most what its thing can do", () => {
    expect(open().rights).toBe(STREAM_RIGHTS);
    expect(streamDescriptor(openNull(), rights("fd_write", "path_open")).rights).toBe(rights("fd_write"));
    const directory = preopenDescriptor(root(), "/");
    expect([directory.rights, directory.inheriting]).toEqual([DIRECTORY_RIGHTS, INHERITING_RIGHTS]);
    expect(DIRECTORY_RIGHTS & rights("fd_filestat_set_size", "fd_write", "fd_seek")).toBe(0);
    expect(STREAM_RIGHTS & rights("fd_seek", "fd_tell")).toBe(0);
    expect(FILE_RIGHTS & rights("path_open", "fd_readdir")).toBe(0);
  });

  test("they only shrink", () => {
    const table = new DescriptorTable();
    const number = table.open(preopenDescriptor(root(), "/"));
    expect(table.narrow(number, rights("path_open", "fd_readdir"), rights("fd_read"))).toBe(0);
    expect(table.narrow(number, rights("path_open", "path_symlink"), 0)).toBe(refuse("notcapable"));
    expect(table.narrow(number, rights("path_open"), rights("fd_write"))).toBe(refuse("notcapable"));
    expect(table.get(number)?.rights).toBe(rights("path_open", "fd_readdir"));
    expect(table.narrow(number, 0, 0)).toBe(0);
    expect(table.get(number)?.inheriting).toBe(0);
  });

  test("the checker sees what is wrong", () => {
    const wrong = open();
    wrong.rights = -1;
    wrong.inheriting = 2 ** 30;
    wrong.flags = 32;
    wrong.position = -1;
    expect(checkDescriptor(wrong)).toHaveLength(5);
    const table = new DescriptorTable();
    const descriptor = open();
    table.open(descriptor);
    table.open(descriptor);
    expect(table.check()).toEqual(["one thing behind two descriptors"]);
  });

  test("the name of a directory is one that C programs can read", () => {
    expect(() => preopenDescriptor(root(), "a\0b")).toThrow(RangeError);
  });
});
