/** Guards, tokens, regions, DMA, displays and revocation: what a kernel must keep. */
import { eventually, type ContractCase } from "@exolith/hw-model/contract";
import { RIGHTS, encodeCapability, makeCapability } from "@exolith/secure-bind";
import { expect } from "vitest";
import { failed, must } from "../abi/errors.ts";
import { TRANSFER_STATUS } from "../abi/calls/disk.ts";
import type { Gate } from "../abi/gate.ts";
import { FRAME_BYTES, NEVER, capSlot, frame } from "../abi/ids.ts";
import { DEVICE_NAMES } from "../abi/limits.ts";
import { RESOURCE_KINDS } from "../abi/resources.ts";
import type { Window } from "../abi/window.ts";
import { outcome, placeEnvironment } from "../testing/rig.ts";
import { grant, own, rowOfSelf, type KernelHarness } from "./harness.ts";

const two = (h: KernelHarness): readonly [Gate, Gate] => [
  placeEnvironment(h.root, [1, 1]),
  placeEnvironment(h.root, [1, 2]),
];

/** `count` frames from `first`, claimed and bound for writing. */
const memoryOf = (gate: Gate, first: number, count = 1): Window => {
  must(gate.framesAlloc(frame(first), count, own));
  return must(gate.windowBind(frame(first), count, true, own));
};

const theirs = makeCapability([1, 2], RIGHTS.write);

const guardEntries = (h: KernelHarness): void => {
  const [alice, bob] = two(h);
  memoryOf(alice, 10);
  const bind = (writable: boolean): string => outcome(bob.windowBind(frame(10), 1, writable, own));
  expect(outcome(bob.guardSet(RESOURCE_KINDS.frame, 10, 1, theirs, own))).toBe("BadCapability");
  must(alice.guardSet(RESOURCE_KINDS.frame, 10, 2, theirs, own));
  expect(bind(true)).toBe("ok");
  expect(outcome(bob.guardSet(RESOURCE_KINDS.frame, 10, 1, theirs, own))).toBe("BadCapability");
  expect(outcome(alice.guardSet(RESOURCE_KINDS.frame, 10, 0, undefined, own))).toBe("BadGuard");
  expect(outcome(alice.guardSet(RESOURCE_KINDS.frame, 10, 0, makeCapability([1, 2], RIGHTS.all), own))).toBe(
    "BadGuard",
  );
  expect(h.root.guards.name(RESOURCE_KINDS.frame, 10, 0)).toBe("1.1");
  expect(h.root.guards.name(RESOURCE_KINDS.frame, 10, 2)).toBe("1.2");
  must(alice.guardSet(RESOURCE_KINDS.frame, 10, 2, undefined, own));
  expect(bind(false)).toBe("BadCapability");
};

const guardLists = (h: KernelHarness): void => {
  const [alice, bob] = two(h);
  memoryOf(alice, 10);
  const records = memoryOf(alice, 11);
  const bind = (): string => outcome(bob.windowBind(frame(10), 1, true, own));
  must(alice.guardExtend(RESOURCE_KINDS.frame, 10, frame(11), 3, own));
  expect(bind()).toBe("BadCapability");
  records.write(16, encodeCapability(theirs), 0, 8);
  expect(bind()).toBe("ok");
  expect(outcome(alice.framesFree(frame(11), 1, own))).toBe("Pinned");
  records.fill(0, 64, 0xff);
  expect(bind()).toBe("BadCapability");
  must(alice.guardExtend(RESOURCE_KINDS.frame, 10, frame(11), 0, own));
  must(alice.framesFree(frame(11), 1, own));
};

const offers = (h: KernelHarness): void => {
  const [alice, bob] = two(h);
  const wanted = { name: [1, 1, 9], rights: RIGHTS.write };
  expect(outcome(bob.capabilityAcquire(alice.self))).toBe("Empty");
  must(alice.capabilityOffer(bob.self, wanted, own));
  expect(outcome(h.root.capabilityAcquire(alice.self))).toBe("Empty");
  expect(bob.capabilities.rights(1)).toBe(-1);
  const slot = must(bob.capabilityAcquire(alice.self));
  expect([bob.capabilities.name(slot), bob.capabilities.rights(slot)]).toEqual(["1.1.9", RIGHTS.write]);
  expect(outcome(bob.capabilityAcquire(alice.self))).toBe("Empty");
};

