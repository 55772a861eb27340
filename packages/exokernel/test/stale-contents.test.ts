import {
  MODERN_3GHZ,
  cycles,
  makeLoopback,
  makeSimulatedMachine,
  type Disk,
  type DiskRequest,
  type Machine,
} from "@exolith/hw-model";
import { makeHostMachine, openImageDisk } from "@exolith/hw-model/host";
import { RIGHTS } from "@exolith/secure-bind";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  BLOCK_BYTES,
  FAULT_CAUSES,
  FRAME_BYTES,
  RING_SLOT_BYTES,
  TRANSFER_STATUS,
  capSlot,
  frame,
  must,
  type CapSlot,
  type ExtentId,
  type Filter,
  type Gate,
  type Transfer,
  type Window,
} from "../src/abi/index.ts";
import type { Kernel } from "../src/kernel.ts";
import { load } from "../src/load.ts";
import { step, wakeAt } from "../src/step.ts";
import { makeRig, outcome, placeEnvironment } from "../src/testing/index.ts";

const own = capSlot(0);
const { pending, done, failed: hasFailed } = TRANSFER_STATUS;

/** A kernel whose disk notes what it was asked for. */
interface World {
  readonly kernel: Kernel;
  readonly root: Gate;
  readonly asked: DiskRequest[];
  /** Time on, and one step. */
  pass(): void | Promise<void>;
}

/** The disk, with a list of what was submitted to it. */
function noted(disk: Disk, asked: DiskRequest[]): Disk {
  return {
    ...disk,
    submit: (now, memory, request) => {
      const isTaken = disk.submit(now, memory, request);
      if (isTaken) asked.push(request);
      return isTaken;
    },
  };
}

function simulatedWorld(wrap: (disk: Disk) => Disk = (disk) => disk): World & { readonly machine: Machine } {
  const { hertz } = MODERN_3GHZ;
  const nic = makeLoopback({ ends: [{ hertz }, { hertz }] });
  const made = makeSimulatedMachine({ frames: 256, nics: [nic], disks: [{ blocks: 4096, queueSlots: 4 }] });
  const asked: DiskRequest[] = [];
  const machine = { ...made, disks: made.disks.map((disk) => noted(wrap(disk), asked)) };
  const { kernel, root } = load(machine, { reserveFrames: 0 });
  const pass = (): void => {
    const at = wakeAt(kernel);
    made.clock.advance(at === Infinity ? cycles(made.clock.now() + 1000) : at);
    step(kernel);
  };
  return { kernel, root, asked, pass, machine };
}

/** An environment with an extent of 16 blocks, a window of 16 frames, and one of a frame for completion words. */
interface DiskUser {
  readonly gate: Gate;
  readonly disk: CapSlot;
  readonly extent: ExtentId;
  readonly memory: Window;
  readonly status: Window;
}

const FIRST = 100;
const BLOCKS = 16;

function diskUser({ root }: World, name: number, at: number, blocks: number = BLOCKS): DiskUser {
  const gate = placeEnvironment(root, [1, name]);
  const disk = must(root.capabilityGrant(gate.self, { name: [3, 0], rights: RIGHTS.allocate }, own, own));
  must(gate.framesAlloc(frame(at), BLOCKS + 1, own));
  return {
    gate,
    disk,
    extent: must(gate.extentAlloc(0, FIRST, blocks, disk, own)),
    memory: must(gate.windowBind(frame(at), BLOCKS, true, own)),
    status: must(gate.windowBind(frame(at + BLOCKS), 1, true, own)),
  };
}

const transferOf = (u: DiskUser, block: number, count: number, statusAt = 0): Transfer => ({
  block,
  count,
  window: u.memory,
  at: block * BLOCK_BYTES,
  statusWindow: u.status,
  statusAt,
});

const settled = async (world: World, u: DiskUser, at = 0): Promise<number> => {
  for (let i = 0; i < 100_000 && u.status.getU32(at) === pending; i++)
    // oxlint-disable-next-line no-await-in-loop -- the disk is at work meanwhile
    await world.pass();
  return u.status.getU32(at);
};

/** Writes blocks of the extent full of a byte. */
const writeBlocks = (
  world: World,
  u: DiskUser,
  block: number,
  count: number,
  byte: number,
): Promise<number> => {
  u.memory.fill(block * BLOCK_BYTES, count * BLOCK_BYTES, byte);
  must(u.gate.extentWrite(u.extent, transferOf(u, block, count), own));
  return settled(world, u);
};

