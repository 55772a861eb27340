/** Rings, filters and transmit bindings: what a kernel must keep. */
import type { ContractCase } from "@exolith/hw-model/contract";
import { RIGHTS, type Filter } from "@exolith/secure-bind";
import { expect } from "vitest";
import { must } from "../abi/errors.ts";
import type { Gate } from "../abi/gate.ts";
import { FRAME_BYTES, frame, type CapSlot, type RingId, type TransmitId } from "../abi/ids.ts";
import { DEVICE_NAMES, RING_SLOT_BYTES } from "../abi/limits.ts";
import type { Gather, Window } from "../abi/window.ts";
import { outcome, placeEnvironment } from "../testing/rig.ts";
import { NO_NUMBERS, grant, own, rowOfSelf, type KernelHarness } from "./harness.ts";

/** Frames of an experimental type (IEEE 802 section 9.2.3), told apart by the byte that follows it. */
const byPort = (port: number): Filter => [
  { kind: "equal", at: 12, width: 2, mask: 0xffff, value: 0x88b5 },
  { kind: "equal", at: 14, width: 1, mask: 0xff, value: port },
];
const FROM_US: Filter = [{ kind: "equal", at: 6, width: 4, mask: 0xffff_ffff, value: 0x0200_0000 }];
const LENGTH = 60;

/** An environment with a ring of four slots, a transmit binding and a frame to send from. */
interface Station {
  readonly h: KernelHarness;
  readonly gate: Gate;
  readonly nic: CapSlot;
  readonly ring: RingId;
  readonly words: Window;
  readonly slots: Window;
  readonly memory: Window;
  readonly binding: TransmitId;
  readonly gather: Gather;
}

function station(h: KernelHarness, name: number): Station {
  const at = name * 8;
  const gate = placeEnvironment(h.root, [1, name]);
  const nic = grant(h, gate, { name: [DEVICE_NAMES.nic, 0], rights: RIGHTS.allocate });
  must(gate.framesAlloc(frame(at), 4, own));
  const ring = must(gate.ringBind(frame(at), 3, own));
  const words = must(gate.windowBind(frame(at), 1, true, own));
  const slots = must(gate.windowBind(frame(at + 1), 2, false, own));
  const memory = must(gate.windowBind(frame(at + 3), 1, true, own));
  const binding = must(h.root.transmitBind(0, FROM_US, gate.self, own, own));
  return { h, gate, nic, ring, words, slots, memory, binding, gather: gate.gather() };
}

/** Writes a frame to `port` that says `tag`, and queues it. */
function send(s: Station, port: number, tag: number, source = 0x0200_0000): string {
  s.memory.fill(0, LENGTH, 0xff);
  s.memory.setU32(6, source);
  s.memory.setU16(12, 0x88b5);
  s.memory.setU8(14, port);
  s.memory.setU8(20, tag);
  s.gather.clear();
  s.gather.add(s.memory, 0, LENGTH);
  return outcome(s.gate.transmit(s.binding, s.gather));
}

const events = (s: Station): number => s.gate.environments.events(rowOfSelf(s.gate));
const insert = (s: Station, filter: Filter, guard: CapSlot = own): string =>
  outcome(s.gate.filterInsert(0, filter, s.ring, s.nic, guard));

const rings = async (h: KernelHarness): Promise<void> => {
  const s = station(h, 1);
  const row = s.ring & 0xffff;
  must(s.gate.filterInsert(0, byPort(7), s.ring, s.nic, own));
  expect(s.gate.rings.slots(row)).toBe(4);
  for (let tag = 0; tag < 5; tag++) {
    expect(send(s, 7, tag)).toBe("ok");
    await h.settle();
  }
  expect([s.gate.rings.delivered(row), s.gate.rings.dropped(row)]).toEqual([4, 1]);
  for (let slot = 0; slot < 4; slot++) {
    expect(s.words.getU32(slot * 4)).toBe(LENGTH);
    expect(s.slots.getU8(slot * RING_SLOT_BYTES + 20)).toBe(slot);
  }
  s.words.setU32(0, 0);
  send(s, 7, 99);
  await h.settle();
  expect(s.slots.getU8(20)).toBe(99);
  expect(s.gate.rings.next(row)).toBe(1);
};