const tokens = (h: KernelHarness): void => {
  const [alice, bob] = two(h);
  const from = memoryOf(alice, 10);
  const to = memoryOf(bob, 20);
  const bytes = new Uint8Array(32);
  const length = must(alice.capabilitySeal(own, from, 8));
  expect(length).toBe(32);
  from.read(8, bytes, 0, 32);
  for (let i = 0; i < 32; i++) {
    to.write(0, bytes, 0, 32);
    to.setU8(i, to.getU8(i) ^ 0x10);
    expect(outcome(bob.capabilityUnseal(to, 0, 32))).toBe("BadToken");
  }
  to.write(0, bytes, 0, 32);
  const slot = must(bob.capabilityUnseal(to, 0, 32));
  expect([bob.capabilities.name(slot), bob.capabilities.rights(slot)]).toEqual(["1.1", RIGHTS.all]);
  must(alice.capabilityExpire(own));
  expect(outcome(bob.capabilityUnseal(to, 0, 32))).toBe("BadToken");
  expect(bob.capabilities.name(slot)).toBe("1.1");
  must(alice.capabilitySeal(own, from, 8));
  from.read(8, bytes, 0, 32);
  to.write(0, bytes, 0, 32);
  expect(outcome(bob.capabilityUnseal(to, 0, 32))).toBe("ok");
};

const regions = (h: KernelHarness): void => {
  const [alice, bob] = two(h);
  const memory = memoryOf(alice, 10, 2);
  const theirMemory = memoryOf(bob, 20);
  const region = must(alice.regionCreate(frame(11), 100, 16, own));
  const move = { at: 4, window: theirMemory, windowAt: 0, length: 4 };
  expect(outcome(bob.regionWrite(region, move, own))).toBe("BadCapability");
  must(alice.guardSet(RESOURCE_KINDS.region, region, 1, theirs, own));
  theirMemory.setU32(0, 0xfeedbeef);
  must(bob.regionWrite(region, move, own));
  expect(memory.getU32(FRAME_BYTES + 104)).toBe(0xfeedbeef);
  expect(outcome(bob.regionWrite(region, { ...move, at: 13 }, own))).toBe("BadRange");
  expect([memory.getU32(FRAME_BYTES + 96), memory.getU32(FRAME_BYTES + 116)]).toEqual([0, 0]);
  must(bob.regionRead(region, { ...move, windowAt: 64 }, own));
  expect(theirMemory.getU32(64)).toBe(0xfeedbeef);
  expect(outcome(bob.windowBind(frame(11), 1, false, own))).toBe("BadCapability");
  expect(h.root.environments.regions(rowOfSelf(alice))).toBe(1);
  must(alice.framesFree(frame(11), 1, own));
  expect(outcome(bob.regionRead(region, move, own))).toBe("BadRegion");
  expect(h.root.environments.regions(rowOfSelf(alice))).toBe(0);
};

const dma = async (h: KernelHarness): Promise<void> => {
  const [alice] = two(h);
  const memory = memoryOf(alice, 10, 4);
  const copy = {
    from: memory,
    fromAt: 0,
    to: memory,
    toAt: FRAME_BYTES,
    length: 100,
    statusWindow: memory,
    statusAt: 2 * FRAME_BYTES,
  };
  memory.fill(0, 100, 0x5a);
  const queued = alice.dmaCopy(copy);
  if (failed(queued)) return expect(outcome(queued)).toBe("NoDevice");
  expect(memory.getU32(2 * FRAME_BYTES)).toBe(TRANSFER_STATUS.pending);
  expect(await eventually(h, () => memory.getU32(2 * FRAME_BYTES) === TRANSFER_STATUS.done)).toBe(true);
  expect(memory.equals(0, memory, FRAME_BYTES, 100)).toBe(true);
  const status = must(alice.windowBind(frame(12), 1, true, own));
  const target = must(alice.windowBind(frame(13), 1, true, own));
  must(alice.dmaCopy({ ...copy, to: target, toAt: 0, statusWindow: status, statusAt: 0 }));
  must(alice.framesFree(frame(13), 1, own));
  expect(await eventually(h, () => status.getU32(0) !== TRANSFER_STATUS.pending)).toBe(true);
  expect(status.getU32(0)).toBe(TRANSFER_STATUS.cancelled);
  const heir = memoryOf(placeEnvironment(h.root, [1, 3]), 13);
  await h.settle();
  for (let at = 0; at < 100; at += 4) expect(heir.getU32(at)).toBe(0);
};

