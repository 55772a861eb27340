import {
  makeSimulatedMachine,
  runSimulated,
  type SimulatedMachine,
  type SimulatedPart,
} from "@exolith/hw-model";
import { RIGHTS } from "@exolith/secure-bind";
import { describe, expect, test } from "vitest";
import {
  BLOCK_BYTES,
  FRAME_BYTES,
  TRANSFER_STATUS,
  capSlot,
  frame,
  must,
  type CapSlot,
  type ExtentId,
  type Gate,
  type Transfer,
  type Window,
} from "../src/abi/index.ts";
import { boot, type Exokernel } from "../src/index.ts";
import { makeRig, outcome, type Rig } from "../src/testing/index.ts";

const own = capSlot(0);

interface DiskUser {
  readonly rig: Rig;
  readonly gate: Gate;
  readonly disk: CapSlot;
  readonly extent: ExtentId;
  readonly memory: Window;
  readonly status: Window;
}

function diskUser(): DiskUser {
  const rig = makeRig();
  const gate = rig.environment([1, 1]);
  const disk = rig.grant(gate, { name: [3, 0], rights: RIGHTS.allocate });
  must(gate.framesAlloc(frame(16), 9, own));
  return {
    rig,
    gate,
    disk,
    extent: must(gate.extentAlloc(0, 100, 16, disk, own)),
    memory: must(gate.windowBind(frame(16), 8, true, own)),
    status: must(gate.windowBind(frame(24), 1, true, own)),
  };
}

const transferOf = (u: DiskUser, change: Partial<Transfer> = {}): Transfer => ({
  block: 0,
  count: 2,
  window: u.memory,
  at: 0,
  statusWindow: u.status,
  statusAt: 0,
  ...change,
});

const settle = (
  rig: Rig,
  parts: SimulatedPart = { clock: rig.machine.clock, steppable: rig.kernel },
): unknown => runSimulated([parts]);