const ringsPin = (h: KernelHarness): void => {
  const s = station(h, 1);
  const other = placeEnvironment(h.root, [1, 9]);
  expect(outcome(s.gate.framesFree(frame(8), 1, own))).toBe("Pinned");
  expect(outcome(s.gate.ringBind(frame(9), 2, own))).toBe("Pinned");
  expect(outcome(other.ringBind(frame(8), 2, own))).toBe("BadCapability");
  expect(outcome(other.ringUnbind(s.ring))).toBe("BadRing");
  must(other.framesAlloc(frame(80), 4, own));
  for (const count of [0, 1, ...NO_NUMBERS] as number[])
    expect(outcome(other.ringBind(frame(80), count, own))).toBe("BadRange");
  must(s.gate.ringUnbind(s.ring));
  expect(outcome(s.gate.ringUnbind(s.ring))).toBe("BadRing");
  expect(outcome(s.gate.framesFree(frame(8), 1, own))).toBe("ok");
  const again = must(other.ringBind(frame(80), 3, own));
  expect(again).not.toBe(s.ring);
};

const filtersChoose = async (h: KernelHarness): Promise<void> => {
  const a = station(h, 1);
  const b = station(h, 2);
  expect(insert(a, byPort(7))).toBe("ok");
  expect(insert(b, byPort(8))).toBe("ok");
  const unclaimed = h.root.filters.unclaimed(0);
  send(a, 7, 1);
  send(a, 8, 2);
  send(a, 9, 3);
  await h.settle();
  expect([a.words.getU32(0), a.words.getU32(4)]).toEqual([LENGTH, 0]);
  expect([b.words.getU32(0), b.words.getU32(4)]).toEqual([LENGTH, 0]);
  expect([a.slots.getU8(20), b.slots.getU8(20)]).toEqual([1, 2]);
  expect([events(a), events(b)]).toEqual([1, 1]);
  expect(h.root.filters.unclaimed(0)).toBe(unclaimed + 1);
};

const noTheft = async (h: KernelHarness): Promise<void> => {
  const victim = station(h, 1);
  const thief = station(h, 2);
  const mine = must(victim.gate.filterInsert(0, byPort(7), victim.ring, victim.nic, own));
  const narrower: Filter = [...byPort(7), { kind: "equal", at: 20, width: 1, mask: 0xff, value: 1 }];
  expect(insert(thief, byPort(7))).toBe("Overlap");
  expect(insert(thief, narrower)).toBe("BadCapability");
  expect(outcome(thief.gate.filterRemove(mine, own))).toBe("BadCapability");
  send(victim, 7, 1);
  await h.settle();
  expect([victim.words.getU32(0), thief.words.getU32(0)]).toEqual([LENGTH, 0]);
  const key = grant(h, thief.gate, { name: [1, 1], rights: RIGHTS.all });
  expect(insert(thief, narrower, key)).toBe("ok");
  send(victim, 7, 1);
  await h.settle();
  expect(thief.words.getU32(0)).toBe(LENGTH);
  must(victim.gate.filterRemove(mine, own));
  expect(outcome(victim.gate.filterRemove(mine, own))).toBe("NoFilter");
};

const filtersAreChecked = (h: KernelHarness): void => {
  const s = station(h, 1);
  const other = station(h, 2);
  const attempt = (nic: unknown, filter: unknown, ring: unknown, device: CapSlot): string =>
    outcome(s.gate.filterInsert(nic as number, filter as Filter, ring as RingId, device, own));
  expect(attempt(0, byPort(7), s.ring, own)).toBe("BadCapability");
  for (const nic of [9, ...NO_NUMBERS]) expect(attempt(nic, byPort(7), s.ring, s.nic)).toBe("NoDevice");
  for (const ring of [other.ring, 0, ...NO_NUMBERS])
    expect(attempt(0, byPort(7), ring, s.nic)).toBe("BadRing");
  for (const bad of [
    undefined,
    7,
    [{}],
    [{ kind: "equal" }],
    Array.from({ length: 257 }, () => byPort(7)[0]),
  ])
    expect(attempt(0, bad, s.ring, s.nic)).toBe("BadFilter");
};