const displays = (h: KernelHarness): void => {
  const [alice, bob] = two(h);
  if (h.root.displays.count === 0) return expect(outcome(alice.displayPort(0))).toBe("NoDevice");
  const device = grant(h, alice, { name: [DEVICE_NAMES.display, 0], rights: RIGHTS.allocate });
  const port = must(alice.displayPort(0));
  const other = must(bob.displayPort(0));
  expect(port.set(0, 0, 0x123456)).toBe(false);
  expect(outcome(bob.tilesTag(0, 0, 1, bob.self, own))).toBe("BadCapability");
  must(alice.tilesTag(0, 0, 1, alice.self, device));
  const calls = h.root.environments.calls(rowOfSelf(alice));
  expect(port.set(0, 0, 0x123456)).toBe(true);
  expect(h.root.environments.calls(rowOfSelf(alice))).toBe(calls);
  const ignored = h.root.displays.ignored(0);
  expect(other.set(0, 0, 0xffffff)).toBe(false);
  expect(h.root.displays.ignored(0)).toBe(ignored + 1);
  expect(other.get(0, 0)).toBe(0x123456);
  must(h.root.environmentDestroy(alice.self, own));
  expect(h.root.displays.owner(0, 0)).toBe(0);
};

/** An environment that notes what it is asked for and loses, and gives back as it is told to. */
function holder(h: KernelHarness, answers: (gate: Gate, count: number) => void): Gate & { log: string[] } {
  const log: string[] = [];
  const gate = placeEnvironment(h.root, [1, 1], {
    upcalls: (mine) => ({
      sliceBegin: () => mine.sleep(mine.environments.events(rowOfSelf(mine)), NEVER),
      revoke: (kind, count, deadline) => {
        log.push(`asked ${kind} ${count} ${deadline > mine.clock.now()}`);
        answers(mine, count);
      },
      repossessed: (count) => void log.push(`lost ${count}`),
    }),
  });
  return { ...gate, log };
}

const FRAME = RESOURCE_KINDS.frame;

const asksFirst = async (h: KernelHarness): Promise<void> => {
  const gate = holder(h, (mine, count) => void mine.framesFree(frame(12), count, own));
  const window = memoryOf(gate, 10, 4);
  const other = placeEnvironment(h.root, [1, 2]);
  expect(outcome(other.revocationAsk(gate.self, FRAME, 2, own))).toBe("BadCapability");
  expect(outcome(h.root.revocationAsk(gate.self, FRAME, 5, own))).toBe("BadRange");
  expect(outcome(h.root.revocationAsk(gate.self, RESOURCE_KINDS.environment, 1, own))).toBe("BadResource");
  must(h.root.revocationAsk(gate.self, FRAME, 2, own));
  expect(outcome(h.root.revocationAsk(gate.self, FRAME, 1, own))).toBe("Busy");
  expect(await eventually(h, () => gate.log.length > 0)).toBe(true);
  for (let i = 0; i < 20; i++) await h.settle();
  expect(gate.log).toEqual([`asked ${FRAME} 2 true`]);
  expect([10, 11, 12, 13].map((f) => h.root.frames.owner(f))).toEqual([gate.self, gate.self, 0, 0]);
  expect(h.root.revocations.wanted(rowOfSelf(gate), FRAME)).toBe(0);
  expect([h.root.revocations.answered(), h.root.revocations.aborted()]).toEqual([1, 0]);
  expect([gate.repossessions.count(), window.length]).toEqual([0, 0]);
};

const takesByForce = async (h: KernelHarness): Promise<void> => {
  const gate = holder(h, () => {});
  const window = memoryOf(gate, 10, 4);
  must(gate.framesGuarantee(frame(10), 1, true));
  expect(outcome(gate.framesGuarantee(frame(40), 1, true))).toBe("BadFrame");
  must(h.root.revocationAsk(gate.self, FRAME, 3, own));
  expect(await eventually(h, () => gate.log.length === 2)).toBe(true);
  expect(gate.log).toEqual([`asked ${FRAME} 3 true`, "lost 3"]);
  expect([10, 11, 12, 13].map((f) => h.root.frames.owner(f))).toEqual([gate.self, 0, 0, 0]);
  const { repossessions } = gate;
  const taken = Array.from({ length: repossessions.count() }, (_, i) => [
    repossessions.kind(i),
    repossessions.what(i),
    repossessions.extent(i),
  ]);
  expect(taken.toSorted()).toEqual([11, 12, 13].map((f) => [FRAME, f, -1]));
  expect(window.length).toBe(0);
  expect(h.root.environments.state(rowOfSelf(gate))).toBe(1);
  expect(h.root.revocations.aborted()).toBe(1);
  gate.repossessionsClear();
  expect(repossessions.count()).toBe(0);
};

