import { makeWindow } from "@exolith/exokernel/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openNull } from "./null.ts";
import type { OpenThing } from "./open-thing.ts";
import { DescriptorTable } from "./table.ts";
import { refuse } from "../errno.ts";
import { FDSTAT, FDSTAT_BYTES, FILE_TYPE, rights } from "../wasi/layout.ts";

/** Keeps what is written and gives it back in order; counts how often it was closed. */
function openQueue(): OpenThing & { closed: number } {
  const kept: number[] = [];
  return {
    closed: 0,
    fileType: FILE_TYPE.streamSocket,
    rights: rights("fd_read", "fd_write"),
    read: (window, at, length) => {
      const taken = kept.splice(0, length);
      for (const [index, byte] of taken.entries()) window.setU8(at + index, byte);
      return taken.length;
    },
    write: (window, at, length) => {
      for (let index = 0; index < length; index++) kept.push(window.getU8(at + index));
      return length;
    },
    close() {
      this.closed += 1;
    },
  };
}

describe("opening and closing", () => {
  test("the lowest free descriptor is taken, and the table has an end", () => {
    const table = new DescriptorTable(3);
    expect([table.open(openNull()), table.open(openNull()), table.open(openNull())]).toEqual([0, 1, 2]);
    expect(table.open(openNull())).toBe(refuse("mfile"));
    expect(table.close(1)).toBe(0);
    expect(table.open(openNull())).toBe(1);
  });

  test("what is closed is closed once, and its number means nothing afterwards", () => {
    const table = new DescriptorTable();
    const queue = openQueue();
    const descriptor = table.open(queue);
    expect(table.close(descriptor)).toBe(0);
    expect(queue.closed).toBe(1);
    expect(table.close(descriptor)).toBe(refuse("badf"));
    expect(table.read(descriptor, makeWindow(8), 0, 8)).toBe(refuse("badf"));
    expect(queue.closed).toBe(1);
  });

  test("no number outside the table names anything", () => {
    const table = new DescriptorTable(2);
    for (const descriptor of [-1, 2, 0.5, Number.NaN, 2 ** 31]) {
      expect(table.close(descriptor)).toBe(refuse("badf"));
      expect(table.write(descriptor, makeWindow(1), 0, 1)).toBe(refuse("badf"));
    }
  });

  test("any sequence keeps the numbers that a set of integers would", () => {
    const step = fc.oneof(fc.constant(-1), fc.nat(7));
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const table = new DescriptorTable(8);
        const model = new Set<number>();
        for (const closed of steps) {
          const free = [0, 1, 2, 3, 4, 5, 6, 7].find((each) => !model.has(each));
          if (closed < 0) {
            expect(table.open(openNull())).toBe(free ?? refuse("mfile"));
            if (free !== undefined) model.add(free);
          } else expect(table.close(closed)).toBe(model.delete(closed) ? 0 : refuse("badf"));
        }
      }),
    );
  });

  test("the end of a program closes everything", () => {
    const table = new DescriptorTable(4);
    const queues = [openQueue(), openQueue()];
    for (const queue of queues) table.open(queue);
    table.closeAll();
    expect(queues.map(({ closed }) => closed)).toEqual([1, 1]);
    expect(table.open(openNull())).toBe(0);
  });
});

describe("use", () => {
  test("bytes go through in order, as many as there are", () => {
    const table = new DescriptorTable();
    const descriptor = table.open(openQueue());
    const window = makeWindow(16);
    for (let index = 0; index < 4; index++) window.setU8(index, 10 + index);
    expect(table.write(descriptor, window, 0, 4)).toBe(4);
    expect(table.read(descriptor, window, 8, 3)).toBe(3);
    expect([window.getU8(8), window.getU8(9), window.getU8(10), window.getU8(11)]).toEqual([10, 11, 12, 0]);
    expect(table.read(descriptor, window, 8, 3)).toBe(1);
    expect(table.read(descriptor, window, 8, 3)).toBe(0);
  });

  test("the null device takes everything and is always at its end", () => {
    const thing = openNull();
    const window = makeWindow(32);
    expect(thing.write(window, 0, 32)).toBe(32);
    expect(thing.read(window, 0, 32)).toBe(0);
    expect(thing.write(window, 1, 32)).toBe(refuse("fault"));
  });

  test("renumbering moves one and closes the other", () => {
    const table = new DescriptorTable();
    const moved = openQueue();
    const replaced = openQueue();
    const [from, to] = [table.open(moved), table.open(replaced)];
    expect(table.renumber(from, to)).toBe(0);
    expect([moved.closed, replaced.closed]).toEqual([0, 1]);
    expect(table.read(from, makeWindow(1), 0, 1)).toBe(refuse("badf"));
    expect(table.renumber(to, to)).toBe(0);
    expect(table.renumber(from, to)).toBe(refuse("badf"));
    expect(moved.closed).toBe(0);
  });
});

describe("rights", () => {
  test("a descriptor allows no more than was given, and what is dropped does not come back", () => {
    const table = new DescriptorTable();
    const descriptor = table.open(openQueue(), rights("fd_read", "fd_write", "fd_seek"));
    const window = makeWindow(1);
    expect(table.narrow(descriptor, rights("fd_seek"))).toBe(refuse("notcapable"));
    expect(table.narrow(descriptor, rights("fd_read"))).toBe(0);
    expect(table.write(descriptor, window, 0, 1)).toBe(refuse("notcapable"));
    expect(table.read(descriptor, window, 0, 1)).toBe(0);
    expect(table.narrow(descriptor, rights("fd_write"))).toBe(refuse("notcapable"));
  });

  test("the description of a descriptor is the fdstat record", () => {
    const table = new DescriptorTable();
    const descriptor = table.open(openNull(), rights("fd_write"));
    const window = makeWindow(40);
    window.fill(0, 40, 0xff);
    expect(table.describe(descriptor, window, 8)).toBe(0);
    expect(window.getU8(8 + FDSTAT.fileType)).toBe(FILE_TYPE.characterDevice);
    expect(window.getU32LE(8 + FDSTAT.rightsBase)).toBe(rights("fd_write"));
    expect(window.getU32LE(8 + FDSTAT.rightsInheriting)).toBe(0);
    expect(window.getU8(8 + FDSTAT_BYTES)).toBe(0xff);
    expect(table.describe(descriptor, window, 17)).toBe(refuse("fault"));
  });
});