/** What a read of blocks brings: one byte for each block that is full of it, else -1. The memory is dirty before. */
const readBlocks = async (world: World, u: DiskUser, block: number, count: number): Promise<number[]> => {
  u.memory.fill(block * BLOCK_BYTES, count * BLOCK_BYTES, 0xee);
  must(u.gate.extentRead(u.extent, transferOf(u, block, count), own));
  expect(await settled(world, u)).toBe(done);
  return Array.from({ length: count }, (_, i) => byteOf(u.memory, (block + i) * BLOCK_BYTES, BLOCK_BYTES));
};

/** The byte that a range is full of, -1 when it differs. */
function byteOf(window: Window, at: number, length: number): number {
  const byte = window.getU8(at);
  for (let i = 1; i < length; i++) if (window.getU8(at + i) !== byte) return -1;
  return byte;
}

const freeAll = (u: DiskUser): void => void must(u.gate.extentFree(u.extent, own));
const again = (u: DiskUser, blocks: number = BLOCKS): DiskUser => ({
  ...u,
  extent: must(u.gate.extentAlloc(0, FIRST, blocks, u.disk, own)),
});

describe("what another left", () => {
  test("[V14] frame and window, block, ring, DMA, filled, freed and claimed by another, show zeros; what was one's own costs nothing", async () => {
    const w = simulatedWorld();
    const a = diskUser(w, 1, 10);
    const cost = (work: () => unknown): number => {
      const before = w.machine.clock.now();
      work();
      return w.machine.clock.now() - before;
    };

    // Frame and window.
    const fresh = cost(() => must(a.gate.framesAlloc(frame(60), 2, own)));
    must(a.gate.windowBind(frame(60), 2, true, own)).fill(0, 2 * FRAME_BYTES, 0xaa);
    must(a.gate.framesFree(frame(60), 2, own));
    expect(cost(() => must(a.gate.framesAlloc(frame(60), 2, own)))).toBeLessThanOrEqual(fresh + 1);
    const kept = must(a.gate.windowBind(frame(60), 2, false, own));
    expect(byteOf(kept, 0, 2 * FRAME_BYTES)).toBe(0xaa);
    must(a.gate.framesFree(frame(60), 2, own));
    const b = placeEnvironment(w.root, [1, 2]);
    expect(cost(() => must(b.framesAlloc(frame(60), 2, own)))).toBeGreaterThan(fresh + 100);
    expect(byteOf(must(b.windowBind(frame(60), 2, false, own)), 0, 2 * FRAME_BYTES)).toBe(0);
    expect(() => kept.getU8(0)).toThrow(RangeError);

    // Ring: its frames cannot be freed under it, and show nothing when they are freed after it.
    must(a.gate.framesAlloc(frame(70), 2, own));
    const ring = must(a.gate.ringBind(frame(70), 2, own));
    must(a.gate.windowBind(frame(70), 2, true, own)).fill(0, 2 * FRAME_BYTES, 0xbb);
    expect(outcome(a.gate.framesFree(frame(70), 2, own))).toBe("Pinned");
    expect(outcome(b.framesAlloc(frame(70), 2, own))).toBe("Busy");
    must(a.gate.ringUnbind(ring));
    must(a.gate.framesFree(frame(70), 2, own));
    must(b.framesAlloc(frame(70), 2, own));
    must(b.ringBind(frame(70), 2, own));
    expect(byteOf(must(b.windowBind(frame(70), 2, false, own)), 0, 2 * FRAME_BYTES)).toBe(0);

    // DMA: cancelled, so that nothing arrives later.
    must(a.gate.framesAlloc(frame(80), 1, own));
    const target = must(a.gate.windowBind(frame(80), 1, true, own));
    a.memory.fill(0, FRAME_BYTES, 0xcc);
    const copy = { from: a.memory, fromAt: 0, to: target, toAt: 0, length: FRAME_BYTES };
    must(a.gate.dmaCopy({ ...copy, statusWindow: a.status, statusAt: 8 }));
    must(a.gate.framesFree(frame(80), 1, own));
    must(b.framesAlloc(frame(80), 1, own));
    for (let i = 0; i < 5; i++) w.pass();
    expect(a.status.getU32(8)).toBe(TRANSFER_STATUS.cancelled);
    expect(byteOf(must(b.windowBind(frame(80), 1, false, own)), 0, FRAME_BYTES)).toBe(0);

    // Block: the same environment reads its own again in one request as long as before, another zeros.
    await writeBlocks(w, a, 0, BLOCKS, 0xdd);
    const first = await timed(w, () => readBlocks(w, a, 0, BLOCKS));
    freeAll(a);
    const mine = again(a);
    const second = await timed(w, () => readBlocks(w, mine, 0, BLOCKS));
    expect(first.bytes).toEqual(Array(BLOCKS).fill(0xdd));
    expect(second.bytes).toEqual(first.bytes);
    expect(second.requests).toBe(first.requests);
    expect(Math.abs(second.took - first.took)).toBeLessThanOrEqual(1);
    freeAll(mine);
    const other = diskUser(w, 3, 120);
    w.asked.length = 0;
    expect(await readBlocks(w, other, 0, BLOCKS)).toEqual(Array(BLOCKS).fill(0));
    expect(w.asked).toEqual([]);
  });

  /** What a read of blocks brought, how many requests the disk had for it, and how long it took. */
  async function timed(
    w: World & { readonly machine: Machine },
    read: () => Promise<number[]>,
  ): Promise<{ bytes: number[]; requests: number; took: number }> {
    const { clock } = w.machine;
    const [requests, start] = [w.asked.length, clock.now()];
    const bytes = await read();
    return { bytes, requests: w.asked.length - requests, took: clock.now() - start };
  }
});

