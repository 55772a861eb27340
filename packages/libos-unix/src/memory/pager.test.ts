import {
  FRAME_BYTES,
  RIGHTS,
  capSlot,
  failed,
  must,
  type VirtualPage,
  type Window,
} from "@exolith/exokernel/abi";
import { makeRig } from "@exolith/exokernel/testing";
import { spaceBytes } from "@exolith/hw-model";
import { makeFramePool } from "@exolith/libos-exos";
import fc from "fast-check";
import { expect, test } from "vitest";
import { PageFrames } from "./page-frames.ts";
import { firstInFirstOut, secondChance, type PagePolicyMaker } from "./page-policy.ts";
import { Pager } from "./pager.ts";
import { MemoryFault, OutOfFrames, StoreFailed } from "./program-memory.ts";
import { makeArrayStore, type ArrayStore } from "../testing/array-store.ts";

const SLOT = capSlot(0);
const PAGES = 24;
const policies: Readonly<Record<string, PagePolicyMaker>> = { firstInFirstOut, secondChance };

interface Options {
  readonly places?: number;
  readonly policy?: PagePolicyMaker;
  readonly store?: ArrayStore | undefined;
  readonly pageBytes?: 4096 | 65_536;
  readonly pages?: number;
}

/** A pager over a space of its own, and the accesses that a program in it would make. */
function makePaged(options: Options = {}) {
  const { places = 4, policy = firstInFirstOut, store, pageBytes = 4096, pages = PAGES } = options;
  const bits = pageBytes === 4096 ? 12 : 16;
  const rig = makeRig(600, { reserveFrames: 0 }, { arenaBytes: spaceBytes(bits) + 65_536 });
  const gate = rig.environment([1, 1]);
  must(gate.translationCreate(pageBytes));
  const pool = makeFramePool(gate, SLOT, { start: 1 });
  const frames = new PageFrames(pool, pageBytes, (places * pageBytes) / FRAME_BYTES);
  const parts = { gate, slot: SLOT, frames, policy: policy(), store, bytes: () => pages * pageBytes };
  const pager = new Pager(parts);
  const { bytes } = rig.machine.memory;
  /** The physical address of a byte, as the program's own access finds it; -1 when the access is fatal. */
  const reach = (at: number, isWrite: boolean): number => {
    for (let asked = 0; asked < 4; asked++) {
      const page = Math.floor(at / pageBytes);
      const rights = gate.translation.rights(page);
      if (rights === RIGHTS.write || (rights === RIGHTS.none && !isWrite))
        return gate.translation.frame(page) * FRAME_BYTES + (at % pageBytes);
      if (!pager.fault(at, isWrite)) return -1;
    }
    throw new Error("a fault that was answered came again");
  };
  const poke = (at: number, value: number): boolean => {
    const address = reach(at, true);
    if (address >= 0) bytes[address] = value;
    return address >= 0;
  };
  const peek = (at: number): number => {
    const address = reach(at, false);
    return address < 0 ? -1 : (bytes[address] ?? -1);
  };
  return { pager, frames, gate, rig, poke, peek };
}

test("a page that nobody touched is nowhere; with half of all places taken it is the page of zeros until it is written", () => {
  const { pager, frames, gate, peek, poke } = makePaged();
  expect([frames.used, gate.translation.frame(3)]).toEqual([0, 0]);
  expect([peek(3 * 4096), peek(4 * 4096), frames.used]).toEqual([0, 0, 2]);
  expect(gate.translation.rights(3)).toBe(RIGHTS.write);
  expect([peek(5 * 4096 + 7), peek(6 * 4096), frames.used]).toEqual([0, 0, 3]);
  expect(gate.translation.frame(5)).toBe(gate.translation.frame(6));
  expect(gate.translation.rights(5)).toBe(RIGHTS.none);
  expect(poke(5 * 4096, 9)).toBe(true);
  expect(gate.translation.frame(5)).not.toBe(gate.translation.frame(6));
  expect([peek(5 * 4096), peek(6 * 4096), frames.used]).toEqual([9, 0, 4]);
  expect(pager.ledger).toEqual({ faults: 5, zeroed: 3, loaded: 0, saved: 0 });
});

test("without a store and without room it is full; a place that is free again is used", () => {
  const { pager, poke } = makePaged({ places: 2 });
  expect([poke(0, 1), poke(4096, 1), pager.isFull]).toEqual([true, true, false]);
  expect([poke(8192, 1), pager.isFull]).toEqual([false, true]);
  expect(() => pager.setU8(8192, 1)).toThrow(OutOfFrames);
  expect([poke(1, 2), pager.fault(PAGES * 4096, true), pager.isFull]).toEqual([true, false, false]);
});

