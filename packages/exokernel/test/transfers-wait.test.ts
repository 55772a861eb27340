/** Transfers that are waited for while nobody else runs: on simulated disks, and on files of a host. */
import { existsSync } from "node:fs";
import { makeSimulatedMachine, type Machine } from "@exolith/hw-model";
import { makeHostMachine, openImageDisk } from "@exolith/hw-model/host";
import { RIGHTS } from "@exolith/secure-bind";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  BLOCK_BYTES,
  TRANSFER_STATUS,
  capSlot,
  frame,
  must,
  rowOf,
  type ExtentId,
  type Gate,
  type Transfer,
  type Window,
} from "../src/abi/index.ts";
import { boot } from "../src/index.ts";
import { checkTables, outcome, placeEnvironment } from "../src/testing/index.ts";

const own = capSlot(0);
const BLOCKS = 64;
const FRAMES = 32;

const hostMachine = (): Machine => {
  const disks = [0, 1].map(() => openImageDisk({ temporary: true, blocks: BLOCKS }));
  onTestFinished(async () => void (await Promise.all(disks.map((disk) => disk.close()))));
  return makeHostMachine({ frames: 128, disks });
};
const simulatedMachine = (): Machine =>
  makeSimulatedMachine({ frames: 128, disks: [{ blocks: BLOCKS }, { blocks: BLOCKS }] });

/** An environment that may use both disks. */
interface User {
  readonly gate: Gate;
  readonly memory: Window;
  readonly status: Window;
  /** Claims all blocks of a disk. */
  extent(disk: number): ExtentId;
  /** Queues a transfer between a block and a frame of its memory; where its status is. */
  move(kind: "extentRead" | "extentWrite", extent: ExtentId, part: Partial<Transfer>): number;
}

function placeUser(root: Gate, n: number): User {
  const gate = placeEnvironment(root, [1, n]);
  const slots = [0, 1].map((disk) =>
    must(root.capabilityGrant(gate.self, { name: [3, disk], rights: RIGHTS.allocate }, own, own)),
  );
  const first = n * 40;
  must(gate.framesAlloc(frame(first), FRAMES + 1, own));
  const memory = must(gate.windowBind(frame(first), FRAMES, true, own));
  const status = must(gate.windowBind(frame(first + FRAMES), 1, true, own));
  let transfers = 0;
  return {
    gate,
    memory,
    status,
    extent: (disk) => must(gate.extentAlloc(disk, 0, BLOCKS, slots[disk] ?? own, own)),
    move: (kind, extent, part) => {
      const statusAt = 4 * transfers++;
      const transfer = { block: 0, count: 1, window: memory, at: 0, statusWindow: status, statusAt, ...part };
      must(gate[kind](extent, transfer, own));
      return statusAt;
    },
  };
}

describe.each([
  ["a host", hostMachine],
  ["a simulated machine", simulatedMachine],
])("on %s", (_, make) => {
  test("all transfers of the caller's are done, on every disk, each once, and in order where they overlap", async () => {
    const kernel = boot(make(), { reserveFrames: 0 });
    const user = placeUser(kernel.root, 1);
    const { gate, memory, status } = user;
    for (let i = 0; i < 8; i++) memory.fill(i * BLOCK_BYTES, BLOCK_BYTES, 0x11 * (i + 1));
    const statuses: number[] = [];
    const extents = [user.extent(0), user.extent(1)];
    for (const [disk, extent] of extents.entries()) {
      for (const i of [0, 1, 2])
        statuses.push(user.move("extentWrite", extent, { block: 5, at: (4 * disk + i) * BLOCK_BYTES }));
      statuses.push(user.move("extentWrite", extent, { block: 9, at: (4 * disk + 3) * BLOCK_BYTES }));
      statuses.push(user.move("extentRead", extent, { block: 5, at: (10 + disk) * BLOCK_BYTES }));
      statuses.push(user.move("extentRead", extent, { block: 30, at: (20 + disk) * BLOCK_BYTES }));
    }
    const before = gate.environments.events(rowOf(gate.self));
    expect(outcome(gate.transfersWait())).toBe("ok");
    expect(statuses.map((at) => status.getU32(at))).toEqual(statuses.map(() => TRANSFER_STATUS.done));
    expect(extents.map((extent) => gate.extents.transfers(rowOf(extent)))).toEqual([0, 0]);
    expect([0, 1].map((disk) => memory.getU8((10 + disk) * BLOCK_BYTES + 77))).toEqual([0x33, 0x77]);
    const events = gate.environments.events(rowOf(gate.self));
    expect(events - before).toBe(statuses.length);
    expect(outcome(gate.transfersWait())).toBe("ok");
    for (let i = 0; i < 20; i++) {
      kernel.step();
      // oxlint-disable-next-line no-await-in-loop -- lets the host finish what it might have begun
      await new Promise((resolve) => void setImmediate(resolve));
    }
    expect(gate.environments.events(rowOf(gate.self))).toBe(events);
    checkTables(kernel.root);
  });

  test("a transfer in pieces is done as well, with others' in between", () => {
    const kernel = boot(make(), { reserveFrames: 0 });
    const former = placeUser(kernel.root, 2);
    const dirty = [former.extent(0), former.extent(1)];
    former.memory.fill(0, BLOCK_BYTES, 0xdd);
    for (const extent of dirty) for (const block of [1, 3]) former.move("extentWrite", extent, { block });
    expect(outcome(former.gate.transfersWait())).toBe("ok");
    for (const extent of dirty) must(former.gate.extentFree(extent, own));
    const user = placeUser(kernel.root, 1);
    const { memory, status, gate } = user;
    memory.fill(0, 16 * BLOCK_BYTES, 0xee);
    const statuses = [0, 1].map((disk) =>
      user.move("extentRead", user.extent(disk), { count: 6, at: disk * 8 * BLOCK_BYTES }),
    );
    expect(outcome(gate.transfersWait())).toBe("ok");
    expect(statuses.map((at) => status.getU32(at))).toEqual([TRANSFER_STATUS.done, TRANSFER_STATUS.done]);
    for (const at of [0, 8])
      for (let block = 0; block < 8; block++)
        expect(memory.getU8((at + block) * BLOCK_BYTES + 5)).toBe(block < 6 ? 0 : 0xee);
    checkTables(kernel.root);
  });
});

test("a write that the host cannot do is waited for, and has failed", () => {
  if (!existsSync("/dev/full")) return;
  const full = openImageDisk({ path: "/dev/full", blocks: BLOCKS });
  const good = openImageDisk({ temporary: true, blocks: BLOCKS });
  onTestFinished(async () => void (await Promise.all([full.close(), good.close()])));
  const { root } = boot(makeHostMachine({ frames: 128, disks: [full, good] }), { reserveFrames: 0 });
  const user = placeUser(root, 1);
  const [bad, fine] = [user.extent(0), user.extent(1)];
  const statuses = [bad, fine, bad].map((extent) => user.move("extentWrite", extent, { block: 2 }));
  expect(outcome(user.gate.transfersWait())).toBe("ok");
  const { done, failed } = TRANSFER_STATUS;
  expect(statuses.map((at) => user.status.getU32(at))).toEqual([failed, done, failed]);
  checkTables(root);
});
