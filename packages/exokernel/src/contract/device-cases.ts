/** Extents, streams, console and random numbers: what a kernel must keep. */
import { STREAM_STATE } from "@exolith/hw-model";
import { eventually, type ContractCase } from "@exolith/hw-model/contract";
import { RIGHTS } from "@exolith/secure-bind";
import { expect } from "vitest";
import { failed, must } from "../abi/errors.ts";
import { TRANSFER_STATUS, type Transfer } from "../abi/calls/disk.ts";
import type { Gate } from "../abi/gate.ts";
import { BLOCK_BYTES, FRAME_BYTES, frame, type CapSlot, type ExtentId, type StreamId } from "../abi/ids.ts";
import { DEVICE_NAMES } from "../abi/limits.ts";
import type { Window } from "../abi/window.ts";
import { outcome, placeEnvironment } from "../testing/rig.ts";
import { NO_NUMBERS, grant, own, rowOfSelf, type KernelHarness } from "./harness.ts";

/** An environment with an extent of eight blocks from block 8, eight frames, and one for completion words. */
interface DiskUser {
  readonly gate: Gate;
  readonly disk: CapSlot;
  readonly extent: ExtentId;
  readonly memory: Window;
  readonly status: Window;
}

function diskUser(h: KernelHarness): DiskUser {
  const gate = placeEnvironment(h.root, [1, 1]);
  const disk = grant(h, gate, { name: [DEVICE_NAMES.disk, 0], rights: RIGHTS.allocate });
  must(gate.framesAlloc(frame(16), 9, own));
  const extent = must(gate.extentAlloc(0, 8, 8, disk, own));
  const memory = must(gate.windowBind(frame(16), 8, true, own));
  return { gate, disk, extent, memory, status: must(gate.windowBind(frame(24), 1, true, own)) };
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

const done = (h: KernelHarness, u: DiskUser, at: number): Promise<boolean> =>
  eventually(h, () => u.status.getU32(at) === TRANSFER_STATUS.done);

const transfers = async (h: KernelHarness): Promise<void> => {
  const u = diskUser(h);
  const before = u.gate.environments.events(rowOfSelf(u.gate));
  u.memory.fill(0, BLOCK_BYTES, 0x5a);
  u.memory.fill(BLOCK_BYTES, BLOCK_BYTES, 0xa5);
  must(u.gate.extentWrite(u.extent, transferOf(u, { block: 3 }), own));
  expect(await done(h, u, 0)).toBe(true);
  expect(u.gate.environments.events(rowOfSelf(u.gate))).toBe(before + 1);
  must(
    u.gate.extentRead(u.extent, transferOf(u, { block: 4, count: 1, at: 4 * FRAME_BYTES, statusAt: 8 }), own),
  );
  expect(await done(h, u, 8)).toBe(true);
  expect(u.memory.equals(BLOCK_BYTES, u.memory, 4 * FRAME_BYTES, BLOCK_BYTES)).toBe(true);
  expect(u.gate.extents.transfers(u.extent & 0xffff)).toBe(0);
};

const bindsBlocks = (h: KernelHarness): void => {
  const u = diskUser(h);
  const on = (disk: unknown, first: unknown, count: unknown, slot: CapSlot): string =>
    outcome(u.gate.extentAlloc(disk as number, first as number, count as number, slot, own));
  const alloc = (first: unknown, count: unknown): string => on(0, first, count, u.disk);
  expect(alloc(7, 2)).toBe("Busy");
  expect(alloc(15, 1)).toBe("Busy");
  expect(on(0, 16, 1, own)).toBe("BadCapability");
  expect(alloc(h.root.disks.blocks(0), 1)).toBe("BadRange");
  for (const bad of NO_NUMBERS) {
    expect(alloc(bad, 1)).toBe("BadRange");
    expect(alloc(16, bad)).toBe("BadRange");
    expect(on(bad, 16, 1, u.disk)).toBe("NoDevice");
  }
  expect(alloc(16, 1)).toBe("ok");
  must(u.gate.extentFree(u.extent, own));
  expect(outcome(u.gate.extentFree(u.extent, own))).toBe("BadExtent");
  expect(outcome(u.gate.extentRead(u.extent, transferOf(u), own))).toBe("BadExtent");
  expect(alloc(8, 8)).toBe("ok");
};

const transfersAreChecked = (h: KernelHarness): void => {
  const u = diskUser(h);
  const other = placeEnvironment(h.root, [1, 2]);
  must(other.framesAlloc(frame(40), 2, own));
  const memory = must(other.windowBind(frame(40), 1, true, own));
  const status = must(other.windowBind(frame(41), 1, true, own));
  const theirs = transferOf(u, { window: memory, statusWindow: status, count: 1 });
  expect(outcome(other.extentRead(u.extent, theirs, own))).toBe("BadCapability");
  expect(outcome(other.extentWrite(u.extent, theirs, own))).toBe("BadCapability");
  expect(outcome(other.extentFree(u.extent, own))).toBe("BadCapability");
  const reader = must(u.gate.windowBind(frame(16), 1, false, own));
  const read = (change: Partial<Transfer>): string =>
    outcome(u.gate.extentRead(u.extent, transferOf(u, change), own));
  expect(read({ window: reader, count: 1 })).toBe("BadWindow");
  expect(read({ statusWindow: reader })).toBe("BadWindow");
  expect(read({ window: memory })).toBe("BadWindow");
  expect(read({ window: {} as Window })).toBe("BadWindow");
  const bad: Partial<Transfer>[] = [
    { block: 7 },
    { block: -1 },
    { count: 0 },
    { count: 9 },
    { at: 8 },
    { statusAt: 2 },
  ];
  for (const change of bad) expect(read(change)).toBe("BadRange");
  expect(outcome(u.gate.extentRead(u.extent, undefined as never, own))).toBe("BadWindow");
  expect(u.gate.extents.transfers(u.extent & 0xffff)).toBe(0);
};

const transfersPin = async (h: KernelHarness): Promise<void> => {
  const u = diskUser(h);
  must(u.gate.extentRead(u.extent, transferOf(u), own));
  expect(u.status.getU32(0)).toBe(TRANSFER_STATUS.pending);
  expect(outcome(u.gate.framesFree(frame(16), 1, own))).toBe("Pinned");
  expect(outcome(u.gate.framesFree(frame(24), 1, own))).toBe("Pinned");
  expect(outcome(u.gate.extentFree(u.extent, own))).toBe("Busy");
  const heir = placeEnvironment(h.root, [1, 2]);
  must(h.root.environmentDestroy(u.gate.self, own));
  expect(outcome(heir.framesAlloc(frame(16), 1, own))).toBe("Busy");
  expect(await eventually(h, () => h.root.frames.owner(16) === 0)).toBe(true);
  expect(outcome(heir.framesAlloc(frame(16), 9, own))).toBe("ok");
  expect(h.root.extents.owner(u.extent & 0xffff)).toBe(0);
};

const streams = async (h: KernelHarness): Promise<void> => {
  const gate = placeEnvironment(h.root, [1, 1]);
  const device = grant(h, gate, { name: [DEVICE_NAMES.stream, 0], rights: RIGHTS.none });
  must(gate.framesAlloc(frame(16), 1, own));
  const memory = must(gate.windowBind(frame(16), 1, true, own));
  expect(outcome(gate.streamAccept(0, own))).toBe("BadCapability");
  for (const bad of NO_NUMBERS) expect(outcome(gate.streamAccept(bad as number, device))).toBe("NoDevice");
  expect(outcome(gate.streamAccept(0, device))).toBe("Empty");
  h.openStream("hello");
  let stream: StreamId | undefined;
  const accepted = await eventually(h, () => {
    const got = stream ?? gate.streamAccept(0, device);
    if (!failed(got)) stream = got;
    return stream !== undefined && gate.streams.state(stream & 0xffff) !== 0;
  });
  expect(accepted).toBe(true);
  const mine = stream as unknown as StreamId;
  const read = (at: unknown, length: unknown): unknown =>
    gate.streamRead(mine, memory, at as number, length as number);
  expect(await eventually(h, () => (gate.streams.state(mine & 0xffff) & STREAM_STATE.readable) !== 0)).toBe(
    true,
  );
  expect(read(10, 100)).toBe(5);
  expect(memory.text(10, 5)).toBe("hello");
  expect(outcome(read(FRAME_BYTES, 1))).toBe("BadRange");
  for (const bad of NO_NUMBERS) expect(outcome(read(bad, 1))).toBe("BadRange");
  expect(must(gate.streamWrite(mine, memory, 10, 5))).toBe(5);
  const other = placeEnvironment(h.root, [1, 2]);
  expect(outcome(other.streamControl(mine, "close"))).toBe("BadStream");
  expect(outcome(gate.streamControl(mine, "what" as never))).toBe("BadRange");
  must(gate.streamControl(mine, "end"));
  must(gate.streamControl(mine, "close"));
  expect(outcome(gate.streamControl(mine, "close"))).toBe("BadStream");
  expect(outcome(read(0, 1))).toBe("BadStream");
};

const consoleAndRandom = (h: KernelHarness): void => {
  const gate = placeEnvironment(h.root, [1, 1]);
  must(gate.framesAlloc(frame(16), 1, own));
  const memory = must(gate.windowBind(frame(16), 1, true, own));
  const reader = must(gate.windowBind(frame(16), 1, false, own));
  must(gate.randomFill(memory, 100, 64));
  let sum = 0;
  for (let at = 0; at < 64; at++) sum += memory.getU8(100 + at);
  expect(sum).toBeGreaterThan(0);
  expect([memory.getU8(99), memory.getU8(164)]).toEqual([0, 0]);
  expect(outcome(gate.randomFill(reader, 0, 8))).toBe("BadWindow");
  expect(outcome(gate.randomFill(memory, FRAME_BYTES - 4, 8))).toBe("BadRange");
  memory.write(0, Uint8Array.from([72, 105, 10]), 0, 3);
  expect(outcome(gate.consoleWrite(memory, 0, 3, own))).toBe("BadCapability");
  const console = grant(h, gate, { name: [DEVICE_NAMES.console, 0], rights: RIGHTS.write });
  expect(must(gate.consoleWrite(reader, 0, 3, console))).toBe(3);
  expect(outcome(gate.consoleWrite(memory, FRAME_BYTES, 1, console))).toBe("BadRange");
};

/** The cases of this part. */
export const DEVICE_CASES: readonly ContractCase<KernelHarness>[] = [
  ["reads back from blocks what was written to them", transfers],
  ["binds a block once, and frees it", bindsBlocks],
  ["refuses transfers of others, and outside an extent or a window", transfersAreChecked],
  ["keeps memory and blocks taken until the disk is done, even when their owner is gone", transfersPin],
  ["accepts, reads, writes and ends streams for their owner alone", streams],
  ["writes to the console with a capability, and fills memory with random bytes", consoleAndRandom],
];
