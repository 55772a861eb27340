/** Same seed, same trace: two machines with every device busy, over a wire with every fault. */
import { expect, test } from "vitest";
import {
  BLOCK_BYTES,
  DEC5000_125,
  after,
  block,
  makePhysicalGather,
  makeSimulatedPair,
  makeTraceHash,
  runSimulated,
  tracedDisk,
  tracedNic,
  type Disk,
  type PhysicalAddress,
  type SimulatedMachine,
  type Steppable,
  type TraceHash,
} from "../src/index.ts";

const ROUNDS = 300;

/** Sends random frames at random times, echoes what arrives to the disk, and charges for all of it. */
const busy = (machine: SimulatedMachine, disk: Disk): Steppable => {
  const { clock, memory, meter, random, timer } = machine;
  const [nic] = machine.nics;
  if (nic === undefined) throw new Error("the machine has an interface");
  const gather = makePhysicalGather(1);
  let rounds = 0;
  const send = (): void => {
    random.fill(memory.bytes, 0, 400);
    gather.addresses[0] = 4;
    gather.lengths[0] = 60 + (memory.bytes[0] ?? 0);
    gather.count = 1;
    gather.length = gather.lengths[0];
    meter.charge("copyByte", gather.length);
    nic.transmit(clock, memory.bytes, gather);
    nic.flush(clock.now());
    timer.arm(after(clock.now(), 100 + (memory.bytes[1] ?? 0) * 50));
    rounds++;
  };
  const take = (): boolean => {
    const length = nic.receive(clock.now(), memory.bytes, BLOCK_BYTES);
    if (length === 0) return false;
    meter.charge("checksumByte", length);
    const first = block((memory.bytes[BLOCK_BYTES + 60 - 1] ?? 0) * 7);
    disk.submit(clock.now(), memory.bytes, {
      kind: "write",
      first,
      count: 1,
      address: BLOCK_BYTES as PhysicalAddress,
    });
    return true;
  };
  return {
    step: () => {
      meter.charge("gateCall", 1);
      const reaped = disk.reap(clock.now(), 4, () => {});
      const taken = take();
      const due = rounds < ROUNDS && (rounds === 0 || timer.expired(clock.now()));
      if (due) send();
      return reaped > 0 || taken || due;
    },
    wakeAt: () => {
      const times = [
        nic.wakeAt(clock.now()),
        disk.wakeAt(clock.now()),
        rounds < ROUNDS ? timer.deadline() : Infinity,
      ];
      return Math.min(...times) as ReturnType<Steppable["wakeAt"]>;
    },
  };
};

const run = (seed: number): { hash: TraceHash; faults: string; disk: number } => {
  const hash = makeTraceHash();
  const disks = [{ blocks: 2000, queueSlots: 4 }];
  const { left, right, wire } = makeSimulatedPair({
    seed,
    wire: {
      bitsPerSecond: 1e7,
      delaySeconds: 1e-4,
      faults: { loss: 0.1, duplicate: 0.1, reorder: 0.1, corrupt: 0.1 },
    },
    left: { frames: 16, profile: DEC5000_125, disks, wrapNic: (nic) => tracedNic(nic, hash.nic("left")) },
    right: { frames: 16, disks, wrapNic: (nic) => tracedNic(nic, hash.nic("right")) },
  });
  const parts = [left, right].map((machine, i) => {
    const [disk] = machine.disks;
    if (disk === undefined) throw new Error("the machine has a disk");
    return { clock: machine.clock, steppable: busy(machine, tracedDisk(disk, hash.disk(`disk ${i}`))) };
  });
  expect(runSimulated(parts).why).toBe("idle");
  return { hash, faults: JSON.stringify(wire.counters), disk: left.disks[0]?.peek(block(7))[0] ?? -1 };
};

test("[H11] two runs from one seed have byte-identical trace hashes", () => {
  const one = run(42);
  const two = run(42);
  expect(one.hash.digest()).toBe(two.hash.digest());
  expect(one.hash.events()).toBe(two.hash.events());
  expect(one.faults).toBe(two.faults);
  expect(one.hash.events()).toBeGreaterThan(1000);
  expect(run(43).hash.digest()).not.toBe(one.hash.digest());
});

test("the trace of seed 42 is the same on every machine", () => {
  expect(run(42).hash.digest()).toMatchInlineSnapshot(
    `"96eeb1d3d82e19d89184b046d54877f0a7a140c02382afde8d113e3cad3faff5"`,
  );
});
