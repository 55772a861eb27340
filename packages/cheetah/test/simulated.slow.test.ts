/** A hundred thousand requests through both machines, and many wires. */
import { test } from "vitest";
import { expectAllOverAnyWire } from "./any-wire.ts";
import { expectFlatMemory } from "./flat-memory.ts";

test("100,000 requests leave memory as it was", () => expectFlatMemory(100_000));

test.each(Array.from({ length: 60 }, (_, index) => 20 + index))(
  "whatever the wire, the cache and the clients are, every byte arrives and nothing is left (seed %i)",
  expectAllOverAnyWire,
);