describe("blocks", () => {
  test("that were there at boot are the disk's, for whoever may allocate on it; bytes of the dead are nobody's", async () => {
    const w = simulatedWorld();
    const maker = diskUser(w, 1, 10, 8);
    await writeBlocks(w, maker, 0, 8, 1);
    must(w.root.environmentDestroy(maker.gate.self, own));
    const heir = diskUser(w, 1, 30);
    expect(await readBlocks(w, heir, 0, 16)).toEqual([...Array(8).fill(0), ...Array(8).fill(0)]);
    const machine = makeSimulatedMachine({ frames: 64, disks: [{ blocks: 200 }] });
    machine.disks[0]?.poke(FIRST as never, new Uint8Array(BLOCK_BYTES).fill(9));
    const { kernel, root } = load(machine, { reserveFrames: 0 });
    const pass = (): void => {
      machine.clock.advance(cycles(machine.clock.now() + 1e6));
      step(kernel);
    };
    const booted = { kernel, root, asked: [], pass };
    expect((await readBlocks(booted, diskUser(booted, 1, 10), 0, 2))[0]).toBe(9);
  });

  test("of which some are stale are read in pieces: the rest is there, and the disk is never asked for the stale", async () => {
    const w = simulatedWorld();
    const old = diskUser(w, 1, 10);
    for (const block of [0, 3, 4, 8, 15]) await writeBlocks(w, old, block, 1, 0x77);
    freeAll(old);
    const heir = diskUser(w, 2, 30);
    for (const block of [1, 4, 9, 10]) await writeBlocks(w, heir, block, 1, block);
    w.asked.length = 0;
    const wanted = Array.from({ length: BLOCKS }, (_, block) => ([1, 4, 9, 10].includes(block) ? block : 0));
    expect(await readBlocks(w, heir, 0, BLOCKS)).toEqual(wanted);
    expect(w.asked.map(({ first, count }) => [first - FIRST, count])).toEqual([
      [1, 2],
      [4, 4],
      [9, 6],
    ]);
    expect(await readBlocks(w, heir, 3, 2)).toEqual([0, 4]);
    expect(await readBlocks(w, heir, 3, 1)).toEqual([0]);
    await writeBlocks(w, heir, 0, BLOCKS, 0x11);
    w.asked.length = 0;
    expect(await readBlocks(w, heir, 0, BLOCKS)).toEqual(Array(BLOCKS).fill(0x11));
    expect(w.asked).toHaveLength(1);
  });

  test("that went to another and came back are zeros too, even if the other wrote nothing", async () => {
    const w = simulatedWorld();
    const a = diskUser(w, 1, 10);
    await writeBlocks(w, a, 0, 4, 5);
    freeAll(a);
    const b = diskUser(w, 2, 30, 2);
    freeAll(b);
    expect(await readBlocks(w, again(a), 0, 4)).toEqual([0, 0, 5, 5]);
  });

  test("that are shared by capability are their extent's: what a guest writes its host reads, and its heir does not", async () => {
    const w = simulatedWorld();
    const host = diskUser(w, 1, 10);
    const guest = placeEnvironment(w.root, [1, 1, 5]);
    must(w.root.capabilityGrant(guest.self, { name: [1, 1], rights: RIGHTS.write }, own, own));
    const slot = capSlot(1);
    must(guest.framesAlloc(frame(60), 2, own));
    const memory = must(guest.windowBind(frame(60), 2, true, own));
    memory.fill(0, BLOCK_BYTES, 7);
    const record = { block: 2, count: 1, window: memory, at: 0, statusWindow: memory, statusAt: FRAME_BYTES };
    must(guest.extentWrite(host.extent, record, slot));
    for (let i = 0; i < 5; i++) w.pass();
    expect(memory.getU32(FRAME_BYTES)).toBe(done);
    expect(await readBlocks(w, host, 2, 1)).toEqual([7]);
    must(w.root.environmentDestroy(guest.self, own));
    expect(await readBlocks(w, host, 2, 1)).toEqual([7]);
    freeAll(host);
    expect(await readBlocks(w, diskUser(w, 2, 30), 2, 1)).toEqual([0]);
  });

  test("that a write did not reach stay hidden, and those it may have reached in part are the writer's own", async () => {
    let isBroken = false;
    const breaking = (disk: Disk): Disk => ({
      ...disk,
      reap: (now, limit, seen) =>
        disk.reap(now, limit, (request, ok) => seen(request, ok && !(isBroken && request.kind === "write"))),
    });
    const w = simulatedWorld(breaking);
    const a = diskUser(w, 1, 10);
    await writeBlocks(w, a, 0, 2, 5);
    freeAll(a);
    const b = diskUser(w, 2, 30);
    isBroken = true;
    expect(await writeBlocks(w, b, 0, 4, 6)).toBe(hasFailed);
    isBroken = false;
    w.asked.length = 0;
    expect((await readBlocks(w, b, 0, 4)).slice(0, 2)).toEqual([0, 0]);
    expect(w.asked.every(({ first }) => first >= FIRST + 2)).toBe(true);
    freeAll(b);
    expect(await readBlocks(w, again(a), 0, 4)).toEqual([0, 0, 0, 0]);
  });

  test("that are hidden make a transfer wait for one in flight on the same blocks; no others wait", async () => {
    const w = simulatedWorld();
    const a = diskUser(w, 1, 10);
    await writeBlocks(w, a, 0, 2, 5);
    const two = (u: DiskUser, block: number): string[] => [
      outcome(u.gate.extentWrite(u.extent, transferOf(u, block, 1, 0), own)),
      outcome(u.gate.extentRead(u.extent, transferOf(u, block, 1, 4), own)),
    ];
    expect(two(a, 0)).toEqual(["ok", "ok"]);
    expect([await settled(w, a, 0), await settled(w, a, 4)]).toEqual([done, done]);
    freeAll(a);
    const b = diskUser(w, 2, 30);
    b.memory.fill(0, BLOCK_BYTES, 6);
    expect(two(b, 0)).toEqual(["ok", "Full"]);
    expect(outcome(b.gate.extentRead(b.extent, transferOf(b, 1, 1, 8), own))).toBe("ok");
    await settled(w, b, 0);
    expect(await readBlocks(w, b, 0, 1)).toEqual([6]);
  });

  test("that are all hidden are read at once, with everything that a read does", () => {
    const w = simulatedWorld();
    const a = diskUser(w, 1, 10);
    void writeBlocks(w, a, 0, 1, 5);
    for (let i = 0; i < 5; i++) w.pass();
    freeAll(a);
    const b = diskUser(w, 2, 30);
    const events = b.gate.environments.events(b.gate.self & 0xffff);
    b.memory.fill(0, BLOCK_BYTES, 0xee);
    must(b.gate.extentRead(b.extent, transferOf(b, 0, 1), own));
    expect([b.status.getU32(0), byteOf(b.memory, 0, BLOCK_BYTES)]).toEqual([done, 0]);
    expect(b.gate.environments.events(b.gate.self & 0xffff)).toBe(events + 1);
    expect([b.gate.frames.pins(30), b.gate.extents.transfers(b.extent & 0xffff)]).toEqual([0, 0]);
  });

  test("whose owner dies amid a read in pieces are let go when the disk is done", async () => {
    const w = simulatedWorld();
    const a = diskUser(w, 1, 10);
    await writeBlocks(w, a, 1, 1, 5);
    freeAll(a);
    const b = diskUser(w, 2, 30);
    await writeBlocks(w, b, 0, 1, 6);
    must(b.gate.extentRead(b.extent, transferOf(b, 0, 8), own));
    must(w.root.environmentDestroy(b.gate.self, own));
    for (let i = 0; i < 20; i++) w.pass();
    expect(w.kernel.transfers.size).toBe(0);
    expect(w.root.extents.owner(b.extent & 0xffff)).toBe(0);
    expect(w.root.frames.owner(30)).toBe(0);
    const heir = diskUser(w, 2, 30);
    expect(await readBlocks(w, heir, 0, 8)).toEqual(Array(8).fill(0));
  });

  test("whose owner dies amid a guest's read in pieces: the guest is told that it failed, and sees nothing stale", async () => {
    const w = simulatedWorld();
    const a = diskUser(w, 1, 10);
    await writeBlocks(w, a, 1, 1, 5);
    freeAll(a);
    const host = diskUser(w, 2, 30);
    for (const block of [0, 2]) await writeBlocks(w, host, block, 1, 6);
    const guest = placeEnvironment(w.root, [1, 3]);
    must(w.root.capabilityGrant(guest.self, { name: [1, 2], rights: RIGHTS.none }, own, own));
    must(guest.framesAlloc(frame(60), 5, own));
    const memory = must(guest.windowBind(frame(60), 5, true, own));
    memory.fill(0, 4 * BLOCK_BYTES, 0xee);
    const status = { statusWindow: memory, statusAt: 4 * FRAME_BYTES };
    must(guest.extentRead(host.extent, { block: 0, count: 4, window: memory, at: 0, ...status }, capSlot(1)));
    must(w.root.environmentDestroy(host.gate.self, own));
    for (let i = 0; i < 20; i++) w.pass();
    expect(memory.getU32(4 * FRAME_BYTES)).toBe(hasFailed);
    const seen = [0, 1, 2, 3].map((block) => byteOf(memory, block * BLOCK_BYTES, BLOCK_BYTES));
    expect(seen).toEqual([6, 0, 0xee, 0xee]);
    expect(w.root.extents.owner(host.extent & 0xffff)).toBe(0);
    expect(w.root.frames.pins(60)).toBe(0);
  });

  test("of several holders one after another show each what it wrote, or what was there at boot, or zeros", async () => {
    const USERS = 3;
    const SPAN = 8;
    const action = fc.record({
      user: fc.nat(USERS - 1),
      kind: fc.constantFrom("take", "give", "write", "read", "die"),
      at: fc.nat(SPAN - 1),
      length: fc.integer({ min: 1, max: SPAN }),
      byte: fc.integer({ min: 1, max: 200 }),
    });
    const property = fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
      const w = simulatedWorld();
      const users = Array.from({ length: USERS }, (_, i) => {
        const user = diskUser(w, i + 1, 10 + 20 * i);
        freeAll(user);
        return user;
      });
      let holder = -1;
      /** What each block must show, and whose it is: -1 for the disk's own. */
      const shown = Array<number>(SPAN).fill(0);
      const writers = Array<number>(SPAN).fill(-1);
      for (const { user, kind, at, length, byte } of actions) {
        const count = Math.min(length, SPAN - at);
        const one = users[user] as DiskUser;
        if (kind === "take" && holder < 0) {
          users[user] = again(one, SPAN);
          holder = user;
          for (let block = 0; block < SPAN; block++)
            if (writers[block] !== -1 && writers[block] !== user) {
              shown[block] = 0;
              writers[block] = USERS;
            }
        } else if (kind === "give" && holder === user) {
          freeAll(one);
          holder = -1;
        } else if (kind === "write" && holder === user) {
          expect(await writeBlocks(w, one, at, count, byte)).toBe(done);
          shown.fill(byte, at, at + count);
          writers.fill(user, at, at + count);
        } else if (kind === "read" && holder === user) {
          expect(await readBlocks(w, one, at, count)).toEqual(shown.slice(at, at + count));
        } else if (kind === "die") {
          must(w.root.environmentDestroy(one.gate.self, own));
          if (holder === user) holder = -1;
          const isLeft = holder < 0;
          const next = isLeft ? diskUser(w, user + 1, 10 + 20 * user) : undefined;
          if (next === undefined) break;
          freeAll(next);
          users[user] = next;
          for (let block = 0; block < SPAN; block++)
            if (writers[block] !== -1) {
              shown[block] = 0;
              writers[block] = USERS;
            }
        }
      }
    });
    await fc.assert(property, { numRuns: 60 });
  });
});

