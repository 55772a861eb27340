import type { Cycles, SimulatedDisk } from "@exolith/hw-model";
import { RIGHTS } from "@exolith/secure-bind";
import { describe, expect, test } from "vitest";
import {
  BLOCK_BYTES,
  FRAME_BYTES,
  KERNEL,
  NEVER,
  REPOSSESSIONS,
  RESOURCE_KINDS,
  TRANSFER_STATUS,
  block,
  capSlot,
  frame,
  must,
  rowOf,
  type ExtentId,
  type Gate,
  type Window,
} from "../src/abi/index.ts";
import { checkTables, outcome } from "../src/testing/index.ts";
import { ask, expire, makeAsked, mark, own, vectorOf, type Asked } from "./revocation-rig.ts";

const { frame: FRAME, ring: RING, region: REGION, messageRing: MESSAGE_RING } = RESOURCE_KINDS;

interface Backed {
  readonly asked: Asked;
  readonly extent: ExtentId;
  readonly disk: SimulatedDisk;
}

/** An environment with 16 frames from 20, an extent of 12 blocks at 40, and the backing in it. */
function backed(first: number = 2, count: number = 8, reserveFrames: number = 0): Backed {
  const asked = makeAsked(256, { reserveFrames });
  const { rig, gate } = asked;
  must(gate.framesAlloc(frame(20), 16, own));
  for (let f = 20; f < 36; f++) mark(asked, f);
  const slot = rig.grant(gate, { name: [3, 0], rights: RIGHTS.allocate });
  const extent = must(gate.extentAlloc(0, 40, 12, slot, own));
  must(gate.backingSet(extent, first, count, own));
  return { asked, extent, disk: rig.machine.disks[0] as SimulatedDisk };
}

/** Has `count` frames taken, and no disk completion seen. */
function takeFrames(asked: Asked, count: number): void {
  ask(asked, FRAME, count);
  asked.rig.run();
  asked.rig.machine.clock.advance(asked.requests.at(-1)?.deadline as Cycles);
  asked.rig.kernel.step();
}

/** Lets everything end that has been begun. */
function settle({ rig }: Asked): void {
  for (let i = 0; i < 1000 && rig.kernel.wakeAt() < NEVER; i++) {
    rig.machine.clock.advance(rig.kernel.wakeAt());
    rig.run();
  }
}

const bytesOf = ({ rig }: Asked, f: number): Buffer =>
  Buffer.from(rig.machine.memory.bytes.slice(f * FRAME_BYTES, (f + 1) * FRAME_BYTES));

const statusesOf = ({ repossessions }: Gate): number[] =>
  Array.from({ length: repossessions.count() }, (_, i) => repossessions.status(i));