test("outside of the memory there is nothing, for the program and for its library", () => {
  const { pager } = makePaged();
  const end = PAGES * 4096;
  const bytes = new Uint8Array(16);
  expect(pager.fault(end, false)).toBe(false);
  for (const at of [end, end - 1, 0xffff_fff0])
    for (const act of [
      () => pager.getU16LE(at),
      () => pager.getU32LE(at),
      () => pager.setU16LE(at, 1),
      () => pager.setU32LE(at, 1),
      () => pager.read(at, bytes, 0, 16),
      () => pager.write(at, bytes, 0, 16),
      () => pager.demand(at, 16, true),
    ])
      expect(act).toThrow(MemoryFault);
  expect(pager.getU8(end - 1)).toBe(0);
});

test.each([4096, 65_536] as const)("addresses above 2 GiB are as those below (pages of %i)", (pageBytes) => {
  const pages = 2 ** 32 / pageBytes;
  const { pager, frames, peek } = makePaged({ places: 30, pages, pageBytes });
  const bytes = Uint8Array.from({ length: 16 }, (_, at) => at + 1);
  const edges = [0x7fff_f000, 0x7fff_fff8, 0x8000_0000, 0x8000_0010, 0xa000_0000, 0xffff_fff0];
  for (const [index, at] of edges.entries()) {
    pager.demand(at, 16, true);
    expect(frames.used).toBeLessThanOrEqual(2 * (index + 1));
    pager.write(at, bytes, 0, 16);
    const back = new Uint8Array(16);
    pager.read(at, back, 0, 16);
    expect([back, pager.getU32LE(at + 4), peek(at + 15)]).toEqual([bytes, 0x0807_0605, 16]);
    pager.setU16LE(at + 7, 0xbeef);
    expect([pager.getU16LE(at + 7), peek(at + 7), peek(at + 8)]).toEqual([0xbeef, 0xef, 0xbe]);
  }
  pager.setU8(0, 77);
  for (const act of [
    () => pager.getU16LE(0xffff_ffff),
    () => pager.getU32LE(0xffff_fffe),
    () => pager.setU16LE(0xffff_ffff, 1),
    () => pager.setU32LE(0xffff_fffd, 1),
    () => pager.demand(0xffff_fff0, 17, false),
    () => pager.read(0xffff_ffff, bytes, 0, 2),
  ])
    expect(act).toThrow(MemoryFault);
  expect(pager.getU8(0)).toBe(77);
});

test("a library that reads what nobody touched finds zeros, and takes no place", () => {
  const { pager, frames, poke, peek } = makePaged({ places: 2 });
  const into = new Uint8Array(PAGES * 4096).fill(9);
  pager.demand(0, into.length, false);
  pager.read(0, into, 0, into.length);
  expect(into.every((byte) => byte === 0)).toBe(true);
  expect([pager.getU8(5), pager.getU16LE(4095), pager.getU32LE(8190), pager.getU32LE(4)]).toEqual([
    0, 0, 0, 0,
  ]);
  expect([frames.used, pager.ledger.zeroed]).toEqual([0, 0]);
  expect([poke(4096, 7), pager.getU16LE(4095), pager.getU32LE(4094)]).toEqual([true, 7 << 8, 7 << 16]);
  expect([peek(8192), frames.used]).toEqual([0, 2]);
});

test("it says whether its own limit is reached, or others have the frames", () => {
  const { pager, rig, frames, poke } = makePaged({ places: 400 });
  const other = makeFramePool(rig.environment([1, 2]), SLOT, { start: 300 });
  while (!failed(other.run(1))) expect(other.held).toBeLessThan(600);
  expect([poke(0, 1), pager.isFull, pager.isBoardFull, frames.isBelowLimit]).toEqual([
    false,
    true,
    true,
    true,
  ]);
  const small = makePaged({ places: 1 });
  expect([small.poke(0, 1), small.poke(4096, 1)]).toEqual([true, false]);
  expect([small.pager.isFull, small.pager.isBoardFull]).toEqual([true, false]);
});

test("a number that crosses pages is written whole or not at all", () => {
  const { pager } = makePaged();
  pager.setU32LE(4094, 0x4433_2211);
  expect([pager.getU32LE(4094), pager.getU8(4095), pager.getU8(4096)]).toEqual([0x4433_2211, 0x22, 0x33]);
  pager.protect(8192, 1, true);
  for (const act of [
    () => pager.setU32LE(8190, 7),
    () => pager.setU16LE(8191, 7),
    () => pager.write(8100, new Uint8Array(200).fill(7), 0, 200),
  ])
    expect(act).toThrow(MemoryFault);
  expect([pager.getU8(8100), pager.getU8(8190), pager.getU8(8191)]).toEqual([0, 0, 0]);
});

