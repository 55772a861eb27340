import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makePipe, openBytes, openSink } from "./pipe.ts";
import { AGAIN, type Stream } from "./stream.ts";
import { refuse } from "../errno.ts";
import { openNull } from "./null.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function read(stream: Stream, length: number): string | number {
  const into = new Uint8Array(length + 2);
  const got = stream.read(into, 1, length);
  expect([into[0], into[length + 1]]).toEqual([0, 0]);
  return got < 0 ? got : new TextDecoder().decode(into.subarray(1, 1 + got));
}

describe("a pipe", () => {
  test("gives what was put in, in order, and then says that there is nothing yet", () => {
    const { reader, writer } = makePipe(8);
    expect(reader.readable()).toBe(AGAIN);
    expect(read(reader, 4)).toBe(AGAIN);
    expect(writer.write(bytes("abcdef"), 1, 4)).toBe(4);
    expect([reader.readable(), writer.writable()]).toEqual([4, 4]);
    expect(read(reader, 3)).toBe("bcd");
    expect(writer.write(bytes("0123456789"), 0, 10)).toBe(7);
    expect(writer.writable()).toBe(AGAIN);
    expect(writer.write(bytes("x"), 0, 1)).toBe(AGAIN);
    expect(read(reader, 20)).toBe("e0123456");
  });

  test("ends when the writer is closed, after what is left", () => {
    const { reader, writer } = makePipe();
    writer.write(bytes("end"), 0, 3);
    writer.close();
    expect([reader.readable(), read(reader, 9), reader.readable(), read(reader, 9)]).toEqual([
      3,
      "end",
      0,
      "",
    ]);
  });

  test("refuses writing when the reader is closed, and the wrong end always", () => {
    const { reader, writer } = makePipe();
    expect([reader.write(bytes("a"), 0, 1), reader.writable()]).toEqual([refuse("badf"), refuse("badf")]);
    expect([read(writer, 1), writer.readable()]).toEqual([refuse("badf"), refuse("badf")]);
    reader.close();
    expect([writer.write(bytes("a"), 0, 1), writer.writable()]).toEqual([refuse("pipe"), refuse("pipe")]);
    expect(() => makePipe(0)).toThrow(RangeError);
  });

  test("is a queue of bytes for any sequence", () => {
    const step = fc.oneof(fc.uint8Array({ maxLength: 12 }), fc.nat(12));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 16 }), fc.array(step), (capacity, steps) => {
        const { reader, writer } = makePipe(capacity);
        const model: number[] = [];
        for (const each of steps) {
          if (typeof each === "number") {
            const into = new Uint8Array(each);
            const got = reader.read(into, 0, each);
            if (model.length === 0) expect(got).toBe(AGAIN);
            else expect([...into.subarray(0, got)]).toEqual(model.splice(0, each));
          } else {
            const put = writer.write(each, 0, each.length);
            if (model.length === capacity) expect(put).toBe(AGAIN);
            else {
              expect(put).toBe(Math.min(each.length, capacity - model.length));
              model.push(...each.subarray(0, put));
            }
          }
        }
      }),
    );
  });
});

test("given bytes are read once and then it is the end", () => {
  const stream = openBytes(bytes("hello"));
  expect([stream.readable(), read(stream, 3), read(stream, 3), read(stream, 3)]).toEqual([
    5,
    "hel",
    "lo",
    "",
  ]);
  expect([stream.write(bytes("a"), 0, 1), stream.writable()]).toEqual([refuse("badf"), refuse("badf")]);
  const closed = openBytes(bytes("hello"));
  closed.close();
  expect(closed.readable()).toBe(0);
});

test("a sink is given copies of what is written", () => {
  const given: Uint8Array[] = [];
  const stream = openSink((each) => void given.push(each));
  const from = bytes("abcdef");
  expect([stream.write(from, 1, 3), stream.write(from, 0, 0)]).toEqual([3, 0]);
  from.fill(0);
  expect(given).toEqual([bytes("bcd")]);
  expect([read(stream, 1), stream.readable()]).toEqual([refuse("badf"), refuse("badf")]);
  expect(stream.writable()).toBeGreaterThan(0);
});

test("the null device is at its end and takes everything", () => {
  const stream = openNull();
  expect([read(stream, 5), stream.readable(), stream.write(bytes("abc"), 0, 3)]).toEqual(["", 0, 3]);
  expect(stream.writable()).toBeGreaterThan(0);
});

test("who waits for an end is told once when the other does something, and then forgotten", () => {
  const { reader, writer } = makePipe(4);
  const told: string[] = [];
  const wait = (): void => {
    reader.waiters?.add(() => told.push("bytes"));
    writer.waiters?.add(() => told.push("room"));
  };
  const after = (act: () => unknown): string[] => {
    told.length = 0;
    act();
    return [...told];
  };
  wait();
  expect(after(() => [reader.readable(), writer.writable(), read(reader, 2)])).toEqual([]);
  expect(after(() => writer.write(bytes("abc"), 0, 3))).toEqual(["bytes"]);
  expect(after(() => writer.write(bytes("d"), 0, 1))).toEqual([]);
  expect(after(() => writer.write(bytes("e"), 0, 1))).toEqual([]);
  expect(after(() => read(reader, 1))).toEqual(["room"]);
  wait();
  expect(after(() => writer.close())).toEqual(["bytes"]);
  expect(after(() => reader.close())).toEqual(["room"]);
});
