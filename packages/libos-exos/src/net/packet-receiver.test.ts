import { DEVICE_NAMES, FRAME_BYTES, capSlot, must } from "@exolith/exokernel/abi";
import type { FilterTerm, Window } from "@exolith/exokernel/abi";
import { makeRig } from "@exolith/exokernel/testing";
import { RIGHTS } from "@exolith/secure-bind";
import { expect, test } from "vitest";
import { makeFramePool } from "../memory/frame-pool.ts";
import { RING_SLOTS_MAX, closePacketRing, makePacketReceiver, makePacketRing } from "./packet-receiver.ts";

const GUARD = capSlot(0);
/** Frames of an experimental type. */
const TYPE: FilterTerm = { kind: "equal", at: 12, width: 2, mask: 0xffff, value: 0x88b5 };

/** An environment whose own frames come back to it over a loopback interface, into a ring. */
function makeEcho(slots: number) {
  const rig = makeRig();
  const gate = rig.environment([1, 1]);
  const device = rig.grant(gate, { name: [DEVICE_NAMES.nic, 0], rights: RIGHTS.allocate });
  const binding = must(rig.root.transmitBind(0, [TYPE], gate.self, GUARD, GUARD));
  const pool = makeFramePool(gate, GUARD);
  const ring = makePacketRing(gate, pool, slots, GUARD);
  must(gate.filterInsert(0, [TYPE], ring.id, device, GUARD));
  const out = must(pool.run(1));
  const gather = gate.gather();
  const send = (...tags: number[]): void => {
    for (const tag of tags) {
      out.setU16(12, 0x88b5);
      out.setU32(14, tag);
      gather.clear();
      gather.add(out, 0, 60 + (tag % 100));
      must(gate.transmit(binding, gather));
    }
    rig.run();
  };
  return { rig, gate, pool, ring, send };
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, at) => from + at);

test("frames come in order, whole, around the ring, and in batches", () => {
  const { ring, send, gate } = makeEcho(8);
  const heard: number[] = [];
  const receiver = makePacketReceiver(ring, (window, at, length) => {
    expect(length).toBe(60 + (window.getU32(at + 14) % 100));
    heard.push(window.getU32(at + 14));
  });
  for (let round = 0; round < 5; round++) {
    send(...range(round * 7, round * 7 + 7));
    expect([receiver.poll(4), receiver.poll(4), receiver.poll(4)]).toEqual([4, 3, 0]);
  }
  expect(heard).toEqual(range(0, 35));
  expect(receiver.frames).toBe(35);
  expect(gate.rings.dropped(ring.id & 0xffff)).toBe(0);
});

test("what does not fit is dropped by the kernel, and the rest is still in order", () => {
  const { ring, send, gate } = makeEcho(4);
  const heard: number[] = [];
  const receiver = makePacketReceiver(ring, (window, at) => heard.push(window.getU32(at + 14)));
  send(1, 2, 3, 4, 5, 6);
  receiver.poll(100);
  send(7, 8);
  receiver.poll(100);
  expect(heard).toEqual([1, 2, 3, 4, 7, 8]);
  expect(gate.rings.dropped(ring.id & 0xffff)).toBe(2);
});

test("a frame whose handling throws does not come again", () => {
  const { ring, send } = makeEcho(4);
  const heard: number[] = [];
  const receiver = makePacketReceiver(ring, (window, at) => {
    if (window.getU32(at + 14) === 1) throw new Error("bad frame");
    heard.push(window.getU32(at + 14));
  });
  send(1, 2);
  expect(() => receiver.poll(10)).toThrow("bad frame");
  receiver.poll(10);
  expect(heard).toEqual([2]);
});

test("a ring made of frames with old contents starts empty", () => {
  const { gate, pool } = makeEcho(4);
  const used: Window = must(pool.run(3));
  used.fill(0, 3 * FRAME_BYTES, 0xff);
  const first = pool.first(used);
  pool.release(used);
  const ring = makePacketRing(gate, pool, 4, GUARD);
  expect(pool.first(ring.window)).toBe(first);
  expect(makePacketReceiver(ring, () => {}).poll(10)).toBe(0);
});

test("a closed ring gives its frames back; nonsense is refused", () => {
  const { gate, pool, ring } = makeEcho(6);
  expect(ring.slots).toBe(6);
  const held = pool.held;
  expect(closePacketRing(gate, pool, ring)).toBe(true);
  expect(pool.held).toBe(held - 4);
  expect(closePacketRing(gate, pool, ring)).toBe(false);
  expect(() => makePacketRing(gate, pool, 0, GUARD)).toThrow(RangeError);
  expect(() => makePacketRing(gate, pool, RING_SLOTS_MAX + 1, GUARD)).toThrow(RangeError);
});