test("a page that may not be written is read, and faults when it is written, until it may be again", () => {
  const { pager, gate, peek, poke } = makePaged({ store: makeArrayStore(PAGES), places: 3 });
  expect(poke(4096, 5)).toBe(true);
  pager.protect(4096, 4096, true);
  expect([peek(4096), gate.translation.rights(1), poke(4096, 6)]).toEqual([5, RIGHTS.none, false]);
  expect([pager.isFull, poke(2 * 4096, 1), poke(3 * 4096, 1), poke(4 * 4096, 1)]).toEqual([
    false,
    true,
    true,
    true,
  ]);
  expect([peek(4096), poke(4097, 6)]).toEqual([5, false]);
  pager.protect(4096, 1, false);
  expect([poke(4097, 6), peek(4097), peek(4096)]).toEqual([true, 6, 5]);
});

test("a page that did not change since it was saved is not saved again", () => {
  const store = makeArrayStore(PAGES);
  const { pager, poke, peek } = makePaged({ store, places: 3 });
  for (let page = 0; page < 8; page++) poke(page * 4096, page + 1);
  for (let round = 0; round < 5; round++)
    for (let page = 0; page < 8; page++) expect(peek(page * 4096)).toBe(page + 1);
  expect(store.saves).toBe(8);
  expect(store.loads).toBeGreaterThan(30);
  expect(pager.ledger).toMatchObject({ saved: store.saves, loaded: store.loads, zeroed: 8 });
  for (let page = 0; page < 8; page++) poke(page * 4096, 77);
  for (let page = 0; page < 8; page++) expect(peek(page * 4096)).toBe(77);
  expect(store.saves).toBe(16);
});

test("a store that is full makes it full", () => {
  const store = makeArrayStore(2);
  const { pager, poke, peek } = makePaged({ store, places: 2 });
  for (let page = 0; page < 4; page++) expect(poke(page * 4096, page + 1)).toBe(true);
  expect([poke(4 * 4096, 9), pager.isFull]).toEqual([false, true]);
  // Both that are away stay there: what is here has no place to go.
  expect([peek(2 * 4096), peek(3 * 4096), peek(0)]).toEqual([3, 4, -1]);
});

test("a store that breaks is named, and no page is lost", () => {
  const store = makeArrayStore(PAGES);
  const { pager, poke, peek } = makePaged({ store, places: 2 });
  for (let page = 0; page < 4; page++) expect(poke(page * 4096, page + 1)).toBe(true);
  store.broken = "saves";
  const why = (): boolean[] => [pager.isFull, pager.isBroken];
  expect([poke(0, 8), ...why(), peek(2 * 4096), peek(3 * 4096)]).toEqual([false, false, true, 3, 4]);
  expect(() => pager.setU8(0, 8)).toThrow(StoreFailed);
  store.broken = "loads";
  expect([peek(0), ...why()]).toEqual([-1, false, true]);
  expect(() => pager.getU8(0)).toThrow(StoreFailed);
  expect([pager.fault(PAGES * 4096, true), ...why()]).toEqual([false, false, false]);
  store.broken = "none";
  for (let page = 0; page < 4; page++) expect(peek(page * 4096)).toBe(page + 1);
});

test("first in, first out names the oldest; second chance spares what was touched", () => {
  const fifo = firstInFirstOut();
  const second = secondChance();
  for (const policy of [fifo, second]) {
    expect(policy.victim(() => {})).toBe(-1);
    for (const page of [1, 2, 3]) policy.loaded(page);
  }
  expect(fifo.victim(() => {})).toBe(1);
  fifo.dropped(1);
  expect(fifo.victim(() => {})).toBe(2);
  const watched: number[] = [];
  expect(second.victim((page) => watched.push(page))).toBe(1);
  expect(watched).toEqual([1, 2, 3]);
  second.dropped(1);
  second.touched(2);
  expect(second.victim((page) => watched.push(page))).toBe(3);
  expect(watched).toEqual([1, 2, 3, 2]);
  second.touched(99);
  expect(second.victim(() => {})).toBe(3);
});

