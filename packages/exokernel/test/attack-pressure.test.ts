/** What a hostile environment may try against memory pressure, aborts and the devices behind them. */
import { RIGHTS } from "@exolith/secure-bind";
import { expect, test } from "vitest";
import {
  FRAME_BYTES,
  NEVER,
  RESOURCE_KINDS,
  TRANSFER_STATUS,
  capSlot,
  failed,
  frame,
  must,
  rowOf,
  type ExtentId,
  type Gate,
  type Window,
} from "../src/abi/index.ts";
import { load } from "../src/load.ts";
import { step, wakeAt } from "../src/step.ts";
import { makeRig, placeEnvironment } from "../src/testing/index.ts";
import { checkKernel } from "./check-kernel.ts";

const own = capSlot(0);
const { frame: FRAME } = RESOURCE_KINDS;

/** A loaded kernel whose machine jumps to the next time that something is due. */
function world(frames: number, reserveFrames: number) {
  const { machine } = makeRig(frames);
  const { kernel, root } = load(machine, { reserveFrames });
  const drive = (steps: number): void => {
    for (let i = 0; i < steps; i++) {
      if (step(kernel)) continue;
      const at = wakeAt(kernel);
      if (at === NEVER) return;
      machine.clock.advance(at);
    }
  };
  const seconds = (): number => machine.clock.now() / machine.clock.hertz;
  return { machine, kernel, root, drive, seconds };
}

const sleepUntilEvent = (gate: Gate): void =>
  void gate.sleep(gate.environments.events(rowOf(gate.self)), NEVER as never);

test("asking oneself is no way to processor time that is not one's own", () => {
  const { machine, kernel, root } = world(64, 0);
  let alive = true;
  const thief = placeEnvironment(root, [1, 1], {
    upcalls: (gate) => ({
      sliceBegin: () => {},
      revoke: () => {
        machine.clock.spend(gate.slices.quantum() * 0.9);
        gate.framesFree(frame(21), 1, own);
        gate.framesAlloc(frame(21), 1, own);
        gate.framesFree(frame(21), 1, own);
      },
    }),
  });
  for (let i = 0; i < 1000 && alive; i++) {
    alive = root.environments.id(rowOf(thief.self)) === thief.self;
    if (!alive) break;
    if (root.frames.owner(21) === 0) must(thief.framesAlloc(frame(21), 1, own));
    thief.revocationAsk(thief.self, FRAME, 1, own);
    step(kernel);
  }
  expect(alive).toBe(false);
  checkKernel(kernel);
});

test("cancelled copies leave the DMA engine to others", () => {
  const { machine, kernel, root, drive, seconds } = world(2048, 0);
  const hog = placeEnvironment(root, [1, 1]);
  const victim = placeEnvironment(root, [1, 2]);
  must(hog.framesAlloc(frame(0), 1024, own));
  const large = must(hog.windowBind(frame(0), 1024, true, own));
  must(victim.framesAlloc(frame(1500), 1, own));
  const small = must(victim.windowBind(frame(1500), 1, true, own));
  const bytes = 1024 * FRAME_BYTES;
  for (let round = 0; round < 20; round++) {
    must(hog.framesAlloc(frame(1030), 1, own));
    const status = must(hog.windowBind(frame(1030), 1, true, own));
    const copy = {
      from: large,
      fromAt: 0,
      to: large,
      toAt: 0,
      length: bytes,
      statusWindow: status,
      statusAt: 0,
    };
    for (let i = 0; i < 60; i++) hog.dmaCopy(copy);
    expect(kernel.dma.copies.size).toBeGreaterThan(30);
    must(hog.framesFree(frame(1030), 1, own));
    for (let i = 0; i < 4; i++) drive(1);
  }
  const before = seconds();
  const copy = {
    from: small,
    fromAt: 0,
    to: small,
    toAt: 64,
    length: 64,
    statusWindow: small,
    statusAt: 1024,
  };
  must(victim.dmaCopy(copy));
  for (let i = 0; i < 100 && small.getU32(1024) === TRANSFER_STATUS.pending; i++) drive(1);
  expect(small.getU32(1024)).toBe(TRANSFER_STATUS.done);
  expect(seconds() - before).toBeLessThan(0.1);
  expect(machine.dma?.wakeAt(machine.clock.now())).toBe(NEVER);
});

