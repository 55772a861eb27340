import { FRAME_BYTES, capSlot, failed, frame, must } from "@exolith/exokernel/abi";
import type { Gate, Window } from "@exolith/exokernel/abi";
import { makeRig, outcome } from "@exolith/exokernel/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { checkVersions, findFreeRun, framesFor, makeFramePool } from "./frame-pool.ts";

const GUARD = capSlot(0);
const FRAMES = 64;

function makeOwner() {
  const rig = makeRig(FRAMES);
  const gate = rig.environment([1, 1]);
  return { rig, gate, row: gate.self & 0xffff };
}

test("to find frames costs no call, to take them two", () => {
  const { gate, row } = makeOwner();
  const calls = (): number => gate.environments.calls(row);
  const pool = makeFramePool(gate, GUARD);
  const before = calls();
  expect(findFreeRun(gate, 8, 0, gate.frames.count)).toBeGreaterThanOrEqual(0);
  expect(calls()).toBe(before);
  const window = must(pool.run(8));
  expect(calls()).toBe(before + 2);
  expect(window.length).toBe(8 * FRAME_BYTES);
  for (let at = 0; at < 8; at++) expect(gate.frames.owner(pool.first(window) + at)).toBe(gate.self);
});

test("a run is given back whole, and its window is dead", () => {
  const { gate, row } = makeOwner();
  const pool = makeFramePool(gate, GUARD);
  const window = must(pool.run(3));
  expect([pool.held, pool.runs, pool.count(window)]).toEqual([3, 1, 3]);
  expect(pool.release(window)).toBe(true);
  expect([pool.held, pool.heldMost, pool.runs]).toEqual([0, 3, 0]);
  expect(gate.environments.frames(row)).toBe(0);
  expect(() => window.getU8(0)).toThrow(RangeError);
  expect(pool.release(window)).toBe(false);
  expect(() => pool.first(window)).toThrow(RangeError);
});

test("frames that somebody else claimed are stepped over", () => {
  const { rig, gate } = makeOwner();
  const other = rig.environment([1, 2]);
  must(other.framesAlloc(frame(4), 2, GUARD));
  const pool = makeFramePool(gate, GUARD);
  const windows = [must(pool.run(4)), must(pool.run(4))];
  expect(windows.map((window) => pool.first(window))).toEqual([0, 6]);
});

test("a run lost to somebody else between the search and the claim is looked for elsewhere", () => {
  const { rig, gate } = makeOwner();
  const other = rig.environment([1, 2]);
  let thefts = 0;
  const raced: Gate = {
    ...gate,
    framesAlloc: (first, count, slot) => {
      if (thefts++ === 0) must(other.framesAlloc(first, 1, GUARD));
      return gate.framesAlloc(first, count, slot);
    },
  };
  const pool = makeFramePool(raced, GUARD);
  const window = must(pool.run(2));
  expect(thefts).toBe(2);
  expect(pool.first(window)).toBe(2);
});

test("fragmented memory has no room for a long run, though frames enough are free", () => {
  const { gate } = makeOwner();
  const pool = makeFramePool(gate, GUARD);
  const singles: Window[] = [];
  for (let got = pool.run(1); !failed(got); got = pool.run(1)) singles.push(got);
  for (const [index, window] of singles.entries()) if (index % 2 === 0) pool.release(window);
  expect(gate.frames.free()).toBeGreaterThan(20);
  expect(outcome(pool.run(2))).toBe("Full");
  expect(outcome(pool.run(1))).toBe("ok");
});

test("the limit holds, and nonsense is refused", () => {
  const { gate } = makeOwner();
  const pool = makeFramePool(gate, GUARD, { framesMax: 5, start: 20 });
  const window = must(pool.run(5));
  expect(pool.first(window)).toBe(20);
  expect(outcome(pool.run(1))).toBe("Full");
  for (const count of [0, -1, 1.5, Number.NaN]) expect(outcome(pool.run(count))).toBe("BadRange");
  expect(outcome(makeFramePool(gate, capSlot(9)).run(1))).toBe("BadSlot");
});

test("pinned frames stay in the pool", () => {
  const { gate } = makeOwner();
  const pool = makeFramePool(gate, GUARD);
  const window = must(pool.run(2));
  const ring = must(gate.ringBind(pool.first(window), 2, GUARD));
  expect(pool.release(window)).toBe(false);
  expect(pool.held).toBe(2);
  must(gate.ringUnbind(ring));
  expect(pool.release(window)).toBe(true);
});

test("whatever is claimed and released, runs never overlap and the kernel's count agrees", () => {
  const step = fc.record({ claim: fc.boolean(), count: fc.integer({ min: 1, max: 9 }), which: fc.nat(20) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { gate, row } = makeOwner();
      const pool = makeFramePool(gate, GUARD);
      const held: Window[] = [];
      for (const { claim, count, which } of steps) {
        const got = claim ? pool.run(count) : undefined;
        if (got !== undefined && !failed(got)) held.push(got);
        if (!claim && held.length > 0)
          expect(pool.release(held.splice(which % held.length, 1)[0] as Window)).toBe(true);
      }
      const frames = held.flatMap((window) =>
        Array.from({ length: pool.count(window) }, (_, at) => pool.first(window) + at),
      );
      expect(new Set(frames).size).toBe(frames.length);
      expect(pool.held).toBe(frames.length);
      expect(gate.environments.frames(row)).toBe(frames.length);
    }),
    { numRuns: 30 },
  );
});

test("other versions of the kernel's interface are refused", () => {
  expect(() => checkVersions()).not.toThrow();
  expect(() => checkVersions(2, 1)).toThrow("found 2.1");
  expect(() => checkVersions(1, 9)).toThrow("found 1.9");
  expect(framesFor(4097)).toBe(2);
});