const filtersEnd = async (h: KernelHarness): Promise<void> => {
  const s = station(h, 1);
  const filter = must(s.gate.filterInsert(0, byPort(7), s.ring, s.nic, own));
  must(s.gate.filterInsert(0, byPort(8), s.ring, s.nic, own));
  must(s.gate.filterRemove(filter, own));
  send(s, 7, 1);
  await h.settle();
  expect(s.words.getU32(0)).toBe(0);
  must(s.gate.ringUnbind(s.ring));
  send(s, 8, 1);
  await h.settle();
  expect(s.words.getU32(0)).toBe(0);
  expect(events(s)).toBe(0);
};

const noForgery = async (h: KernelHarness): Promise<void> => {
  const s = station(h, 1);
  const other = station(h, 2);
  must(s.gate.filterInsert(0, byPort(7), s.ring, s.nic, own));
  expect(send(s, 7, 1, 0x0300_0000)).toBe("Forged");
  await h.settle();
  expect(s.words.getU32(0)).toBe(0);
  expect(h.root.transmits.refused(s.binding & 0xffff)).toBe(1);
  expect(send({ ...s, binding: other.binding }, 7, 1)).toBe("BadBinding");
  expect(outcome(s.gate.transmitBind(0, [], s.gate.self, s.nic, own))).toBe("BadCapability");
  expect(outcome(s.gate.transmitUnbind(s.binding, own))).toBe("BadCapability");
  must(h.root.transmitUnbind(s.binding, own));
  expect(send(s, 7, 1)).toBe("BadBinding");
  must(h.root.environmentDestroy(other.gate.self, own));
  expect(h.root.transmits.user(other.binding & 0xffff)).toBe(0);
};

const gathers = async (h: KernelHarness): Promise<void> => {
  const s = station(h, 1);
  must(s.gate.filterInsert(0, byPort(7), s.ring, s.nic, own));
  send(s, 9, 42);
  s.memory.setU8(14, 7);
  s.gather.clear();
  for (const [at, length] of [
    [0, 8],
    [8, 0],
    [8, 13],
    [21, 39],
  ] as const)
    s.gather.add(s.memory, at, length);
  must(s.gate.transmit(s.binding, s.gather));
  s.memory.fill(0, LENGTH, 0);
  await h.settle();
  expect(s.words.getU32(0)).toBe(LENGTH);
  expect([s.slots.getU8(14), s.slots.getU8(20)]).toEqual([7, 42]);
};

const gathersOwnMemory = (h: KernelHarness): void => {
  const s = station(h, 1);
  const other = station(h, 2);
  const attempt = (window: unknown, at: unknown, length: unknown): string => {
    s.gather.clear();
    s.gather.add(window as Window, at as number, length as number);
    return outcome(s.gate.transmit(s.binding, s.gather));
  };
  send(s, 7, 1);
  for (const alien of [other.memory, undefined, 7, {}, Object.create(s.memory)])
    expect(attempt(alien, 0, LENGTH)).toBe("BadWindow");
  for (const [at, length] of [
    [FRAME_BYTES - 10, 11],
    [-1, LENGTH],
    [0.5, LENGTH],
    [0, 0],
    [0, -1],
    [0, Number.NaN],
    [0, FRAME_BYTES],
  ])
    expect(attempt(s.memory, at, length)).toBe("BadRange");
  for (const alien of [undefined, 7, {}, { count: 1, length: 60 }, Object.create(s.gather)])
    expect(outcome(s.gate.transmit(s.binding, alien as Gather))).toBe("BadRange");
  must(s.gate.windowUnbind(s.memory));
  expect(attempt(s.memory, 0, LENGTH)).toBe("BadWindow");
};

/** The cases of this part. */
export const NETWORK_CASES: readonly ContractCase<KernelHarness>[] = [
  ["fills the slots of a ring in order and around, and drops and counts when the next is not its own", rings],
  ["pins the frames of a ring, which is its owner's alone", ringsPin],
  ["delivers a frame to whose filter wants it, and to nobody else", filtersChoose],
  ["refuses a filter that could take another's frames, unless its guard dominates", noTheft],
  [
    "refuses filters that are malformed, for another's ring or without the interface's capability",
    filtersAreChecked,
  ],
  ["delivers nothing after a filter or its ring is gone", filtersEnd],
  ["sends only what a transmit binding allows, and only for its user", noForgery],
  ["gathers the pieces of a frame in order", gathers],
  ["sends nothing from memory that is not the sender's", gathersOwnMemory],
];
