/** The random calls of WebAssembly programs again, fifty times as many. */
import { expect, test } from "vitest";
import { ATTACKED, attack } from "./wasm-attackers.ts";

const CALLS = 1_000_000;
const HOUR = 3_600_000;

test(
  "[K16] the kernel survives 1,000,000 random calls that WebAssembly programs make, of every kind they can make: every invariant of its tables holds, and nothing is held when all are gone",
  () => {
    let made = 0;
    const done = new Set<string>();
    for (let seed = 1; made < CALLS; seed += 7) {
      const attacked = attack(CALLS / 10, seed);
      made += attacked.calls;
      for (const name of attacked.done) done.add(name);
    }
    expect(made).toBeGreaterThanOrEqual(CALLS);
    expect([...done].toSorted()).toEqual(ATTACKED.toSorted());
  },
  HOUR,
);