test("a host disk, which reads straight into memory while others run, never shows another's block for an instant", async () => {
  const image = openImageDisk({ temporary: true, blocks: 256 });
  try {
    const asked: DiskRequest[] = [];
    const machine = makeHostMachine({ frames: 128, disks: [noted(image, asked)] });
    const { kernel, root } = load(machine, { reserveFrames: 0 });
    let passes = 0;
    const pass = async (): Promise<void> => {
      passes += 1;
      await new Promise<void>((resolve) => {
        if (passes % 20 === 0) setTimeout(resolve, 1);
        else setImmediate(resolve);
      });
      step(kernel);
    };
    const w: World = { kernel, root, asked, pass };
    const old = diskUser(w, 1, 10);
    expect(await writeBlocks(w, old, 0, BLOCKS, 0x77)).toBe(done);
    freeAll(old);
    const heir = diskUser(w, 2, 40);
    for (const block of [2, 3, 9]) expect(await writeBlocks(w, heir, block, 1, block)).toBe(done);
    heir.memory.fill(0, BLOCKS * BLOCK_BYTES, 0);
    asked.length = 0;
    must(heir.gate.extentRead(heir.extent, transferOf(heir, 0, BLOCKS), own));
    let looks = 0;
    while (heir.status.getU32(0) === pending && looks < 100_000) {
      for (let block = 0; block < BLOCKS; block++)
        expect([0, 2, 3, 9]).toContain(heir.memory.getU8(block * BLOCK_BYTES + 1234));
      looks += 1;
      // oxlint-disable-next-line no-await-in-loop -- the disk is at work meanwhile
      await pass();
    }
    expect(heir.status.getU32(0)).toBe(done);
    expect(asked.map(({ first, count }) => [first - FIRST, count])).toEqual([
      [2, 2],
      [9, 1],
    ]);
    for (let block = 0; block < BLOCKS; block++)
      expect(byteOf(heir.memory, block * BLOCK_BYTES, BLOCK_BYTES)).toBe(
        [2, 3, 9].includes(block) ? block : 0,
      );
  } finally {
    await image.close();
  }
});