const savesContents = async (h: KernelHarness): Promise<void> => {
  const gate = holder(h, () => {});
  const disk = grant(h, gate, { name: [DEVICE_NAMES.disk, 0], rights: RIGHTS.allocate });
  const window = memoryOf(gate, 10, 1);
  window.fill(0, FRAME_BYTES, 0x77);
  const extent = must(gate.extentAlloc(0, 8, 4, disk, own));
  must(gate.backingSet(extent, 1, 2, own));
  expect(outcome(gate.extentFree(extent, own))).toBe("Busy");
  must(h.root.revocationAsk(gate.self, FRAME, 1, own));
  const { repossessions } = gate;
  expect(await eventually(h, () => repossessions.count() === 1)).toBe(true);
  expect(await eventually(h, () => repossessions.status(0) === TRANSFER_STATUS.done)).toBe(true);
  expect([repossessions.what(0), repossessions.extent(0), repossessions.block(0)]).toEqual([10, extent, 1]);
  expect(await eventually(h, () => h.root.frames.owner(10) === 0)).toBe(true);
  const memory = memoryOf(gate, 20, 2);
  const transfer = { block: 1, count: 1, window: memory, at: 0, statusWindow: memory, statusAt: FRAME_BYTES };
  must(gate.extentRead(extent, transfer, own));
  expect(await eventually(h, () => memory.getU32(FRAME_BYTES) === TRANSFER_STATUS.done)).toBe(true);
  for (let at = 0; at < FRAME_BYTES; at += 4) expect(memory.getU32(at)).toBe(0x77777777);
};

const otherKinds = async (h: KernelHarness): Promise<void> => {
  const gate = holder(h, () => {});
  memoryOf(gate, 10, 4);
  const ring = must(gate.ringBind(frame(10), 2, own));
  const region = must(gate.regionCreate(frame(13), 0, 8, own));
  must(gate.sliceAlloc(40 as never, own));
  const kinds = [RESOURCE_KINDS.ring, RESOURCE_KINDS.region, RESOURCE_KINDS.slice];
  for (const kind of kinds) must(h.root.revocationAsk(gate.self, kind, 1, own));
  expect(await eventually(h, () => gate.repossessions.count() === 3)).toBe(true);
  const taken = [0, 1, 2].map((i) => [gate.repossessions.kind(i), gate.repossessions.what(i)]);
  expect(taken.toSorted()).toEqual(
    [
      [RESOURCE_KINDS.slice, 40],
      [RESOURCE_KINDS.region, region],
      [RESOURCE_KINDS.ring, ring],
    ].toSorted(),
  );
  expect(outcome(gate.ringUnbind(ring))).toBe("BadRing");
  expect(outcome(gate.regionDestroy(region, own))).toBe("BadRegion");
  expect(h.root.slices.owner(40)).toBe(0);
  expect(outcome(gate.framesFree(frame(10), 4, own))).toBe("ok");
  expect(gate.capabilities.rights(capSlot(0))).toBe(RIGHTS.all);
};

/** The cases of this part. */
export const REVOCATION_CASES: readonly ContractCase<KernelHarness>[] = [
  ["lets in whoever reaches one of several entries of a guard", guardEntries],
  ["reads more entries of a guard from a frame, and keeps it pinned", guardLists],
  ["hands over what was offered, once, to whom it was offered", offers],
  ["seals capabilities that travel as bytes, and makes them void", tokens],
  ["lets environments share a part of a frame that they may not share", regions],
  ["copies by DMA, and cancels a copy when a frame of it goes", dma],
  ["lets each environment draw on its own tiles, without a call", displays],
  ["asks first, and takes nothing from who answers in time", asksFirst],
  ["takes by force at the deadline, says what, and leaves what is guaranteed", takesByForce],
  ["saves the contents of frames to the blocks that were named", savesContents],
  ["revokes rings, regions and slices too", otherKinds],
];
