/** Programs that make random kernel calls: the kernel survives them as it does those of libraries. */
import { expect, test } from "vitest";
import { ATTACKED, attack } from "./wasm-attackers.ts";

const CALLS = 20_000;

test("the kernel survives 20,000 random calls that WebAssembly programs make, of every kind they can make", () => {
  const { calls, done } = attack(CALLS, 1);
  expect(calls).toBeGreaterThanOrEqual(CALLS);
  expect(done.toSorted()).toEqual(ATTACKED.toSorted());
}, 120_000);
