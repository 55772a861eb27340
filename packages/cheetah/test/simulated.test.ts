/** The whole system in simulation: every byte arrives, in time, and every run can be had again. */
import { makeTraceHash, tracedNic } from "@exolith/hw-model";
import { describe, expect, test } from "vitest";
import { expectAllOverAnyWire } from "./any-wire.ts";
import { makeManyFiles, type GeneratedFile } from "./generated-source.ts";
import {
  allOver,
  everythingHeld,
  expectAllRight,
  fetchAll,
  makeSimulatedRig,
  nothingLeft,
  settle,
  type SimulatedRig,
} from "./simulated-rig.ts";

const BIG: [string, GeneratedFile] = ["big.bin", { size: 100_000_000, seed: 9001 }];
const BITS_PER_SECOND = 1e9;

/**
 * The longest that a run may take. What is not spent sending at a quarter of the
 * wire's rate (slow start, recovery) must be timeouts of either stack: each waits 0.2 s
 * at least, and its first doubling as much again (RFC 6298); and the first SYN may
 * wait 1, 2 and 4 s (section 2.1).
 */
function longestSeconds(rig: SimulatedRig, bytes: number): number {
  const timeouts =
    rig.server.stack.tcp.counters.retransmissionTimeouts +
    rig.gateway.stack.tcp.counters.retransmissionTimeouts;
  return (4 * bytes * 8) / BITS_PER_SECOND + timeouts * 0.4 + 7;
}

describe.each([
  ["a clean wire", {}],
  ["2 % loss, duplication and reordering", { loss: 0.02, duplicate: 0.02, reorder: 0.02 }],
  [
    "2 % loss, duplication, reordering and 1 % corruption",
    { loss: 0.02, duplicate: 0.02, reorder: 0.02, corrupt: 0.01 },
  ],
])("over %s", (_, faults) => {
  test("1,000 files and one of 100 MB come back byte-exact on 200 connections, with 64 MiB of memory", () => {
    const rig = makeSimulatedRig({
      files: [...makeManyFiles(1000, 3), BIG],
      frames: 16_384,
      wire: { faults },
    });
    const began = rig.seconds();
    const fetched = fetchAll(rig, [...rig.source.files.keys()], { connections: 200, depth: 4 });
    rig.until(() => allOver(fetched), 120);
    expectAllRight(fetched, 1001);
    let bytes = 0;
    for (const { size } of rig.source.files.values()) bytes += size;
    const took = rig.seconds() - began;
    expect(took).toBeGreaterThan((bytes * 8) / BITS_PER_SECOND);
    expect(took).toBeLessThan(longestSeconds(rig, bytes));
    const [there, back] = rig.wire.counters;
    const isLossy = "loss" in faults;
    expect([there.lost > 0, back.lost > 0, there.reordered > 0, there.duplicated > 0]).toEqual(
      Array(4).fill(isLossy),
    );
    expect(there.corrupted > 0).toBe("corrupt" in faults);
  });
});

test("the whole run leaves nothing behind on either machine", () => {
  const rig = makeSimulatedRig({
    files: makeManyFiles(200, 4),
    wire: { faults: { loss: 0.02, duplicate: 0.02, reorder: 0.02 } },
  });
  const paths = [...rig.source.files.keys()];
  const round = (connections: number): Readonly<Record<string, unknown>> => {
    const fetched = fetchAll(rig, paths, { connections, depth: 4 });
    rig.until(() => allOver(fetched), 60);
    expectAllRight(fetched, 200);
    settle(rig);
    return everythingHeld(rig);
  };
  // The gateway claims buffers as it first needs them, and keeps them: more of them here than the rounds after it need.
  expect(round(200)).toMatchObject(nothingLeft(rig));
  const after = round(50);
  expect(after).toMatchObject(nothingLeft(rig));
  expect(round(50)).toEqual(after);
});

test.each([1, 2, 6, 7, 8, 9, 10, 11])(
  "whatever the wire, the cache and the clients are, every byte arrives and nothing is left (seed %i)",
  expectAllOverAnyWire,
);

const traceOf = (seed: number, loss: number): { digest: string; events: number } => {
  const hash = makeTraceHash();
  const rig = makeSimulatedRig({
    seed,
    files: makeManyFiles(60, 5),
    wire: { faults: { loss, duplicate: 0.01, reorder: 0.01 } },
    wrapNic: (nic) => tracedNic(nic, hash.nic("server")),
    log: true,
  });
  const fetched = fetchAll(rig, [...rig.source.files.keys()], { connections: 20, depth: 2 });
  rig.until(() => allOver(fetched), 60);
  expectAllRight(fetched, 60);
  hash.note("console", rig.server.machine.console.printed());
  return { digest: hash.digest(), events: hash.events() };
};

test("one seed is one trace of the whole system, byte for byte and cycle for cycle; another seed is another", () => {
  const first = traceOf(11, 0.02);
  expect(first.events).toBeGreaterThan(2000);
  expect(traceOf(11, 0.02)).toEqual(first);
  expect(traceOf(12, 0.02).digest).not.toBe(first.digest);
});
