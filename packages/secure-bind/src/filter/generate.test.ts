import { afterEach, describe, expect, test, vi } from "vitest";
import { atomsOf } from "./atoms.ts";
import { ipv4To, tcpTo } from "./builders.ts";
import { type Demultiplexer, makeDemultiplexer } from "./demultiplexer.ts";
import { writeCode } from "./generate.ts";
import { SHAPE_EDGES } from "./shape.ts";
import { type Filter, equal, fragments, shift } from "./term.ts";
import { addLeaf, makeTrie } from "./trie.ts";
import { ipv4, ipv4Packet } from "../testing/packets.ts";
import { mustVerify } from "../testing/verify.ts";

const OURS = ipv4(10, 0, 0, 2);
const web = (port: number): Filter => tcpTo({ destination: OURS, port });
const insert = (into: Demultiplexer, filter: Filter, tag: number) => into.insert(mustVerify(filter), tag);
const classify = (by: Demultiplexer, frame: Uint8Array): number => by.classify(frame, 0, frame.length);

const codeOf = (...filters: readonly Filter[]): string => {
  const trie = makeTrie(1, 128);
  for (const [i, filter] of filters.entries()) addLeaf(trie, atomsOf(mustVerify(filter)), i);
  return writeCode(trie).text;
};

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("the code", () => {
  test("hangs on shapes and not on constants", () => {
    expect(codeOf(web(80), web(81))).toBe(codeOf(tcpTo({ destination: 7, port: 9 })));
    expect(codeOf(web(80))).not.toBe(codeOf(web(80), ipv4To({ destination: OURS })));
  });

  test("consists of its own words and of integers", () => {
    const text = codeOf(
      [equal(65535, 4, 0x80000000, 0x80000000), shift(65535, 4, 0xffffffff, 8), equal(1, 2, 1, 0x8001)],
      [
        fragments({ at: 1, width: 2, mask: 0x1fff }, { at: 1, width: 1, mask: 1 }, [
          { at: 9, width: 4, mask: 1 },
        ]),
        equal(7, 1, 1),
      ],
    );
    const words = new Set(text.match(/[A-Za-z_$][\w$]*/g));
    const own =
      /^([a-z]\d+(_\d+)?|use|strict|const|let|if|else|for|return|break|memory|at|length|end|best|depth|view|seen|seenLength|seenView|room|ages|edges|follow|tables|shapes|recall|given|entries|shift|multipliers|branches|leaves|probe|new|DataView|buffer|byteOffset|byteLength|Math|imul|min|getUint8|getUint16|getInt32)$/;
    expect([...words].filter((word) => !own.test(word))).toEqual([]);
    expect(text.replace('"use strict";', "")).not.toMatch(/["'`]|\d\.\d|NaN|Infinity/);
  });
});

describe("making code", () => {
  test("waits until some frames have come since the last new shape, twice as many each time", () => {
    const demultiplexer = makeDemultiplexer({ patience: 4 });
    const frame = ipv4Packet({ port: 80 });
    const framesUntilCode = (): number => {
      let frames = 0;
      while (!demultiplexer.isCompiled() && frames < 1000) {
        classify(demultiplexer, frame);
        frames++;
      }
      return frames;
    };
    insert(demultiplexer, web(80), 0);
    expect(framesUntilCode()).toBe(5);
    insert(demultiplexer, web(81), 1);
    expect(demultiplexer.isCompiled()).toBe(true);
    insert(demultiplexer, ipv4To({ destination: OURS }), 2);
    expect(framesUntilCode()).toBe(9);
    insert(demultiplexer, [equal(0, 1, 1)], 3);
    expect(framesUntilCode()).toBe(17);
    expect(classify(demultiplexer, frame)).toBe(0);
  });

  test("attack: new shapes again and again do not make it compile again and again", () => {
    const demultiplexer = makeDemultiplexer({ patience: 1 });
    const made = vi.fn();
    const Real = Function;
    vi.stubGlobal("Function", function (...args: string[]) {
      made();
      return Real(...args);
    });
    for (let at = 0; at < 4000; at++) {
      const index = insert(demultiplexer, [equal(at, 1, 1)], at) as number;
      for (let i = 0; i < 4; i++) classify(demultiplexer, Uint8Array.of(1));
      if (at >= 20) demultiplexer.remove(index);
    }
    expect(made.mock.calls.length).toBeLessThanOrEqual(3);
  });

  test("interprets where no code may be made from text", () => {
    vi.stubGlobal("Function", function () {
      throw new EvalError("refused by policy");
    });
    const demultiplexer = makeDemultiplexer({ patience: 0 });
    insert(demultiplexer, web(80), 7);
    for (let i = 0; i < 4; i++) expect(classify(demultiplexer, ipv4Packet({ port: 80 }))).toBe(7);
    expect([demultiplexer.isCompiled(), demultiplexer.check()]).toEqual([false, true]);
  });

  test("interprets while there is more to look at than its code may have, and no longer", () => {
    const demultiplexer = makeDemultiplexer({ patience: 0, codeFields: 3 });
    for (let at = 0; at < 4; at++) insert(demultiplexer, [equal(at, 1, 1)], at);
    expect(classify(demultiplexer, Uint8Array.of(0, 0, 0, 1))).toBe(3);
    expect(demultiplexer.isCompiled()).toBe(false);
    demultiplexer.remove(0);
    expect(classify(demultiplexer, Uint8Array.of(0, 0, 0, 1))).toBe(3);
    expect([demultiplexer.isCompiled(), demultiplexer.check()]).toEqual([true, true]);
  });

  test("interprets when one shape has too many edges for a column of bits", () => {
    const demultiplexer = makeDemultiplexer({ patience: 0 });
    for (let at = 0; at < SHAPE_EDGES; at++) insert(demultiplexer, [equal(at, 1, 1)], at);
    const frame = new Uint8Array(40);
    frame[31] = 1;
    expect(classify(demultiplexer, frame)).toBe(31);
    expect(demultiplexer.isCompiled()).toBe(true);
    insert(demultiplexer, [equal(SHAPE_EDGES, 1, 1)], SHAPE_EDGES);
    frame[31] = 0;
    frame[32] = 1;
    expect(classify(demultiplexer, frame)).toBe(32);
    expect([demultiplexer.isCompiled(), demultiplexer.check()]).toEqual([false, true]);
  });
});

test("code sees filters of its shapes come and go, and tables grow under it", () => {
  const demultiplexer = makeDemultiplexer({ patience: 0 });
  insert(demultiplexer, web(0), 0);
  expect(classify(demultiplexer, ipv4Packet({ port: 0 }))).toBe(0);
  for (let port = 1; port < 3000; port++) insert(demultiplexer, web(port), port);
  for (let port = 0; port < 3000; port += 7) expect(classify(demultiplexer, ipv4Packet({ port }))).toBe(port);
  expect(demultiplexer.isCompiled()).toBe(true);
  for (let port = 0; port < 3000; port += 2) demultiplexer.remove(port);
  expect(demultiplexer.isCompiled()).toBe(true);
  for (let port = 0; port < 3000; port += 7)
    expect(classify(demultiplexer, ipv4Packet({ port }))).toBe(port % 2 === 0 ? -1 : port);
  expect(demultiplexer.check()).toBe(true);
});

test("code looks at no byte behind the frame or behind memory", () => {
  const demultiplexer = makeDemultiplexer({ patience: 0 });
  insert(demultiplexer, [equal(2, 2, 0)], 1);
  insert(demultiplexer, [shift(0, 4, 0xffffffff, 8), equal(0, 4, 0)], 2);
  const memory = Uint8Array.of(9, 0, 0, 0, 0, 9);
  expect(demultiplexer.classify(memory, 1, 4)).toBe(2);
  expect(demultiplexer.classify(memory, 1, 3)).toBe(-1);
  expect(demultiplexer.classify(memory, 1, 400)).toBe(2);
  expect(demultiplexer.classify(memory, 0, 400)).toBe(1);
  expect(demultiplexer.classify(Uint8Array.of(255, 255, 255, 255, 0), 0, 5)).toBe(-1);
  expect(demultiplexer.isCompiled()).toBe(true);
});