describe("extents", () => {
  test("[X22] raw blocks work behind a capability: what is written is read back, and nobody else reaches it", () => {
    const u = diskUser();
    const other = u.rig.environment([1, 2]);
    u.memory.fill(0, 2 * BLOCK_BYTES, 0x5a);
    must(u.gate.extentWrite(u.extent, transferOf(u, { block: 3 }), own));
    expect(u.status.getU32(0)).toBe(TRANSFER_STATUS.pending);
    expect(u.gate.extents.transfers(u.extent & 0xffff)).toBe(1);
    settle(u.rig);
    expect(u.status.getU32(0)).toBe(TRANSFER_STATUS.done);
    expect(u.gate.environments.events(u.gate.self & 0xffff)).toBe(1);
    must(
      u.gate.extentRead(
        u.extent,
        transferOf(u, { block: 4, count: 1, at: 4 * BLOCK_BYTES, statusAt: 8 }),
        own,
      ),
    );
    settle(u.rig);
    expect(u.status.getU32(8)).toBe(TRANSFER_STATUS.done);
    expect(u.memory.equals(0, u.memory, 4 * BLOCK_BYTES, BLOCK_BYTES)).toBe(true);
    expect(u.gate.disks.armPosition(0)).toBeGreaterThanOrEqual(104);
    must(other.framesAlloc(frame(40), 2, own));
    const memory = must(other.windowBind(frame(40), 1, true, own));
    const status = must(other.windowBind(frame(41), 1, true, own));
    const theirs = transferOf(u, { window: memory, statusWindow: status, count: 1 });
    expect(outcome(other.extentRead(u.extent, theirs, own))).toBe("BadCapability");
    expect(outcome(other.extentWrite(u.extent, theirs, own))).toBe("BadCapability");
    expect(outcome(other.extentFree(u.extent, own))).toBe("BadCapability");
    expect(outcome(other.extentAlloc(0, 200, 4, own, own))).toBe("BadCapability");
  });

  test("blocks are bound once; ranges outside the disk or the extent are refused", () => {
    const u = diskUser();
    const alloc = (first: unknown, count: unknown, disk: unknown = 0): string =>
      outcome(u.gate.extentAlloc(disk as number, first as number, count as number, u.disk, own));
    expect(alloc(115, 1)).toBe("Busy");
    expect(alloc(99, 2)).toBe("Busy");
    expect(alloc(116, 1)).toBe("ok");
    expect(alloc(255, 2)).toBe("BadRange");
    expect(alloc(-1, 2)).toBe("BadRange");
    expect(alloc(0, 0)).toBe("BadRange");
    expect(alloc(0, 1, 1)).toBe("NoDevice");
    const read = (change: Partial<Transfer>): string =>
      outcome(u.gate.extentRead(u.extent, transferOf(u, change), own));
    expect(read({ block: 15, count: 2 })).toBe("BadRange");
    expect(read({ block: -1 })).toBe("BadRange");
    expect(read({ count: 0 })).toBe("BadRange");
    expect(read({ count: 9 })).toBe("BadRange");
    expect(read({ at: 100 })).toBe("BadRange");
    expect(read({ at: 8 * FRAME_BYTES })).toBe("BadRange");
    expect(read({ statusAt: FRAME_BYTES })).toBe("BadRange");
    expect(read({ statusAt: 2 })).toBe("BadRange");
    expect(read({ window: {} as Window })).toBe("BadWindow");
    expect(read({ statusWindow: undefined as never })).toBe("BadWindow");
    expect(outcome(u.gate.extentRead(u.extent, undefined as never, own))).toBe("BadWindow");
    expect(outcome(u.gate.extentRead(77 as ExtentId, transferOf(u), own))).toBe("BadExtent");
    expect(outcome(u.gate.extentRead(u.extent, transferOf(u), capSlot(9)))).toBe("BadSlot");
    expect(u.gate.extents.transfers(u.extent & 0xffff)).toBe(0);
  });

  test("a read needs memory that is bound for writing", () => {
    const u = diskUser();
    const reader = must(u.gate.windowBind(frame(16), 1, false, own));
    expect(outcome(u.gate.extentRead(u.extent, transferOf(u, { window: reader, count: 1 }), own))).toBe(
      "BadWindow",
    );
    expect(outcome(u.gate.extentWrite(u.extent, transferOf(u, { window: reader, count: 1 }), own))).toBe(
      "ok",
    );
  });

  test("memory that a transfer uses cannot be freed before it is done, nor the extent", () => {
    const u = diskUser();
    must(u.gate.extentRead(u.extent, transferOf(u), own));
    expect(outcome(u.gate.framesFree(frame(16), 1, own))).toBe("Pinned");
    expect(outcome(u.gate.framesFree(frame(24), 1, own))).toBe("Pinned");
    expect(outcome(u.gate.extentFree(u.extent, own))).toBe("Busy");
    settle(u.rig);
    expect(outcome(u.gate.framesFree(frame(16), 1, own))).toBe("ok");
    expect(outcome(u.gate.extentFree(u.extent, own))).toBe("ok");
  });

  test("the owner dies while the disk writes to its memory: the frames are nobody's until the disk is done", () => {
    const u = diskUser();
    const free = u.rig.root.frames.free() + 9;
    must(u.gate.extentRead(u.extent, transferOf(u), own));
    must(u.rig.root.environmentDestroy(u.gate.self, own));
    const heir = u.rig.environment([1, 2]);
    expect(outcome(heir.framesAlloc(frame(16), 1, own))).toBe("Busy");
    expect(outcome(u.rig.root.framesFree(frame(16), 1, own))).toBe("BadFrame");
    expect(outcome(heir.framesAlloc(frame(18), 1, own))).toBe("ok");
    settle(u.rig);
    expect(outcome(heir.framesAlloc(frame(16), 1, own))).toBe("ok");
    expect(u.rig.root.frames.free()).toBe(free - 2);
    expect(u.rig.root.extents.owner(u.extent & 0xffff)).toBe(0);
  });

  test("a getter in the transfer record that frees the extent gains nothing", () => {
    const u = diskUser();
    const trap = {
      ...transferOf(u),
      get count() {
        u.gate.extentFree(u.extent, own);
        return 1;
      },
    };
    expect(outcome(u.gate.extentRead(u.extent, trap, own))).toBe("BadExtent");
  });
});

