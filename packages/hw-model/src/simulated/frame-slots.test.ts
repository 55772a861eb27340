import { expect, test } from "vitest";
import { makePhysicalGather } from "../nic.ts";
import { NO_SLOT, copyBytes, makeFrameSlots } from "./frame-slots.ts";

test("a pool gives every slot once, then none, then those given back", () => {
  const slots = makeFrameSlots(130, 8);
  const claimed = Array.from({ length: 130 }, () => slots.claim());
  expect(new Set(claimed).size).toBe(130);
  expect(slots.claim()).toBe(NO_SLOT);
  expect(slots.taken()).toBe(130);
  slots.release(77);
  expect(slots.claim()).toBe(77);
});

test("frames in neighbouring slots keep apart", () => {
  const slots = makeFrameSlots(100, 4);
  const gather = makePhysicalGather(1);
  gather.lengths[0] = gather.length = 4;
  gather.count = 1;
  for (let i = 0; i < 100; i++) slots.gather(slots.claim(), new Uint8Array([i, i, i, i]), gather);
  const out = new Uint8Array(6);
  for (let i = 0; i < 100; i++) {
    expect(slots.scatter(i, out, 1)).toBe(4);
    expect([...out]).toEqual([0, i, i, i, i, 0]);
  }
});

test("short and long copies copy the same", () => {
  const from = Uint8Array.from({ length: 300 }, (_, i) => i);
  for (const length of [0, 1, 63, 64, 65, 200]) {
    const to = new Uint8Array(300);
    copyBytes(from, 50, to, 20, length);
    expect(to.slice(20, 20 + length)).toEqual(from.slice(50, 50 + length));
    expect(to.subarray(20 + length).every((byte) => byte === 0)).toBe(true);
  }
});