/** An extent over blocks that somebody left dirty, and reads of them that overlap each other for ever. */
function readsForEver(root: Gate, drive: (steps: number) => void): { hog: Gate; count: () => number } {
  const device = { name: [3, 0], rights: RIGHTS.allocate };
  const former = placeEnvironment(root, [1, 9]);
  const disk = must(root.capabilityGrant(former.self, device, own, own));
  must(former.framesAlloc(frame(0), 4, own));
  const left = must(former.windowBind(frame(0), 4, true, own));
  const dirty = must(former.extentAlloc(0, 100, 8, disk, own));
  const status = { statusWindow: left, statusAt: 3 * FRAME_BYTES };
  must(former.extentWrite(dirty, { block: 0, count: 2, window: left, at: 0, ...status }, own));
  drive(50);
  must(root.environmentDestroy(former.self, own));
  let reads = 0;
  const bound: { extent?: ExtentId; window?: Window } = {};
  const hog = placeEnvironment(root, [1, 1], {
    slices: [0],
    upcalls: (gate) => ({
      sliceBegin: () => {
        const { extent, window } = bound;
        for (let i = 0; i < 2 && window !== undefined && extent !== undefined; i++) {
          const at = 6 * FRAME_BYTES + 4 * i;
          if (reads >= 2 && window.getU32(at) === TRANSFER_STATUS.pending) continue;
          const read = {
            block: 0,
            count: 3,
            window,
            at: i * 3 * FRAME_BYTES,
            statusWindow: window,
            statusAt: at,
          };
          if (!failed(gate.extentRead(extent, read, own))) reads += 1;
        }
        sleepUntilEvent(gate);
      },
      revoke: () => {},
    }),
  });
  const grant = must(root.capabilityGrant(hog.self, device, own, own));
  must(hog.framesAlloc(frame(0), 60, own));
  must(hog.framesGuarantee(frame(0), 7, true));
  const extent = must(hog.extentAlloc(0, 100, 8, grant, own));
  must(hog.backingSet(extent, 0, 2, own));
  Object.assign(bound, { extent, window: must(hog.windowBind(frame(0), 7, true, own)) });
  must(root.wake(hog.self, own));
  return { hog, count: () => reads };
}

test("reads of the blocks where a frame is to be saved put nothing off", () => {
  const { kernel, root, drive } = world(64, 0);
  const { hog, count } = readsForEver(root, drive);
  drive(20);
  must(root.revocationAsk(hog.self, FRAME, 2, own));
  drive(3000);
  expect(count()).toBeGreaterThan(2);
  expect(root.revocations.aborted()).toBe(1);
  expect(kernel.revocations.queued).toEqual([]);
  expect([hog.repossessions.status(0), hog.repossessions.status(1)]).toEqual([
    TRANSFER_STATUS.done,
    TRANSFER_STATUS.done,
  ]);
  checkKernel(kernel);
});

test("drawing on tiles of others takes the time of drawing", () => {
  const { machine, root } = (() => {
    const rig = makeRig(64, {}, { displays: [{ width: 512, height: 512 }] });
    return { machine: rig.machine, root: rig.root };
  })();
  const port = must(placeEnvironment(root, [1, 1]).displayPort(0));
  const before = machine.clock.now();
  expect(port.fill(0, 0, 512, 512, 1)).toBe(0);
  expect(machine.clock.now() - before).toBeGreaterThan(512 * 512 * 0.1);
});