/** One step of a random program and its library. */
const step = fc.record({
  act: fc.constantFrom("poke", "peek", "set", "get", "write", "read", "protect", "allow"),
  at: fc.nat(PAGES * 4096 - 1),
  near: fc.integer({ min: -3, max: 3 }),
  isAtEdge: fc.boolean(),
  length: fc.nat(9000),
  value: fc.integer({ min: 0, max: 0xffff_ffff }),
});

for (const [name, policy] of Object.entries(policies))
  test(`whatever is read and written, with few places it is as in an array: ${name}`, () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 3, max: 9 }), (steps, places) => {
        const store = makeArrayStore(PAGES);
        const { pager, peek, poke, frames } = makePaged({ places, policy, store });
        const model = new Uint8Array(PAGES * 4096);
        const view = new DataView(model.buffer);
        const readOnly = new Set<number>();
        for (const { act, at: any, near, isAtEdge, length, value } of steps) {
          const edge = Math.max(0, (any & ~4095) + near);
          const at = Math.min(isAtEdge ? edge : any, model.length - 4);
          const most = Math.min(length, model.length - at);
          const isRefused = (count: number): boolean => {
            for (let page = at >> 12; page <= (at + Math.max(count, 1) - 1) >> 12; page++)
              if (readOnly.has(page)) return true;
            return false;
          };
          const attempt = (count: number, run: () => void, change: () => void): void => {
            if (isRefused(count)) expect(run).toThrow(MemoryFault);
            else {
              run();
              change();
            }
          };
          if (act === "poke") {
            const isDone = poke(at, value & 0xff);
            expect(isDone).toBe(!isRefused(1));
            if (isDone) model[at] = value;
          } else if (act === "peek") expect(peek(at)).toBe(model[at]);
          else if (act === "set")
            attempt(
              4,
              () => pager.setU32LE(at, value),
              () => view.setUint32(at, value, true),
            );
          else if (act === "get") expect(pager.getU32LE(at)).toBe(view.getUint32(at, true));
          else if (act === "write") {
            const from = new Uint8Array(most).fill(value);
            attempt(
              most,
              () => pager.write(at, from, 0, most),
              () => model.set(from, at),
            );
          } else if (act === "read") {
            const into = new Uint8Array(most);
            pager.read(at, into, 0, most);
            expect(into).toEqual(model.slice(at, at + most));
          } else {
            pager.protect(at, 1, act === "protect");
            if (act === "protect") readOnly.add(at >> 12);
            else readOnly.delete(at >> 12);
          }
          expect(frames.used).toBeLessThanOrEqual(places);
        }
        for (let at = 5; at < model.length; at += 1111) expect(peek(at)).toBe(model[at]);
      }),
      { numRuns: 40 },
    );
  });

test("pages of 64 KiB begin at multiples of their size, and take few frames besides", () => {
  const { frames, pager, gate, poke } = makePaged({ places: 20, pageBytes: 65_536 });
  for (let page = 0; page < 20; page++) expect(poke(page * 65_536 + 5, 1)).toBe(true);
  for (let page = 0; page < 20; page++) expect(gate.translation.frame(page) % 16).toBe(0);
  expect([frames.used, pager.resident]).toEqual([20, 20]);
  expect(frames.held).toBeLessThanOrEqual(20 * 16 + 15);
  expect(poke(20 * 65_536, 1)).toBe(false);
});

test("places are given and taken, none twice", () => {
  const rig = makeRig(64, { reserveFrames: 0 });
  const gate = rig.environment([1, 1]);
  const frames = new PageFrames(makeFramePool(gate, SLOT, { start: 0 }), FRAME_BYTES, 10);
  const taken = Array.from({ length: 10 }, () => frames.take());
  expect(new Set(taken).size).toBe(10);
  expect(frames.take()).toBe(-1);
  const windows = taken.map((place): [Window, number] => [frames.window(place), frames.offset(place)]);
  for (const [index, [window, at]] of windows.entries()) window.setU8(at, index + 1);
  for (const [index, [window, at]] of windows.entries()) expect(window.getU8(at)).toBe(index + 1);
  for (const place of taken) expect(frames.frame(place)).toBeGreaterThan(0);
  frames.give(taken[3] as number);
  expect([frames.used, frames.take(), frames.take()]).toEqual([9, taken[3], -1]);
});

test("the kernel's translations go with the place of a page", () => {
  const { gate, poke } = makePaged({ places: 2, store: makeArrayStore(PAGES) });
  poke(0, 1);
  poke(4096, 1);
  expect(gate.translation.rights(0 as VirtualPage)).toBe(RIGHTS.write);
  poke(8192, 1);
  expect(gate.translation.rights(0 as VirtualPage)).toBe(-1);
});