test("a packet shows nothing of a longer one that another received before it", () => {
  const rig = makeRig();
  const { root } = rig;
  const byPort = (port: number): Filter => [{ kind: "equal", at: 14, width: 1, mask: 0xff, value: port }];
  const receiver = (name: number, at: number): Window => {
    const gate = rig.environment([1, name]);
    const nic = rig.grant(gate, { name: [2, 0], rights: RIGHTS.allocate });
    must(gate.framesAlloc(frame(at), 2, own));
    must(gate.filterInsert(0, byPort(name), must(gate.ringBind(frame(at), 2, own)), nic, own));
    return must(gate.windowBind(frame(at), 2, false, own));
  };
  const windows = [receiver(1, 10), receiver(2, 20)] as const;
  must(root.framesAlloc(frame(30), 1, own));
  const memory = must(root.windowBind(frame(30), 1, true, own));
  const binding = must(root.transmitBind(0, [], root.self, own, own));
  const send = (port: number, length: number): void => {
    memory.fill(0, length, 0x5e);
    memory.setU8(14, port);
    const gather = root.gather();
    gather.add(memory, 0, length);
    must(root.transmit(binding, gather));
    for (let i = 0; i < 10; i++) {
      rig.run(3);
      rig.machine.clock.advance(cycles(rig.machine.clock.now() + 100_000));
    }
  };
  send(1, 1500);
  send(2, 60);
  expect([windows[0].getU32(0), windows[1].getU32(0)]).toEqual([1500, 60]);
  expect(windows[0].getU8(FRAME_BYTES + 1000)).toBe(0x5e);
  expect(windows[1].getU8(FRAME_BYTES + 59)).toBe(0x5e);
  expect(byteOf(windows[1], FRAME_BYTES + 60, RING_SLOT_BYTES - 60)).toBe(0);
});

