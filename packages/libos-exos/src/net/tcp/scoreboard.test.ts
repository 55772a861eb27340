/** The scoreboard against a set of bytes. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Scoreboard } from "./scoreboard.ts";
import { advance } from "./sequence.ts";

const SPACE = 60;
const SEGMENT = 4;

/** The same, as a set of offsets from `base`. */
class Model {
  readonly held = new Set<number>();

  add(start: number, end: number): number {
    const before = this.held.size;
    for (let at = start; at < end; at++) this.held.add(at);
    return this.held.size - before;
  }

  get runs(): [number, number][] {
    const runs: [number, number][] = [];
    for (let at = 0; at < SPACE; at++) {
      if (!this.held.has(at)) continue;
      const last = runs.at(-1);
      if (last?.[1] === at) last[1] = at + 1;
      else runs.push([at, at + 1]);
    }
    return runs;
  }

  /** IsLost, as RFC 6675 section 4 has it. */
  isLost(at: number): boolean {
    const above = [...this.held].filter((other) => other > at).length;
    return this.runs.filter(([start]) => start > at).length >= 3 || above > 2 * SEGMENT;
  }

  pipe(from: number, highest: number, retransmitted: number): number {
    let bytes = 0;
    for (let at = from; at < highest; at++) {
      if (this.held.has(at)) continue;
      if (!this.isLost(at)) bytes += 1;
      if (at < retransmitted) bytes += 1;
    }
    return bytes;
  }

  hole(from: number, lostOnly: boolean): [number, number] | undefined {
    const most = Math.max(-1, ...this.held);
    for (let at = from; at < most; at++) {
      if (this.held.has(at)) continue;
      if (lostOnly && !this.isLost(at)) return undefined;
      let end = at;
      while (!this.held.has(end)) end += 1;
      return [at, end];
    }
    return undefined;
  }
}

const range = fc
  .tuple(fc.integer({ min: 1, max: SPACE - 1 }), fc.integer({ min: 1, max: 12 }))
  .map(([start, length]): [number, number] => [start, Math.min(start + length, SPACE)]);

test("it agrees with a set of bytes, wherever in the sequence space it lies", () => {
  const places = fc.record({
    base: fc.constantFrom(0, 1000, 0x7fff_fff0, 0xffff_ffe0, 0xffff_ffff),
    ranges: fc.array(range, { maxLength: 12 }),
    from: fc.integer({ min: 0, max: SPACE - 1 }),
    retransmitted: fc.integer({ min: 0, max: SPACE }),
    lostOnly: fc.boolean(),
  });
  fc.assert(
    fc.property(places, ({ base, ranges, from, retransmitted, lostOnly }) => {
      const board = new Scoreboard(32);
      const model = new Model();
      const at = (offset: number): number => advance(base, offset);
      for (const [start, end] of ranges) expect(board.add(at(start), at(end))).toBe(model.add(start, end));
      expect([board.count, board.bytes]).toEqual([model.runs.length, model.held.size]);
      expect(board.highest(at(0))).toBe(at(Math.max(-1, ...model.held) + 1));
      expect(board.isFirstLost(SEGMENT)).toBe(model.isLost(0));
      expect(board.pipe(at(0), at(SPACE), at(retransmitted), SEGMENT)).toBe(
        model.pipe(0, SPACE, retransmitted),
      );
      const hole = model.hole(from, lostOnly);
      expect(board.findHole(at(from), lostOnly, SEGMENT)).toBe(hole !== undefined);
      if (hole !== undefined) expect([board.holeStart, board.holeEnd]).toEqual(hole.map(at));
      expect(board.bytesBefore(at(from))).toBe([...model.held].filter((other) => other < from).length);
      const free = [...Array(SPACE + 1).keys()].find((offset) => offset >= from && !model.held.has(offset));
      expect(board.skip(at(from))).toBe(at(free ?? 0));
      const next = model.runs.find(([start]) => start > from)?.[0] ?? SPACE;
      expect(board.nextStart(at(from), at(SPACE))).toBe(at(next));
    }),
    { numRuns: 2000 },
  );
});

test("an acknowledgment takes runs away; one that stops where a run begins, or in it, takes all of them", () => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 8 }), fc.integer({ min: 1, max: SPACE }), (ranges, upTo) => {
      const board = new Scoreboard(32);
      const model = new Model();
      for (const [start, end] of ranges) {
        board.add(start, end);
        model.add(start, end);
      }
      const hasReneged = model.held.has(upTo);
      const left = [...model.held].filter((at) => at >= upTo).length;
      expect(board.acknowledge(upTo)).toBe(!hasReneged);
      expect(board.bytes).toBe(hasReneged ? 0 : left);
    }),
    { numRuns: 500 },
  );
});

describe("a scoreboard that is full", () => {
  test("takes no further run, but lets those it has grow and merge", () => {
    const board = new Scoreboard(3);
    for (const start of [10, 20, 30]) expect(board.add(start, start + 2)).toBe(2);
    expect(board.add(40, 42)).toBe(-1);
    expect([board.count, board.bytes]).toEqual([3, 6]);
    expect(board.add(32, 35)).toBe(3);
    expect(board.add(12, 20)).toBe(8);
    expect(board.add(40, 42)).toBe(2);
    expect([board.count, board.bytes, board.highest(0)]).toEqual([3, 19, 42]);
  });
});

test("the tail is the last bytes that are not noted", () => {
  const board = new Scoreboard(8);
  const tail = (): number[] => {
    board.findTail(100, 200, 30);
    return [board.holeStart, board.holeEnd];
  };
  expect(tail()).toEqual([170, 200]);
  board.add(110, 180);
  expect(tail()).toEqual([180, 200]);
  board.add(190, 200);
  expect(tail()).toEqual([180, 190]);
  board.add(180, 190);
  expect(tail()).toEqual([100, 110]);
});
