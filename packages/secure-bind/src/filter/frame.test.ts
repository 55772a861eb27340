/** What is a frame, and what of it is inside: one rule for every form of a filter. */
import { describe, expect, test } from "vitest";
import { compileFilter } from "./compile.ts";
import { type DemultiplexerLimits, makeDemultiplexer } from "./demultiplexer.ts";
import { frameLength } from "./field.ts";
import { interpretFilter } from "./interpret.ts";
import { type Filter, equal, fragments, shift } from "./term.ts";
import { longestMatch } from "../testing/longest-match.ts";
import { mustVerify } from "../testing/verify.ts";

type Decide = (memory: Uint8Array, at: number, length: number) => boolean;

const byDemultiplexer =
  (limits: Partial<DemultiplexerLimits>) =>
  (filter: Filter): Decide => {
    const demultiplexer = makeDemultiplexer(limits);
    demultiplexer.insert(mustVerify(filter), 0);
    return (...frame) => demultiplexer.classify(...frame) === 0;
  };

const FORMS: Readonly<Record<string, (filter: Filter) => Decide>> = {
  interpreter: (filter) => (memory, at, length) => interpretFilter(mustVerify(filter), memory, at, length),
  compiled: (filter) => compileFilter(mustVerify(filter)),
  search: byDemultiplexer({ codeFields: 0 }),
  code: byDemultiplexer({ patience: 0 }),
  meaning: (filter) => (memory, at, length) =>
    longestMatch([mustVerify(filter)], { memory, at, length }) === 0,
};

const byte = (at: number) => ({ at, width: 1 as const, mask: 0xff });
const zeros = new Uint8Array(8);
const field = [equal(2, 2, 0)];
const everything: Filter = [];
const parts = [fragments(byte(0), byte(1), [byte(2)]), equal(3, 1, 0)];

describe.each(Object.entries(FORMS))("%s", (_name, make) => {
  test.each<[string, Filter, Uint8Array, unknown, unknown, boolean]>([
    ["inside", field, zeros, 0, 4, true],
    ["up to the end of memory", field, zeros, 4, 4, true],
    ["with a field at the end of the frame", field, zeros, 0, 3, false],
    ["with a field behind memory", field, new Uint8Array(2), 0, 4, false],
    ["with half a field behind memory", field, new Uint8Array(3), 0, 4, false],
    ["longer than memory, the field inside", field, zeros, 3, 400, true],
    ["without an end", field, zeros, 0, Infinity, true],
    ["without an end in a short memory", field, new Uint8Array(3), 0, Infinity, false],
    ["behind memory", field, zeros, 10, 4, false],
    ["behind memory, nothing asked", everything, zeros, 10, 4, true],
    ["at the end of memory, nothing asked", everything, zeros, 8, 0, true],
    ["before memory", field, zeros, -1, 8, false],
    ["before memory, nothing asked", everything, zeros, -1, 8, false],
    ["nowhere", everything, zeros, Number.NaN, 8, false],
    ["of no place", everything, zeros, undefined, 8, false],
    ["endlessly far", everything, zeros, Infinity, 8, false],
    ["between two bytes", everything, zeros, 1.5, 4, false],
    ["very far", field, zeros, 2 ** 53, 4, false],
    ["of no length", everything, zeros, 0, Number.NaN, false],
    ["of an unknown length", everything, zeros, 0, undefined, false],
    ["of a negative length", everything, zeros, 0, -1, false],
    ["with a base behind memory", [shift(0, 1, 0xff, 0), equal(0, 1, 0)], Uint8Array.of(1), 0, 9, false],
    ["with parts inside", parts, zeros, 0, 4, true],
    ["with parts behind memory", parts, new Uint8Array(3), 0, 4, false],
    ["with parts, of no place", parts, zeros, -2, 8, false],
  ])("a frame %s", (...[, filter, memory, at, length, expected]) => {
    expect(make(filter)(memory, at as number, length as number)).toBe(expected);
  });
});

test("frameLength is what of a frame lies in memory", () => {
  expect([0, 3, 8, 9].map((at) => frameLength(zeros, at, 6))).toEqual([6, 5, 0, 0]);
  expect([Number.NaN, -1, 0.5, Infinity].map((at) => frameLength(zeros, at, 6))).toEqual([-1, -1, -1, -1]);
});

describe("attack: a memory that is not what it was", () => {
  const ZERO_AT_4 = mustVerify([equal(4, 2, 0)]);
  const make = () => {
    const demultiplexer = makeDemultiplexer({ patience: 0 });
    demultiplexer.insert(ZERO_AT_4, 7);
    demultiplexer.insert(mustVerify([]), 1);
    return demultiplexer;
  };
  const resizable = (bytes: number): ArrayBuffer & { resize(to: number): void } =>
    new (ArrayBuffer as new (bytes: number, options: object) => ArrayBuffer & { resize(to: number): void })(
      bytes,
      { maxByteLength: 64 },
    );

  test("grows, shrinks and grows again", () => {
    const demultiplexer = make();
    const buffer = resizable(4);
    const memory = new Uint8Array(buffer);
    expect(demultiplexer.classify(memory, 0, 16)).toBe(1);
    buffer.resize(16);
    expect(demultiplexer.classify(memory, 0, 16)).toBe(7);
    buffer.resize(5);
    expect(demultiplexer.classify(memory, 0, 16)).toBe(1);
    buffer.resize(0);
    expect(demultiplexer.classify(memory, 0, 16)).toBe(1);
    buffer.resize(64);
    expect(demultiplexer.classify(memory, 50, 16)).toBe(7);
    expect(demultiplexer.isCompiled()).toBe(true);
  });

  test("is a part of a buffer that gets too short for it", () => {
    const demultiplexer = make();
    const buffer = resizable(32);
    const memory = new Uint8Array(buffer, 8, 16);
    expect(demultiplexer.classify(memory, 0, 16)).toBe(7);
    buffer.resize(20);
    expect(demultiplexer.classify(memory, 0, 16)).toBe(1);
    buffer.resize(32);
    expect(demultiplexer.classify(memory, 0, 16)).toBe(7);
  });

  test.each([true, false])("is taken away, known before: %s", (known) => {
    const demultiplexer = make();
    const memory = new Uint8Array(16);
    if (known) expect(demultiplexer.classify(memory, 0, 16)).toBe(7);
    structuredClone(memory, { transfer: [memory.buffer] });
    expect(demultiplexer.classify(memory, 0, 16)).toBe(1);
    expect(demultiplexer.classify(new Uint8Array(16), 0, 16)).toBe(7);
    expect(demultiplexer.isCompiled()).toBe(true);
  });

  test("is one WebAssembly memory after another", () => {
    const demultiplexer = make();
    const memory = new WebAssembly.Memory({ initial: 1 });
    const before = new Uint8Array(memory.buffer);
    expect(demultiplexer.classify(before, 65_500, 16)).toBe(7);
    memory.grow(1);
    expect(demultiplexer.classify(before, 65_500, 16)).toBe(1);
    expect(demultiplexer.classify(new Uint8Array(memory.buffer), 65_540, 16)).toBe(7);
  });
});
