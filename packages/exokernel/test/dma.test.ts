import { makeSimulatedMachine, type DmaOptions, type SimulatedMachine } from "@exolith/hw-model";
import { RIGHTS } from "@exolith/secure-bind";
import { describe, expect, test } from "vitest";
import {
  DMA_BYTES,
  DMA_COPIES,
  FRAME_BYTES,
  RESOURCE_KINDS,
  TRANSFER_STATUS,
  capSlot,
  frame,
  must,
  rowOf,
  type DmaCopy,
  type Gate,
  type Window,
} from "../src/abi/index.ts";
import type { Kernel } from "../src/kernel.ts";
import { load } from "../src/load.ts";
import { step, wakeAt } from "../src/step.ts";
import { outcome, placeEnvironment } from "../src/testing/index.ts";
import { TRACE_EVENTS, makeTrace } from "../src/trace.ts";

const own = capSlot(0);
const { pending, done, cancelled } = TRANSFER_STATUS;

/** A machine with a DMA engine, and an environment with frames 10 to 17: 10 to 15 in one window, 16 for completion words. */
interface World {
  readonly machine: SimulatedMachine;
  readonly kernel: Kernel;
  readonly root: Gate;
  readonly gate: Gate;
  readonly memory: Window;
  readonly status: Window;
}

function makeWorld(dma?: DmaOptions | false): World {
  const machine = makeSimulatedMachine({ frames: 64, ...(dma === undefined ? {} : { dma }) });
  const { kernel, root } = load(machine, { reserveFrames: 0 });
  const gate = placeEnvironment(root, [1, 1]);
  must(gate.framesAlloc(frame(10), 8, own));
  const memory = must(gate.windowBind(frame(10), 6, true, own));
  return { machine, kernel, root, gate, memory, status: must(gate.windowBind(frame(16), 1, true, own)) };
}

/** From frame 10 to frame 12, unless changed. */
const copyOf = ({ memory, status }: World, change: Partial<DmaCopy> = {}): DmaCopy => ({
  from: memory,
  fromAt: 0,
  to: memory,
  toAt: 2 * FRAME_BYTES,
  length: FRAME_BYTES,
  statusWindow: status,
  statusAt: 0,
  ...change,
});

/** Lets the engine finish what it has. */
function settle({ machine, kernel }: World): void {
  for (let i = 0; i < 200 && kernel.dma.copies.size > 0; i++) {
    const at = wakeAt(kernel);
    if (at !== Infinity) machine.clock.advance(at);
    step(kernel);
  }
  expect(kernel.dma.copies.size).toBe(0);
}

test("[H10] freeing a page with DMA pending cancels the copy before the page is used again, page by page", () => {
  for (const freed of [10, 12]) {
    const w = makeWorld();
    const { gate, memory, status, root } = w;
    memory.fill(0, 6 * FRAME_BYTES, 0x5a);
    must(gate.dmaCopy(copyOf(w)));
    must(gate.dmaCopy(copyOf(w, { fromAt: FRAME_BYTES, toAt: 3 * FRAME_BYTES, statusAt: 4 })));
    expect([status.getU32(0), status.getU32(4), root.dma.pending()]).toEqual([pending, pending, 2]);
    must(gate.framesFree(frame(freed), 1, own));
    const heir = placeEnvironment(root, [1, 2]);
    must(heir.framesAlloc(frame(freed), 1, own));
    const seen = must(heir.windowBind(frame(freed), 1, true, own));
    for (let at = 0; at < FRAME_BYTES; at += 4) expect(seen.getU32(at)).toBe(0);
    seen.fill(0, FRAME_BYTES, 0x77);
    settle(w);
    for (let at = 0; at < FRAME_BYTES; at++) expect(seen.getU8(at)).toBe(0x77);
    const target = must(gate.windowBind(frame(13), 1, false, own));
    expect(target.getU8(5)).toBe(0x5a);
    expect([status.getU32(0), status.getU32(4)]).toEqual([cancelled, done]);
    expect([root.dma.pending(), root.dma.done(), root.dma.cancelled()]).toEqual([0, 1, 1]);
  }
});

