/** All forms of filters against each other, by the million; and a million filters that come and go. */
import { expect, test } from "vitest";
import { tcpTo } from "../src/filter/builders.ts";
import { makeDemultiplexer } from "../src/filter/demultiplexer.ts";
import { fuzzFilters } from "../src/testing/filter-fuzz.ts";
import { mustVerify } from "../src/testing/verify.ts";

test("interpreter, compiled filter and demultiplexers agree on ten million pairs", () => {
  let pairs = 0;
  for (let seed = 1000; pairs < 10_000_000; seed++) {
    const result = fuzzFilters(seed, 250);
    expect(result.difference, `seed ${seed}`).toBeUndefined();
    pairs += result.pairs;
  }
});

test("a million insertions and removals leave nothing behind", () => {
  const demultiplexer = makeDemultiplexer({ patience: 0 });
  const filters = Array.from({ length: 64 }, (_, i) => mustVerify(tcpTo({ destination: i % 8, port: i })));
  for (let i = 0; i < 1_000_000; i++) {
    const filter = filters[i % filters.length];
    if (filter === undefined || demultiplexer.insert(filter, i) !== 0) throw new Error(`cycle ${i}`);
    demultiplexer.classify(new Uint8Array(0), 0, 0);
    demultiplexer.remove(0);
  }
  expect([demultiplexer.atoms(), demultiplexer.worstSteps(), demultiplexer.check()]).toEqual([0, 0, true]);
});