describe("streams", () => {
  interface StreamUser {
    readonly machine: SimulatedMachine;
    readonly kernel: Exokernel;
    readonly gate: Gate;
    readonly device: CapSlot;
    readonly memory: Window;
  }

  function streamUser(): StreamUser {
    const machine = makeSimulatedMachine({ frames: 64, streams: 1 });
    const kernel = boot(machine);
    let gate: Gate | undefined;
    const guard = must(kernel.root.capabilityForge(own, { name: [1, 1], rights: RIGHTS.all }));
    const id = must(
      kernel.root.environmentCreate((made) => {
        gate = made;
        return { sliceBegin: () => {} };
      }, guard),
    );
    const device = must(kernel.root.capabilityGrant(id, { name: [5, 0], rights: 0 }, own, own));
    if (gate === undefined) throw new Error("not started");
    must(gate.framesAlloc(frame(4), 2, own));
    return { machine, kernel, gate, device, memory: must(gate.windowBind(frame(4), 2, true, own)) };
  }

  test("a stream from outside is accepted, read, written and ended through the gate", () => {
    const u = streamUser();
    const { world } = u.machine.streams[0] as SimulatedMachine["streams"][number];
    expect(outcome(u.gate.streamAccept(0, u.device))).toBe("Empty");
    const outside = world.open();
    world.send(outside, new TextEncoder().encode("hello"));
    u.kernel.step();
    expect(u.gate.environments.events(u.gate.self & 0xffff)).toBeGreaterThan(0);
    const stream = must(u.gate.streamAccept(0, u.device));
    expect(must(u.gate.streamRead(stream, u.memory, 10, 100))).toBe(5);
    expect(u.memory.text(10, 5)).toBe("hello");
    expect(must(u.gate.streamWrite(stream, u.memory, 10, 5))).toBe(5);
    must(u.gate.streamControl(stream, "end"));
    must(u.gate.streamControl(stream, "close"));
    expect(outcome(u.gate.streamRead(stream, u.memory, 0, 1))).toBe("BadStream");
    expect(outcome(u.gate.streamControl(stream, "close"))).toBe("BadStream");
  });

  test("a change is told once, to the owner", () => {
    const u = streamUser();
    const { world } = u.machine.streams[0] as SimulatedMachine["streams"][number];
    const outside = world.open();
    const stream = must(u.gate.streamAccept(0, u.device));
    while (outcome(u.gate.streamNext()) === "ok") continue;
    world.send(outside, new Uint8Array(3));
    world.send(outside, new Uint8Array(3));
    u.kernel.step();
    expect(u.gate.streamNext()).toBe(stream);
    expect(outcome(u.gate.streamNext())).toBe("Empty");
  });

  test("streams that come and go without being asked about leave nothing in the kernel", () => {
    const u = streamUser();
    const { world } = u.machine.streams[0] as SimulatedMachine["streams"][number];
    for (let i = 0; i < 1000; i++) {
      const outside = world.open();
      const stream = must(u.gate.streamAccept(0, u.device));
      world.send(outside, "x");
      u.kernel.step();
      must(u.gate.streamControl(stream, "close"));
    }
    expect(outcome(u.gate.streamNext())).toBe("Empty");
    const outside = world.open();
    const stream = must(u.gate.streamAccept(0, u.device));
    world.send(outside, "y");
    u.kernel.step();
    expect(u.gate.streamNext()).toBe(stream);
  });

  test("everybody who asked for a stream is told of the next one, also after one of them is gone", () => {
    const u = streamUser();
    const { root } = u.kernel;
    expect(outcome(u.gate.streamAccept(0, u.device))).toBe("Empty");
    expect(outcome(root.streamAccept(0, own))).toBe("Empty");
    const events = u.gate.environments.events(u.gate.self & 0xffff);
    (u.machine.streams[0] as SimulatedMachine["streams"][number]).world.open();
    u.kernel.step();
    expect(u.gate.environments.events(u.gate.self & 0xffff)).toBe(events + 1);
    expect(root.environments.events(root.self & 0xffff)).toBeGreaterThan(0);
  });

  test("a stream is its owner's, a device needs its name, and memory is checked", () => {
    const u = streamUser();
    const { world } = u.machine.streams[0] as SimulatedMachine["streams"][number];
    world.open();
    expect(outcome(u.gate.streamAccept(0, own))).toBe("BadCapability");
    expect(outcome(u.gate.streamAccept(1, u.device))).toBe("NoDevice");
    const stream = must(u.gate.streamAccept(0, u.device));
    expect(outcome(u.kernel.root.streamRead(stream, u.memory, 0, 1))).toBe("BadStream");
    expect(outcome(u.gate.streamRead(stream, {} as Window, 0, 1))).toBe("BadWindow");
    expect(outcome(u.gate.streamRead(stream, u.memory, 2 * FRAME_BYTES, 1))).toBe("BadRange");
    expect(outcome(u.gate.streamWrite(stream, u.memory, 0, -1))).toBe("BadRange");
    expect(outcome(u.gate.streamControl(stream, "explode" as never))).toBe("BadRange");
    must(u.kernel.root.environmentDestroy(u.gate.self, own));
    expect(u.kernel.root.streams.owner(stream & 0xffff)).toBe(0);
  });
});

test("the console and the random device are reached through windows", () => {
  const rig = makeRig();
  const gate = rig.environment([1, 1]);
  const console = rig.grant(gate, { name: [4, 0], rights: RIGHTS.write });
  must(gate.framesAlloc(frame(8), 1, own));
  const memory = must(gate.windowBind(frame(8), 1, true, own));
  memory.write(0, new TextEncoder().encode("ready\n"), 0, 6);
  expect(gate.consoleWrite(memory, 0, 6, console)).toBe(6);
  expect(rig.machine.console.text()).toBe("ready\n");
  expect(outcome(gate.consoleWrite(memory, 0, 6, own))).toBe("BadCapability");
  expect(outcome(gate.consoleWrite(memory, 0, FRAME_BYTES + 1, console))).toBe("BadRange");
  must(gate.randomFill(memory, 0, 32));
  expect(new Set(Array.from({ length: 32 }, (_, i) => memory.getU8(i))).size).toBeGreaterThan(8);
  const reader = must(gate.windowBind(frame(8), 1, false, own));
  expect(outcome(gate.randomFill(reader, 0, 1))).toBe("BadWindow");
});
