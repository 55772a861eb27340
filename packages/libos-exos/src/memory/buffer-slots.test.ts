import { capSlot, rowOf } from "@exolith/exokernel/abi";
import { makeRig } from "@exolith/exokernel/testing";
import { expect, test } from "vitest";
import { makeBufferSlots, type BufferSlot, type BufferSlots } from "./buffer-slots.ts";
import { makeFramePool } from "./frame-pool.ts";

function makeStock(slotBytes: number, slots: number): { stock: BufferSlots; held: () => number } {
  const gate = makeRig(64).environment([1, 1]);
  const pool = makeFramePool(gate, capSlot(0));
  const held = (): number => gate.environments.frames(rowOf(gate.self));
  return { stock: makeBufferSlots(pool, { slotBytes, slots, slotsPerRun: 4 }), held };
}

const takeAll = (stock: BufferSlots): BufferSlot[] => {
  const taken: BufferSlot[] = [];
  for (let slot = stock.allocate(); slot !== undefined; slot = stock.allocate()) taken.push(slot);
  return taken;
};

test("runs of which no slot is taken are given back, and claimed again when they are needed", () => {
  const { stock, held } = makeStock(4096, 12);
  const slots = takeAll(stock);
  expect([slots.length, stock.taken, held()]).toEqual([12, 12, 12]);
  expect(stock.giveBack(1)).toBe(0);
  for (const slot of slots.slice(0, 7)) stock.release(slot);
  expect([stock.giveBack(1), held(), stock.taken]).toEqual([4, 8, 5]);
  expect([stock.giveBack(100), held()]).toEqual([0, 8]);
  for (const slot of slots.slice(7)) stock.release(slot);
  expect([stock.giveBack(5), held(), stock.taken]).toEqual([8, 0, 0]);
  const again = takeAll(stock);
  expect([again.length, held()]).toEqual([12, 12]);
  expect(new Set(again.map(({ window, at }) => `${window.length} ${at}`)).size).toBe(4);
  for (const { window, at } of again) window.fill(at, 4096, 1);
});

test("a run that was not cut to its end is whole when all that was cut from it is free", () => {
  const { stock, held } = makeStock(1000, 3);
  const [first, second, third] = takeAll(stock) as [BufferSlot, BufferSlot, BufferSlot];
  stock.release(first);
  stock.release(second);
  expect(stock.giveBack(1)).toBe(0);
  stock.release(third);
  expect([stock.giveBack(1), held()]).toEqual([1, 0]);
});