test("memory that a transfer still fills when its owner dies shows nothing of it to the next owner", async () => {
  const w = simulatedWorld();
  const a = diskUser(w, 1, 10);
  await writeBlocks(w, a, 0, 2, 5);
  must(a.gate.extentRead(a.extent, transferOf(a, 0, 2), own));
  must(w.root.environmentDestroy(a.gate.self, own));
  const b = placeEnvironment(w.root, [1, 2]);
  expect(outcome(b.framesAlloc(frame(10), 1, own))).toBe("Busy");
  for (let i = 0; i < 10; i++) w.pass();
  must(b.framesAlloc(frame(10), 2, own));
  expect(byteOf(must(b.windowBind(frame(10), 2, false, own)), 0, 2 * FRAME_BYTES)).toBe(0);
});

test("[V13] after a page is freed access through an old binding faults, and its new owner never sees a stale write", () => {
  const rig = makeRig(256, { reserveFrames: 0 });
  let act = (): void => {};
  const faults: unknown[] = [];
  const a = rig.environment([1, 1], {
    slices: [0],
    upcalls: () => ({
      sliceBegin: () => act(),
      fault: (cause, _, blame) => void faults.push([cause, blame]),
    }),
  });
  const disk = rig.grant(a, { name: [3, 0], rights: RIGHTS.allocate });
  const page = frame(40);
  must(a.framesAlloc(frame(41), 1, own));
  const other = must(a.windowBind(frame(41), 1, true, own));
  other.fill(0, FRAME_BYTES, 0x5a);
  must(a.framesAlloc(page, 1, own));
  const window = must(a.windowBind(page, 1, true, own));
  const wider = must(a.windowBind(page, 2, true, own));

  // What cannot be taken back at once keeps the page taken.
  const extent = must(a.extentAlloc(0, 10, 1, disk, own));
  const status = { statusWindow: other, statusAt: 0 };
  must(a.extentRead(extent, { block: 0, count: 1, window, at: 0, ...status }, own));
  expect(outcome(a.framesFree(page, 1, own))).toBe("Pinned");
  rig.run(3);
  rig.machine.clock.advance(cycles(rig.machine.clock.now() + 1e9));
  rig.run(3);
  expect(other.getU32(0)).toBe(TRANSFER_STATUS.done);
  const ring = must(a.ringBind(page, 2, own));
  expect(outcome(a.framesFree(page, 1, own))).toBe("Pinned");
  must(a.ringUnbind(ring));

  // Everything else is broken.
  const region = must(a.regionCreate(page, 0, 64, own));
  const inSlice = (work: () => unknown): void => {
    act = work as () => void;
    rig.machine.clock.advance(cycles(rig.machine.clock.now() + 1e9));
    rig.kernel.step();
  };
  const words = { length: 64, statusWindow: other, statusAt: 4 };
  inSlice(() => {
    must(a.dmaCopy({ from: other, fromAt: 0, to: window, toAt: 0, ...words }));
    must(a.dmaCopy({ from: window, fromAt: 0, to: other, toAt: 8, ...words }));
    must(a.framesFree(page, 1, own));
  });
  const b = rig.environment([1, 2]);
  must(b.framesAlloc(page, 1, own));
  const theirs = must(b.windowBind(page, 1, true, own));
  const stale: (() => unknown)[] = [
    () => window.setU32(0, 1),
    () => window.getU32(0),
    () => wider.setU32(0, 1),
    () => wider.fill(0, 8, 1),
    () => window.write(0, new Uint8Array(8), 0, 8),
    () => other.copy(0, window, 0, 8),
  ];
  for (const access of stale) inSlice(access);
  expect(faults).toEqual(stale.map(() => [FAULT_CAUSES.window, a.self]));
  act = () => {};
  const move = { at: 0, window: other, windowAt: 0, length: 8 };
  expect(outcome(a.regionWrite(region, move, own))).toBe("BadRegion");
  expect(outcome(a.dmaCopy({ ...move, from: other, fromAt: 0, to: window, toAt: 0, ...status }))).toBe(
    "BadWindow",
  );
  expect(outcome(a.extentRead(extent, { block: 0, count: 1, window, at: 0, ...status }, own))).toBe(
    "BadWindow",
  );
  expect(outcome(a.windowBind(page, 1, false, own))).toBe("BadCapability");
  rig.run(10);
  expect(a.dma.pending()).toBe(0);
  expect(other.getU32(4)).toBe(TRANSFER_STATUS.cancelled);
  expect(byteOf(theirs, 0, FRAME_BYTES)).toBe(0);
});