describe("abort", () => {
  test("[R3] bindings are broken by force, the vector lists exactly the pages taken, no translation to them is left, and the environment goes on and repairs", () => {
    const asked = makeAsked();
    const { rig, gate, row } = asked;
    const other = rig.environment([1, 1, 5]);
    must(gate.framesAlloc(frame(20), 8, own));
    const mine = must(gate.windowBind(frame(20), 4, true, own));
    const kept = must(gate.windowBind(frame(24), 4, true, own));
    const reader = rig.grant(other, { name: [1, 1], rights: RIGHTS.none });
    const theirs = must(other.windowBind(frame(21), 1, false, reader));
    let repaired: Window | undefined;
    asked.repair = () => {
      for (const [kind, f] of vectorOf(gate)) {
        expect(kind).toBe(FRAME);
        must(gate.framesAlloc(frame(f + 100), 1, own));
      }
      repaired = must(gate.windowBind(frame(120), 3, true, own));
      gate.repossessionsClear();
    };
    const seen: (readonly [number, number])[][] = [];
    const { repair } = asked;
    asked.repair = () => {
      seen.push(vectorOf(gate) as [number, number][]);
      repair();
    };
    takeFrames(asked, 3);
    expect(asked.losses).toEqual([3]);
    expect(seen).toEqual([
      [
        [FRAME, 20],
        [FRAME, 21],
        [FRAME, 22],
      ],
    ]);
    for (let f = 20; f < 23; f++) expect([gate.frames.owner(f), gate.frames.bindings(f)]).toEqual([0, 0]);
    for (const dead of [mine, theirs]) expect(() => dead.getU8(0)).toThrow(RangeError);
    expect(kept.getU8(0)).toBe(0);
    expect(outcome(gate.windowBind(frame(20), 1, true, own))).toBe("BadFrame");

    expect([gate.environments.state(row), asked.faults]).toEqual([1, []]);
    expect(gate.environments.frames(row)).toBe(8);
    repaired?.setU8(0, 7);
    let ran = 0;
    asked.work = () => {
      ran += 1;
      repaired?.setU8(1, 8);
    };
    must(rig.root.wake(gate.self, own));
    rig.run();
    expect([ran, asked.faults]).toEqual([1, []]);
    expect([gate.repossessions.count(), gate.repossessions.lost()]).toEqual([0, 0]);
    checkTables(rig.root);
  });

  test("who touches a window that an abort broke faults, and the kernel is to blame", () => {
    const asked = makeAsked();
    must(asked.gate.framesAlloc(frame(20), 1, own));
    const window = must(asked.gate.windowBind(frame(20), 1, true, own));
    takeFrames(asked, 1);
    asked.work = () => {
      asked.work = () => {};
      window.setU8(0, 1);
    };
    must(asked.rig.root.wake(asked.gate.self, own));
    asked.rig.run();
    expect(asked.faults).toEqual([{ cause: 2, blame: KERNEL }]);
    expect(asked.gate.environments.state(asked.row)).toBe(1);
  });

  test("frames taken from one are zeros for the next", () => {
    const asked = makeAsked();
    must(asked.gate.framesAlloc(frame(20), 1, own));
    mark(asked, 20);
    takeFrames(asked, 1);
    const next = asked.rig.environment([1, 2]);
    must(next.framesAlloc(frame(20), 1, own));
    expect(bytesOf(asked, 20).every((byte) => byte === 0)).toBe(true);
  });

  test("the vector keeps what fits; the rest is counted until it is cleared", () => {
    const asked = makeAsked(512);
    const { gate } = asked;
    must(gate.framesAlloc(frame(20), 300, own));
    takeFrames(asked, 300);
    expect([gate.repossessions.count(), gate.repossessions.lost()]).toEqual([REPOSSESSIONS, 44]);
    expect(asked.losses).toEqual([REPOSSESSIONS]);
    expect(gate.repossessions.what(REPOSSESSIONS - 1)).toBe(20 + REPOSSESSIONS - 1);
    const { kind, what, extent, block: at, status } = gate.repossessions;
    expect([kind, what, extent, at, status].map((read) => read(REPOSSESSIONS))).toEqual([0, 0, -1, -1, 0]);
    gate.repossessionsClear();
    expect([gate.repossessions.count(), gate.repossessions.lost()]).toEqual([0, 0]);
  });

  test("frames that nothing pins go first, then those of rings, which are broken and listed for their owners", () => {
    const asked = makeAsked();
    const { rig, gate } = asked;
    const other = rig.environment([1, 1, 5]);
    must(gate.framesAlloc(frame(20), 8, own));
    const ring = must(gate.ringBind(frame(20), 3, own));
    const messages = must(gate.messageRingBind(frame(23), 2, own));
    const slot = rig.grant(other, { name: [1, 1], rights: RIGHTS.write });
    const region = must(other.regionCreate(frame(20), 0, 64, slot));
    takeFrames(asked, 3);
    expect(vectorOf(gate)).toEqual([25, 26, 27].map((f) => [FRAME, f]));
    expect(gate.rings.owner(rowOf(ring))).toBe(gate.self);
    gate.repossessionsClear();
    takeFrames(asked, 1);
    expect(vectorOf(gate)).toEqual([
      [RING, ring],
      [FRAME, 20],
    ]);
    expect(gate.rings.owner(rowOf(ring))).toBe(0);
    expect(vectorOf(other)).toEqual([[REGION, region]]);
    expect([21, 22].map((f) => gate.frames.pins(f))).toEqual([0, 0]);
    gate.repossessionsClear();
    takeFrames(asked, 4);
    expect(vectorOf(gate)).toEqual([
      [FRAME, 21],
      [FRAME, 22],
      [MESSAGE_RING, messages],
      [FRAME, 23],
      [FRAME, 24],
    ]);
    checkTables(rig.root);
  });

  test("a guard whose further entries lay in a frame that was taken keeps those that the kernel has", () => {
    const asked = makeAsked();
    const { rig, gate } = asked;
    const friend = rig.environment([7, 7]);
    must(gate.framesAlloc(frame(20), 2, own));
    const list = must(gate.windowBind(frame(21), 1, true, own));
    list.write(0, Uint8Array.of(0x80 | 2, 0xff, 0, 7, 0, 7, 0, 0), 0, 8);
    must(gate.guardExtend(FRAME, 20, frame(21), 1, own));
    must(gate.framesGuarantee(frame(20), 1, true));
    takeFrames(asked, 1);
    expect(vectorOf(gate)).toEqual([[FRAME, 21]]);
    expect([gate.guards.list(FRAME, 20), gate.guards.records(FRAME, 20)]).toEqual([-1, 0]);
    expect(outcome(friend.windowBind(frame(20), 1, false, own))).toBe("BadCapability");
    expect(outcome(gate.windowBind(frame(20), 1, true, own))).toBe("ok");
    expect(gate.frames.owner(21)).toBe(0);
    checkTables(rig.root);
  });

  test("a copy by DMA from or to a frame that is taken is cancelled", () => {
    const asked = makeAsked();
    const { rig, gate } = asked;
    must(gate.framesAlloc(frame(20), 3, own));
    must(gate.framesGuarantee(frame(21), 2, true));
    const from = must(gate.windowBind(frame(20), 1, true, own));
    const to = must(gate.windowBind(frame(21), 1, true, own));
    const statusWindow = must(gate.windowBind(frame(22), 1, true, own));
    ask(asked, FRAME, 1);
    rig.run();
    mark(asked, 20);
    rig.machine.clock.advance(asked.requests[0]?.deadline as Cycles);
    must(gate.dmaCopy({ from, fromAt: 0, to, toAt: 0, length: FRAME_BYTES, statusWindow, statusAt: 0 }));
    rig.kernel.step();
    expect(gate.frames.owner(20)).toBe(0);
    settle(asked);
    expect(statusWindow.getU32(0)).toBe(TRANSFER_STATUS.cancelled);
    expect(bytesOf(asked, 21).every((byte) => byte === 0)).toBe(true);
  });
});