describe("copies", () => {
  test("take effect as a whole when they are done, are counted, and wake who waits", () => {
    const w = makeWorld();
    const { gate, memory, status, root } = w;
    for (let at = 0; at < FRAME_BYTES; at++) memory.setU8(at, (at * 3) & 0xff);
    must(gate.dmaCopy(copyOf(w, { toAt: 2 * FRAME_BYTES + 1, length: FRAME_BYTES - 1 })));
    const events = root.environments.events(rowOf(gate.self));
    step(w.kernel);
    expect([status.getU32(0), memory.getU8(2 * FRAME_BYTES + 2)]).toEqual([pending, 0]);
    expect(wakeAt(w.kernel)).toBeGreaterThan(w.machine.clock.now());
    expect(wakeAt(w.kernel)).toBeLessThan(Infinity);
    settle(w);
    expect(status.getU32(0)).toBe(done);
    expect(root.environments.events(rowOf(gate.self))).toBe(events + 1);
    expect(memory.equals(0, memory, 2 * FRAME_BYTES + 1, FRAME_BYTES - 1)).toBe(true);
    expect([memory.getU8(2 * FRAME_BYTES), memory.getU8(3 * FRAME_BYTES)]).toEqual([0, 0]);
    expect([root.dma.pending(), root.dma.done(), root.dma.cancelled()]).toEqual([0, 1, 0]);
  });

  test("go on when a window of theirs is unbound: their frames are what must not be freed", () => {
    const w = makeWorld();
    w.memory.setU32(0, 42);
    must(w.gate.dmaCopy(copyOf(w)));
    must(w.gate.windowUnbind(w.memory));
    settle(w);
    expect(must(w.gate.windowBind(frame(12), 1, false, own)).getU32(0)).toBe(42);
    expect(w.status.getU32(0)).toBe(done);
  });

  test("are cancelled with the frame of the completion word, which is not written any more", () => {
    const w = makeWorld();
    w.memory.setU32(0, 42);
    must(w.gate.dmaCopy(copyOf(w)));
    must(w.gate.framesFree(frame(16), 1, own));
    const heir = placeEnvironment(w.root, [1, 2]);
    must(heir.framesAlloc(frame(16), 1, own));
    settle(w);
    expect(must(heir.windowBind(frame(16), 1, false, own)).getU32(0)).toBe(0);
    expect(w.memory.getU32(2 * FRAME_BYTES)).toBe(0);
    expect(w.root.dma.cancelled()).toBe(1);
  });

  test("of an environment that ends touch nothing, in memory of others either", () => {
    const w = makeWorld();
    const { root } = w;
    const friend = placeEnvironment(root, [1, 2]);
    must(friend.framesAlloc(frame(30), 2, own));
    const theirs = must(friend.windowBind(frame(30), 2, true, own));
    const shared = { name: [1, 1], rights: RIGHTS.write };
    for (const f of [30, 31]) must(friend.guardSet(RESOURCE_KINDS.frame, f, 1, shared, own));
    const to = must(w.gate.windowBind(frame(30), 2, true, own));
    w.memory.fill(0, FRAME_BYTES, 9);
    theirs.fill(0, 2 * FRAME_BYTES, 1);
    must(w.gate.dmaCopy(copyOf(w, { to, toAt: 0, statusWindow: to, statusAt: FRAME_BYTES })));
    must(
      friend.dmaCopy({
        ...copyOf(w),
        from: theirs,
        to: theirs,
        toAt: 8,
        length: 8,
        statusWindow: theirs,
        statusAt: FRAME_BYTES + 4,
      }),
    );
    expect([theirs.getU32(FRAME_BYTES), theirs.getU32(FRAME_BYTES + 4)]).toEqual([pending, pending]);
    must(root.environmentDestroy(w.gate.self, own));
    expect(root.dma.pending()).toBe(2);
    settle(w);
    expect([theirs.getU8(0), theirs.getU32(FRAME_BYTES)]).toEqual([1, pending]);
    expect(theirs.getU32(FRAME_BYTES + 4)).toBe(done);
    expect([root.dma.done(), root.dma.cancelled()]).toEqual([1, 1]);
  });

  test("of another environment into a frame that is freed are cancelled too, and the trace says so", () => {
    const trace = makeTrace(100);
    const machine = makeSimulatedMachine({ frames: 64 });
    const { kernel, root } = load(machine, { trace, reserveFrames: 0 });
    const gate = placeEnvironment(root, [1, 1]);
    const friend = placeEnvironment(root, [1, 2]);
    must(gate.framesAlloc(frame(10), 2, own));
    must(friend.framesAlloc(frame(30), 1, own));
    must(friend.guardSet(RESOURCE_KINDS.frame, 30, 1, { name: [1, 1], rights: RIGHTS.write }, own));
    const memory = must(gate.windowBind(frame(10), 1, true, own));
    const status = must(gate.windowBind(frame(11), 1, true, own));
    const to = must(gate.windowBind(frame(30), 1, true, own));
    const w = { machine, kernel, root, gate, memory, status };
    memory.setU32(0, 42);
    must(gate.dmaCopy(copyOf(w, { to, toAt: 0 })));
    must(friend.framesFree(frame(30), 1, own));
    must(friend.framesAlloc(frame(30), 1, own));
    settle(w);
    expect(status.getU32(0)).toBe(cancelled);
    expect(must(friend.windowBind(frame(30), 1, false, own)).getU32(0)).toBe(0);
    const seen: number[][] = [];
    trace.read((_, event, a, b) => void (event === TRACE_EVENTS.dmaCancel && seen.push([a, b])));
    expect(seen).toEqual([[gate.self, FRAME_BYTES]]);
  });

  test("are refused by name, and leave the completion word alone", () => {
    const w = makeWorld();
    const { gate, memory, status, root } = w;
    const other = placeEnvironment(root, [1, 2]);
    must(other.framesAlloc(frame(30), 1, own));
    const foreign = must(other.windowBind(frame(30), 1, true, own));
    const reader = must(gate.windowBind(frame(12), 1, false, own));
    const dead = must(gate.windowBind(frame(12), 1, true, own));
    must(gate.windowUnbind(dead));
    const go = (change: Partial<DmaCopy>): string => outcome(gate.dmaCopy(copyOf(w, change)));
    status.setU32(0, 0x1234);
    for (const window of [foreign, dead, {}, null, undefined, 7, new Proxy(memory, {})] as Window[]) {
      expect(go({ from: window })).toBe("BadWindow");
      expect(go({ to: window })).toBe("BadWindow");
      expect(go({ statusWindow: window })).toBe("BadWindow");
    }
    expect(go({ to: reader, toAt: 0 })).toBe("BadWindow");
    expect(go({ statusWindow: reader })).toBe("BadWindow");
    const bad: Partial<DmaCopy>[] = [
      { fromAt: -1 },
      { fromAt: 6 * FRAME_BYTES },
      { fromAt: 5 * FRAME_BYTES + 1 },
      { fromAt: 0.5 },
      { toAt: 6 * FRAME_BYTES - 1 },
      { toAt: Number.NaN },
      { toAt: "0" as never },
      { length: 0 },
      { length: -5 },
      { length: 7 * FRAME_BYTES },
      { length: undefined as never },
      { statusAt: 2 },
      { statusAt: FRAME_BYTES },
      { statusAt: FRAME_BYTES - 2 },
      { statusAt: -4 },
    ];
    for (const change of bad) expect(go(change)).toBe("BadRange");
    for (const nothing of [undefined, null, 3, "copy", []])
      expect(outcome(gate.dmaCopy(nothing as never))).toBe("BadWindow");
    expect([status.getU32(0), root.dma.pending()]).toEqual([0x1234, 0]);
    expect(go({ from: reader, toAt: 0 })).toBe("ok");
  });

  test("longer than the longest are refused", () => {
    const machine = makeSimulatedMachine({ frames: 1200 });
    const { root } = load(machine);
    const frames = DMA_BYTES / FRAME_BYTES + 1;
    must(root.framesAlloc(frame(0), frames, own));
    const all = must(root.windowBind(frame(0), frames, true, own));
    const copy = { from: all, fromAt: 0, to: all, toAt: 0, statusWindow: all, statusAt: 0 };
    expect(outcome(root.dmaCopy({ ...copy, length: DMA_BYTES + 1 }))).toBe("BadRange");
    expect(outcome(root.dmaCopy({ ...copy, length: DMA_BYTES }))).toBe("ok");
  });

  test("are refused on a machine without an engine, and when engine or kernel have no room", () => {
    const none = makeWorld(false);
    expect(outcome(none.gate.dmaCopy(copyOf(none)))).toBe("NoDevice");
    const small = makeWorld({ queueSlots: 2 });
    for (const _ of [1, 2]) must(small.gate.dmaCopy(copyOf(small)));
    expect(outcome(small.gate.dmaCopy(copyOf(small)))).toBe("Full");
    settle(small);
    expect(outcome(small.gate.dmaCopy(copyOf(small)))).toBe("ok");
    const large = makeWorld({ queueSlots: 1000 });
    for (let i = 0; i < DMA_COPIES; i++) must(large.gate.dmaCopy(copyOf(large)));
    expect(outcome(large.gate.dmaCopy(copyOf(large)))).toBe("Full");
    expect(large.root.dma.pending()).toBe(DMA_COPIES);
    must(large.gate.framesFree(frame(10), 1, own));
    settle(large);
    expect(outcome(large.gate.dmaCopy(copyOf(large, { from: large.status })))).toBe("BadWindow");
    const again = must(large.gate.windowBind(frame(12), 1, true, own));
    expect(outcome(large.gate.dmaCopy(copyOf(large, { from: again, to: again, toAt: 0 })))).toBe("ok");
    expect(large.root.dma.cancelled()).toBe(DMA_COPIES);
  });
});