describe("backing", () => {
  test("[R4] pre-loaded backing blocks: the contents of every page taken are found at the block named, byte for byte", () => {
    const { asked, extent, disk } = backed();
    const { gate, rig } = asked;
    const contents = Array.from({ length: 5 }, (_, i) => bytesOf(asked, 20 + i));
    takeFrames(asked, 5);
    expect(asked.losses).toEqual([5]);
    for (let i = 0; i < 5; i++) {
      const { kind, what, extent: where, block: at } = gate.repossessions;
      expect([kind(i), what(i), where(i), at(i)]).toEqual([FRAME, 20 + i, extent, 2 + i]);
    }
    expect(statusesOf(gate)).toEqual(Array<number>(5).fill(TRANSFER_STATUS.pending));
    settle(asked);
    expect(statusesOf(gate)).toEqual(Array<number>(5).fill(TRANSFER_STATUS.done));
    for (const [i, bytes] of contents.entries()) {
      expect(Buffer.compare(disk.peek(block(40 + 2 + i)), bytes)).toBe(0);
      expect(gate.frames.owner(20 + i)).toBe(0);
    }

    // What the environment itself reads back from there is the same.
    const window = must(gate.windowBind(frame(30), 5, true, own));
    const statusWindow = must(gate.windowBind(frame(35), 1, true, own));
    must(gate.extentRead(extent, { block: 2, count: 5, window, at: 0, statusWindow, statusAt: 0 }, own));
    settle(asked);
    expect(statusWindow.getU32(0)).toBe(TRANSFER_STATUS.done);
    for (const [i, bytes] of contents.entries())
      expect(Buffer.compare(bytesOf(asked, 30 + i), bytes)).toBe(0);
    checkTables(rig.root);
  });

  test("a frame is nobody's and not free until it is saved; its owner hears of the end", () => {
    const { asked } = backed();
    const { gate, rig } = asked;
    const free = rig.root.frames.free();
    takeFrames(asked, 2);
    expect([gate.frames.owner(20), gate.frames.pins(20), rig.root.frames.free()]).toEqual([KERNEL, 1, free]);
    expect(outcome(rig.root.framesAlloc(frame(20), 1, own))).toBe("Busy");
    expect(outcome(rig.root.framesFree(frame(20), 1, own))).toBe("BadFrame");
    rig.run();
    const events = gate.environments.events(asked.row);
    settle(asked);
    expect([rig.root.frames.free(), gate.environments.events(asked.row)]).toEqual([free + 2, events + 2]);
  });

  test("blocks are used in order and once; frames beyond them are lost", () => {
    const { asked, extent } = backed(0, 3);
    const { gate } = asked;
    takeFrames(asked, 2);
    takeFrames(asked, 3);
    const where = Array.from({ length: 5 }, (_, i) => [
      gate.repossessions.extent(i),
      gate.repossessions.block(i),
    ]);
    expect(where).toEqual([
      [extent, 0],
      [extent, 1],
      [extent, 2],
      [-1, -1],
      [-1, -1],
    ]);
    settle(asked);
    const { done, failed } = TRANSFER_STATUS;
    expect(statusesOf(gate)).toEqual([done, done, done, failed, failed]);
    must(gate.backingSet(extent, 11, 1, own));
    takeFrames(asked, 1);
    expect(gate.repossessions.block(5)).toBe(11);
    must(gate.backingSet(extent, 0, 0, own));
    takeFrames(asked, 1);
    expect(gate.repossessions.block(6)).toBe(-1);
  });

  test("a disk whose queue is full is waited for; one that fails is told of", () => {
    const { asked, extent, disk } = backed();
    const submit = disk.submit.bind(disk);
    const reap = disk.reap.bind(disk);
    let room = 0;
    disk.submit = (now, memory, request) => room > 0 && submit(now, memory, request) && room-- > 0;
    disk.reap = (now, limit, done) =>
      reap(now, limit, (request) => {
        room += 1;
        done(request, request.first !== 43);
      });
    must(asked.gate.backingSet(extent, 2, 4, own));
    takeFrames(asked, 4);
    expect(asked.gate.extents.transfers(1)).toBe(0);
    expect(outcome(asked.gate.extentFree(extent, own))).toBe("Busy");
    room = 1;
    asked.rig.kernel.step();
    expect(asked.gate.extents.transfers(1)).toBe(1);
    settle(asked);
    const { done, failed } = TRANSFER_STATUS;
    expect(statusesOf(asked.gate)).toEqual([done, failed, done, done]);
    expect(asked.gate.extents.transfers(1)).toBe(0);
    expect(asked.gate.environments.frames(asked.row)).toBe(12);
    checkTables(asked.rig.root);
  });

  test("frames that a disk transfer uses are taken last, and saved when it is over: what the disk read", () => {
    const { asked, extent, disk } = backed(0, 2);
    const { gate } = asked;
    must(gate.framesFree(frame(22), 14, own));
    must(gate.framesAlloc(frame(60), 1, own));
    const writes: number[] = [];
    const submit = disk.submit.bind(disk);
    disk.submit = (now, memory, request) => {
      if (request.kind === "write") writes.push(request.address / FRAME_BYTES);
      return submit(now, memory, request);
    };
    must(gate.framesGuarantee(frame(60), 1, true));
    const fresh = Uint8Array.from({ length: BLOCK_BYTES }, (_, i) => (i * 31) & 0xff);
    disk.poke(block(45), fresh);
    const window = must(gate.windowBind(frame(20), 1, true, own));
    const statusWindow = must(gate.windowBind(frame(60), 1, true, own));
    ask(asked, FRAME, 2);
    asked.rig.run();
    asked.rig.machine.clock.advance(asked.requests[0]?.deadline as Cycles);
    must(gate.extentRead(extent, { block: 5, count: 1, window, at: 0, statusWindow, statusAt: 0 }, own));
    asked.rig.kernel.step();
    expect(vectorOf(gate)).toEqual([
      [FRAME, 21],
      [FRAME, 20],
    ]);
    expect(() => window.getU8(0)).toThrow(RangeError);
    expect([gate.frames.owner(20), writes]).toEqual([KERNEL, [21]]);
    settle(asked);
    expect(writes).toEqual([21, 20]);
    expect(statusWindow.getU32(0)).toBe(TRANSFER_STATUS.done);
    expect(statusesOf(gate)).toEqual([TRANSFER_STATUS.done, TRANSFER_STATUS.done]);
    expect(Buffer.compare(disk.peek(block(41)), fresh)).toBe(0);
    expect([20, 21].map((f) => gate.frames.owner(f))).toEqual([0, 0]);
    checkTables(asked.rig.root);
  });

  test("a ring is broken before a frame is taken that a disk uses", () => {
    const { asked, extent } = backed();
    const { gate, rig } = asked;
    must(gate.framesFree(frame(24), 12, own));
    const window = must(gate.windowBind(frame(20), 2, true, own));
    const ring = must(gate.ringBind(frame(22), 2, own));
    ask(asked, FRAME, 1);
    rig.run();
    rig.machine.clock.advance(asked.requests[0]?.deadline as Cycles);
    must(
      gate.extentRead(
        extent,
        { block: 11, count: 1, window, at: 0, statusWindow: window, statusAt: 4096 },
        own,
      ),
    );
    rig.kernel.step();
    expect(vectorOf(gate)).toEqual([
      [RING, ring],
      [FRAME, 22],
    ]);
  });

  test("what the vector has no room for is not saved", () => {
    const { asked, extent, disk } = backed(0, 12);
    const { gate } = asked;
    must(gate.framesAlloc(frame(40), 200, own));
    must(gate.backingSet(extent, 0, 0, own));
    takeFrames(asked, 200);
    must(gate.framesAlloc(frame(40), 100, own));
    takeFrames(asked, 50);
    expect(gate.repossessions.count()).toBe(REPOSSESSIONS - 6);
    must(gate.backingSet(extent, 0, 12, own));
    for (let f = 0; f < gate.frames.count; f++) if (gate.frames.owner(f) === gate.self) mark(asked, f);
    takeFrames(asked, 10);
    settle(asked);
    expect([gate.repossessions.count(), gate.repossessions.lost()]).toEqual([REPOSSESSIONS, 4]);
    const written = Array.from({ length: 12 }, (_, i) => disk.peek(block(40 + i)).some((byte) => byte !== 0));
    expect(written).toEqual([...Array<boolean>(6).fill(true), ...Array<boolean>(6).fill(false)]);
  });

  test("while frames are being saved the kernel asks for no more than is missing then", () => {
    const { asked, disk } = backed(0, 12, 16);
    const { rig } = asked;
    disk.reap = () => 0;
    while (rig.root.frames.free() > 8) must(rig.root.frameAllocAny(own));
    rig.run();
    expect(asked.requests.map(({ count }) => count)).toEqual([8]);
    rig.machine.clock.advance(asked.requests[0]?.deadline as Cycles);
    rig.run();
    expect([asked.losses, rig.root.frames.free(), asked.requests.length]).toEqual([[8], 8, 1]);
  });

  test("an extent is busy while it is a backing, and while a frame is on its way there", () => {
    const { asked, extent } = backed(0, 1);
    const { gate } = asked;
    expect(outcome(gate.extentFree(extent, own))).toBe("Busy");
    takeFrames(asked, 1);
    expect(outcome(gate.extentFree(extent, own))).toBe("Busy");
    settle(asked);
    expect(outcome(gate.extentFree(extent, own))).toBe("ok");
    takeFrames(asked, 1);
    expect(gate.repossessions.extent(1)).toBe(-1);
    const again = must(gate.extentAlloc(0, 40, 4, capSlot(1), own));
    must(gate.backingSet(again, 0, 4, own));
    expect(outcome(gate.extentFree(again, own))).toBe("Busy");
    must(gate.backingSet(again, 0, 0, own));
    expect(outcome(gate.extentFree(again, own))).toBe("ok");
  });

  test("another's extent may be the backing, until that one ends", () => {
    const asked = makeAsked();
    const { rig, gate } = asked;
    const swapper = rig.environment([9, 9]);
    const device = rig.grant(swapper, { name: [3, 0], rights: RIGHTS.allocate });
    const extent = must(swapper.extentAlloc(0, 60, 8, device, own));
    expect(outcome(gate.backingSet(extent, 0, 8, own))).toBe("BadCapability");
    const slot = rig.grant(gate, { name: [9, 9], rights: RIGHTS.write });
    must(gate.backingSet(extent, 0, 8, slot));
    must(gate.framesAlloc(frame(20), 6, own));
    for (let f = 20; f < 26; f++) mark(asked, f);
    const contents = bytesOf(asked, 20);
    expect(outcome(swapper.extentFree(extent, own))).toBe("Busy");
    takeFrames(asked, 1);
    must(rig.root.environmentDestroy(swapper.self, own));
    takeFrames(asked, 1);
    settle(asked);
    const { done, failed } = TRANSFER_STATUS;
    expect(statusesOf(gate)).toEqual([done, failed]);
    expect(Buffer.compare((rig.machine.disks[0] as SimulatedDisk).peek(block(60)), contents)).toBe(0);
    expect(gate.extents.owner(rowOf(extent))).toBe(0);
    checkTables(rig.root);
  });

  test("the end of an environment whose frames are being saved frees them all", () => {
    for (const room of [0, 2, 64]) {
      const { asked, disk } = backed();
      const { rig, gate } = asked;
      const submit = disk.submit.bind(disk);
      let left = room;
      disk.submit = (now, memory, request) => left-- > 0 && submit(now, memory, request);
      takeFrames(asked, 5);
      must(rig.root.environmentDestroy(gate.self, own));
      expect(rig.root.revocations.wanted(asked.row, FRAME)).toBe(0);
      settle(asked);
      expect(rig.root.frames.free()).toBe(rig.root.frames.count - 2);
      for (let row = 0; row < rig.root.extents.count; row++) expect(rig.root.extents.owner(row)).toBe(0);
      checkTables(rig.root);
    }
  });

  test("extents that are taken go when their last transfer is done; those that are no backing go first", () => {
    const { asked, extent, disk } = backed();
    const { gate, rig } = asked;
    const other = must(gate.extentAlloc(0, 100, 4, capSlot(1), own));
    const window = must(gate.windowBind(frame(20), 1, true, own));
    const statusWindow = must(gate.windowBind(frame(21), 1, true, own));
    const { extent: EXTENT } = RESOURCE_KINDS;
    ask(asked, EXTENT, 1);
    rig.run();
    rig.machine.clock.advance(asked.requests[0]?.deadline as Cycles);
    const transfer = { block: 0, count: 1, window, at: 0, statusWindow, statusAt: 0 };
    must(gate.extentWrite(other, transfer, own));
    rig.kernel.step();
    expect(vectorOf(gate)).toEqual([[EXTENT, other]]);
    expect(outcome(rig.root.revocationAsk(gate.self, EXTENT, 2, own))).toBe("BadRange");
    expect(outcome(gate.extentRead(other, transfer, own))).toBe("BadExtent");
    expect(outcome(gate.backingSet(other, 0, 1, own))).toBe("BadExtent");
    const reap = disk.reap.bind(disk);
    disk.reap = () => 0;
    ask(asked, EXTENT, 1);
    expire(asked, EXTENT);
    expect(vectorOf(gate).at(-1)).toEqual([EXTENT, extent]);
    disk.reap = reap;
    settle(asked);
    expect(statusWindow.getU32(0)).toBe(TRANSFER_STATUS.done);
    expect(outcome(gate.extentFree(other, own))).toBe("BadExtent");
    takeFrames(asked, 1);
    expect(gate.repossessions.extent(2)).toBe(-1);
  });

  test("backing is refused where it could not be written", () => {
    const { asked, extent } = backed();
    const { rig, gate } = asked;
    const set = (id: unknown, at: unknown, count: unknown, slot: unknown = own): string =>
      outcome(gate.backingSet(id as never, at as never, count as never, slot as never));
    for (const id of [0, -1, extent + 0x1_0000, Number.NaN, undefined, "1"])
      expect(set(id, 0, 1)).toBe("BadExtent");
    for (const [at, count] of [
      [12, 1],
      [-1, 1],
      [0, 13],
      [1, 12],
      [0, -1],
      [0.5, 1],
      [0, Number.NaN],
      ["0", 1],
      [13, 0],
    ])
      expect(set(extent, at, count), `${at} ${count}`).toBe("BadRange");
    expect(set(extent, 0, 1, 17)).toBe("BadSlot");
    const reader = rig.grant(gate, { name: [1, 1], rights: RIGHTS.none });
    expect(set(extent, 0, 1, reader)).toBe("BadCapability");
    takeFrames(asked, 1);
    expect(gate.repossessions.block(0)).toBe(2);
    expect([set(extent, 0, 12), set(extent, 12, 0), set(extent, 11, 1)]).toEqual(["ok", "ok", "ok"]);
  });
});
